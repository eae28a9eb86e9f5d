package operation

import (
	"context"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// Eraser takes out what rows tell of a person (docs/domain.md §13.7).
type Eraser interface {
	// EraseIn erases a record in a unit of work, which begins a job for what is left,
	// and returns the erasure's id.
	EraseIn(ctx context.Context, tx *rows.Tx, ref rows.Ref) (name.ErasureID, error)
}

// erase erases a record. It needs the right to make erasures.
func erase(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, given map[string]string) ([]Result, error) {
	if err := e.Entities.Admit(ctx, c, sales.Right{Privilege: sales.Create, Table: name.Erasure}); err != nil {
		return nil, err
	}
	id, err := e.Eraser.EraseIn(ctx, tx, rows.Ref{Table: given["Table"], ID: given["Id"]})
	if err != nil {
		return nil, err
	}
	return []Result{{Name: "ErasureId", Value: string(id)}}, nil
}
