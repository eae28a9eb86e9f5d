package sales_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/probe"
	"segue/internal/sales/salestest"
	"segue/internal/store"
)

// TestCrashBetweenAnyTwoCalls moves a lead from one segment to another, which
// ends one connection and makes another, and lets each call of the evaluation
// in turn go wrong in each way. The rows at the end are always the same.
func TestCrashBetweenAnyTwoCalls(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) {
		want, calls := moveLead(t, on.Open(t), -1, probe.None)
		if calls < 4 {
			t.Fatalf("the evaluation made %d calls; it reads the definitions and the old target and writes", calls)
		}
		for name, fault := range map[string]probe.Fault{
			"before": probe.Before, "after": probe.After,
			"crash before": probe.CrashBefore, "crash after": probe.CrashAfter,
		} {
			for n := range calls {
				t.Run(fmt.Sprintf("%s call %d", name, n), func(t *testing.T) {
					got, _ := moveLead(t, on.Open(t), n, fault)
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("rows (-clean +got):\n%s", shorten(d))
					}
				})
			}
		}
	})
}

// moveLead moves a lead, with a fault at call number n of the evaluation by a
// process that has just begun. It returns the rows as runStory does, and how
// many calls the first attempt made.
func moveLead(t *testing.T, store changeStore, n int, fault probe.Fault) (items map[store.Key]store.Item, calls int) {
	t.Helper()
	j := &journal{ChangeStore: store}
	w := newWorldOn(t, j, salestest.Now, boot.Options{})
	w.Foretell()
	w.Segment(1, web, w.Sequence(1, "lead"), nil)
	w.Segment(2, hot, w.Sequence(2, "lead"), values{"msdyn_isresegmentationenabled": true})
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Fresh()
	w.Update("lead", lead.ID, values{quality: int64(1)})
	batch := w.Fresh()
	w.Restart()
	seen := 0
	w.Probe.Inject(func(probe.Call) probe.Fault {
		if seen++; seen-1 == n {
			return fault
		}
		return probe.None
	})
	failures := w.Changes(t.Context(), batch)
	calls = seen
	if failed := len(failures) > 0; failed != (fault != probe.None) {
		t.Fatalf("fault %d at call %d of %d: failures %v", fault, n, calls, failures)
	}
	w.Probe.Inject(nil)
	w.Restart()
	w.Again(batch)
	if got := w.Row("lead", lead.ID); got.Lookup("msdyn_segmentid").ID != id("segment", 2) || !got.Is("segue_connected") {
		t.Errorf("the lead did not arrive: %v", got.Values())
	}
	w.Sound(true)
	for _, problem := range j.Broken() {
		t.Error(problem)
	}
	return withoutVersions(scan(t, store)), calls
}
