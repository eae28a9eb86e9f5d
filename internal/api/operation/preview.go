package operation

import (
	"context"
	"time"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales/preview"
	"segue/internal/sales/sequence"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The states of a step in a preview that are not those of a closed step.
const (
	stepCurrent = "Current"
	stepComing  = "Coming"
)

// previewStates are the names of the states of a step in a preview.
func previewStates() *call.Enum {
	return &call.Enum{Name: "segue_PreviewState", Members: []string{"Completed", "Skipped", "Cancelled", stepCurrent, stepComing}}
}

// previewSequence tells when the steps of a record on a sequence are due, and why.
func previewSequence() Declaration {
	const record = "Record"
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "Preview", About: "Tells when the steps of a record on a sequence are due, and why: those passed, the current one and those to come.",
			Binding: call.ToRow, Tables: []string{name.Sequence}, Parameters: []call.Parameter{{Name: record, Type: schema.LookupTo, Required: true}},
			Returns: call.Return{Type: &call.Complex{Name: "segue_PreviewResponse", Properties: []call.Property{
				{Name: "AsOf", Type: schema.DateTime}, {Name: "Version", Type: schema.Integer},
				{Name: "TargetId", Type: schema.GUID, Nullable: true}, {Name: "Steps", Of: previewStep(), Many: true},
			}}},
		},
		ask: func(ctx context.Context, e Executor, q Question) (Answer, error) {
			of := q.Given.Lookup(record)
			previewed, err := e.Previews.Of(ctx, q.Caller, name.SequenceID(q.On.ID), rows.Ref{Table: of.Table, ID: of.ID})
			return Answer{Value: previewResult(previewed)}, err
		},
	}
}

// previewStep is the type of a step in a preview.
func previewStep() *call.Complex {
	kinds := &call.Enum{Name: "segue_DueReasonKind"}
	for _, k := range worktime.Kinds() {
		kinds.Members = append(kinds.Members, reasonKind(k))
	}
	reason := &call.Complex{Name: "segue_DueReason", Properties: []call.Property{
		{Name: "Kind", Type: schema.String, Enum: kinds}, {Name: "From", Type: schema.DateTime}, {Name: "To", Type: schema.DateTime},
		{Name: "ClocksForward", Type: schema.Integer, Nullable: true},
	}}
	return &call.Complex{Name: "segue_PreviewStep", Properties: []call.Property{
		{Name: "State", Type: schema.String, Enum: previewStates()}, {Name: "Path", Type: schema.String, Nullable: true},
		{Name: "StepId", Type: schema.GUID}, {Name: "TargetStepId", Type: schema.GUID, Nullable: true},
		{Name: "Name", Type: schema.String}, {Name: "Type", Type: schema.Integer},
		{Name: "Due", Type: schema.DateTime, Nullable: true}, {Name: "Earliest", Type: schema.DateTime, Nullable: true},
		{Name: "Reasons", Of: reason, Many: true}, {Name: "CompletedOn", Type: schema.DateTime, Nullable: true},
		{Name: "Outcome", Type: schema.String, Nullable: true},
	}}
}

// reasonKind is a kind of reason as the member of an enumeration.
func reasonKind(k worktime.Kind) string {
	switch k {
	case worktime.Waiting:
		return "Wait"
	case worktime.OutsideHours:
		return "WorkingHours"
	case worktime.Absent:
		return "Absence"
	case worktime.OnHoliday:
		return "Holiday"
	case worktime.ClockChange:
		return "ClockChange"
	}
	return string(k)
}

func previewResult(p preview.Preview) call.Result {
	steps := []call.Result{}
	for _, row := range p.Passed {
		steps = append(steps, rowResult(row))
	}
	if p.Current != nil {
		current := rowResult(p.Current.Row)
		due := sequence.TargetStep{Row: p.Current.Row}.Due()
		current["State"], current["Due"], current["Earliest"], current["Reasons"] = stepCurrent, due, due, reasonResults(p.Current.Reasons)
		steps = append(steps, current)
	}
	for _, c := range p.Coming {
		result := call.Result{
			"State": stepComing, "Path": c.Path, "StepId": string(c.ID), "Name": c.Name, "Type": int64(c.Type), "Reasons": reasonResults(nil),
		}
		if c.Never != nil {
			result["Outcome"] = c.Never.Error()
		} else {
			result["Due"], result["Earliest"], result["Reasons"] = c.Due.Due, c.Earliest, reasonResults(c.Due.Reasons())
		}
		steps = append(steps, result)
	}
	return call.Result{"AsOf": p.AsOf, "Version": p.Version, "TargetId": optional(string(p.Target)), "Steps": steps}
}

// rowResult is a step of the record.
func rowResult(row *rows.Row) call.Result {
	step := sequence.TargetStep{Row: row}
	result := call.Result{
		"State": stepCurrent, "StepId": row.Text(name.MsdynSequencestepid), "TargetStepId": row.ID, "Name": step.Name(), "Type": int64(step.Type()),
		"Due": step.Due(), "Reasons": reasonResults(nil), "Outcome": optional(row.Text(name.MsdynTriggeroutcome)),
	}
	switch step.Status() {
	case sequence.StepCompleted:
		result["State"] = "Completed"
	case sequence.StepSkipped:
		result["State"] = "Skipped"
	case sequence.StepCancelled:
		result["State"] = "Cancelled"
	case sequence.StepOpen:
	}
	if on := row.Time(name.MsdynCompletedon); !on.IsZero() {
		result["CompletedOn"] = on
	}
	return result
}

func reasonResults(reasons []worktime.Reason) []call.Result {
	results := []call.Result{}
	for _, r := range reasons {
		result := call.Result{"Kind": reasonKind(r.Kind), "From": r.From, "To": r.To}
		if r.Kind == worktime.ClockChange {
			result["ClocksForward"] = int64(r.Clocks / time.Minute)
		}
		results = append(results, result)
	}
	return results
}
