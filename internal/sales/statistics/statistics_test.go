package statistics_test

import (
	"testing"
	"time"

	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/sales/sequence"
	"segue/internal/sales/statistics"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// TestReport follows a few records.
func TestReport(t *testing.T) {
	w, c := newWorld(t)
	report(w)
	of := start(w, 1, untested)
	first, second := w.Lead(1, nil), w.Lead(2, nil)
	done := w.Connect(first, of)
	left := w.Connect(second, of)
	w.Settle()
	rightNow(w, of)
	c.Advance(time.Hour)
	done = w.Finish(done, 2)
	c.Advance(time.Hour)
	w.Finish(w.Finish(done, 3), 2)
	w.Disconnect(second)
	w.Settle()
	rightNow(w, of)
	got := shown(w, of, 1)
	if got.Targets[sequence.Completed] != 1 || got.Targets[sequence.Disconnected] != 1 || got.Reasons[sequence.UserDisconnected] != 1 {
		t.Errorf("%+v of %v and %v", got, done.ID, left.ID)
	}
	r, err := w.Statistics.Of(t.Context(), w.Row("msdyn_sequence", of), 0)
	if err != nil {
		t.Fatal(err)
	}
	if mean, ok := r.Steps[0].Mean(); !ok || mean != time.Hour || r.Steps[0].Canceled != 1 {
		t.Errorf("the call took %v: %+v", mean, r.Steps[0])
	}
	if found := recount(w); found != (statistics.Differences{}) {
		t.Errorf("a recount of what is right found %+v", found)
	}
	rightNow(w, of)
}

// What a seller takes back is taken back here too, with the step that had come after it.
func TestReopened(t *testing.T) {
	w, _ := newWorld(t)
	report(w)
	of := start(w, 1, `[{"type":"task","name":"First"},{"type":"task","name":"Second"}]`)
	lead := w.Lead(1, nil)
	target := w.Connect(lead, of)
	first := name.SequenceTargetStepID(w.Step(target).ID)
	w.Finish(target, 2)
	w.Settle()
	rightNow(w, of)
	if err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		_, err := w.Worklist.Reopen(t.Context(), tx, salestest.Manager(), first)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	rightNow(w, of)
	w.Disconnect(lead)
	w.Settle()
	rightNow(w, of)
}

// TestOff counts nothing but tests while reporting is off; a recount makes up for it.
func TestOff(t *testing.T) {
	w, _ := newWorld(t)
	plain, test := start(w, 1, untested), start(w, 2, tested)
	w.Connect(w.Lead(1, nil), plain)
	w.Finish(w.Connect(w.Lead(2, nil), test), 2)
	w.Settle()
	if got := shown(w, plain, 0); len(got.Targets)+len(got.Steps) > 0 {
		t.Errorf("counted while it is off: %+v", got)
	}
	rightNow(w, test)
	report(w)
	if found := recount(w); found.Counted != 2 || found.Wrong != 0 { // a target and its step, in one transaction each
		t.Errorf("the recount found %+v", found)
	}
	rightNow(w, plain)
	rightNow(w, test)
}

// TestRecountMends puts counts right that somebody has spoilt, and deletes those of before.
func TestRecountMends(t *testing.T) {
	w, _ := newWorld(t)
	report(w)
	of := start(w, 1, untested)
	for n := range 5 {
		w.Finish(w.Connect(w.Lead(n, nil), of), 2)
	}
	w.Settle()
	for _, row := range all(w, name.SequenceStatistic) {
		if row.Text(name.SegueOf) != "" {
			w.Corrupt(row.Table.Name, row.ID, func(row *rows.Row) { row.Set(name.SegueValues, schema.Text(`{"t":{"2":77}}`)) })
		}
	}
	if found := recount(w); found.Wrong != 1 || found.Counted != 0 {
		t.Errorf("the recount found %+v", found)
	}
	rightNow(w, of)
	recount(w)
	for _, row := range all(w, name.SequenceStatistic) {
		if row.Text(name.SegueOf) != "" && row.Int(name.SegueEpoch) == 0 {
			t.Errorf("counts of the first epoch are left: %v", row.Ref())
		}
	}
}

// TestDeletedStaysCounted deletes what is kept no longer, and counts it as before.
func TestDeletedStaysCounted(t *testing.T) {
	w, _ := newWorld(t)
	report(w)
	of := start(w, 1, untested)
	for n := range 4 {
		record := w.Lead(n, nil)
		w.Finish(w.Connect(record, of), 2)
		if n%2 == 0 {
			w.Disconnect(record)
		}
	}
	w.Settle()
	targets, steps := all(w, name.SequenceTarget), all(w, name.SequenceTargetStep)
	for _, row := range append(targets, steps...) {
		if row.Int(name.Statecode) == 1 {
			err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
				found, err := tx.Load(t.Context(), row.Ref())
				if err == nil {
					tx.Delete(found[0])
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Settle()
	right(w, of, targets, steps)
	if found := recount(w); found != (statistics.Differences{}) {
		t.Errorf("the recount found %+v", found)
	}
	right(w, of, targets, steps)
}

// TestNothingToDo follows changes that leave what is counted, and repeats, and writes nothing.
func TestNothingToDo(t *testing.T) {
	w, _ := newWorld(t)
	report(w)
	of := start(w, 1, untested)
	w.Fresh()
	target := w.Connect(w.Lead(1, nil), of)
	changes := w.Fresh()
	w.Settle()
	w.Finish(target, 2)
	changes = append(changes, w.Fresh()...)
	w.Settle()
	w.Untouched(t, func() { w.Again(changes) })
	step := w.Step(w.Row("msdyn_sequencetarget", target.ID))
	w.Update("msdyn_sequencetargetstep", step.ID, values{"msdyn_description": "new"})
	more := w.Fresh()
	w.Settle()
	w.Untouched(t, func() { w.Again(more) })
}
