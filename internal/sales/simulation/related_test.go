package simulation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/sales/segment"
	"segue/internal/sales/simulation"
	"segue/internal/schema/name"
)

const openCall = `{"relationship":"Lead_Phonecalls","mode":"contains","filter":{"type":"and","items":[{"attribute":"statecode","operator":"eq","values":[0]}]}}`

// Conditions on related rows are simulated and explained as an evaluation decides them;
// what can be proven without rows does not take them to hold or not.
func TestRelated(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	with, without := w.Lead(1, nil), w.Lead(2, nil)
	call := w.Create("phonecall", salestest.ID("call", 1), values{"subject": "Back", "regardingobjectid": salestest.Lookup(with)})
	w.Settle()
	d := draft(values{"msdyn_name": "Called", "msdyn_objecttype": "lead", "msdyn_entityfilter": salestest.Where(openCall)})
	got := all(t, w, d)
	if got.Examined != 2 || got.Matching != 1 || got.Records[0].Ref != with {
		t.Errorf("simulated: %+v", got)
	}
	first, err := w.Simulation.Simulate(t.Context(), salestest.Manager(), d, simulation.Part{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]simulation.Clause{{Node: "items[0]", Text: "contains Lead_Phonecalls", Holds: 1}}, first.Clauses); d != "" {
		t.Errorf("clauses (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]simulation.Finding{{Finding: segment.Finding{Kind: segment.NotProven}}}, first.Findings); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	diff, err := w.Simulation.Diff(t.Context(), salestest.Manager(), d, simulation.Part{Records: 10})
	if err != nil || len(diff.Records) != 1 || diff.Records[0].Ref != with {
		t.Errorf("diff: %+v, %v", diff, err)
	}

	seg := w.Segment(1, openCall, "", nil)
	for _, test := range []struct {
		record rows.Ref
		holds  bool
		found  string
	}{{with, true, "phonecall " + call.ID + " (Back)"}, {without, false, ""}} {
		explained, err := w.Simulation.Explain(t.Context(), salestest.Manager(), test.record, name.SegmentID(seg))
		if err != nil {
			t.Fatal(err)
		}
		clause := explained.Segments[0].Clauses[1]
		found := ""
		if clause.Value != nil {
			found = *clause.Value
		}
		if clause.Holds != test.holds || found != test.found || len(explained.Segments[0].Missing) == 1 == test.holds {
			t.Errorf("%v: %+v, found %q; missing %v", test.record, clause, found, explained.Segments[0].Missing)
		}
	}
	w.Settle()
}
