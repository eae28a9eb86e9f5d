package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

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
