package simulation_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/right"
	"segue/internal/sales/salestest"
	"segue/internal/sales/segment"
	"segue/internal/sales/simulation"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

type values = salestest.Values

// draft is a segment that is not saved.
func draft(v values) simulation.Draft { return simulation.Draft{Values: schematest.Row(v)} }

// all simulates part by part, and returns what all parts say together.
func all(t testing.TB, w *salestest.World, d simulation.Draft) simulation.Simulated {
	t.Helper()
	whole := simulation.Simulated{Outcomes: map[simulation.Outcome]int{}}
	for part := (simulation.Part{Records: simulation.MaxRecords}); ; part.From = whole.Next {
		got, err := w.Simulation.Simulate(t.Context(), salestest.Manager(), d, part)
		if err != nil {
			t.Fatal(err)
		}
		whole.Walk, whole.Matching, whole.Examined = got.Walk, whole.Matching+got.Matching, whole.Examined+got.Examined
		if later := part.From != ""; later != (got.Findings == nil) {
			t.Errorf("from %q on there are the findings %v; they belong to the first part", part.From, got.Findings)
		}
		whole.Records = append(whole.Records, got.Records...)
		for o, n := range got.Outcomes {
			whole.Outcomes[o] += n
		}
		if got.Next == "" {
			return whole
		}
	}
}

func TestSimulate(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	low := w.Segment(1, salestest.Web, "", nil)
	high := w.Segment(2, salestest.Hot, "", values{"segue_priority": int64(1)})
	w.Settle()
	lead := func(n int, source, quality int64) rows.Ref {
		return w.Lead(n, values{salestest.Sources: source, salestest.Quality: quality, "lastname": fmt.Sprintf("Lead %d", n)})
	}
	inLow, inHigh, free := lead(1, 8, 2), lead(2, 8, 1), lead(3, 1, 3)
	lead(4, 8, 2)
	w.Settle()
	w.Member(inLow, low, false)
	w.Member(inHigh, high, false)
	w.Update("lead", inLow.ID, values{"numberofemployees": int64(700)})
	w.Update("lead", inHigh.ID, values{"numberofemployees": int64(700)})
	w.Update("lead", free.ID, values{"numberofemployees": int64(700)})
	closed := w.Lead(5, values{"numberofemployees": int64(700), "lastname": "Closed"})
	w.Update("lead", closed.ID, values{"statecode": int64(2)})
	w.Settle()

	large := values{
		"msdyn_name": "Large", "msdyn_objecttype": "lead", "segue_priority": int64(2),
		"msdyn_entityfilter": salestest.Where(`{"attribute":"numberofemployees","operator":"ge","values":[500]}`, `{"type":"or","items":[`+salestest.Web+`,{"attribute":"leadqualitycode","operator":"eq","values":[3]}]}`),
	}
	sticky, err := w.Simulation.Simulate(t.Context(), salestest.Manager(), draft(large), simulation.Part{Records: 10})
	if err != nil {
		t.Fatal(err)
	}
	want := simulation.Simulated{
		Walk: simulation.Walk{Table: "lead", AsOf: salestest.Now(), Examined: 4}, Matching: 3,
		Outcomes: map[simulation.Outcome]int{simulation.Enters: 1, simulation.Higher: 1, simulation.Stays: 1},
		Clauses: []simulation.Clause{
			{"items[0]", "numberofemployees ge 500", 3},
			{"items[1].items[0]", "leadsourcecode eq 8", 3},
			{"items[1].items[1]", "leadqualitycode eq 3", 1},
		},
		Records: []simulation.Record{
			{inLow, "Lead 1", simulation.Stays, name.SegmentID(low)},
			{inHigh, "Lead 2", simulation.Higher, name.SegmentID(high)},
			{free, "Lead 3", simulation.Enters, simulation.NewDraft},
		},
		Findings: []simulation.Finding{{Finding: segment.Finding{Kind: segment.CanWin}}},
	}
	sorted := cmpopts.SortSlices(func(a, b simulation.Record) bool { return a.Name < b.Name })
	if d := cmp.Diff(want, sticky, sorted, cmpopts.IgnoreFields(simulation.Walk{}, "AsOf"), cmpopts.IgnoreFields(segment.Finding{}, "Witness")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}

	taking := maps.Clone(large)
	taking["msdyn_isresegmentationenabled"] = true
	got := all(t, w, draft(taking))
	if d := cmp.Diff(map[simulation.Outcome]int{simulation.Enters: 1, simulation.Higher: 1, simulation.Moves: 1}, got.Outcomes); d != "" {
		t.Errorf("one that takes records (-want +got):\n%s", d)
	}
	if got := all(t, w, simulation.Draft{Segment: name.SegmentID(low)}); got.Outcomes[simulation.Member] != 2 || got.Matching != 3 {
		t.Errorf("a saved segment: %+v", got)
	}
	bottom := simulation.Draft{Segment: name.SegmentID(high), Values: schematest.Row(values{"segue_priority": int64(2)})}
	if got := all(t, w, bottom); got.Outcomes[simulation.Member] != 1 {
		t.Errorf("a saved segment elsewhere: %+v", got)
	}
}

func TestSimulate_Refuses(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	segment := w.Segment(1, salestest.Web, "", nil)
	saved := func(v values) simulation.Draft {
		return simulation.Draft{Segment: name.SegmentID(segment), Values: schematest.Row(v)}
	}
	for _, test := range []struct {
		name  string
		draft simulation.Draft
		kind  sales.Kind
		part  string
	}{
		{"no segment", simulation.Draft{Segment: name.SegmentID(salestest.ID("segment", 9))}, sales.NotFound, ""},
		{"no record type", draft(values{"msdyn_name": "x"}), sales.Invalid, ""},
		{"another type", draft(values{"msdyn_objecttype": "task"}), sales.Invalid, "task"},
		{"its type changes", saved(values{"msdyn_objecttype": "opportunity"}), sales.Precondition, "msdyn_objecttype"},
		{"wrong conditions", draft(values{"msdyn_objecttype": "lead", "msdyn_entityfilter": `{"type":"and","items":[{"attribute":"x","operator":"eq","values":[1]}]}`}), sales.Invalid, "x"},
		{"too many", draft(values{"msdyn_objecttype": "lead", "msdyn_entityfilter": salestest.Where(`{"type":"or","items":[` + salestest.Web + `,` + salestest.Web + `,` + salestest.Web + `,` + salestest.Web + `,` + salestest.Web + `,` + salestest.Web + `]}` + `,{"type":"or","items":[` + salestest.Web + `,` + salestest.Web + `,` + salestest.Web + `,` + salestest.Web + `,` + salestest.Web + `]}`)}), sales.Limit, "condition 11 of at most 10"},
		{"what Segue alone sets", draft(values{"msdyn_objecttype": "lead", "msdyn_entityfilter": salestest.Where(salestest.Web), "segue_isdefault": true}), sales.Invalid, "segue_isdefault"},
		{"and of a saved one", saved(values{"segue_isdefault": true}), sales.Invalid, "segue_isdefault"},
		{"a text that is too long", draft(values{"msdyn_objecttype": "lead", "msdyn_name": strings.Repeat("x", 101)}), sales.Invalid, "msdyn_name"},
		{"a sequence for other records", draft(values{"msdyn_objecttype": "lead", "msdyn_entityfilter": salestest.Where(salestest.Web), "msdyn_sequence": salestest.Link("msdyn_sequence", w.Sequence(5, "opportunity"))}), sales.Precondition, "opportunity"},
		{"no condition", draft(values{"msdyn_objecttype": "lead"}), sales.Precondition, "no condition"},
		{"inactive", saved(values{"statecode": int64(1)}), sales.Invalid, "statecode"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.Simulation.Simulate(t.Context(), salestest.Manager(), test.draft, simulation.Part{})
			salestest.Refused(t, err, test.kind, test.part)
		})
	}
	_, err := w.Simulation.Simulate(t.Context(), salestest.Manager(), saved(nil), simulation.Part{From: "x"})
	salestest.Refused(t, err, sales.Invalid, "token")
}

// What is told beforehand is what happens: a segment is drafted at random among others,
// simulated in small parts, then saved and activated, and every record is evaluated.
func TestSimulationComesTrue(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := salestest.New(t, boot.Options{})
		leads := someRecords(r, w)
		drafted, save := someDraft(r, w)
		w.Simulation.Bound(rapid.SampledFrom([]int{1, 2, 5, 100}).Draw(r, "examined"), rapid.SampledFrom([]int{1, 10, 1000}).Draw(r, "evaluated"))

		simulated := all(t, w, drafted)
		diff := diffOfAll(t, w, drafted)
		before := where(w, leads)
		save()
		for _, lead := range leads {
			if err := w.Redrive(t.Context(), lead.Table, lead.ID); err != nil {
				t.Fatal(err)
			}
		}
		w.Settle()
		after := where(w, leads)

		id := salestest.ID("segment", 9)
		for _, record := range simulated.Records {
			want := string(record.Segment)
			if record.Segment == simulation.NewDraft {
				want = id
			}
			if got := after[record.Ref].segment; got != want {
				r.Errorf("%s: %s into %q, it is in %q; it was in %q", record.Name, record.Outcome, want, got, before[record.Ref].segment)
			}
		}
		moves, begins, ends := map[simulation.Move]int{}, 0, 0
		for _, lead := range leads {
			from, to := before[lead], after[lead]
			if from.segment != to.segment {
				key := simulation.Move{From: name.SegmentID(from.segment), To: name.SegmentID(to.segment)}
				if to.segment == id && drafted.Segment == "" {
					key.To = simulation.NewDraft
				}
				moves[key]++
			}
			if to.targets > from.targets {
				begins++
			}
			if to.ended > from.ended {
				ends++
			}
		}
		foretold := map[simulation.Move]int{}
		for _, m := range diff.Moves {
			foretold[simulation.Move{From: m.From, To: m.To}] += m.Records
		}
		if d := cmp.Diff(moves, foretold, cmpopts.EquateEmpty()); d != "" {
			r.Errorf("moves (-happened +foretold):\n%s", d)
		}
		if begins != diff.Begins || ends != diff.Ends {
			r.Errorf("%d connections began and %d ended, foretold were %d and %d", begins, ends, diff.Begins, diff.Ends)
		}
	})
}

// someRecords makes segments and leads, which the segments are evaluated on.
func someRecords(r *rapid.T, w *salestest.World) []rows.Ref {
	for n := range rapid.IntRange(0, 3).Draw(r, "segments") {
		v := values{"msdyn_isresegmentationenabled": rapid.Bool().Draw(r, "takes"), "segue_leaves": rapid.Bool().Draw(r, "leaves")}
		sequence := ""
		if rapid.Bool().Draw(r, "attached") {
			sequence = w.Sequence(n, "lead")
		}
		w.Segment(n, condition(r), sequence, v)
	}
	if len(w.List("msdyn_segment", nil)) > 0 && rapid.Bool().Draw(r, "default segment is active") {
		w.Update("msdyn_segment", w.DefaultSegment().ID, values{"statecode": int64(0)})
	}
	w.Settle()
	var leads []rows.Ref
	for n := range rapid.IntRange(1, 8).Draw(r, "leads") {
		leads = append(leads, w.Lead(n, values{
			salestest.Sources: rapid.Int64Range(1, 3).Draw(r, "source"), salestest.Quality: rapid.Int64Range(1, 3).Draw(r, "quality"),
		}))
		if rapid.IntRange(0, 4).Draw(r, "closes") == 0 {
			w.Settle()
			w.Update("lead", leads[n].ID, values{"statecode": int64(2)})
		}
	}
	w.Settle()
	return leads
}

// condition draws a condition that about half of the records meet.
func condition(r *rapid.T) string {
	return fmt.Sprintf(`{"attribute":"%s","operator":"%s","values":[%d]}`, rapid.SampledFrom([]string{salestest.Sources, salestest.Quality}).Draw(r, "column"),
		rapid.SampledFrom([]string{"eq", "ne"}).Draw(r, "operator"), rapid.IntRange(1, 3).Draw(r, "value"))
}

// someDraft draws a segment that is new, or saved and inactive, and what saves and
// activates it.
func someDraft(r *rapid.T, w *salestest.World) (simulation.Draft, func()) {
	v := values{
		"msdyn_name": "Segment 9", "msdyn_objecttype": "lead", "msdyn_entityfilter": salestest.Where(condition(r)),
		"msdyn_isresegmentationenabled": rapid.Bool().Draw(r, "draft takes"), "segue_leaves": rapid.Bool().Draw(r, "members leave the draft"),
	}
	if position := rapid.Int64Range(0, 4).Draw(r, "position"); position > 0 {
		v["segue_priority"] = position
	}
	if rapid.Bool().Draw(r, "draft has a sequence") {
		v["msdyn_sequence"] = salestest.Link("msdyn_sequence", w.Sequence(9, "lead"))
	}
	id := salestest.ID("segment", 9)
	activate := func() { w.Update("msdyn_segment", id, values{"statecode": int64(0)}) }
	if rapid.Bool().Draw(r, "saved") {
		w.Create("msdyn_segment", id, v)
		if !rapid.Bool().Draw(r, "edited") {
			return simulation.Draft{Segment: name.SegmentID(id)}, activate
		}
		edit := values{"msdyn_entityfilter": salestest.Where(condition(r))}
		return simulation.Draft{Segment: name.SegmentID(id), Values: schematest.Row(edit)}, func() {
			w.Update("msdyn_segment", id, edit)
			activate()
		}
	}
	return draft(v), func() {
		w.Create("msdyn_segment", id, v)
		activate()
	}
}

// place is where a record is.
type place struct {
	segment        string
	targets, ended int
}

func where(w *salestest.World, leads []rows.Ref) map[rows.Ref]place {
	at := map[rows.Ref]place{}
	for _, lead := range leads {
		p := place{}
		p.segment, _ = w.On(lead)
		for _, target := range w.List("msdyn_sequencetarget", values{"msdyn_target": salestest.Lookup(lead)}) {
			p.targets++
			if target.Int("statecode") != 0 {
				p.ended++
			}
		}
		at[lead] = p
	}
	return at
}

// diffOfAll puts together what all parts would change.
func diffOfAll(t testing.TB, w *salestest.World, d simulation.Draft) simulation.Diff {
	t.Helper()
	var whole simulation.Diff
	for part := (simulation.Part{Records: simulation.MaxRecords}); ; part.From = whole.Next {
		got, err := w.Simulation.Diff(t.Context(), salestest.Manager(), d, part)
		if err != nil {
			t.Fatal(err)
		}
		whole.Walk = got.Walk
		whole.Moves, whole.Records = append(whole.Moves, got.Moves...), append(whole.Records, got.Records...)
		whole.Begins, whole.Ends = whole.Begins+got.Begins, whole.Ends+got.Ends
		if got.Next == "" {
			return whole
		}
	}
}

func TestExplain(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	web := w.Segment(1, salestest.Web, "", nil)
	hot := w.Segment(2, salestest.Hot+`,{"attribute":"numberofemployees","operator":"ge","values":[500]}`, "", values{"segue_priority": int64(1)})
	paused := w.Inactive(3, values{"msdyn_entityfilter": salestest.Where(salestest.Hot)})
	lead := w.Lead(1, values{salestest.Sources: int64(8), salestest.Quality: int64(2), "numberofemployees": int64(20)})
	w.Settle()

	got, err := w.Simulation.Explain(t.Context(), salestest.Manager(), lead, "")
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Segment         string
		Priority        int
		Matches, Winner bool
		Clauses         string
		Missing         int
	}
	lines := func(x simulation.Explanation) (list []line) {
		for _, j := range x.Segments {
			l := line{string(j.Segment), j.Priority, j.Holds, j.Winner, "", len(j.Missing)}
			for _, c := range j.Clauses {
				value := "-"
				if c.Value != nil {
					value = *c.Value
				}
				l.Clauses += fmt.Sprintf("%s %t %s;", c.Text, c.Holds, value)
			}
			list = append(list, l)
		}
		return list
	}
	want := []line{
		{hot, 2, false, false, "and false -;leadqualitycode eq 1 false 2;numberofemployees ge 500 false 20;", 2},
		{web, 3, true, true, "and true -;leadsourcecode eq 8 true 8;", 0},
	}
	if d := cmp.Diff(want, lines(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if string(got.Present) != web || !got.Open || got.Receipt == "" || got.Version != w.Row("lead", lead.ID).Version {
		t.Errorf("got %+v", got)
	}

	got, err = w.Simulation.Explain(t.Context(), salestest.Manager(), lead, name.SegmentID(paused))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]line{{paused, 1, false, false, "and false -;leadqualitycode eq 1 false 2;", 1}}, lines(got)); d != "" {
		t.Errorf("an inactive segment (-want +got):\n%s", d)
	}

	_, err = w.Simulation.Explain(t.Context(), salestest.Manager(), rows.Ref{Table: "task", ID: lead.ID}, "")
	salestest.Refused(t, err, sales.Invalid, "task")
	_, err = w.Simulation.Explain(t.Context(), salestest.Manager(), rows.Ref{Table: "lead", ID: salestest.ID("lead", 9)}, "")
	salestest.Refused(t, err, sales.NotFound)
	w.Update("lead", lead.ID, values{"statecode": int64(2)})
	if got, err = w.Simulation.Explain(t.Context(), salestest.Manager(), lead, ""); err != nil || got.Open || got.Segments[1].Winner {
		t.Errorf("a closed record: %+v, %v", got, err)
	}
}

// A seller is told of the records that they may read, and of no others.
func TestSimulate_Rights(t *testing.T) {
	const all = sales.Create | sales.Read | sales.Write | sales.Delete | sales.Append | sales.AppendTo | sales.Assign
	everything := right.Grant{Organization: all}
	w := salestest.New(t, boot.Options{Rights: right.Matrix{
		{Tables: sales.OfTable("lead"), Salesperson: right.Grant{Own: all}, SalesManager: everything},
		{Tables: sales.EveryTable(), Salesperson: everything, SalesManager: everything},
	}})
	segment := w.Segment(1, salestest.Web, "", nil)
	seller := sales.Caller{ID: name.UserID(salestest.ID("user", 2)), Roles: []string{sales.Salesperson}}
	w.Admit(seller)
	w.Lead(1, values{salestest.Sources: int64(8)})
	w.Lead(2, values{salestest.Sources: int64(8), "ownerid": schema.Lookup{Table: "systemuser", ID: string(seller.ID)}})
	got, err := w.Simulation.Simulate(t.Context(), seller, simulation.Draft{Segment: name.SegmentID(segment)}, simulation.Part{Records: 10})
	if err != nil {
		t.Fatal(err)
	}
	if got.Examined != 1 || got.Matching != 1 || len(got.Records) != 1 {
		t.Errorf("got %+v", got)
	}
	nobody := sales.Caller{ID: name.UserID(salestest.ID("user", 3))}
	_, err = w.Simulation.Simulate(t.Context(), nobody, simulation.Draft{Segment: name.SegmentID(segment)}, simulation.Part{})
	salestest.Refused(t, err, sales.Forbidden)
	_, err = w.Simulation.Diff(t.Context(), nobody, draft(values{"msdyn_objecttype": "lead"}), simulation.Part{})
	salestest.Refused(t, err, sales.Forbidden)
}

// Deactivating a segment moves nobody.
func TestDiff_Deactivate(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	segment := w.Segment(1, salestest.Web, w.Sequence(1, "lead"), nil)
	w.Lead(1, values{salestest.Sources: int64(8)})
	w.Settle()
	got := diffOfAll(t, w, simulation.Draft{Segment: name.SegmentID(segment), Values: schematest.Row(values{"statecode": int64(1)})})
	if len(got.Moves) != 0 || got.Begins != 0 || got.Ends != 0 || got.Examined != 1 {
		t.Errorf("got %+v", got)
	}
}

// Among many segments a call examines fewer records: what it does is bounded by how often
// it evaluates a segment on one.
func TestSimulate_BoundedByEvaluations(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	for n := range 9 {
		w.Segment(n, salestest.Hot, "", nil)
	}
	for n := range 10 {
		w.Lead(n, values{salestest.Sources: int64(8)})
	}
	w.Simulation.Bound(simulation.MaxExamined, 60)
	d := draft(values{"msdyn_objecttype": "lead", "msdyn_entityfilter": salestest.Where(salestest.Web)})
	simulated, err := w.Simulation.Simulate(t.Context(), salestest.Manager(), d, simulation.Part{})
	if err != nil || simulated.Examined != 5 || simulated.Next == "" { // ten segments, and the conditions of the draft
		t.Errorf("simulated: %+v, %v", simulated, err)
	}
	diff, err := w.Simulation.Diff(t.Context(), salestest.Manager(), d, simulation.Part{})
	if err != nil || diff.Examined != 3 || diff.Next == "" { // nine as they are, ten as they would be
		t.Errorf("diff: %+v, %v", diff, err)
	}
	if got := all(t, w, d); got.Matching != 10 || got.Next != "" {
		t.Errorf("all parts: %+v", got)
	}
}

// A segment tells what is found about it where that is selected: also that it cannot be
// activated, and how near a limit it brings the organization.
func TestFindings(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	covering := w.Segment(1, salestest.Web, "", nil)
	ref := rows.RefTo(name.Organization, w.Principals.Organization().ID)
	limits := schematest.Row(values{"segue_maxactivesegments": int64(3)})
	if _, _, err := w.Entities.Update(t.Context(), sales.Engine(), ref, limits, entity.If{Exists: true}); err != nil {
		t.Fatal(err)
	}
	for n, test := range []struct {
		name, conditions, want string
	}{
		{"nothing but that it can win", salestest.Hot, `[{"Kind":"CanWin","Witness":[{"Column":"leadqualitycode","Value":"1"}]}]`},
		{"another one covers it", salestest.Web + "," + salestest.Hot, `[{"Kind":"NeverWins","SegmentIds":["` + covering + `"]}]`},
		{"a contradiction", salestest.Web + `,{"attribute":"leadsourcecode","operator":"null"}`, `[{"Kind":"NeverMatches"}]`},
		{"nine conditions", strings.Repeat(salestest.Hot+",", 8) + salestest.Hot, `[{"Kind":"CanWin","Witness":[{"Column":"leadqualitycode","Value":"1"}]},{"Kind":"NearLimit","Limit":"SegmentConditions","Used":9,"Most":10}]`},
		{"no condition", "", `[{"Kind":"Unusable","Because":"segment \"Segment\" has no condition; only the default segment matches everything"}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			row := w.Create("msdyn_segment", salestest.ID("segment", 10+n), values{
				"msdyn_name": "Segment", "msdyn_objecttype": "lead", "msdyn_entityfilter": salestest.Where(test.conditions), "segue_priority": int64(9),
			})
			if d := cmp.Diff(test.want, findings(t, w, row.ID)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	w.Segment(2, salestest.Hot, "", nil)
	if got := findings(t, w, covering); strings.Contains(got, "NearLimit") { // two of three
		t.Errorf("of an active segment: %s", got)
	}
	third := w.Inactive(3, values{"msdyn_entityfilter": salestest.Where(salestest.Hot)})
	if got := findings(t, w, third); !strings.Contains(got, `{"Kind":"NearLimit","Limit":"ActiveSegments","Used":3,"Most":3}`) {
		t.Errorf("of the last one that may be activated: %s", got)
	}
}

// findings reads a segment and what is found about it.
func findings(t *testing.T, w *salestest.World, segment string) string {
	t.Helper()
	row, err := w.Entities.Retrieve(t.Context(), salestest.Manager(), rows.Ref{Table: "msdyn_segment", ID: segment})
	if err != nil {
		t.Fatal(err)
	}
	if row.Text("segue_findings") != "" {
		t.Errorf("%s is worked out where nobody selects it", row.Text("segue_findings"))
	}
	if err := w.Entities.Answer(t.Context(), row.Table, []*rows.Row{row}, []string{"msdyn_name", "segue_findings"}); err != nil {
		t.Fatal(err)
	}
	return row.Text("segue_findings")
}

// What is much work is refused for many segments at once.
func TestFindings_OfFewSegments(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	for n := range 10 {
		w.Inactive(n, values{"msdyn_entityfilter": salestest.Where(salestest.Web)})
	}
	list := w.List("msdyn_segment", nil) // with the default segment
	err := w.Entities.Answer(t.Context(), list[0].Table, list, []string{"segue_findings"})
	salestest.Refused(t, err, sales.Invalid, "segue_findings", "11")
	if err := w.Entities.Answer(t.Context(), list[0].Table, list, []string{"msdyn_name"}); err != nil {
		t.Errorf("without selecting it: %v", err)
	}
	if err := w.Entities.Answer(t.Context(), list[0].Table, list[:10], []string{"segue_findings"}); err != nil {
		t.Errorf("of ten: %v", err)
	}
}

// Another order of all segments tells who would move by it, and nothing else changes: what
// is told is what happens when the order is written and the records are evaluated.
func TestDiff_Reordered(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	takes := func(position int64) values {
		return values{"segue_priority": position, "msdyn_isresegmentationenabled": true}
	}
	first := w.Segment(1, salestest.Web, w.Sequence(1, "lead"), takes(1))
	second := w.Segment(2, salestest.Web, "", takes(2))
	inactive := w.Inactive(3, values{"segue_priority": int64(3)})
	for n := range 3 {
		w.Lead(n, values{salestest.Sources: int64(8)})
	}
	w.Settle()
	last := name.SegmentID(w.DefaultSegment().ID)
	order := []name.SegmentID{last, name.SegmentID(second), name.SegmentID(inactive), name.SegmentID(first)}

	got := diffOfAll(t, w, simulation.Draft{Order: order})
	want := []simulation.Move{{From: name.SegmentID(first), To: name.SegmentID(second), Records: 3}}
	if d := cmp.Diff(want, got.Moves); d != "" || got.Examined != 3 || got.Table != "lead" || len(got.Findings) != 0 {
		t.Errorf("%+v (-want +got):\n%s", got, d)
	}
	same := []name.SegmentID{name.SegmentID(first), name.SegmentID(second), name.SegmentID(inactive), last}
	if got := diffOfAll(t, w, simulation.Draft{Order: same}); len(got.Moves) != 0 {
		t.Errorf("the order as it is: %+v", got)
	}
	for _, test := range []struct {
		name  string
		order []name.SegmentID
		part  string
	}{
		{"one is missing", order[1:], "once"},
		{"one is there twice", append(order[:3:3], order[1]), "once"},
		{"no segment", []name.SegmentID{name.SegmentID(salestest.ID("segment", 9))}, "no segment"},
	} {
		_, err := w.Simulation.Diff(t.Context(), salestest.Manager(), simulation.Draft{Order: test.order}, simulation.Part{})
		salestest.Refused(t, err, sales.Invalid, test.part)
	}

	text := `["` + second + `","` + inactive + `","` + first + `","` + string(last) + `"]`
	w.Update("msdyn_segmentattribute", w.List("msdyn_segmentattribute", nil)[0].ID, values{"msdyn_segmentpriorityorder": text})
	for n := range 3 {
		w.Update("lead", salestest.ID("lead", n), values{salestest.Sources: int64(7)})
		w.Update("lead", salestest.ID("lead", n), values{salestest.Sources: int64(8)})
	}
	w.Settle()
	for n := range 3 {
		if in, _ := w.On(rows.Ref{Table: "lead", ID: salestest.ID("lead", n)}); in != second {
			t.Errorf("lead %d is in %s, want %s", n, in, second)
		}
	}
}

// What was read then stays what it was, whatever the segment and the record say now.
func TestExplain_Then(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	one, two := w.Segment(1, salestest.Web, "", nil), w.Segment(2, salestest.Hot, "", nil)
	lead := w.Lead(1, values{salestest.Sources: int64(8)})
	w.Settle()
	w.Update("msdyn_segment", one, values{"msdyn_entityfilter": salestest.Where(salestest.Hot)})
	w.Update("lead", lead.ID, values{salestest.Sources: int64(3)})
	w.Settle()
	explain := func(segment string) simulation.Explanation {
		t.Helper()
		explained, err := w.Simulation.Explain(t.Context(), salestest.Manager(), lead, name.SegmentID(segment))
		if err != nil {
			t.Fatal(err)
		}
		return explained
	}
	eight := "8"
	want := []segment.Clause{{Text: "and", Holds: true}, {Node: "items[0]", Text: "leadsourcecode eq 8", Holds: true, Value: &eight}}
	for _, asked := range []string{"", one} {
		got := explain(asked)
		if got.Then == nil || string(got.Then.Segment) != one || got.Then.Status != segment.Segmented {
			t.Fatalf("then: %+v", got.Then)
		}
		if d := cmp.Diff(want, got.Then.Clauses); d != "" {
			t.Errorf("clauses then (-want +got):\n%s", d)
		}
		if got.Then.Version >= got.Version || got.Segments[0].Holds || got.Segments[0].Clauses[1].Text != "leadqualitycode eq 1" {
			t.Errorf("now: %+v", got)
		}
	}
	if got := explain(two); got.Then != nil {
		t.Errorf("of a segment that it was never in: %+v", got.Then)
	}
}
