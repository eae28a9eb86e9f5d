package operation

import (
	"context"
	"time"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/sales/worklist"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// onStep is an action on a step of a record, which responds with the step and the one after it.
func onStep(called, about string, do func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, step name.SequenceTargetStepID, given call.Arguments) (worklist.Result, error), parameters ...call.Parameter) Declaration {
	next := &call.Complex{Name: "segue_NextStep", Properties: []call.Property{
		{Name: "TargetStepId", Type: schema.GUID}, {Name: "Name", Type: schema.String}, {Name: "Type", Type: schema.Integer}, {Name: "Due", Type: schema.DateTime},
	}}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: called, About: about, Binding: call.ToRow, Tables: []string{name.SequenceTargetStep}, Parameters: parameters,
			Returns: call.Return{Type: &call.Complex{Name: "segue_StepResponse", Properties: []call.Property{
				{Name: "TargetStepId", Type: schema.GUID}, {Name: "Status", Type: schema.Integer}, {Name: "Due", Type: schema.DateTime},
				{Name: "Next", Of: next, Nullable: true},
			}}},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error) {
			done, err := do(ctx, tx, e, c, name.SequenceTargetStepID(on.ID), given)
			if err != nil {
				return Answer{}, err
			}
			return Answer{Value: stepResult(done)}, nil
		},
	}
}

func stepResult(done worklist.Result) call.Result {
	step := sequence.TargetStep{Row: done.Step}
	result := call.Result{"TargetStepId": done.Step.ID, "Status": int64(step.Status()), "Due": step.Due(), "Next": nil}
	if done.Next != nil {
		next := sequence.TargetStep{Row: done.Next}
		result["Next"] = call.Result{"TargetStepId": done.Next.ID, "Name": next.Name(), "Type": int64(next.Type()), "Due": next.Due()}
	}
	return result
}

// The parameters of the actions on steps.
const (
	outcomeParameter = "Outcome"
	untilParameter   = "Until"
	ownerParameter   = "Owner"
)

func completeStep() Declaration {
	return onStep("Complete", "Completes an open step and opens the next one.",
		func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, step name.SequenceTargetStepID, given call.Arguments) (worklist.Result, error) {
			return e.Worklist.Complete(ctx, tx, c, step, given.Text(outcomeParameter))
		}, call.Parameter{Name: outcomeParameter, Type: schema.String})
}

func skipStep() Declaration {
	return onStep("Skip", "Goes on without an open step; a condition takes the No branch.",
		func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, step name.SequenceTargetStepID, _ call.Arguments) (worklist.Result, error) {
			return e.Worklist.Skip(ctx, tx, c, step)
		})
}

func skipWait() Declaration {
	return onStep("SkipWait", "Ends a wait before its time: the step that it is called on, or the wait after that step.",
		func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, step name.SequenceTargetStepID, _ call.Arguments) (worklist.Result, error) {
			return e.Worklist.SkipWait(ctx, tx, c, step)
		})
}

func snoozeStep() Declaration {
	return onStep("Snooze", "Puts an open step of a seller off until a moment to come.",
		func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, step name.SequenceTargetStepID, given call.Arguments) (worklist.Result, error) {
			until, _ := given[untilParameter].(time.Time)
			return e.Worklist.Snooze(ctx, tx, c, step, until)
		}, call.Parameter{Name: untilParameter, Type: schema.DateTime, Required: true})
}

func assignStep() Declaration {
	return onStep("Assign", "Hands an open step to a user or a team, and that step alone.",
		func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, step name.SequenceTargetStepID, given call.Arguments) (worklist.Result, error) {
			return e.Worklist.Assign(ctx, tx, c, step, given.Lookup(ownerParameter))
		}, call.Parameter{Name: ownerParameter, Type: schema.LookupTo, Tables: []string{name.User, name.Team}, Required: true})
}

func reopenStep() Declaration {
	return onStep("Reopen", "Takes back that a step was completed or skipped, while nobody has touched the next one and nothing was sent.",
		func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, step name.SequenceTargetStepID, _ call.Arguments) (worklist.Result, error) {
			return e.Worklist.Reopen(ctx, tx, c, step)
		})
}
