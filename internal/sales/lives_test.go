package sales_test

import (
	"errors"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// TestLives deletes a record and makes it again under its id, a hundred times under
// each clock: what was known of one life is never taken for knowledge of the next.
func TestLives(t *testing.T) {
	for _, clocks := range []struct {
		name   string
		second func(life int) time.Duration // of the process that makes the next life, from that of the first
	}{
		{"the clock stands still", func(int) time.Duration { return 0 }},
		{"the clock is set back", func(life int) time.Duration { return -time.Duration(life) * time.Millisecond }},
		{"two processes have different clocks", func(life int) time.Duration { return time.Duration(life%7-3) * time.Second }},
	} {
		t.Run(clocks.name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			seq := w.Sequence(1, "lead")
			w.Segment(1, web, "", nil)
			w.Settle()
			w.Fresh()
			manual := clock.NewManual(salestest.Now())
			second := boot.Assemble(rows.New(w.Store, w.DB.Schema(), manual), boot.Options{})
			seen := map[int64]bool{}
			for life := range 100 {
				manual.Advance(clocks.second(life) + salestest.Now().Sub(manual.Now()))
				liveTwice(t, w, second, seq, seen)
				if t.Failed() {
					t.Fatalf("in life %d", life)
				}
			}
		})
	}
}

// liveTwice makes a lead, deletes it, and makes another under its id that is in no
// segment. The lead is gone in the end. No version may be one of those seen before.
func liveTwice(t *testing.T, w *world, second *boot.Parts, seq string, seen map[int64]bool) {
	t.Helper()
	see := func() *rows.Row {
		row := w.Row("lead", id("lead", 1))
		if seen[row.Version] {
			t.Errorf("version %d again", row.Version)
		}
		seen[row.Version] = true
		return row
	}
	ref := w.Lead(1, values{sources: int64(8)}) // in the segment
	see()
	w.ConnectOnly(ref, seq)
	late, first := w.Fresh(), see()
	w.Remove(ref.Table, ref.ID)

	other := schematest.Row(values{"subject": "Second", "lastname": "Life", sources: int64(4)})
	made, err := second.Entities.Create(t.Context(), manager(), ref.Table, ref.ID, other)
	if err != nil {
		t.Fatal(err)
	}
	see()
	// The changes of the first life come late, and somebody saves what he had open.
	w.Deliver(late)
	if _, _, err := w.Entities.Update(t.Context(), manager(), ref, schematest.Row(values{"subject": "First"}), entity.If{Version: first.Version}); !errors.Is(err, sales.Stale) {
		t.Errorf("an update under the version of the first life: %v", err)
	}
	if now := w.Row(ref.Table, ref.ID); now.Version != made.Version || now.Text("subject") != "Second" || now.Lookup(name.MsdynSegmentid).ID != "" {
		t.Errorf("the second life was written over: version %d, made with %d, %v", now.Version, made.Version, now.Values())
	}
	// It is connected to the same sequence, and again after that.
	for range 2 {
		connected, err := second.Connections.Connect(t.Context(), manager(), connection.Request{Record: ref, Sequence: name.SequenceID(seq)})
		if err != nil || connected.Already {
			t.Errorf("connect: %+v, %v", connected, err)
		}
		see()
		if _, err := second.Connections.Disconnect(t.Context(), manager(), ref, ""); err != nil {
			t.Error(err)
		}
	}
	w.Remove(ref.Table, ref.ID)
	w.Fresh()
}
