package operation

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"segue/internal/filter"
	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/simulation"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The parameters of what tells about segments.
const (
	definitionParameter = "Definition" // columns of a segment that are not saved
	fromParameter       = "From"       // where a part of the walk over the records begins
	topParameter        = "Top"        // how many records are listed
)

// orderParameter is another order of segments, as msdyn_segmentpriorityorder has it.
const orderParameter = "Order"

// usualTop is how many records are listed when nobody says.
const usualTop = 50

// walkParameters are those of an action that walks over the records of a segment's type.
func walkParameters() []call.Parameter {
	return []call.Parameter{
		{Name: definitionParameter, Row: true, Tables: []string{name.Segment}},
		{Name: fromParameter, Type: schema.String}, {Name: topParameter, Type: schema.Integer},
	}
}

// walkProperties are how far it went, followed by what it found.
func walkProperties(found ...call.Property) []call.Property {
	return append([]call.Property{
		{Name: "AsOf", Type: schema.DateTime}, {Name: "Examined", Type: schema.Integer}, {Name: "Next", Type: schema.String, Nullable: true},
	}, found...)
}

func walkResult(w simulation.Walk) call.Result {
	result := call.Result{"AsOf": w.AsOf, "Examined": int64(w.Examined)}
	if w.Next != "" {
		result["Next"] = w.Next
	}
	return result
}

// walked returns the draft and the part of the walk that an action asks for.
func walked(on rows.Ref, given call.Arguments) (simulation.Draft, simulation.Part, error) {
	draft := simulation.Draft{Segment: name.SegmentID(on.ID), Values: given.Row(definitionParameter).Values}
	if text := given.Text(orderParameter); text != "" {
		if on.ID != "" || draft.Values != nil {
			return draft, simulation.Part{}, sales.Refuse(sales.Invalid, "the parameter '%s' is for all segments of a record type: call the action on the set, without '%s'", orderParameter, definitionParameter)
		}
		if err := json.Unmarshal([]byte(text), &draft.Order); err != nil || len(draft.Order) == 0 {
			return draft, simulation.Part{}, sales.Refuse(sales.Invalid, "the parameter '%s' is not a JSON array of segment ids, as %s has them", orderParameter, name.MsdynSegmentpriorityorder)
		}
	} else if on.ID == "" && draft.Values == nil {
		return draft, simulation.Part{}, sales.Refuse(sales.Invalid, "the parameter '%s' is required when the action is not called on a segment", definitionParameter)
	}
	part := simulation.Part{From: given.Text(fromParameter), Records: usualTop}
	if _, ok := given[topParameter]; ok {
		n := given.Int(topParameter)
		if n < 0 || n > simulation.MaxRecords {
			return draft, part, sales.Refuse(sales.Invalid, "the parameter '%s' is %d; it must be from 0 to %d", topParameter, n, simulation.MaxRecords)
		}
		part.Records = int(n)
	}
	return draft, part, nil
}

// findingsProperty is what is found out about a segment without a record.
func findingsProperty() call.Property {
	kinds := &call.Enum{Name: "segue_FindingKind"}
	for _, k := range simulation.FindingKinds() {
		kinds.Members = append(kinds.Members, string(k))
	}
	return call.Property{Name: "Findings", Many: true, Of: &call.Complex{Name: "segue_Finding", Properties: []call.Property{
		{Name: "Kind", Type: schema.String, Enum: kinds}, {Name: "SegmentIds", Type: schema.GUID, Many: true},
		{Name: "Witness", Many: true, Of: &call.Complex{Name: "segue_ColumnValue", Properties: []call.Property{
			{Name: "Column", Type: schema.String}, {Name: "Value", Type: schema.String},
		}}},
		{Name: "Limit", Type: schema.String, Nullable: true}, {Name: "Used", Type: schema.Integer, Nullable: true}, {Name: "Most", Type: schema.Integer, Nullable: true},
	}}}
}

// findingResults are findings on the wire; the witness is of the record type t.
func findingResults(t *schema.Table, findings []simulation.Finding) []call.Result {
	results := []call.Result{}
	for _, f := range findings {
		ids, witness := []string{}, []call.Result{}
		for _, id := range f.Others {
			ids = append(ids, string(id))
		}
		for _, column := range slices.Sorted(maps.Keys(f.Witness)) {
			witness = append(witness, call.Result{"Column": column, "Value": t.Column(column).Text(f.Witness[column])})
		}
		result := call.Result{"Kind": string(f.Kind), "SegmentIds": ids, "Witness": witness}
		if f.Use.Name != "" {
			result["Limit"], result["Used"], result["Most"] = f.Use.Name, int64(f.Use.Used), int64(f.Use.Most)
		}
		results = append(results, result)
	}
	return results
}

// simulate tells which records a segment would get. binding is what it is called on: a
// saved segment, or the set for one that is not saved.
func simulate(binding call.Binding) Declaration {
	outcome := &call.Enum{Name: "segue_Outcome"}
	var counts []call.Property
	for _, o := range simulation.Outcomes() {
		outcome.Members = append(outcome.Members, string(o))
		counts = append(counts, call.Property{Name: string(o), Type: schema.Integer})
	}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "Simulate", About: "Tells which records a segment matches and what would become of them; writes nothing.",
			Binding: binding, Tables: []string{name.Segment}, Parameters: walkParameters(),
			Returns: call.Return{Type: &call.Complex{Name: "segue_SimulateResponse", Properties: walkProperties(
				findingsProperty(), call.Property{Name: "Matching", Type: schema.Integer},
				call.Property{Name: "Outcomes", Of: &call.Complex{Name: "segue_Outcomes", Properties: counts}},
				call.Property{Name: "Clauses", Many: true, Of: &call.Complex{Name: "segue_ClauseCount", Properties: []call.Property{
					{Name: "Node", Type: schema.String}, {Name: "Text", Type: schema.String}, {Name: "Holds", Type: schema.Integer},
				}}},
				call.Property{Name: "Records", Many: true, Of: &call.Complex{Name: "segue_SimulatedRecord", Properties: []call.Property{
					{Name: "RecordId", Type: schema.GUID}, {Name: "Name", Type: schema.String, Nullable: true},
					{Name: "Outcome", Type: schema.String, Enum: outcome}, {Name: "SegmentId", Type: schema.GUID, Nullable: true},
				}}},
			)}},
		},
		run: func(ctx context.Context, _ *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error) {
			draft, part, err := walked(on, given)
			if err != nil {
				return Answer{}, err
			}
			simulated, err := e.Simulation.Simulate(ctx, c, draft, part)
			return Answer{Value: simulatedResult(e.DB.Schema(), simulated)}, err
		},
	}
}

func simulatedResult(tables *schema.Schema, s simulation.Simulated) call.Result {
	result := walkResult(s.Walk)
	result["Findings"] = findingResults(tables.Table(s.Table), s.Findings)
	outcomes, clauses, records := call.Result{}, []call.Result{}, []call.Result{}
	for _, o := range simulation.Outcomes() {
		outcomes[string(o)] = int64(s.Outcomes[o])
	}
	for _, c := range s.Clauses {
		clauses = append(clauses, call.Result{"Node": c.Node, "Text": c.Text, "Holds": int64(c.Holds)})
	}
	for _, r := range s.Records {
		records = append(records, call.Result{
			"RecordId": r.Ref.ID, "Name": optional(r.Name), "Outcome": string(r.Outcome), "SegmentId": segmentOf(r.Segment),
		})
	}
	result["Matching"], result["Outcomes"], result["Clauses"], result["Records"] = int64(s.Matching), outcomes, clauses, records
	return result
}

// segmentOf is the id of a segment on the wire: null for none and for one that is not
// saved.
func segmentOf(id name.SegmentID) any {
	if id == simulation.NewDraft {
		return nil
	}
	return optional(string(id))
}

// optional is a text on the wire, null for the empty one.
func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// activationDiff tells what would change if a segment were activated, moved, edited or
// deactivated, or if the segments of a record type had another order.
func activationDiff(binding call.Binding) Declaration {
	fromTo := []call.Property{{Name: "FromSegmentId", Type: schema.GUID, Nullable: true}, {Name: "ToSegmentId", Type: schema.GUID, Nullable: true}}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "ActivationDiff", About: "Tells which records would move, and which connections would begin and end, if a segment were activated, moved, edited or deactivated, or all were reordered; writes nothing.",
			Binding: binding, Tables: []string{name.Segment}, Parameters: append(walkParameters(), call.Parameter{Name: orderParameter, Type: schema.String}),
			Returns: call.Return{Type: &call.Complex{Name: "segue_ActivationDiffResponse", Properties: walkProperties(
				findingsProperty(), call.Property{Name: "Begins", Type: schema.Integer}, call.Property{Name: "Ends", Type: schema.Integer},
				call.Property{Name: "Moves", Many: true, Of: &call.Complex{Name: "segue_Move", Properties: append(fromTo,
					call.Property{Name: "Records", Type: schema.Integer}, call.Property{Name: "Anyway", Type: schema.Integer},
				)}},
				call.Property{Name: "Records", Many: true, Of: &call.Complex{Name: "segue_MovedRecord", Properties: append([]call.Property{
					{Name: "RecordId", Type: schema.GUID}, {Name: "Name", Type: schema.String, Nullable: true},
					{Name: "Begins", Type: schema.Boolean}, {Name: "Ends", Type: schema.Boolean},
				}, fromTo...)}},
				call.Property{Name: "Note", Type: schema.String, Nullable: true},
			)}},
		},
		run: func(ctx context.Context, _ *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error) {
			draft, part, err := walked(on, given)
			if err != nil {
				return Answer{}, err
			}
			diff, err := e.Simulation.Diff(ctx, c, draft, part)
			return Answer{Value: diffResult(e.DB.Schema(), diff)}, err
		},
	}
}

// diffNote says when what a difference tells happens.
const diffNote = "This moves no record by itself: each is evaluated when it changes next. The action " + applyAction + " of the segment evaluates those that are there."

func diffResult(tables *schema.Schema, d simulation.Diff) call.Result {
	result := walkResult(d.Walk)
	result["Findings"] = findingResults(tables.Table(d.Table), d.Findings)
	moves, records := []call.Result{}, []call.Result{}
	for _, m := range d.Moves {
		moves = append(moves, call.Result{
			"FromSegmentId": segmentOf(m.From), "ToSegmentId": segmentOf(m.To), "Records": int64(m.Records), "Anyway": int64(m.Anyway),
		})
	}
	for _, r := range d.Records {
		records = append(records, call.Result{
			"RecordId": r.Ref.ID, "Name": optional(r.Name), "Begins": r.Begins, "Ends": r.Ends,
			"FromSegmentId": segmentOf(r.From), "ToSegmentId": segmentOf(r.To),
		})
	}
	result["Begins"], result["Ends"], result["Moves"], result["Records"] = int64(d.Begins), int64(d.Ends), moves, records
	if len(d.Moves) > 0 {
		result["Note"] = diffNote
	}
	return result
}

// explain tells what segments say about a record. It is called on the record, or on a
// segment with the record as a parameter.
func explain() Declaration {
	const record = "Record"
	clause := &call.Complex{Name: "segue_Clause", Properties: []call.Property{
		{Name: "Node", Type: schema.String}, {Name: "Text", Type: schema.String}, {Name: "Group", Type: schema.Boolean},
		{Name: "Holds", Type: schema.Boolean}, {Name: "Value", Type: schema.String, Nullable: true},
	}}
	judgement := &call.Complex{Name: "segue_Judgement", Properties: []call.Property{
		{Name: "SegmentId", Type: schema.GUID}, {Name: "Name", Type: schema.String}, {Name: "Priority", Type: schema.Integer},
		{Name: "Matches", Type: schema.Boolean}, {Name: "Winner", Type: schema.Boolean},
		{Name: "Clauses", Of: clause, Many: true}, {Name: "Missing", Of: clause, Many: true},
	}}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Function, Name: "Explain", About: "Tells what segments say about a record, clause by clause, with the values read.",
			Binding: call.ToRow, Parameters: []call.Parameter{{Name: record, Type: schema.LookupTo}},
			Returns: call.Return{Type: &call.Complex{Name: "segue_ExplainResponse", Properties: []call.Property{
				{Name: "AsOf", Type: schema.DateTime}, {Name: "Version", Type: schema.BigInt}, {Name: "Open", Type: schema.Boolean},
				{Name: "SegmentId", Type: schema.GUID, Nullable: true}, {Name: "Receipt", Type: schema.String, Nullable: true},
				{Name: "Status", Type: schema.Integer}, {Name: "Because", Type: schema.String}, {Name: "Segments", Of: judgement, Many: true},
				{Name: "Then", Of: thenType(), Nullable: true},
			}}},
		},
		ask: func(ctx context.Context, e Executor, q Question) (Answer, error) {
			of, one := q.On, name.SegmentID("")
			if q.On.Table == name.Segment {
				given := q.Given.Lookup(record)
				if given.ID == "" {
					return Answer{}, sales.Refuse(sales.Invalid, "the parameter '%s' is required when the function is called on a segment", record)
				}
				of, one = rows.Ref{Table: given.Table, ID: given.ID}, name.SegmentID(q.On.ID)
			}
			explained, err := e.Simulation.Explain(ctx, q.Caller, of, one)
			return Answer{Value: explainedResult(explained)}, err
		},
	}
}

// thenType is what a run tells of an evaluation.
func thenType() *call.Complex {
	clause := &call.Complex{Name: "segue_ReadClause", Properties: []call.Property{
		{Name: "Node", Type: schema.String}, {Name: "Text", Type: schema.String}, {Name: "Group", Type: schema.Boolean},
		{Name: "Holds", Type: schema.Boolean}, {Name: "Value", Type: schema.String, Nullable: true}, {Name: "Cut", Type: schema.Boolean},
	}}
	return &call.Complex{Name: "segue_Then", Properties: []call.Property{
		{Name: "RunId", Type: schema.GUID}, {Name: "On", Type: schema.DateTime},
		{Name: "Version", Type: schema.BigInt}, {Name: "Definition", Type: schema.BigInt},
		{Name: "SegmentId", Type: schema.GUID, Nullable: true}, {Name: "FromSegmentId", Type: schema.GUID, Nullable: true},
		{Name: "Status", Type: schema.Integer}, {Name: "Connection", Type: schema.Integer},
		{Name: "Error", Type: schema.String, Nullable: true}, {Name: "Clauses", Of: clause, Many: true},
	}}
}

func thenResult(then *simulation.Then) any {
	if then == nil {
		return nil
	}
	clauses := []call.Result{}
	for _, c := range then.Clauses {
		result := call.Result{"Node": c.Node, "Text": c.Text, "Group": c.Group(), "Holds": c.Holds, "Cut": c.Cut}
		if c.Value != nil {
			result["Value"] = *c.Value
		}
		clauses = append(clauses, result)
	}
	return call.Result{
		"RunId": string(then.Run), "On": then.On, "Version": then.Version, "Definition": then.Definition,
		"SegmentId": segmentOf(then.Segment), "FromSegmentId": segmentOf(then.Left),
		"Status": int64(then.Status), "Connection": int64(then.Connection), "Error": optional(then.Error), "Clauses": clauses,
	}
}

func explainedResult(x simulation.Explanation) call.Result {
	judgements := []call.Result{}
	for _, j := range x.Segments {
		judgements = append(judgements, call.Result{
			"SegmentId": string(j.Segment), "Name": j.Name, "Priority": int64(j.Priority), "Matches": j.Holds, "Winner": j.Winner,
			"Clauses": clauseResults(j.Clauses), "Missing": clauseResults(j.Missing),
		})
	}
	return call.Result{
		"AsOf": x.AsOf, "Version": x.Version, "Open": x.Open, "SegmentId": segmentOf(x.Present), "Receipt": optional(x.Receipt),
		"Status": int64(x.Status), "Because": x.Because, "Segments": judgements,
		"Then": thenResult(x.Then),
	}
}

func clauseResults(verdicts []filter.Verdict) []call.Result {
	results := []call.Result{}
	for _, v := range verdicts {
		result := call.Result{"Node": v.Node, "Text": v.Text, "Group": v.Group(), "Holds": v.Holds}
		if v.Value != nil {
			result["Value"] = *v.Value
		}
		results = append(results, result)
	}
	return results
}

// copySegment makes a draft like a segment.
func copySegment() Declaration {
	return copying("Copy", "Makes an inactive segment with the same conditions, right below the one that is copied.", name.Segment, "SegmentId",
		func(ctx context.Context, tx *rows.Tx, e Executor, source *rows.Row, called string) (map[string]schema.Value, error) {
			return e.Segments.CopyOf(ctx, tx, source, called)
		})
}
