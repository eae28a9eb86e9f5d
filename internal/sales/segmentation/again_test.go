package segmentation_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// A record that is due while a segment is broken is parked with the reason, has a run that
// says so, and is decided on when the segment is mended.
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
	if done := pass(t, w); done != (advance.Summary{Handled: 1}) {
		t.Errorf("broken: %+v", done)
	}
	if at := w.Row("lead", record.ID).Time(name.SegueDecideon); !at.IsZero() {
		t.Errorf("it is still to be decided again at %v", at)
	}
	if parked := w.Parked(); len(parked) != 1 || parked[0].Subject() != record || parked[0].Handler() != segmentation.EvaluateReaction {
		t.Errorf("parked: %v", parked)
	}
	failed := w.List("msdyn_salesroutingrun", values{"statecode": int64(2)})
	if len(failed) != 1 || failed[0].Lookup("msdyn_targetobject").ID != record.ID || failed[0].Text("msdyn_errormessage") == "" {
		t.Errorf("runs that failed: %v", failed)
	}
	w.Update("msdyn_segment", seg, values{"msdyn_entityfilter": sound})
	w.Settle()
	w.Member(record, seg, false)
	if parked := w.Parked(); len(parked) > 0 {
		t.Errorf("still parked: %v", parked)
	}
}

// day is a condition on the date of a lead.
func day(operator string) string {
	return `{"attribute":"schedulefollowup_qualify","operator":` + operator + `}`
}

// The membership of a record follows the time without a write: the record enters on the
// day, in the zone of the organization, and leaves after it, each once. What changes
// nothing is not decided on.
func TestTime_8_3(t *testing.T) {
	w, c := timed(t)
	reckon(t, w, values{"segue_timezone": "America/New_York"})
	first, second := w.Sequence(1, "lead"), w.Sequence(2, "lead")
	today := w.Segment(1, day(`"today"`), first, values{"segue_leaves": true})
	late := w.Segment(2, day(`"olderthan-x-days","values":[2]`), second, nil)
	w.Settle()
	at := c.Now().AddDate(0, 0, 3) // January 5, 03:04:05Z: January 4 in New York
	record := w.Lead(1, values{"schedulefollowup_qualify": at})
	w.Settle()
	w.Member(record, "", false)
	for _, step := range []struct {
		at, segment string
		on          string // a sequence
		handled     int
	}{
		{"2026-01-04T04:59:00Z", "", "", 0},
		{"2026-01-04T05:00:00Z", today, first, 1},
		{"2026-01-05T04:59:00Z", today, first, 0},
		{"2026-01-05T05:00:00Z", "", "", 1},
		{"2026-01-07T04:59:00Z", "", "", 0},
		{"2026-01-07T05:00:00Z", late, second, 1},
		{"2027-01-07T05:00:00Z", late, second, 0},
	} {
		c.Advance(moment(t, step.at).Sub(c.Now()))
		if done := pass(t, w); done != (advance.Summary{Handled: step.handled}) {
			t.Errorf("%s: %+v, want %d", step.at, done, step.handled)
		}
		w.Member(record, step.segment, step.on != "")
		w.Sound(true)
	}
	if at := w.Row("lead", record.ID).Time(name.SegueDecideon); !at.IsZero() {
		t.Errorf("it is to be decided again at %v", at)
	}
	var reasons []int64
	for _, target := range w.List("msdyn_sequencetarget", values{"statecode": int64(1)}) {
		reasons = append(reasons, target.Int("msdyn_deactivatereason"))
	}
	if d := cmp.Diff([]int64{6}, reasons); d != "" {
		t.Errorf("connections that have ended, by reason (-want +got):\n%s", d)
	}
}

// A change that keeps the winner and the instant writes nothing, one that only puts the
// instant off neither, and an evaluation that brings it forward writes the record alone.
func TestTime_Writes(t *testing.T) {
	w, c := timed(t)
	w.Segment(1, day(`"today"`), "", nil)
	w.Settle()
	record := w.Lead(1, nil)
	w.Settle()
	for _, test := range []struct {
		name   string
		set    any
		writes int
		due    any
	}{
		{"the first instant", c.Now().AddDate(0, 0, 5), 1, "2026-01-07T00:00:00Z"},
		{"the same one", c.Now().AddDate(0, 0, 5).Add(time.Hour), 0, "2026-01-07T00:00:00Z"},
		{"a later one", c.Now().AddDate(0, 0, 9), 0, "2026-01-07T00:00:00Z"},
		{"an earlier one", c.Now().AddDate(0, 0, 2), 1, "2026-01-04T00:00:00Z"},
		{"none", c.Now().AddDate(0, 0, -2), 0, "2026-01-04T00:00:00Z"},
	} {
		w.Fresh()
		w.Update("lead", record.ID, values{"schedulefollowup_qualify": test.set})
		changes := w.Fresh()
		w.Probe.Reset()
		w.Deliver(changes)
		if n := salestest.WithoutLog(t, w.Probe); n.Ops != test.writes {
			t.Errorf("%s: %+v, want %d written", test.name, n, test.writes)
		}
		if got := w.Row("lead", record.ID).Time(name.SegueDecideon).Format(time.RFC3339); got != test.due {
			t.Errorf("%s: it is to be decided again at %v, want %v", test.name, got, test.due)
		}
		w.Settle()
	}
	c.Advance(moment(t, "2026-01-04T00:00:00Z").Sub(c.Now()))
	w.Probe.Reset()
	if done, err := w.Advance.Pass(t.Context()); err != nil || done != (advance.Summary{Handled: 1}) {
		t.Fatalf("%+v, %v", done, err)
	}
	if n := salestest.WithoutLog(t, w.Probe); n.Ops != 1 || n.GetKeys != 1 {
		t.Errorf("an instant that was too early costs %+v, want one write", n)
	}
	w.Settle()
}

// Applying one segment to the records that are there has those decided on at the moment
// that the segment matches later, and asks for nothing of a segment that does not depend on
// the time.
func TestTime_Applied(t *testing.T) {
	w, c := timed(t)
	later := w.Lead(1, values{"schedulefollowup_qualify": c.Now().AddDate(0, 0, 3)})
	never := w.Lead(2, values{"schedulefollowup_qualify": c.Now().AddDate(0, 0, -3), quality: int64(1)})
	w.Settle()
	today, other := w.Segment(1, day(`"today"`), "", nil), w.Segment(2, hot, "", nil)
	w.Settle()
	apply := func(segment string) {
		err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
			found, err := tx.Load(t.Context(), rows.RefTo(name.Segment, name.SegmentID(segment)))
			if err == nil {
				_, err = w.Backfill.BeginSegment(t.Context(), tx, found[0])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Settle()
	}
	decidedOn := func(record rows.Ref) time.Time { return w.Row("lead", record.ID).Time(name.SegueDecideon) }
	apply(other)
	w.Member(never, other, false)
	if at := decidedOn(later); !at.IsZero() {
		t.Errorf("by a segment that does not depend on the time it is decided on at %v", at)
	}
	w.Update("msdyn_segment", other, values{"statecode": int64(1)})
	w.Settle()
	apply(today)
	apply(today)
	if at, want := decidedOn(later), moment(t, "2026-01-05T00:00:00Z"); !at.Equal(want) {
		t.Errorf("it is decided on at %v, want %v", at, want)
	}
	if at := decidedOn(never); !at.IsZero() {
		t.Errorf("one that never matches is decided on at %v", at)
	}
	c.Advance(72 * time.Hour)
	pass(t, w)
	w.Member(later, today, false)
	w.Sound(true)
}
