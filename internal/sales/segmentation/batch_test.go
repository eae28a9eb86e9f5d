package segmentation_test

import (
	"errors"
	"slices"
	"testing"

	"segue/internal/boot"
	"segue/internal/probe"
	"segue/internal/sales/salestest"
	"segue/internal/store"
)

// A batch without a row of a record type, or of a table that conditions on records may ask
// for, reads nothing at all, whatever the process knows. The removal of a record leads to
// its runs, by one request.
func TestEvaluate_BatchWithoutARecordReadsNothing(t *testing.T) {
	w := newWorld(t, boot.Options{})
	w.Segment(1, web, w.Sequence(1, "lead"), nil)
	lead := w.Lead(1, nil)
	w.Settle()
	w.Fresh()
	w.Create("campaign", id("campaign", 1), values{"name": "A"})
	w.Create("pricelevel", id("pricelevel", 1), values{"name": "A"})
	w.Inactive(2, nil)
	w.Restart() // it knows nothing
	changes := w.Fresh()
	if len(changes) < 4 {
		t.Fatalf("%d changes, want a campaign, a price list, a segment and an order", len(changes))
	}
	w.Probe.Reset()
	w.Deliver(changes)
	for _, call := range w.Probe.Calls() {
		t.Errorf("it called the store: %+v", call)
	}
	// Of rows that conditions may ask for it has to find out whether any does, once.
	w.Create("task", id("task", 1), values{"subject": "A", "regardingobjectid": lookup(lead)})
	w.Create("phonecall", id("call", 1), values{"subject": "A", "regardingobjectid": lookup(lead)})
	w.Remove("lead", lead.ID)
	changes = w.Fresh()
	w.Deliver(changes)
	w.Probe.Reset()
	w.Deliver(changes)
	runs := 0
	for _, call := range w.Probe.Calls() {
		switch {
		case call.Method == probe.Query && call.Query.Index == "gsi1": // the runs of the removed lead
			runs++
		case call.Method != probe.Write || !salestest.IsLog(call.Keys[0]): // the removed lead is logged
			t.Errorf("it called the store: %+v", call)
		}
	}
	if runs != 1 {
		t.Errorf("it asked %d times for the runs of a removed lead", runs)
	}
}

// When the catalogue cannot be read, every change that needs it is reported, not
// the first alone, and no other.
func TestEvaluate_CatalogueCannotBeRead(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, "", nil)
	w.Settle()
	w.Fresh()
	w.Create("task", id("task", 1), values{"subject": "A"})
	w.Lead(1, values{sources: int64(8)})
	w.Update("msdyn_segment", seg, values{"msdyn_name": "B"})
	w.Lead(2, values{sources: int64(8)})
	w.Opportunity(1, nil)
	changes := w.Fresh()
	var want []int
	for i, change := range changes {
		if table := tableOf(change.Key); table == "lead" || table == "opportunity" || table == "task" {
			want = append(want, i)
		}
	}
	w.Probe.Inject(func(call probe.Call) probe.Fault {
		if slices.ContainsFunc(call.Keys, func(k store.Key) bool { return tableOf(k) == "msdyn_segmentattribute" }) {
			return probe.Before
		}
		return probe.None
	})
	var got []int
	for _, f := range w.Changes(t.Context(), changes) {
		got = append(got, f.Index)
		if !errors.Is(f.Err, store.ErrUnavailable) {
			t.Errorf("change %d: %v", f.Index, f.Err)
		}
	}
	if !slices.Equal(got, want) || len(want) != 4 {
		t.Errorf("failed at %v, want %v", got, want)
	}
	w.Probe.Inject(nil)
	w.Again(changes)
	for n := 1; n <= 2; n++ {
		if in := w.Row("lead", id("lead", n)).Lookup("msdyn_segmentid").ID; in != seg {
			t.Errorf("lead %d is in segment %q", n, in)
		}
	}
}

// A segment and a record that change in one batch: the record is evaluated by the
// changed segment, though another process changed it and this one holds the old.
func TestEvaluate_ByTheSegmentOfItsBatch(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, "", nil)
	w.Lead(1, nil)
	w.Settle() // holds the definitions
	w.Fresh()
	other := w.Plain(boot.Options{})
	here := w.Parts
	w.Parts = other
	w.Update("msdyn_segment", seg, values{"msdyn_entityfilter": where(hot)})
	lead := w.Lead(2, values{quality: int64(1)})
	w.Parts = here
	changes := w.Fresh()
	slices.Reverse(changes) // whichever comes first
	w.Again(changes)
	w.Member(lead, seg, false)
}
