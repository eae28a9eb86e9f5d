package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// upNext tells of all live connections of a record what was done, what is to be done now, and
// what comes when.
func upNext() Declaration {
	const record = "Record"
	step := previewStep()
	step.Name = "segue_UpNextStep"
	step.Properties = append(step.Properties,
		call.Property{Name: "CompletedBy", Type: schema.GUID, Nullable: true}, call.Property{Name: "Actions", Type: schema.String, Many: true})
	connected := &call.Complex{Name: "segue_UpNextConnection", Properties: []call.Property{
		{Name: "TargetId", Type: schema.GUID}, {Name: "SequenceId", Type: schema.GUID}, {Name: "SequenceName", Type: schema.String}, {Name: "Version", Type: schema.Integer},
		{Name: "StepsTotal", Type: schema.Integer}, {Name: "StepsDone", Type: schema.Integer}, {Name: "StepsRemaining", Type: schema.Integer}, {Name: "Days", Type: schema.Integer},
		{Name: "Steps", Of: step, Many: true},
	}}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "segue_UpNext", About: "Tells of all sequences that a record is on which steps are done, which one is to be done now, and when the others are due.",
			Parameters: []call.Parameter{{Name: record, Type: schema.LookupTo, Required: true}},
			Returns: call.Return{Type: &call.Complex{Name: "segue_UpNextResponse", Properties: []call.Property{
				{Name: "Connections", Of: connected, Many: true},
			}}},
		},
		ask: func(ctx context.Context, e Executor, q Question) (Answer, error) {
			of := q.Given.Lookup(record)
			found, err := e.Previews.UpNext(ctx, q.Caller, rows.Ref{Table: of.Table, ID: of.ID})
			if err != nil {
				return Answer{}, err
			}
			connections := []call.Result{}
			for _, one := range found {
				result := previewResult(one.Preview)
				steps, _ := result["Steps"].([]call.Result)
				for n := range steps {
					steps[n]["Actions"] = []string{}
					if n < len(one.Passed) {
						steps[n]["CompletedBy"] = optional(one.Passed[n].Lookup(name.Modifiedby).ID)
					}
				}
				if n := len(one.Passed); one.Current != nil {
					steps[n]["Actions"] = possible(sequence.TargetStep{Row: one.Current.Row})
				}
				connections = append(connections, call.Result{
					"TargetId": string(one.Target), "SequenceId": string(one.Sequence), "SequenceName": one.Name, "Version": one.Version,
					"StepsTotal": int64(one.Steps), "StepsDone": int64(one.Done), "StepsRemaining": int64(one.Steps - one.Done), "Days": int64(one.Days),
					"Steps": steps,
				})
			}
			return Answer{Value: call.Result{"Connections": connections}}, nil
		},
	}
}

// possible lists the actions that an open step allows, by its kind.
func possible(step sequence.TargetStep) []string {
	switch {
	case step.Type() == sequence.Wait && step.BySystem():
		return []string{"SkipWait"}
	case step.BySystem():
		return []string{"Skip"}
	case step.Type().BySystem() && step.Error() != sequence.NoError && step.Type() == sequence.Wait:
		return []string{"SkipWait", "Retry", "Assign"}
	case step.Type().BySystem():
		return []string{"Complete", "Skip", "Retry", "Assign"}
	}
	return []string{"Complete", "Skip", "Snooze", "Assign"}
}
