package operation

import (
	"context"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// Redriver takes up again what is parked (docs/decisions/0011-failure.md).
type Redriver interface {
	// Redrive follows a row as it is now and takes away what was parked of it.
	Redrive(ctx context.Context, ref rows.Ref) error
	// BeginRedrive begins, in a unit of work, a job that redrives all that is parked, or
	// all rows of a table.
	BeginRedrive(ctx context.Context, tx *rows.Tx, table string) error
}

// redrive takes up a row at once, or all that is parked or of a table by a job. It needs the
// right to delete what it may take away.
func redrive(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, given map[string]string) ([]Result, error) {
	if err := e.Entities.Admit(ctx, c, sales.Right{Privilege: sales.Delete, Table: name.ParkedChange}); err != nil {
		return nil, err
	}
	ref, all := rows.Ref{Table: given["Table"], ID: given["Id"]}, given["All"] == "true"
	switch {
	case all && ref.ID == "":
		return nil, e.Redriver.BeginRedrive(ctx, tx, ref.Table)
	case all || ref.Table == "" || ref.ID == "":
		return nil, sales.Refuse(sales.Invalid, "the action takes Table and Id of a row, All, or All and a Table")
	}
	// The reactions have units of work of their own, and follow what is committed.
	tx.OnCommit(redriven(ref), func(ctx context.Context) error {
		return e.Redriver.Redrive(ctx, ref)
	})
	return nil, nil
}

// redriven is the key of a hook.
type redriven rows.Ref
