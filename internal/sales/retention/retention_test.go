package retention_test

import (
	"context"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/store"
)

const month = 30 * 24 * time.Hour

// story has one lead on a sequence, one that was taken off it after a step, and one that
// has done all steps; it returns their targets.
func story(w *salestest.World) (live, left, done *rows.Row) {
	sequence := w.Sequence(1, "lead")
	live = w.Connect(w.Lead(1, nil), sequence)
	left = w.Finish(w.Connect(w.Lead(2, nil), sequence), 2)
	w.Disconnect(rows.Ref{Table: "lead", ID: salestest.ID("lead", 2)})
	done = w.Connect(w.Lead(3, nil), sequence)
	for done.Int("statecode") == 0 {
		status := int64(2)
		if w.Step(done).Int("msdyn_waitstate") == 1 {
			status = 3
		}
		done = w.Finish(done, status)
	}
	return live, left, done
}

// stored are the rows of targets and steps, true for those that name until when they are
// kept.
func stored(t *testing.T, w *salestest.World) map[rows.Ref]time.Time {
	t.Helper()
	all := map[rows.Ref]time.Time{}
	for _, table := range []string{"msdyn_sequencetarget", "msdyn_sequencetargetstep"} {
		tt := w.DB.Schema().Table(table)
		for _, p := range rows.ListPartitions(tt) {
			part, err := w.DB.Read(t.Context(), tt, p, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range part.Rows {
				all[row.Ref()] = row.Time("segue_expireson")
				attr := rowstest.Stored(t, w.Store, row.Ref())[schema.ExpiresAttribute]
				if want := row.Time("segue_expireson"); want.IsZero() != (attr.Kind() == store.Absent) || !want.IsZero() && (attr.Kind() != store.Number || attr.Int() != want.Unix()) {
					t.Errorf("%v: stored is %v, kept until %v", row.Ref(), attr, want)
				}
				if ended := row.Int("statecode") != 0; ended == row.Time("segue_expireson").IsZero() {
					t.Errorf("%v has ended: %v, kept until %v", row.Ref(), ended, row.Time("segue_expireson"))
				}
			}
		}
	}
	return all
}

// TestEndedRowsExpire: exactly what has ended names until when it is kept, and a daily job
// deletes it then, on a store that has no time to live.
func TestEndedRowsExpire(t *testing.T) {
	now := clock.NewManual(salestest.Now())
	options := boot.Options{Policy: sales.Policy{Retention: month}, NoTimeToLive: true, Freshness: sales.Freshness{Clock: now}}
	w := salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync()), now.Now, options)
	live, _, _ := story(w)
	before := stored(t, w)
	pass := func() {
		t.Helper()
		if _, err := w.Advance.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Settle()
	}
	now.Advance(month - time.Hour)
	pass()
	if got := stored(t, w); len(got) != len(before) {
		t.Errorf("%d rows of %d are left an hour too early", len(got), len(before))
	}
	now.Advance(2 * time.Hour)
	pass() // the same day may be over: the job of the day begins once
	now.Advance(24 * time.Hour)
	pass()
	got := stored(t, w)
	if len(got) != 2 { // the live target and its open step
		t.Errorf("left: %v", got)
	}
	if _, ok := got[live.Ref()]; !ok {
		t.Error("a live target is gone")
	}
	w.Sound(true)
}

// TestKeptForEver: without a retention nothing names an end, which is the default.
func TestKeptForEver(t *testing.T) {
	now := clock.NewManual(salestest.Now())
	w := salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync()), now.Now, boot.Options{NoTimeToLive: true, Freshness: sales.Freshness{Clock: now}})
	_, left, done := story(w)
	now.Advance(100 * month)
	if _, err := w.Advance.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	for _, target := range []*rows.Row{left, done} {
		if row := w.Row(target.Table.Name, target.ID); !row.Time("segue_expireson").IsZero() {
			t.Errorf("%v is kept until %v", row.Ref(), row.Time("segue_expireson"))
		}
	}
}

// TestTimeToLive: what the time to live of a table deletes comes as a removal, and
// nothing follows from it: no write, nothing parked, and no connection ends.
func TestTimeToLive(t *testing.T) {
	w := salestest.New(t, boot.Options{Policy: sales.Policy{Retention: month}})
	live, left, done := story(w)
	w.Settle()
	w.Fresh()
	for ref, until := range stored(t, w) {
		if until.IsZero() {
			continue
		}
		if err := w.Store.Write(t.Context(), store.Delete(rowstest.Stored(t, w.Store, ref).Key(), store.Condition{})); err != nil {
			t.Fatal(err)
		}
	}
	changes := w.Fresh()
	if len(changes) < 4 {
		t.Fatalf("%d removals", len(changes))
	}
	w.Probe.Reset()
	w.Deliver(changes)
	for _, call := range w.Probe.Calls() {
		if call.Method == probe.Write {
			t.Errorf("a removal makes a write: %v", call.Keys)
		}
	}
	if found, err := w.DB.Get(context.Background(), live.Ref(), left.Ref(), done.Ref()); err != nil || found[0] == nil || found[1] != nil || found[2] != nil {
		t.Errorf("left are %v, %v", found, err)
	}
	w.Sound(true)
}
