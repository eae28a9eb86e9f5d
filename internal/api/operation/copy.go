package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// copying declares an action on a row that makes another one of its table, of the values that a
// copy with a name given by the caller ("": one is made up) has. The caller must be allowed to
// read the one and to make the other; the answer has the id, under its property, and the name.
func copying(action, about, table, property string, values func(ctx context.Context, tx *rows.Tx, e Executor, source *rows.Row, called string) (map[string]schema.Value, error)) Declaration {
	const called = "Name"
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: action, About: about,
			Binding: call.ToRow, Tables: []string{table}, Parameters: []call.Parameter{{Name: called, Type: schema.String}},
			Returns: call.Return{Type: &call.Complex{Name: "segue_" + action + "Response", Properties: []call.Property{
				{Name: property, Type: schema.GUID}, {Name: called, Type: schema.String},
			}}},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error) {
			source, err := e.Entities.RetrieveIn(ctx, tx, c, on)
			if err != nil {
				return Answer{}, err
			}
			copied, err := values(ctx, tx, e, source, given.Text(called))
			if err != nil {
				return Answer{}, err
			}
			made, err := e.Entities.CreateIn(ctx, tx, c, table, "", copied)
			if err != nil {
				return Answer{}, err
			}
			return Answer{Value: call.Result{property: made.ID, called: made.Text(name.MsdynName)}}, nil
		},
	}
}
