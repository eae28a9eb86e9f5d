package operation

import (
	"context"
	"maps"
	"slices"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/principal"
	"segue/internal/sales/right"
	"segue/internal/sales/sequence"
	"segue/internal/sales/statistics"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The parameters of statistics and tests.
const (
	versionParameter = "Version"
	stepParameter    = "StepId"
	branchParameter  = "Branch"
)

// reportStatistics tells what has become of the connections and steps of a sequence.
func reportStatistics() Declaration {
	number := func(names ...string) (properties []call.Property) {
		for _, n := range names {
			properties = append(properties, call.Property{Name: n, Type: schema.Integer})
		}
		return properties
	}
	status := &call.Complex{Name: "segue_StatusCount", Properties: number("Status", "Count")}
	reason := &call.Complex{Name: "segue_ReasonCount", Properties: number("Reason", "Count")}
	step := &call.Complex{Name: "segue_StepStatistics", Properties: append([]call.Property{
		{Name: "StepId", Type: schema.GUID}, {Name: "Name", Type: schema.String}, {Name: "MeanSeconds", Type: schema.Integer, Nullable: true},
	}, number("Type", "Version", "InProgress", "Completed", "Skipped", "Cancelled")...)}
	test := &call.Complex{Name: "segue_TestStatistics", Properties: append([]call.Property{
		{Name: "StepId", Type: schema.GUID}, {Name: "Name", Type: schema.String}, {Name: "Metric", Type: schema.String},
		{Name: "State", Type: schema.String, Enum: testStates()}, {Name: "P", Type: schema.Double}, {Name: "Enough", Type: schema.Boolean},
		{Name: "Winner", Type: schema.String, Nullable: true}, {Name: "Branch", Type: schema.String, Nullable: true}, {Name: "EndedOn", Type: schema.DateTime, Nullable: true},
	}, number("RecordsA", "SuccessesA", "RecordsB", "SuccessesB")...)}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "Statistics", About: "Counts what has become of the connections and steps of a sequence, and how its A/B tests stand.",
			Binding: call.ToRow, Tables: []string{name.Sequence}, Parameters: []call.Parameter{{Name: versionParameter, Type: schema.Integer}},
			Returns: call.Return{Type: &call.Complex{Name: "segue_StatisticsResponse", Properties: []call.Property{
				{Name: "AsOf", Type: schema.DateTime}, {Name: "Reporting", Type: schema.Boolean},
				{Name: "Connections", Of: status, Many: true}, {Name: "Reasons", Of: reason, Many: true},
				{Name: "Steps", Of: step, Many: true}, {Name: "Tests", Of: test, Many: true},
			}}},
		},
		ask: func(ctx context.Context, e Executor, q Question) (Answer, error) {
			row, err := e.Entities.Retrieve(ctx, q.Caller, q.On)
			if err != nil {
				return Answer{}, err
			}
			// It tells of everybody's connections.
			targets := e.DB.Schema().Table(name.SequenceTarget)
			if e.Principals.Level(q.Caller, targets, sales.Read) < right.Organization {
				return Answer{}, right.Missing(q.Caller, sales.Read, targets.Name, right.Organization)
			}
			report, err := e.Statistics.Of(ctx, row, q.Given.Int(versionParameter))
			return Answer{Value: statisticsResult(report)}, err
		},
	}
}

func testStates() *call.Enum {
	return &call.Enum{Name: "segue_TestState", Members: []string{
		string(sequence.TestDraft), string(sequence.TestInProgress), string(sequence.TestStopped), string(sequence.TestEnded),
	}}
}

func statisticsResult(r statistics.Report) call.Result {
	statuses, reasons, steps, tests := []call.Result{}, []call.Result{}, []call.Result{}, []call.Result{}
	for _, status := range slices.Sorted(maps.Keys(r.Targets)) {
		statuses = append(statuses, call.Result{"Status": int64(status), "Count": r.Targets[status]})
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
		reasons = append(reasons, call.Result{"Reason": int64(reason), "Count": r.Reasons[reason]})
	}
	for _, s := range r.Steps {
		step := call.Result{
			"StepId": string(s.ID), "Name": s.Name, "Type": int64(s.Type), "Version": s.Version, "MeanSeconds": nil,
			"InProgress": s.InProgress, "Completed": s.Completed, "Skipped": s.Skipped, "Cancelled": s.Canceled,
		}
		if mean, ok := s.Mean(); ok {
			step["MeanSeconds"] = int64(mean.Seconds())
		}
		steps = append(steps, step)
	}
	for _, t := range r.Tests {
		a, b := t.Sides[sequence.A], t.Sides[sequence.B]
		test := call.Result{
			"StepId": string(t.ID), "Name": t.Name, "Metric": t.Metric, "State": string(t.State), "P": t.P, "Enough": t.Enough,
			"Winner": nil, "Branch": nil, "EndedOn": nil,
			"RecordsA": a.Records, "SuccessesA": a.Successes, "RecordsB": b.Records, "SuccessesB": b.Successes,
		}
		if t.Verdict != nil {
			test["Winner"], test["Branch"], test["EndedOn"] = optional(t.Verdict.Winner), sequence.ABTest.Branch(t.Verdict.Branch), t.Verdict.On
		}
		tests = append(tests, test)
	}
	return call.Result{"AsOf": r.AsOf, "Reporting": r.Reporting, "Connections": statuses, "Reasons": reasons, "Steps": steps, "Tests": tests}
}

// stopTest ends an A/B test by hand.
func stopTest() Declaration {
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "StopTest", About: "Ends an A/B test of a sequence: records that come later take the branch given, or else the default.",
			Binding: call.ToRow, Tables: []string{name.Sequence},
			Parameters: []call.Parameter{{Name: stepParameter, Type: schema.GUID, Required: true}, {Name: branchParameter, Type: schema.String}},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error) {
			row, err := e.Entities.RetrieveIn(ctx, tx, c, on)
			if err != nil {
				return Answer{}, err
			}
			if err := e.Principals.AuthorizeRow(ctx, c, sales.Write, principal.OwnedRow(row)); err != nil {
				return Answer{}, err
			}
			return Answer{}, e.Statistics.StopIn(ctx, row, sequence.StepID(given.Text(stepParameter)), given.Text(branchParameter))
		},
	}
}
