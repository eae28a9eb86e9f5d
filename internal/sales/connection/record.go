package connection

import (
	"context"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// RecordRules are the life-cycle effects of docs/domain.md §16 on the
// connections of a record, each in the transaction of the change that causes it.
func (s *Connections) RecordRules() entity.Rules { return recordRules{connections: s} }

type recordRules struct {
	entity.Plain
	connections *Connections
}

// Update implements [entity.Rules].
func (r recordRules) Update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	view := sales.Record{Row: row}
	if before[name.Statecode] != schema.Int(sales.RecordOpen) && !view.Open() {
		return sales.Refuse(sales.Precondition, "%v is closed (statecode %d) and read-only until it is opened again (statecode 0)", row.Ref(), view.State())
	}
	if !view.Open() {
		_, err := r.connections.EndConnections(ctx, tx, row, sequence.RecordClosed, "")
		return err
	}
	if mayReassign(row, before) {
		return r.connections.reassignTargets(ctx, tx, row)
	}
	return nil
}

// Delete implements [entity.Rules].
func (r recordRules) Delete(ctx context.Context, tx *rows.Tx, row *rows.Row) (keep bool, err error) {
	_, err = r.connections.EndConnections(ctx, tx, row, sequence.RecordClosed, "")
	return false, err
}
