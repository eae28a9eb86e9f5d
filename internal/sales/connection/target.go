package connection

import (
	"context"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// TargetRules let no caller write a target: they are made and ended by connecting and disconnecting alone.
func (s *Connections) TargetRules() entity.Rules { return targetRules{} }

type targetRules struct{ entity.Plain }

// Update implements [entity.Rules].
func (targetRules) Update(context.Context, *rows.Tx, *rows.Row, map[string]schema.Value) error {
	return sales.Refuse(sales.Precondition, "a sequence target changes by its steps and ends by the action msdyn_DisconnectSequence")
}

// Delete implements [entity.Rules].
func (targetRules) Delete(context.Context, *rows.Tx, *rows.Row) (keep bool, err error) {
	return false, sales.Refuse(sales.Precondition, "a sequence target is never deleted; the action msdyn_DisconnectSequence ends it")
}
