package statistics_test

import (
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/sales/salestest"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

const whichTest = "11111111-0000-4000-8000-000000000002"

// onlyTest is a sequence that is a test and nothing else; more is what is said of it.
func onlyTest(more string) string {
	return `[{"type":"abtest","name":"Which","metric":"completed",` + more + `"split":50,"id":"` + whichTest + `",
		"a":[{"type":"phonecall","name":"Call"}],"b":[{"type":"email","name":"Mail"}]}]`
}

// run connects records from first on and lets those who drew A complete the sequence, and those
// who drew B leave it.
func run(w *world, of string, first, n int) {
	w.T.Helper()
	for i := first; i < first+n; i++ {
		record := w.Lead(i, nil)
		target := w.Connect(record, of)
		if target.Int(name.MsdynCurrentsteptype) == int64(sequence.PhoneCall) {
			w.Finish(target, 2)
		} else {
			w.Disconnect(record)
		}
	}
	w.Settle()
}

// pass takes up what is due after a while.
func pass(w *world, c *clock.Manual, after time.Duration) {
	w.T.Helper()
	c.Advance(after)
	if _, err := w.Advance.Pass(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
	w.Settle()
}

// theTest is how the test stands.
func theTest(w *world, of string) (state sequence.TestState, verdict *sequence.TestVerdict) {
	w.T.Helper()
	r, err := w.Statistics.Of(w.T.Context(), w.Row("msdyn_sequence", of), 0)
	if err != nil || len(r.Tests) != 1 {
		w.T.Fatalf("%+v, %v", r, err)
	}
	return r.Tests[0].State, r.Tests[0].Verdict
}

// everybodyTakes checks which step records come to that are connected now, and that they draw
// no more.
func everybodyTakes(w *world, of string, first int, kind sequence.StepType) {
	w.T.Helper()
	for i := first; i < first+8; i++ {
		target := w.Connect(w.Lead(i, nil), of)
		step := w.Step(target)
		if target.Int(name.MsdynCurrentsteptype) != int64(kind) || step.Text(name.SeguePicks) != "" {
			w.T.Errorf("record %d came to a step of type %d and drew %q", i, target.Int(name.MsdynCurrentsteptype), step.Text(name.SeguePicks))
		}
	}
}

// TestEndsByItself: nothing is claimed of few records; then A wins, for everybody who comes later.
func TestEndsByItself(t *testing.T) {
	w, c := newWorld(t)
	of := w.Draft(1, onlyTest(""))
	if state, _ := theTestOfDraft(w, of); state != "" && state != sequence.TestDraft {
		t.Errorf("a draft is %s", state)
	}
	if err := w.Activate(of); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	run(w, of, 0, 20)
	pass(w, c, 20*time.Minute)
	if state, verdict := theTest(w, of); state != sequence.TestInProgress || verdict != nil {
		t.Fatalf("with few records it is %s: %+v", state, verdict)
	}
	run(w, of, 20, 70)
	pass(w, c, 20*time.Minute)
	state, verdict := theTest(w, of)
	if state != sequence.TestEnded || verdict == nil || verdict.Winner != "a" || verdict.P > 0.001 {
		t.Fatalf("it is %s: %+v", state, verdict)
	}
	everybodyTakes(w, of, 100, sequence.PhoneCall)
	if left := all(w, name.Experiment); len(left) != 0 {
		t.Errorf("%d tests are looked at without end", len(left))
	}
}

// theTestOfDraft is theTest of a sequence that has never been active, which has none.
func theTestOfDraft(w *world, of string) (state sequence.TestState, ok bool) {
	w.T.Helper()
	r, err := w.Statistics.Of(w.T.Context(), w.Row("msdyn_sequence", of), 0)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, test := range r.Tests {
		return test.State, true
	}
	return "", false
}

// TestEndsOnItsDay: too few records by then, so everybody takes the default, at once and after
// the verdict.
func TestEndsOnItsDay(t *testing.T) {
	w, c := newWorld(t)
	of := start(w, 1, onlyTest(`"until":"2026-01-03","default":"b",`))
	run(w, of, 0, 20)
	c.Advance(24 * time.Hour)
	everybodyTakes(w, of, 100, sequence.Email)
	pass(w, c, time.Minute)
	state, verdict := theTest(w, of)
	if state != sequence.TestEnded || verdict == nil || verdict.Winner != "" || verdict.Branch != sequence.B {
		t.Fatalf("it is %s: %+v", state, verdict)
	}
	everybodyTakes(w, of, 200, sequence.Email)
}

// TestStopped ends a test by hand, once.
func TestStopped(t *testing.T) {
	w, _ := newWorld(t)
	of := start(w, 1, onlyTest(""))
	run(w, of, 0, 4)
	stop := func(test sequence.StepID, branch string) error {
		return w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
			found, err := tx.Load(t.Context(), rows.Ref{Table: name.Sequence, ID: of})
			if err != nil {
				return err
			}
			return w.Statistics.StopIn(t.Context(), found[0], test, branch)
		})
	}
	w.Refuses(t, sales.Invalid, func() error { return stop("11111111-0000-4000-8000-00000000000f", "") }, "no A/B test")
	w.Refuses(t, sales.Invalid, func() error { return stop(whichTest, "c") }, "neither a nor b")
	if err := stop(whichTest, "b"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	everybodyTakes(w, of, 100, sequence.Email)
	w.Refuses(t, sales.Precondition, func() error { return stop(whichTest, "a") }, "has ended")
	if state, verdict := theTest(w, of); state != sequence.TestStopped || verdict.Branch != sequence.B {
		t.Errorf("it is %s: %+v", state, verdict)
	}
}

// TestOpensDecide counts what the recipients of the emails of a branch did.
func TestOpensDecide(t *testing.T) {
	w, _ := newWorld(t)
	of := start(w, 1, `[{"type":"abtest","name":"Which","metric":"opened","split":50,"id":"`+whichTest+`",
		"a":[{"type":"email","name":"Short"}],"b":[{"type":"email","name":"Long"}]},{"type":"email","name":"For all"}]`)
	var want [2]sequence.Side
	for n := range 12 {
		target := w.Connect(w.Lead(n, nil), of)
		step := w.Step(target)
		branch := sequence.TargetStep{Row: step}.Picks()[whichTest]
		want[branch].Records++
		if n%3 == 0 { // the email of the branch
			want[branch].Successes++
			opened(w, target, step)
		}
		if n%3 == 1 { // that for all
			opened(w, target, w.Step(w.Finish(target, 2)))
		}
	}
	w.Settle()
	r, err := w.Statistics.Of(t.Context(), w.Row("msdyn_sequence", of), 0)
	if err != nil || r.Tests[0].Sides != want {
		t.Errorf("sides %+v, want %+v (%v)", r.Tests[0].Sides, want, err)
	}
}

// opened says that the email of a step was sent and opened.
func opened(w *world, target, step *rows.Row) {
	w.T.Helper()
	id := string(mailing.SendID(name.SequenceTargetStepID(step.ID)))
	err := w.DB.Do(w.T.Context(), "", func(tx *rows.Tx) error {
		tx.Create(tx.Schema().Table(name.SentEmail), id, map[string]schema.Value{
			name.SegueStep: schema.RefTo(name.SequenceTargetStep, step.ID), name.SegueTarget: schema.RefTo(name.SequenceTarget, target.ID),
		})
		return nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
	w.Settle()
	w.Corrupt(name.SentEmail, id, func(row *rows.Row) { row.Set(name.SegueOpenedon, schema.Time(salestest.Now())) })
}
