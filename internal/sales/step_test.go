package sales_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

func TestStep_5_3_CompleteMakesTheNextStep(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq, lead := w.sequence(1, "lead"), w.lead(1, nil)
	target := w.connect(lead, seq)
	first := w.step(target)
	w.probe.Reset()
	w.update("msdyn_sequencetargetstep", first.ID, values{"statecode": int64(1)}) // completed is its default
	if c := w.probe.Counts(); c.Transactions != 1 || c.Ops != 3 || c.Gets != 1 {
		t.Errorf("%+v, want one read and one transaction of 3 items", c)
	}
	done := w.row("msdyn_sequencetargetstep", first.ID)
	if d := cmp.Diff([]any{int64(1), int64(stepCompleted), clock()}, []any{done.Int("statecode"), done.Int("statuscode"), done.Time("msdyn_completedon")}); d != "" {
		t.Errorf("the step (-want +got):\n%s", d)
	}
	now := w.row("msdyn_sequencetarget", target.ID)
	wait := w.step(now)
	if wait.ID == first.ID || now.Int("msdyn_currentstepcount") != 1 || now.Text("msdyn_currentstepname") != "Two days" {
		t.Errorf("the target is at %v", now.Values())
	}
	want := map[string]schema.Value{
		"statuscode": int64(stepOpen), "msdyn_waitstate": int64(1), "msdyn_duetime": clock().Add(48 * time.Hour), "msdyn_type": int64(0),
	}
	for column, v := range want {
		if d := cmp.Diff(v, wait.Values()[column]); d != "" {
			t.Errorf("the wait's %s (-want +got):\n%s", column, d)
		}
	}
	w.sound(false)
}

func TestStep_5_3_SkipGoesOnToo(t *testing.T) {
	w := newWorld(t, sales.Options{})
	target := w.connect(w.lead(1, nil), w.sequence(1, "lead"))
	first := w.step(target)
	target = w.finish(target, stepSkipped)
	if got := w.row("msdyn_sequencetargetstep", first.ID).Int("statuscode"); got != stepSkipped {
		t.Errorf("the step has status %d", got)
	}
	wait := w.step(target)
	target = w.finish(target, stepSkipped)
	skipped := w.row("msdyn_sequencetargetstep", wait.ID)
	if skipped.Int("msdyn_waitstate") != 2 || !skipped.Time("msdyn_waitskippedon").Equal(clock()) {
		t.Errorf("the wait is %v", skipped.Values())
	}
	if got := w.step(target).Text("msdyn_name"); got != "Mail" {
		t.Errorf("the target is at %q", got)
	}
}

func TestStep_5_3_AWaitIsNotCompletedByHand(t *testing.T) {
	w := newWorld(t, sales.Options{})
	target := w.finish(w.connect(w.lead(1, nil), w.sequence(1, "lead")), stepCompleted)
	w.refuses(t, sales.Precondition, func() error {
		return w.change("msdyn_sequencetargetstep", w.step(target).ID, values{"statuscode": int64(stepCompleted)})
	}, "a wait completes by itself")
}

func TestStep_5_2_LastStepCompletesTheTarget(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq, lead := w.sequence(1, "lead"), w.lead(1, nil)
	target := w.connect(lead, seq)
	target = w.finish(w.finish(target, stepCompleted), stepSkipped)
	w.probe.Reset()
	target = w.finish(target, stepCompleted)
	w.ended(target, completed, pathDone, stepCompleted)
	if got := target.Int("msdyn_currentstepcount"); got != 2 {
		t.Errorf("%d of 2 steps done", got)
	}
	w.member(lead, "", false)
	w.sound(false)
	if w.connect(lead, seq).ID == target.ID {
		t.Error("an ended target lives again")
	}
}

func TestStep_5_3_DoneStaysDone(t *testing.T) {
	w := newWorld(t, sales.Options{})
	lead := w.lead(1, nil)
	target := w.connect(lead, w.sequence(1, "lead"))
	first := w.step(target)
	w.finish(target, stepCompleted)
	for name, v := range map[string]values{
		"skipped":   {"statuscode": int64(stepSkipped)},
		"opened":    {"statecode": int64(0)},
		"cancelled": {"statuscode": int64(stepCancelled)},
	} {
		t.Run(name, func(t *testing.T) {
			w.refuses(t, sales.Precondition, func() error { return w.change("msdyn_sequencetargetstep", first.ID, v) }, "is done")
		})
	}
	w.untouched(t, func() { // completing it again is success and advances nothing
		w.update("msdyn_sequencetargetstep", first.ID, values{"statuscode": int64(stepCompleted)})
	})
	w.disconnect(lead)
	open := w.step(w.row("msdyn_sequencetarget", target.ID))
	w.refuses(t, sales.Precondition, func() error {
		return w.change("msdyn_sequencetargetstep", open.ID, values{"statuscode": int64(stepCompleted)})
	}, "is done")
}

func TestStep_5_3_OnlyCompletedOrSkipped(t *testing.T) {
	w := newWorld(t, sales.Options{})
	step := w.step(w.connect(w.lead(1, nil), w.sequence(1, "lead")))
	w.refuses(t, sales.Precondition, func() error {
		return w.change("msdyn_sequencetargetstep", step.ID, values{"statuscode": int64(stepCancelled)})
	}, "cancelled by disconnecting")
	w.update("msdyn_sequencetargetstep", step.ID, values{"msdyn_description": "Ask for Ann"})
	if got := w.row("msdyn_sequencetargetstep", step.ID).Int("statuscode"); got != stepOpen {
		t.Errorf("describing a step gave it status %d", got)
	}
}

// domain.md §7.5, §16: the open step stays with the old owner, later ones follow.
func TestStep_16_OwnerOfTheRecordChanges(t *testing.T) {
	w := newWorld(t, sales.Options{})
	before, after := link("systemuser", id("user", 1)), link("systemuser", id("user", 2))
	lead := w.lead(1, nil)
	target := w.connect(lead, w.sequence(1, "lead"))
	w.update("lead", lead.ID, values{"ownerid": after})
	target = w.row("msdyn_sequencetarget", target.ID)
	if got := target.Lookup("ownerid"); got != after {
		t.Errorf("the target belongs to %v", got)
	}
	if got := w.step(target).Lookup("ownerid"); got != before {
		t.Errorf("the open step belongs to %v", got)
	}
	for range 2 {
		target = w.finish(target, stepSkipped)
		if got := w.step(target).Lookup("ownerid"); got != after {
			t.Errorf("a later step belongs to %v", got)
		}
	}
}

// domain.md §7.5: the owner may give a single step to somebody.
func TestStep_7_5_OwnerOfOneStepChanges(t *testing.T) {
	w := newWorld(t, sales.Options{})
	owner, helper := link("systemuser", id("user", 1)), link("systemuser", id("user", 3))
	target := w.connect(w.lead(1, nil), w.sequence(1, "lead"))
	w.update("msdyn_sequencetargetstep", w.step(target).ID, values{"ownerid": helper})
	target = w.finish(target, stepCompleted)
	if got := w.step(target).Lookup("ownerid"); got != owner {
		t.Errorf("the next step belongs to %v, want the record's owner", got)
	}
}

func TestStep_16_RecordWithoutOwner(t *testing.T) {
	w := newWorld(t, sales.Options{})
	row, err := w.Create(t.Context(), sales.Engine(), "lead", id("lead", 1), values{"subject": "A", "lastname": "B"})
	if err != nil {
		t.Fatal(err)
	}
	target := w.connect(row.Ref(), w.sequence(1, "lead"))
	w.update("lead", row.ID, values{"subject": "C"})
	if d := cmp.Diff(target.Values(), w.row("msdyn_sequencetarget", target.ID).Values()); d != "" {
		t.Errorf("a change of the topic changed the target:\n%s", d)
	}
}

func TestTargetsAndSteps_4_AreMadeBySegueAlone(t *testing.T) {
	w := newWorld(t, sales.Options{})
	target := w.connect(w.lead(1, nil), w.sequence(1, "lead"))
	step := w.step(target)
	admin := sales.Caller{ID: id("user", 1), Roles: []string{sales.SystemAdministrator}}
	for name, call := range map[string]func() error{
		"create a target": func() error {
			_, err := w.Create(t.Context(), admin, "msdyn_sequencetarget", "", values{})
			return err
		},
		"create a step": func() error {
			_, err := w.Create(t.Context(), admin, "msdyn_sequencetargetstep", "", values{"msdyn_name": "A"})
			return err
		},
		"end a target by its state": func() error { return w.change("msdyn_sequencetarget", target.ID, values{"statecode": int64(1)}) },
		"move a step":               func() error { return w.change("msdyn_sequencetargetstep", step.ID, values{"segue_position": int64(2)}) },
	} {
		t.Run(name, func(t *testing.T) { w.refuses(t, sales.Invalid, call) })
	}
	w.refuses(t, sales.Precondition, func() error {
		return w.Delete(t.Context(), admin, target.Ref(), sales.If{})
	}, "never deleted", "msdyn_DisconnectSequence")
	w.refuses(t, sales.Precondition, func() error {
		return w.Delete(t.Context(), admin, rows.Ref{Table: step.Table.Name, ID: step.ID}, sales.If{})
	}, "never deleted")
}
