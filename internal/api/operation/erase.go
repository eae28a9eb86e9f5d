package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Eraser takes out what rows tell of a person (docs/domain.md §13.7).
type Eraser interface {
	// EraseIn erases a record in a unit of work, which begins a job for what is left,
	// and returns the erasure's id.
	EraseIn(ctx context.Context, tx *rows.Tx, ref rows.Ref) (name.ErasureID, error)
}

// erase erases a record. It needs the right to make erasures.
func erase() Declaration {
	const id = "ErasureId"
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "segue_Erase", About: "Takes out of the rows what they tell of a person.",
			Parameters: []call.Parameter{
				{Name: tableParameter, Type: schema.String, Required: true},
				{Name: idParameter, Type: schema.GUID, Required: true},
			},
			Returns: call.Return{Optional: true, Type: &call.Complex{
				Name: "segue_EraseResponse", Properties: []call.Property{{Name: id, Type: schema.GUID}},
			}},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, _ rows.Ref, given call.Arguments) (Answer, error) {
			if err := e.Entities.Admit(ctx, c, sales.Right{Privilege: sales.Create, Table: name.Erasure}); err != nil {
				return Answer{}, err
			}
			made, err := e.Eraser.EraseIn(ctx, tx, rows.Ref{Table: given.Text(tableParameter), ID: given.Text(idParameter)})
			return Answer{Value: call.Result{id: string(made)}}, err
		},
	}
}
