package progress_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/api/operation"
	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/mailing"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// ticking is a world whose time the test moves.
type ticking struct {
	*salestest.World

	clock *clock.Manual
}

func newTicking(t testing.TB) *ticking {
	t.Helper()
	c := clock.NewManual(salestest.Now())
	w := salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync()), c.Now, boot.Options{Freshness: sales.Freshness{Clock: c}})
	return &ticking{w, c}
}

// passes moves the time on and lets the due list be swept, and all that follows be done.
func (w *ticking) passes(d time.Duration) {
	w.T.Helper()
	w.Settle()
	w.clock.Advance(d)
	w.pass()
	w.Settle()
}

// pass sweeps the due list once.
func (w *ticking) pass() {
	w.T.Helper()
	summary, err := w.Advance.Pass(w.T.Context())
	if err != nil || summary.PutOff > 0 {
		w.T.Errorf("%+v, %v", summary, err)
	}
}

// on puts a lead on a sequence of a definition and lets all that follows be done.
func (w *ticking) on(lead values, definition string) *rows.Row {
	w.T.Helper()
	target := w.Connect(w.Lead(1, lead), active(w.T, w.World, 1, definition))
	w.Settle()
	return w.target(target)
}

// onUnchecked puts a lead on a sequence whose second step a check would refuse, as a program that
// checks less may have activated it, and lets all that follows be done.
func (w *ticking) onUnchecked(step string) *rows.Row {
	w.T.Helper()
	sequence := active(w.T, w.World, 1, "["+task("First")+"]")
	target := w.Connect(w.Lead(1, nil), sequence)
	w.Settle()
	err := w.DB.Do(w.T.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(w.T.Context(), rows.RefTo(name.Sequence, sequence), rows.RefTo(name.Sequence, authoring.VersionID(name.SequenceID(sequence), 1)))
		if err != nil {
			return err
		}
		for _, row := range found {
			row.Set("msdyn_definition", schema.Text("["+task("First")+","+step+","+task("Last")+"]"))
		}
		return nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
	w.Restart()
	w.Finish(w.target(target), stepCompleted)
	w.Settle()
	return w.target(target)
}

func (w *ticking) target(target *rows.Row) *rows.Row {
	w.T.Helper()
	return w.Row("msdyn_sequencetarget", target.ID)
}

// at demands the name of the current step of a target, and returns it.
func (w *ticking) at(target *rows.Row, want string) *rows.Row {
	w.T.Helper()
	target = w.target(target)
	step := w.Step(target)
	if got := step.Text("msdyn_name"); got != want || target.Int("statecode") != 0 {
		w.T.Fatalf("the target is at %q, want %q: %v", got, want, step.Values())
	}
	return step
}

// held demands that a step is held and in the list of its owner.
func (w *ticking) held(step *rows.Row, as int64, reason string) {
	w.T.Helper()
	step = w.Row("msdyn_sequencetargetstep", step.ID)
	if step.Int("msdyn_errorstate") != as || step.Is("segue_system") || step.Int("statecode") != 0 {
		w.T.Errorf("the step is not held with error %d: %v", as, step.Values())
	}
	if d := cmp.Diff(reason, step.Text("msdyn_triggeroutcome")); d != "" {
		w.T.Errorf("the reason (-want +got):\n%s", d)
	}
}

const hot = `{"type":"and","items":[{"attribute":"leadqualitycode","operator":"eq","values":[1]}]}`

// steps of tests.
func task(name string) string { return fmt.Sprintf(`{"type":"task","name":%q}`, name) }

func condition(question, more string) string {
	return fmt.Sprintf(`[{"type":"condition","name":"If","if":%s%s,"yes":[%s],"no":[%s]},%s]`, question, more, task("Yes"), task("No"), task("Last"))
}

// docs/domain.md §6.2: a wait ends by itself, and not before.
func TestRun_6_2_Wait(t *testing.T) {
	w := newTicking(t)
	target := w.on(nil, `[`+task("First")+`,{"type":"wait","name":"Wait","wait":{"hours":2}},`+task("Last")+`]`)
	target = w.Finish(target, stepCompleted)
	wait := w.at(target, "Wait")
	w.passes(2*time.Hour - time.Second)
	w.at(target, "Wait")
	w.clock.Advance(time.Second)
	w.Probe.Reset()
	w.pass()
	if c := salestest.WithoutLog(t, w.Probe); c.Transactions != 1 || c.Ops != 3 || c.Gets != 1 {
		t.Errorf("%+v, want the read of the pass and one transaction of 3 items", c)
	}
	step := w.at(target, "Last")
	if got := w.Row("msdyn_sequencetargetstep", wait.ID); got.Int("statuscode") != stepCompleted || got.Int("msdyn_waitstate") != 4 || step.Int("msdyn_advancedfromwaitstate") != 3 {
		t.Errorf("the wait is %v", got.Values())
	}
	w.passes(time.Hour)
	w.at(target, "Last")
	w.Sound(true)
}

// docs/domain.md §6.3: when a condition goes on, and by which branch.
func TestRun_6_3_Condition(t *testing.T) {
	field := `{"filter":` + hot + `}`
	for _, test := range []struct {
		name, question, more string
		before, after        values // of the lead, when the condition is opened and an hour later
		opened, changed, end string // where the target is then, and after the limit
	}{
		{"met, no limit", field, ``, values{"leadqualitycode": int64(1)}, nil, "Yes", "Yes", "Yes"},
		{"not met, no limit", field, ``, nil, values{"leadqualitycode": int64(1)}, "No", "No", "No"},
		{"met before, waits for the limit", field, `,"within":{"hours":2}`, nil, values{"leadqualitycode": int64(1)}, "If", "If", "Yes"},
		{"met before, early", field, `,"within":{"hours":2},"early":true`, nil, values{"leadqualitycode": int64(1)}, "If", "Yes", "Yes"},
		{"met when opened, early", field, `,"within":{"hours":2},"early":true`, values{"leadqualitycode": int64(1)}, nil, "Yes", "Yes", "Yes"},
		{"never met", field, `,"within":{"hours":2},"early":true`, nil, values{"leadqualitycode": int64(2)}, "If", "If", "No"},
		{"stage", `{"process":"11111111-1111-4111-8111-111111111111","stages":["22222222-2222-4222-8222-222222222222"]}`, `,"within":{"hours":2},"early":true`,
			values{"processid": "11111111-1111-4111-8111-111111111111"}, values{"stageid": "22222222-2222-4222-8222-222222222222"}, "If", "Yes", "Yes"},
		{"stage of another process", `{"process":"11111111-1111-4111-8111-111111111111","stages":["22222222-2222-4222-8222-222222222222"]}`, `,"within":{"hours":2},"early":true`,
			nil, values{"stageid": "22222222-2222-4222-8222-222222222222"}, "If", "If", "No"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newTicking(t)
			target := w.on(test.before, condition(test.question, test.more))
			w.at(target, test.opened)
			w.clock.Advance(time.Hour)
			if test.after != nil {
				w.Update("lead", id("lead", 1), test.after)
			}
			w.Settle()
			w.at(target, test.changed)
			w.passes(time.Hour)
			w.at(target, test.end)
			w.Sound(true)
		})
	}
}

// What a recipient did with the email before counts if it was done in time.
func TestRun_6_3_Email(t *testing.T) {
	for _, test := range []struct {
		name, question, early string
		facts                 map[string]time.Duration // after the condition is opened, heard of at once
		changed, end          string
	}{
		{"opened, waits for the limit", `{"email":["opened"]}`, ``, map[string]time.Duration{"segue_openedon": time.Hour}, "If", "Yes"},
		{"opened, early", `{"email":["opened"]}`, `,"early":true`, map[string]time.Duration{"segue_openedon": time.Hour}, "Yes", "Yes"},
		{"one of two", `{"email":["opened","clicked"]}`, `,"early":true`, map[string]time.Duration{"segue_clickedon": time.Hour}, "Yes", "Yes"},
		{"one of two, all asked", `{"email":["opened","clicked"],"all":true}`, `,"early":true`, map[string]time.Duration{"segue_clickedon": time.Hour}, "If", "No"},
		{"all", `{"email":["opened","clicked"],"all":true}`, `,"early":true`, map[string]time.Duration{"segue_clickedon": time.Hour, "segue_openedon": time.Hour}, "Yes", "Yes"},
		{"nothing", `{"email":["downloaded","replied"]}`, `,"early":true`, map[string]time.Duration{"segue_openedon": time.Hour}, "If", "No"},
		{"too late", `{"email":["opened"]}`, `,"early":true`, map[string]time.Duration{"segue_openedon": 3 * time.Hour}, "If", "No"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newTicking(t)
			definition := `[{"type":"email","name":"Mail"},` + condition(test.question, `,"within":{"hours":2}`+test.early)[1:]
			target := w.on(nil, definition)
			mailed := w.Step(target)
			target = w.Finish(target, stepCompleted)
			w.Settle()
			w.at(target, "If")
			w.clock.Advance(time.Hour)
			w.ledger(target, mailed, nil)
			w.ledger(target, mailed, test.facts)
			w.Settle()
			w.at(target, test.changed)
			w.passes(time.Hour)
			w.at(target, test.end)
			w.Sound(true)
		})
	}
}

// ledger makes or changes the row of the ledger of a step, as package mailing does.
func (w *ticking) ledger(target, step *rows.Row, facts map[string]time.Duration) {
	w.T.Helper()
	err := w.DB.Do(w.T.Context(), "", func(tx *rows.Tx) error {
		id := string(mailing.SendID(name.SequenceTargetStepID(step.ID)))
		found, err := tx.Load(w.T.Context(), rows.Ref{Table: "segue_send", ID: id})
		if err != nil {
			return err
		}
		row := found[0]
		if row == nil {
			row = tx.Create(w.DB.Schema().Table("segue_send"), id, map[string]schema.Value{
				"segue_step": schema.Ref(salestest.Lookup(step.Ref())), "segue_target": schema.Ref(salestest.Lookup(target.Ref())), "segue_sendstate": schema.Int(2),
			})
		}
		for column, after := range facts {
			row.Set(column, schema.Time(salestest.Now().Add(after)))
		}
		return nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
}

// docs/domain.md §6.2: an update field step writes at once, by the rules of the table.
func TestRun_6_2_UpdateField(t *testing.T) {
	for _, test := range []struct {
		name, set string
		reason    string // why it is held, "" where it is not
	}{
		{"choice", `{"leadqualitycode":2}`, ""},
		{"two options", `{"donotemail":true}`, ""},
		{"no such option", `{"leadqualitycode":77}`, "leadqualitycode: 77 is not an option; use 1 (Hot), 2 (Warm) or 3 (Cold)"},
		{"no such column", `{"nothing":1}`, "lead has no column nothing"},
		{"text", `{"jobtitle":"Buyer"}`, "jobtitle of lead is no two-option or choice column that can be written"},
		{"of Segue", `{"segue_connected":false}`, "segue_connected of lead is no two-option or choice column that can be written"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newTicking(t)
			target := w.onUnchecked(`{"type":"updatefield","name":"Set","set":` + test.set + `}`)
			if test.reason == "" {
				w.at(target, "Last")
				if got := w.Row("lead", id("lead", 1)); got.Int("leadqualitycode") != 2 && !got.Is("donotemail") {
					t.Errorf("the lead is %v", got.Values())
				}
				w.Sound(true)
				return
			}
			step := w.at(target, "Set")
			if got := step.Text("msdyn_triggeroutcome"); step.Int("msdyn_errorstate") != 1 || got == "" || step.Is("segue_system") || w.target(target).Is("segue_system") {
				t.Errorf("the step is %v", step.Values())
			} else if test.name != "no such option" && got != test.reason {
				t.Errorf("held because %q, want %q", got, test.reason)
			}
			w.Finish(target, stepSkipped) // a person goes on without it
			w.at(target, "Last")
			w.Sound(true)
		})
	}
}

// docs/domain.md §6.2: advancing hands the record over to another sequence.
func TestRun_6_2_Advance(t *testing.T) {
	w := newTicking(t)
	next := active(t, w.World, 2, `[`+task("Other")+`]`)
	advance := `[` + task("First") + `,{"type":"advance","name":"Go","sequence":"` + next + `"}]`
	target := w.on(nil, advance)
	w.Finish(target, stepCompleted)
	w.Settle()
	target = w.target(target)
	if target.Int("statuscode") != completed || target.Int("msdyn_deactivatereason") != 5 {
		t.Fatalf("the target is %v", target.Values())
	}
	lead := w.Row("lead", id("lead", 1))
	for _, other := range w.List("msdyn_sequencetarget", nil) {
		if other.ID == target.ID {
			continue
		}
		w.at(other, "Other")
		if other.Lookup("msdyn_advancedfromstep").ID != target.Lookup("segue_currentstep").ID {
			t.Errorf("the new target comes from %v", other.Lookup("msdyn_advancedfromstep"))
		}
	}
	if !lead.Is("segue_connected") {
		t.Error("the lead is connected to nothing")
	}
	w.Sound(true)

	w.Update("msdyn_sequence", next, values{"statecode": int64(0)})
	w.Settle()
	second := w.Connect(w.Lead(3, nil), id("sequence", 1))
	second = w.Finish(second, stepCompleted)
	w.Settle()
	w.held(w.at(second, "Go"), 6, fmt.Sprintf("sequence %q (%s) is not active; only an active sequence can be connected", "Sequence 2", next))
	w.Update("msdyn_sequence", next, values{"statecode": int64(1)})
	step := w.Step(second)
	w.retry(step)
	w.Settle()
	if got := w.target(second); got.Int("msdyn_deactivatereason") != 5 || got.Int("statecode") != 1 {
		t.Errorf("the target is %v", got.Values())
	}
	w.Sound(true)
}

// retry has the system try a step again, at once.
func (w *ticking) retry(step *rows.Row) {
	w.T.Helper()
	for range 2 { // the second one changes nothing
		if err := w.tryRetry(salestest.Manager(), step); err != nil {
			w.T.Fatal(err)
		}
	}
	w.pass()
}

func (w *ticking) tryRetry(c sales.Caller, step *rows.Row) error {
	action := operation.Action{Name: "Retry", On: step.Ref()}
	_, err := w.Operations().Do(w.T.Context(), c, action)
	return err
}

// What the system cannot do is held, with the reason, and a retry of it too.
func TestRun_Held(t *testing.T) {
	const templateID = "33333333-3333-4333-8333-333333333333"
	template := `"template":"` + templateID + `"`
	for _, test := range []struct {
		name, step string
		as         int64
		reason     string
	}{
		{"email", `{"type":"automatedemail","name":"Held",` + template + `}`, 7, "no emails are sent: there is no transport"},
		{"text", `{"type":"automatedtext","name":"Held",` + template + `}`, 2, "no text messages are sent: there is no transport for them"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newTicking(t)
			w.Create("template", templateID, values{"title": "A"})
			target := w.on(nil, `[`+test.step+`,`+task("Last")+`]`)
			w.pass() // emails wait for the due list
			step := w.at(target, "Held")
			w.held(step, test.as, test.reason)
			w.passes(time.Hour)
			w.retry(step)
			w.held(w.at(target, "Held"), test.as, test.reason)
			w.Sound(true)
			w.Finish(target, stepCompleted) // a person has done it
			w.at(target, "Last")
			w.Sound(true)
		})
	}
}

// Who may not change a step has nothing tried again, and what the system has not held nobody has.
func TestRetryRefuses(t *testing.T) {
	w := newTicking(t)
	step := w.at(w.on(nil, `[`+task("Only")+`]`), "Only")
	w.Refuses(t, sales.Precondition, func() error { return w.tryRetry(salestest.Manager(), step) }, `"Only"`, "complete or skip it")
	other := sales.Caller{ID: name.UserID(w.User(9).ID), Roles: []string{sales.Salesperson}}
	w.Refuses(t, sales.Forbidden, func() error { return w.tryRetry(other, step) })
}

// What is heard of one email asks conditions, and never sends the next one: that is for the due
// list, in a process that has what sends emails.
func TestRun_EmailsWaitForTheDueList(t *testing.T) {
	w := newTicking(t)
	const template = "33333333-3333-4333-8333-333333333333"
	w.Create("template", template, values{"title": "A"})
	mail := func(name string) string {
		return fmt.Sprintf(`{"type":"automatedemail","name":%q,"template":%q}`, name, template)
	}
	target := w.on(nil, `[`+task("First")+`,`+mail("Mail")+`,`+task("Last")+`]`)
	first := w.at(target, "First")
	w.ledger(target, first, nil)
	w.Finish(target, stepCompleted)
	w.Settle()
	w.ledger(target, first, map[string]time.Duration{"segue_openedon": time.Minute})
	w.Update("lead", id("lead", 1), values{"leadqualitycode": int64(2)})
	w.Settle()
	if step := w.at(target, "Mail"); step.Int("msdyn_errorstate") != 0 || !step.Is("segue_system") {
		t.Errorf("the email has been taken up: %v", step.Values())
	}
	w.Sound(true)
}

// A condition of which nobody can tell any more what it asks.
func TestRun_6_3_BrokenCondition(t *testing.T) {
	w := newTicking(t)
	target := w.onUnchecked(`{"type":"condition","name":"If","if":{"filter":{"type":"and","items":[{"attribute":"nothing","operator":"null"}]}},"yes":[` + task("Yes") + `]}`)
	step := w.at(target, "If")
	if step.Int("msdyn_errorstate") != 5 || step.Is("segue_system") || step.Text("msdyn_triggeroutcome") == "" {
		t.Errorf("the step is %v", step.Values())
	}
	w.Sound(true)
}

// No timer of a target that has ended acts (docs/domain.md §16).
func TestRun_16_DeadTargets(t *testing.T) {
	for name, end := range map[string]func(w *ticking){
		"disconnected": func(w *ticking) { w.Disconnect(rows.Ref{Table: "lead", ID: id("lead", 1)}) },
		"closed":       func(w *ticking) { w.Update("lead", id("lead", 1), values{"statecode": int64(2)}) },
		"deleted":      func(w *ticking) { w.Remove("lead", id("lead", 1)) },
		"deactivated": func(w *ticking) {
			w.Update("msdyn_sequence", id("sequence", 1), values{"statecode": int64(0)})
			w.Settle()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTicking(t)
			target := w.on(nil, `[{"type":"wait","name":"Wait","wait":{"hours":2}},`+task("Last")+`]`)
			wait := w.at(target, "Wait")
			end(w)
			w.Settle()
			w.clock.Advance(3 * time.Hour)
			w.Untouched(t, w.pass)
			if err := w.Progress.Run(t.Context(), "11111111-1111-4111-8111-111111111111"); err != nil { // a step that is not there
				t.Error(err)
			}
			if row := w.Row("msdyn_sequencetargetstep", wait.ID); row.Int("statuscode") != stepCancelled {
				t.Errorf("the wait is %v", row.Values())
			}
			w.Sound(true)
		})
	}
}
