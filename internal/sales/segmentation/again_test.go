package segmentation_test

import (
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/advance"
	"segue/internal/sales/salestest"
	"segue/internal/sales/segmentation"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// timed is a world whose time a test moves.
func timed(t *testing.T) (*world, *clock.Manual) {
	t.Helper()
	c := clock.NewManual(salestest.Now())
	return salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync(), embed.Clock(c)), c.Now, boot.Options{Freshness: sales.Freshness{Clock: c}}), c
}

// pass is a pass over the due list, which must not fail, and what follows from it.
func pass(t *testing.T, w *world) advance.Summary {
	t.Helper()
	done, err := w.Advance.Pass(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	return done
}

// decideAgain asks for records to be decided again.
func decideAgain(t *testing.T, w *world, at time.Time, records ...rows.Ref) {
	t.Helper()
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), records...)
		for _, record := range found {
			segmentation.DecideAgain(record, at)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
}

// A record that is to be decided again is when the time has come, by the segments as they
// are then, and once: it enters the segment, is connected and leaves the due list.
func TestDecideAgain(t *testing.T) {
	w, c := timed(t)
	record, other := w.Lead(1, values{sources: int64(8)}), w.Lead(2, values{sources: int64(1)})
	w.Settle()
	seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	w.Settle()
	decideAgain(t, w, c.Now().Add(2*time.Minute), record, other)
	decideAgain(t, w, c.Now().Add(time.Minute), record, other)
	decideAgain(t, w, c.Now().Add(time.Hour), record, other) // the earliest counts
	c.Advance(time.Minute - time.Second)
	if done := pass(t, w); done != (advance.Summary{}) {
		t.Errorf("a second too early: %+v", done)
	}
	w.Member(record, "", false)
	c.Advance(time.Second)
	if done := pass(t, w); done != (advance.Summary{Handled: 2}) {
		t.Errorf("when it is due: %+v", done)
	}
	w.Member(record, seg, true)
	w.Member(other, "", false)
	for _, ref := range []rows.Ref{record, other} {
		if at := w.Row(ref.Table, ref.ID).Time(name.SegueDecideon); !at.IsZero() {
			t.Errorf("%v is to be decided again at %v", ref, at)
		}
	}
	c.Advance(time.Hour)
	if done := pass(t, w); done != (advance.Summary{}) {
		t.Errorf("once it was decided: %+v", done)
	}
	w.Sound(true)
}

// A record is decided again while it is open: one that was closed meanwhile is when it is
// open again.
func TestDecideAgain_Closed(t *testing.T) {
	w, c := timed(t)
	record := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	seg := w.Segment(1, web, "", nil)
	w.Settle()
	decideAgain(t, w, c.Now().Add(time.Minute), record)
	w.Update("lead", record.ID, values{"statecode": int64(2), "statuscode": int64(4)})
	w.Settle()
	c.Advance(time.Minute)
	if done := pass(t, w); done != (advance.Summary{}) {
		t.Errorf("while it is closed: %+v", done)
	}
	w.Member(record, "", false)
	w.Update("lead", record.ID, values{"statecode": int64(0), "statuscode": int64(1)})
	w.Settle()
	w.Member(record, "", false)
	if done := pass(t, w); done != (advance.Summary{Handled: 1}) {
		t.Errorf("when it is open again: %+v", done)
	}
	w.Member(record, seg, false)
}

// A segment that is broken keeps its records in the due list until it is mended.
func TestDecideAgain_Broken(t *testing.T) {
	w, c := timed(t)
	record := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	seg := w.Segment(1, web, "", nil)
	w.Settle()
	sound := w.Row("msdyn_segment", seg).Text("msdyn_entityfilter")
	w.Corrupt("msdyn_segment", seg, func(row *rows.Row) { row.Set("msdyn_entityfilter", schema.Text("{")) })
	w.Settle()
	decideAgain(t, w, c.Now(), record)
	if done := pass(t, w); done != (advance.Summary{PutOff: 1}) {
		t.Errorf("broken: %+v", done)
	}
	w.Corrupt("msdyn_segment", seg, func(row *rows.Row) { row.Set("msdyn_entityfilter", schema.Text(sound)) })
	w.Settle()
	c.Advance(time.Minute)
	if done := pass(t, w); done != (advance.Summary{Handled: 1}) {
		t.Errorf("mended: %+v", done)
	}
	w.Member(record, seg, false)
}
