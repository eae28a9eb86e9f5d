package progress_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"segue/internal/guid"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Targets that wait cost nothing: a pass over 10,000 of them, of which one is due, reads the 16
// shards of the due list, that step and the settings of the organization, which this process has
// not looked at for an hour, and writes its transition. A
// pass where none is due reads the shards alone.
func TestRun_Idle(t *testing.T) {
	const waits = 10_000
	w := newTicking(t)
	target := w.on(nil, waiting)
	due := w.at(target, "Wait")
	for chunk := range slices.Chunk(slices.Collect(ids(waits-1)), 50) {
		err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
			for _, id := range chunk { // a step of another target, which has a day to go
				row := tx.Create(w.DB.Schema().Table(name.SequenceTargetStep), id, nil)
				for column, v := range due.Columns() {
					if !slices.Contains([]string{name.MsdynSequencetarget, rows.CreatedOn, rows.ModifiedOn, "owninguser", "owningteam"}, column) {
						row.Set(column, v)
					}
				}
				row.Set(name.MsdynDuetime, schema.Time(salestest.Now().Add(24*time.Hour)))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Settle()
	w.pass() // the first one of a process also looks at parked changes
	w.clock.Advance(time.Hour)
	w.Probe.Reset()
	w.Untouched(t, w.pass)
	if got, want := w.Probe.Counts(), (probe.Counts{Queries: 16, ReadUnits: 8}); got != want {
		t.Errorf("a pass while %d wait costs %+v, want %+v", waits, got, want)
	}
	w.clock.Advance(time.Hour)
	w.Probe.Reset()
	w.pass()
	if c := salestest.WithoutLog(t, w.Probe); c.Queries != 16 || c.Gets != 1 || c.GetKeys != 1 || c.Writes != 0 || c.Transactions != 1 || c.Ops != 3 {
		t.Errorf("one of %d that is due costs %+v, want the list, its row and one transaction of 3 items", waits, c)
	}
	w.at(target, "Last")
}

func ids(n int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range n {
			if !yield(guid.FromName(fmt.Sprint("waits ", i))) {
				return
			}
		}
	}
}
