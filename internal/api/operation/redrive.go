package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
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

// Parameters that say which row an action is about.
const (
	tableParameter = "Table"
	idParameter    = "Id"
	allParameter   = "All"
)

// redrive takes up a row at once, or all that is parked or of a table by a job. It needs the
// right to delete what it may take away.
func redrive() Declaration {
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "segue_Redrive", About: "Takes up again what is parked.",
			Parameters: []call.Parameter{
				{Name: tableParameter, Type: schema.String},
				{Name: idParameter, Type: schema.GUID},
				{Name: allParameter, Type: schema.Boolean},
			},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, _ rows.Ref, given call.Arguments) (Answer, error) {
			if err := e.Entities.Admit(ctx, c, sales.Right{Privilege: sales.Delete, Table: name.ParkedChange}); err != nil {
				return Answer{}, err
			}
			ref, all := rows.Ref{Table: given.Text(tableParameter), ID: given.Text(idParameter)}, given.Is(allParameter)
			switch {
			case all && ref.ID == "":
				return Answer{}, e.Redriver.BeginRedrive(ctx, tx, ref.Table)
			case all || ref.Table == "" || ref.ID == "":
				return Answer{}, sales.Refuse(sales.Invalid, "the parameters must be Table and Id, or All, or All and Table")
			}
			// The reactions have units of work of their own, and follow what is committed.
			tx.OnCommit(redriven(ref), func(ctx context.Context) error {
				return e.Redriver.Redrive(ctx, ref)
			})
			return Answer{}, nil
		},
	}
}

// redriven is the key of a hook.
type redriven rows.Ref
