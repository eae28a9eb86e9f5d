package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// openActivity makes the activity of a step for a seller who begins with it.
func openActivity() Declaration {
	const id, table = "ActivityId", "ActivityType"
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "OpenActivity", About: "Makes the phone call, email or task of an open step, where it was not made with the step, and tells which it is.",
			Binding: call.ToRow, Tables: []string{name.SequenceTargetStep},
			Returns: call.Return{Type: &call.Complex{Name: "segue_OpenActivityResponse", Properties: []call.Property{
				{Name: id, Type: schema.GUID}, {Name: table, Type: schema.String},
			}}},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, _ call.Arguments) (Answer, error) {
			activity, err := e.Progress.OpenActivity(ctx, tx, c, name.SequenceTargetStepID(on.ID))
			return Answer{Value: call.Result{id: activity.ID, table: activity.Table}}, err
		},
	}
}

// retryStep has the system do a step that it has held.
func retryStep() Declaration {
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "Retry", About: "Has the system try a step again that it could not do. An email of which nobody knows whether it was sent is sent again.",
			Binding: call.ToRow, Tables: []string{name.SequenceTargetStep},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, _ call.Arguments) (Answer, error) {
			return Answer{}, e.Progress.Retry(ctx, tx, c, name.SequenceTargetStepID(on.ID))
		},
	}
}
