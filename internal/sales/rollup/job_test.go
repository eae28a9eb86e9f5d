package rollup_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/rows"
	"segue/internal/sales/rollup"
	"segue/internal/schema"
)

// recount runs the job and returns what it found.
func recount(t *testing.T, w *world) rollup.Differences {
	t.Helper()
	id, err := w.BeginRecount(t.Context(), "account")
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	found, ok, err := w.Differences(t.Context(), id)
	if err != nil || !ok {
		t.Fatalf("the job is not completed: %v", err)
	}
	return found
}

// The job finds what is wrong however it came about, mends it, and finds nothing then.
func TestRecount(t *testing.T) {
	w, c := newWorld(t)
	a, b := account(w, 1), account(w, 2)
	deal := values{"parentaccountid": lookup(a), "estimatedvalue": money(100), "closeprobability": int64(40), "estimatedclosedate": day(3)}
	w.Opportunity(1, deal)
	gone := w.Opportunity(2, with(deal, values{"closeprobability": int64(5)}))
	w.Opportunity(3, with(deal, values{"parentaccountid": lookup(b)}))
	w.Settle()
	c.Advance(2 * time.Minute)
	if found := recount(t, w); found != (rollup.Differences{}) {
		t.Errorf("nothing is wrong, and found is %+v", found)
	}
	w.Corrupt("account", a.ID, func(row *rows.Row) {
		row.Set("new_opendeals", schema.Int(7))
		row.Set("new_leastlikely", schema.Null())
	})
	w.Corrupt("account", b.ID, func(row *rows.Row) { row.Set("new_averagedeal_tally", schema.Text("9 9")) })
	w.Opportunity(4, with(deal, values{"parentaccountid": lookup(b)}))
	w.Remove("opportunity", gone.ID)
	lose(w)
	c.Advance(2 * time.Minute)
	// The job's own differences make the accounts such that somebody is writing them.
	first := recount(t, w)
	if first.Counted != 2 || first.Wrong+first.Later == 0 {
		t.Errorf("found %+v", first)
	}
	later(t, w, c)
	right(w, a, b)
	c.Advance(2 * time.Minute)
	if d := cmp.Diff(rollup.Differences{}, recount(t, w)); d != "" {
		t.Errorf("after it was mended (-want +got):\n%s", d)
	}
	if _, err := w.BeginRecount(t.Context(), "lead"); err == nil {
		t.Error("a table without roll-ups is recounted")
	}
}
