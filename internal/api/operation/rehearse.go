package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/rehearsal"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Rehearse carries out the tests of a sequence ([segue/internal/boot/rehearse]).
type Rehearse func(ctx context.Context, s rehearsal.Sequence, script *rehearsal.Script) ([]rehearsal.Result, error)

// runTests carries out tests of a sequence, as it is written.
func runTests() Declaration {
	const tests = "Tests"
	step := &call.Complex{Name: "segue_TestStep", Properties: []call.Property{
		{Name: "Name", Type: schema.String}, {Name: "State", Type: schema.String}, {Name: "Opened", Type: schema.DateTime}, {Name: "Due", Type: schema.DateTime, Nullable: true},
		{Name: "Closed", Type: schema.DateTime, Nullable: true}, {Name: "Note", Type: schema.String, Nullable: true},
	}}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "RunTests", About: "Carries out tests of a sequence on an empty organization of their own, with a clock that they move; writes nothing.",
			Binding: call.ToRow, Tables: []string{name.Sequence},
			Parameters: []call.Parameter{{Name: tests, Type: schema.String, Required: true}, {Name: definitionParameter, Row: true, Tables: []string{name.Sequence}}},
			Returns: call.Return{Type: &call.Complex{Name: "segue_RunTestsResponse", Properties: []call.Property{
				{Name: "Passed", Type: schema.Boolean},
				{Name: "Results", Many: true, Of: &call.Complex{Name: "segue_TestResult", Properties: []call.Property{
					{Name: "Name", Type: schema.String}, {Name: "Passed", Type: schema.Boolean}, {Name: "Line", Type: schema.Integer},
					{Name: "Expected", Type: schema.String, Nullable: true}, {Name: "Got", Type: schema.String, Nullable: true}, {Name: "Trace", Of: step, Many: true},
				}}},
			}}},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error) {
			saved, err := e.Entities.RetrieveIn(ctx, tx, c, on)
			if err != nil {
				return Answer{}, err
			}
			if e.Rehearse == nil {
				return Answer{}, sales.Refuse(sales.NotServed, "tests of sequences are not carried out by a deployment; `segue test FILE` carries them out on any machine")
			}
			script, err := rehearsal.Parse(given.Text(tests))
			if err != nil {
				return Answer{}, sales.Refuse(sales.Invalid, "the parameter '%s': %v", tests, err)
			}
			draft, err := e.Entities.CheckDraft(c, saved.Table, saved, given.Row(definitionParameter).Values)
			if err != nil {
				return Answer{}, err
			}
			tested, err := sequenceOf(draft)
			if err != nil {
				return Answer{}, err
			}
			results, err := e.Rehearse(ctx, tested, script)
			if errors.Is(err, context.DeadlineExceeded) {
				return Answer{}, sales.Refuse(sales.Limit, "the tests take longer than a request may; carry out fewer at once, or use `segue test FILE`")
			}
			return Answer{Value: resultsOf(results)}, err
		},
	}
}

// sequenceOf is what is tested of a sequence: all that its row says of how its records go.
func sequenceOf(draft schema.Values) (rehearsal.Sequence, error) {
	text := func(column string) string { t, _ := draft[column].Text(); return t }
	columns := map[string]any{}
	for _, column := range []string{
		name.MsdynSequenceexitcriterion, name.MsdynAssignsequencetype, name.MsdynAssignsequencefieldname, name.MsdynAssignsequencecondition,
		name.MsdynIswaittimecomputationenabledatsequencelevel,
	} {
		v := draft[column]
		switch v.Kind() {
		case schema.KindText:
			columns[column], _ = v.Text()
		case schema.KindInt:
			columns[column], _ = v.Int()
		case schema.KindBool:
			columns[column], _ = v.Bool()
		default: // not set
		}
	}
	more, err := json.Marshal(columns)
	if err != nil {
		return rehearsal.Sequence{}, fmt.Errorf("write the columns of a sequence: %w", err)
	}
	return rehearsal.Sequence{Title: text(name.MsdynName), Table: text(name.MsdynRegardingentityname), Text: text(name.MsdynDefinition), Columns: more}, nil
}

func resultsOf(results []rehearsal.Result) call.Result {
	passed, list := true, []call.Result{}
	for _, r := range results {
		passed = passed && r.Passed
		trace := []call.Result{}
		for _, s := range r.Trace {
			trace = append(trace, call.Result{"Name": s.Name, "State": s.State, "Opened": s.Opened, "Due": moment(s.Due), "Closed": moment(s.Closed), "Note": optional(s.Note)})
		}
		list = append(list, call.Result{
			"Name": r.Name, "Passed": r.Passed, "Line": int64(r.Line), "Expected": optional(r.Expected), "Got": optional(r.Got), "Trace": trace,
		})
	}
	return call.Result{"Passed": passed, "Results": list}
}

// moment is a time that may not have come.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
