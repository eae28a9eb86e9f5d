package progress_test

import (
	"fmt"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/entity"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

const waiting = `[{"type":"wait","name":"Wait","wait":{"hours":2}},{"type":"task","name":"Last"}]`

// What fails in a way that another try may mend is tried again after 1, 2, 4 and 8 minutes, and
// held at the fifth failure. What is mended before goes on.
func TestRun_Backoff(t *testing.T) {
	for _, mended := range []int{1, 4, 5} { // failures before it is
		t.Run(fmt.Sprint(mended), func(t *testing.T) {
			w := newTicking(t)
			target := w.on(nil, waiting)
			w.define("no definition")
			w.clock.Advance(2 * time.Hour)
			for n, after := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute}[:min(mended, 4)] {
				w.pass()
				step := w.at(target, "Wait")
				if got := step.Time("msdyn_duetime").Sub(w.clock.Now()); got != after || step.Int("segue_tries") != int64(n+1) || step.Int("msdyn_errorstate") != 0 {
					t.Fatalf("after failure %d: next try in %v, want %v: %v", n+1, got, after, step.Values())
				}
				w.clock.Advance(after - time.Second)
				w.Untouched(t, w.pass)
				w.clock.Advance(time.Second)
			}
			if mended == 5 {
				w.pass()
				step := w.at(target, "Wait")
				if step.Int("msdyn_errorstate") == 0 || step.Is("segue_system") || step.Text("msdyn_triggeroutcome") == "" {
					t.Fatalf("it is not held at the fifth failure: %v", step.Values())
				}
				w.Sound(true)
				w.define(waiting)
				w.retry(step)
			} else {
				w.define(waiting)
				w.pass()
			}
			w.at(target, "Last")
			w.Sound(true)
		})
	}
}

// define writes a definition past all checks, and begins another process, which has not read it.
func (w *ticking) define(definition string) {
	w.T.Helper()
	id := name.SequenceID(id("sequence", 1))
	for _, row := range []string{string(id), string(authoring.VersionID(id, 1))} {
		w.Corrupt("msdyn_sequence", row, func(row *rows.Row) { row.Set("msdyn_definition", schema.Text(definition)) })
	}
	w.Restart()
}

// A seller who is away for longer than anybody can tell: the wait is held with error state 4,
// and a retry computes its end from when it was opened.
func TestRetry_HeldWait(t *testing.T) {
	w := newTicking(t)
	seller := w.User(1)
	ref := rows.RefTo(name.Organization, w.Principals.Organization().ID)
	if _, _, err := w.Entities.Update(t.Context(), sales.Engine(), ref, schematest.Row(values{"segue_selleravailability": true}), entity.If{Exists: true}); err != nil {
		t.Fatal(err)
	}
	w.Create("segue_calendar", "", values{"ownerid": seller, "segue_workinghours": `[{"days":["monday","tuesday","wednesday","thursday","friday","saturday","sunday"],"from":"00:00","to":"24:00"}]`})
	away := w.Create("segue_absence", "", values{"ownerid": seller, "segue_from": salestest.Now().Add(-time.Hour), "segue_to": salestest.Now().AddDate(20, 0, 0)})
	target := w.on(nil, waiting)
	step := w.at(target, "Wait")
	if step.Int("msdyn_errorstate") != 4 || step.Is("segue_system") || step.Text("msdyn_triggeroutcome") == "" {
		t.Fatalf("the wait is not held: %v", step.Values())
	}
	w.passes(3 * time.Hour)
	w.at(target, "Wait")
	w.Sound(true)
	w.Refuses(t, sales.Precondition, func() error { return w.tryRetry(salestest.Manager(), step) }, `"Wait"`)
	w.Remove("segue_absence", away.ID)
	w.Settle()
	w.clock.Advance(-2 * time.Hour) // an hour after it was opened
	w.retry(step)
	if step := w.at(target, "Wait"); !step.Time("msdyn_duetime").Equal(salestest.Now().Add(2*time.Hour)) || !step.Is("segue_system") || step.Int("msdyn_errorstate") != 0 {
		t.Errorf("the wait is %v", step.Values())
	}
	w.passes(time.Hour)
	w.at(target, "Last")
	w.Sound(true)
}

// docs/domain.md §6.3: a condition may ask for rows around the record.
func TestRun_6_3_RelatedRows(t *testing.T) {
	question := `{"filter":{"type":"and","items":[{"relationship":"Lead_Tasks","mode":"contains","filter":{"type":"and","items":[{"attribute":"statecode","operator":"eq","values":[0]}]}}]}}`
	for _, test := range []struct {
		name        string
		open, later bool // a task, when the condition is opened and before its limit
		end         string
	}{{"none", false, false, "No"}, {"from the first", true, false, "Yes"}, {"before the limit", false, true, "Yes"}} {
		t.Run(test.name, func(t *testing.T) {
			w := newTicking(t)
			made := func() {
				w.Create("task", id("task", 1), values{"subject": "A", "regardingobjectid": link("lead", id("lead", 1))})
			}
			sequence := active(t, w.World, 1, condition(question, `,"within":{"hours":2}`))
			lead := w.Lead(1, nil)
			if test.open {
				made()
			}
			target := w.Connect(lead, sequence)
			w.Settle()
			w.at(target, "If")
			if test.later {
				w.clock.Advance(time.Hour)
				made()
			}
			w.passes(2 * time.Hour)
			w.at(target, test.end)
			w.Sound(true)
		})
	}
}

// A timer and a seller close the same step at the same time: one of them does, and the next step
// is opened once, whoever comes first.
func TestRun_SellerRacesTheTimer(t *testing.T) {
	for _, test := range []struct {
		name  string
		match func(probe.Call) bool
	}{
		{"after the timer has read the list", func(c probe.Call) bool { return c.Method == probe.Get }},
		{"after the timer has read the step", func(c probe.Call) bool { return c.Method == probe.Write }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := clock.NewManual(salestest.Now())
			j := &salestest.Journal{ChangeStore: salestest.OpenEmbedded(t, embed.NoSync())}
			w := &ticking{salestest.NewOn(t, j, c.Now, boot.Options{Freshness: sales.Freshness{Clock: c}}), c}
			w.T = t
			target := w.on(nil, waiting)
			wait := w.at(target, "Wait")
			w.clock.Advance(2 * time.Hour)
			w.Before(test.match, func(other *salestest.World) {
				other.Update("msdyn_sequencetargetstep", wait.ID, values{"statuscode": int64(stepSkipped)})
			})
			w.pass()
			w.Settle()
			w.at(target, "Last")
			if got := w.Row("msdyn_sequencetargetstep", wait.ID); got.Int("statuscode") != stepSkipped || got.Int("msdyn_waitstate") != 2 {
				t.Errorf("the seller was first, and the wait is %v", got.Values())
			}
			if got := len(w.List("msdyn_sequencetargetstep", nil)); got != 2 {
				t.Errorf("%d steps, want 2", got)
			}
			w.Sound(true)
			for _, problem := range j.Broken() {
				t.Error(problem)
			}
		})
	}
	t.Run("the timer comes first", func(t *testing.T) {
		w := newTicking(t)
		target := w.on(nil, waiting)
		wait := w.at(target, "Wait")
		w.clock.Advance(2 * time.Hour)
		elsewhere := boot.Assemble(rows.New(w.Store, w.DB.Schema(), w.clock), boot.Options{})
		w.Before(func(c probe.Call) bool { return c.Method == probe.Write }, func(other *salestest.World) {
			if err := elsewhere.Progress.Run(other.T.Context(), name.SequenceTargetStepID(wait.ID)); err != nil {
				other.T.Error(err)
			}
		})
		err := w.TryUpdate("msdyn_sequencetargetstep", wait.ID, values{"statuscode": int64(stepSkipped)})
		salestest.Refused(t, err, sales.Precondition, "is done")
		w.at(target, "Last")
		w.Sound(true)
	})
}
