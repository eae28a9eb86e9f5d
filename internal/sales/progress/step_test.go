package progress_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

func TestStep_5_3_CompleteMakesTheNextStep(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	target := w.Connect(lead, seq)
	first := w.Step(target)
	w.Probe.Reset()
	w.Update("msdyn_sequencetargetstep", first.ID, values{"statecode": int64(1)}) // completed is its default
	if c := w.Probe.Counts(); c.Transactions != 1 || c.Ops != 3 || c.Gets != 1 {
		t.Errorf("%+v, want one read and one transaction of 3 items", c)
	}
	done := w.Row("msdyn_sequencetargetstep", first.ID)
	if d := cmp.Diff([]any{int64(1), int64(stepCompleted), salestest.Now()}, []any{done.Int("statecode"), done.Int("statuscode"), done.Time("msdyn_completedon")}); d != "" {
		t.Errorf("the step (-want +got):\n%s", d)
	}
	now := w.Row("msdyn_sequencetarget", target.ID)
	wait := w.Step(now)
	if wait.ID == first.ID || now.Int("msdyn_currentstepcount") != 1 || now.Text("msdyn_currentstepname") != "Two days" {
		t.Errorf("the target is at %v", now.Values())
	}
	want := map[string]schema.Value{
		"statuscode": schema.Int(int64(stepOpen)), "msdyn_waitstate": schema.Int(1), "msdyn_duetime": schema.Time(salestest.Now().Add(48 * time.Hour)), "msdyn_type": schema.Int(0),
	}
	for column, v := range want {
		if d := cmp.Diff(v, wait.Values()[column]); d != "" {
			t.Errorf("the wait's %s (-want +got):\n%s", column, d)
		}
	}
	w.Sound(false)
}

func TestStep_5_3_SkipGoesOnToo(t *testing.T) {
	w := newWorld(t, boot.Options{})
	target := w.Connect(w.Lead(1, nil), w.Sequence(1, "lead"))
	first := w.Step(target)
	target = w.Finish(target, stepSkipped)
	if got := w.Row("msdyn_sequencetargetstep", first.ID).Int("statuscode"); got != stepSkipped {
		t.Errorf("the step has status %d", got)
	}
	wait := w.Step(target)
	target = w.Finish(target, stepSkipped)
	skipped := w.Row("msdyn_sequencetargetstep", wait.ID)
	if skipped.Int("msdyn_waitstate") != 2 || !skipped.Time("msdyn_waitskippedon").Equal(salestest.Now()) {
		t.Errorf("the wait is %v", skipped.Values())
	}
	if got := w.Step(target).Text("msdyn_name"); got != "Mail" {
		t.Errorf("the target is at %q", got)
	}
}

func TestStep_5_3_AWaitIsNotCompletedByHand(t *testing.T) {
	w := newWorld(t, boot.Options{})
	target := w.Finish(w.Connect(w.Lead(1, nil), w.Sequence(1, "lead")), stepCompleted)
	w.Refuses(t, sales.Precondition, func() error {
		return w.TryUpdate("msdyn_sequencetargetstep", w.Step(target).ID, values{"statuscode": int64(stepCompleted)})
	}, "skip it (statuscode 3)")
}

func TestStep_5_2_LastStepCompletesTheTarget(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	target := w.Connect(lead, seq)
	target = w.Finish(w.Finish(target, stepCompleted), stepSkipped)
	w.Probe.Reset()
	target = w.Finish(target, stepCompleted)
	w.Ended(target, completed, pathDone, stepCompleted)
	if got := target.Int("msdyn_currentstepcount"); got != 2 {
		t.Errorf("%d of 2 steps done", got)
	}
	w.Member(lead, "", false)
	w.Sound(false)
	if w.Connect(lead, seq).ID == target.ID {
		t.Error("an ended target lives again")
	}
}

func TestStep_5_3_DoneStaysDone(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, nil)
	target := w.Connect(lead, w.Sequence(1, "lead"))
	first := w.Step(target)
	w.Finish(target, stepCompleted)
	for name, v := range map[string]values{
		"skipped":   {"statuscode": int64(stepSkipped)},
		"opened":    {"statecode": int64(0)},
		"cancelled": {"statuscode": int64(stepCancelled)},
	} {
		t.Run(name, func(t *testing.T) {
			w.Refuses(t, sales.Precondition, func() error { return w.TryUpdate("msdyn_sequencetargetstep", first.ID, v) }, "is done")
		})
	}
	w.Untouched(t, func() { // completing it again is success and advances nothing
		w.Update("msdyn_sequencetargetstep", first.ID, values{"statuscode": int64(stepCompleted)})
	})
	w.Disconnect(lead)
	open := w.Step(w.Row("msdyn_sequencetarget", target.ID))
	w.Refuses(t, sales.Precondition, func() error {
		return w.TryUpdate("msdyn_sequencetargetstep", open.ID, values{"statuscode": int64(stepCompleted)})
	}, "is done")
}

func TestStep_5_3_OnlyCompletedOrSkipped(t *testing.T) {
	w := newWorld(t, boot.Options{})
	step := w.Step(w.Connect(w.Lead(1, nil), w.Sequence(1, "lead")))
	w.Refuses(t, sales.Precondition, func() error {
		return w.TryUpdate("msdyn_sequencetargetstep", step.ID, values{"statuscode": int64(stepCancelled)})
	}, "cancelled by disconnecting")
	w.Update("msdyn_sequencetargetstep", step.ID, values{"msdyn_description": "Ask for Ann"})
	if got := w.Row("msdyn_sequencetargetstep", step.ID).Int("statuscode"); got != stepOpen {
		t.Errorf("describing a step gave it status %d", got)
	}
}

// docs/domain.md §7.5, §16: the open step stays with the old owner, later ones follow.
func TestStep_16_OwnerOfTheRecordChanges(t *testing.T) {
	w := newWorld(t, boot.Options{})
	before, after := link("systemuser", id("user", 1)), w.User(2)
	lead := w.Lead(1, nil)
	target := w.Connect(lead, w.Sequence(1, "lead"))
	w.Update("lead", lead.ID, values{"ownerid": after})
	target = w.Row("msdyn_sequencetarget", target.ID)
	if got := target.Lookup("ownerid"); got != after {
		t.Errorf("the target belongs to %v", got)
	}
	if got := w.Step(target).Lookup("ownerid"); got != before {
		t.Errorf("the open step belongs to %v", got)
	}
	for range 2 {
		target = w.Finish(target, stepSkipped)
		if got := w.Step(target).Lookup("ownerid"); got != after {
			t.Errorf("a later step belongs to %v", got)
		}
	}
}

// docs/domain.md §7.5: the owner may give a single step to somebody.
func TestStep_7_5_OwnerOfOneStepChanges(t *testing.T) {
	w := newWorld(t, boot.Options{})
	owner, helper := link("systemuser", id("user", 1)), w.User(3)
	target := w.Connect(w.Lead(1, nil), w.Sequence(1, "lead"))
	w.Update("msdyn_sequencetargetstep", w.Step(target).ID, values{"ownerid": helper})
	target = w.Finish(target, stepCompleted)
	if got := w.Step(target).Lookup("ownerid"); got != owner {
		t.Errorf("the next step belongs to %v, want the record's owner", got)
	}
}

func TestStep_16_RecordWithoutOwner(t *testing.T) {
	w := newWorld(t, boot.Options{})
	row, err := w.Entities.Create(t.Context(), sales.Engine(), "lead", id("lead", 1), schematest.Row(values{"subject": "A", "lastname": "B"}))
	if err != nil {
		t.Fatal(err)
	}
	target := w.Connect(row.Ref(), w.Sequence(1, "lead"))
	w.Update("lead", row.ID, values{"subject": "C"})
	if d := cmp.Diff(target.Values(), w.Row("msdyn_sequencetarget", target.ID).Values()); d != "" {
		t.Errorf("a change of the topic changed the target:\n%s", d)
	}
}

func TestTargetsAndSteps_4_AreMadeBySegueAlone(t *testing.T) {
	w := newWorld(t, boot.Options{})
	target := w.Connect(w.Lead(1, nil), w.Sequence(1, "lead"))
	step := w.Step(target)
	admin := sales.Caller{ID: name.UserID(id("user", 1)), Roles: []string{sales.SystemAdministrator}}
	for name, call := range map[string]func() error{
		"create a target": func() error {
			_, err := w.Entities.Create(t.Context(), admin, "msdyn_sequencetarget", "", schematest.Row(values{}))
			return err
		},
		"create a step": func() error {
			_, err := w.Entities.Create(t.Context(), admin, "msdyn_sequencetargetstep", "", schematest.Row(values{"msdyn_name": "A"}))
			return err
		},
		"end a target by its state": func() error { return w.TryUpdate("msdyn_sequencetarget", target.ID, values{"statecode": int64(1)}) },
		"move a step": func() error {
			return w.TryUpdate("msdyn_sequencetargetstep", step.ID, values{"segue_position": int64(2)})
		},
	} {
		t.Run(name, func(t *testing.T) { w.Refuses(t, sales.Invalid, call) })
	}
	w.Refuses(t, sales.Precondition, func() error {
		return w.Entities.Delete(t.Context(), admin, target.Ref(), entity.If{})
	}, "never deleted", "msdyn_DisconnectSequence")
	w.Refuses(t, sales.Precondition, func() error {
		return w.Entities.Delete(t.Context(), admin, rows.Ref{Table: step.Table.Name, ID: step.ID}, entity.If{})
	}, "never deleted")
}

// A step that is open, but not the one that its target is at, advances nothing.
func TestStep_TargetIsAtAnotherStep(t *testing.T) {
	w := newWorld(t, boot.Options{})
	target := w.Connect(w.Lead(1, nil), w.Sequence(1, "lead"))
	step := w.Step(target)
	w.Corrupt("msdyn_sequencetarget", target.ID, func(row *rows.Row) {
		row.Set("segue_currentstep", schema.Ref(link("msdyn_sequencetargetstep", id("step", 2))))
	})
	w.Refuses(t, sales.Unavailable, func() error {
		return w.TryUpdate("msdyn_sequencetargetstep", step.ID, values{"statuscode": int64(stepCompleted)})
	}, target.ID, "kept changing")
}
