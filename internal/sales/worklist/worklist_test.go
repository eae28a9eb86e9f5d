package worklist_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/boot"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/sales/salestest"
	"segue/internal/sales/worklist"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

const steps = `[{"type":"phonecall","name":"Call"},
	{"type":"condition","name":"Reached?","if":{"call":[2]},"yes":[{"type":"task","name":"Offer"}],"no":[{"type":"task","name":"Call again"}]},
	{"type":"wait","name":"Two days","wait":{"days":2}},{"type":"email","name":"Mail"},{"type":"task","name":"Last"}]`

// world is a lead on a sequence.
type world struct {
	*salestest.World

	target string
}

func newWorld(t testing.TB, definition string) world {
	t.Helper()
	w := salestest.New(t, boot.Options{})
	seq := w.Draft(1, definition)
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	w.User(1)
	target := w.Connect(w.Lead(1, nil), seq)
	w.Settle()
	return world{w, target.ID}
}

// action is one of the actions, with its arguments.
type action func(ctx context.Context, l *worklist.Worklist, tx *rows.Tx, c sales.Caller, step name.SequenceTargetStepID) (worklist.Result, error)

func complete(outcome string) action {
	return func(ctx context.Context, l *worklist.Worklist, tx *rows.Tx, c sales.Caller, step name.SequenceTargetStepID) (worklist.Result, error) {
		return l.Complete(ctx, tx, c, step, outcome)
	}
}

func skip(ctx context.Context, l *worklist.Worklist, tx *rows.Tx, c sales.Caller, step name.SequenceTargetStepID) (worklist.Result, error) {
	return l.Skip(ctx, tx, c, step)
}

func skipWait(ctx context.Context, l *worklist.Worklist, tx *rows.Tx, c sales.Caller, step name.SequenceTargetStepID) (worklist.Result, error) {
	return l.SkipWait(ctx, tx, c, step)
}

func reopen(ctx context.Context, l *worklist.Worklist, tx *rows.Tx, c sales.Caller, step name.SequenceTargetStepID) (worklist.Result, error) {
	return l.Reopen(ctx, tx, c, step)
}

func snooze(until time.Time) action {
	return func(ctx context.Context, l *worklist.Worklist, tx *rows.Tx, c sales.Caller, step name.SequenceTargetStepID) (worklist.Result, error) {
		return l.Snooze(ctx, tx, c, step, until)
	}
}

func assign(n int, table string) action {
	return func(ctx context.Context, l *worklist.Worklist, tx *rows.Tx, c sales.Caller, step name.SequenceTargetStepID) (worklist.Result, error) {
		return l.Assign(ctx, tx, c, step, salestest.Link(table, salestest.ID("user", n)))
	}
}

// do does an action on a step; what it answers is told by names.
func do(w *salestest.World, c sales.Caller, step string, a action) (told string, err error) {
	err = w.DB.DoBy(w.T.Context(), c.By(), func(tx *rows.Tx) error {
		told = ""
		result, err := a(w.T.Context(), w.Worklist, tx, c, name.SequenceTargetStepID(step))
		if err != nil {
			return err
		}
		told = fmt.Sprint(result.Step.Text("msdyn_name"), " ", result.Step.Int("statuscode"))
		if result.Next != nil {
			told += ", " + result.Next.Text("msdyn_name")
		}
		return nil
	})
	return told, err
}

func (w world) current() *rows.Row {
	return w.Step(w.Row("msdyn_sequencetarget", w.target))
}

// twice does an action two times, which answer the same; the second changes no row of the target.
func (w world) twice(step string, a action, want string) {
	w.T.Helper()
	first, err := do(w.World, salestest.Manager(), step, a)
	if err != nil || first != want {
		w.T.Fatalf("answered %q, %v, want %q", first, err, want)
	}
	before := w.state()
	again, err := do(w.World, salestest.Manager(), step, a)
	if err != nil || again != want {
		w.T.Errorf("repeated, it answered %q, %v, want %q", again, err, want)
	}
	if d := cmp.Diff(before, w.state()); d != "" {
		w.T.Errorf("the repeat changed (-before +after):\n%s", d)
	}
}

func (w world) refused(step string, a action, kind error) {
	w.T.Helper()
	before := w.state()
	if told, err := do(w.World, salestest.Manager(), step, a); !errors.Is(err, kind) {
		w.T.Errorf("answered %q, %v, want %v", told, err, kind)
	}
	if d := cmp.Diff(before, w.state()); d != "" {
		w.T.Errorf("what was refused changed (-before +after):\n%s", d)
	}
}

// state is the columns of the target and its current step, without who wrote them when.
func (w world) state() map[string]string {
	w.T.Helper()
	state := map[string]string{}
	target := w.Row("msdyn_sequencetarget", w.target)
	for prefix, row := range map[string]*rows.Row{"target ": target, "step ": w.Step(target)} {
		for column, value := range row.Columns() {
			if column == "modifiedon" || column == "modifiedby" || column == "versionnumber" || value.IsNull() {
				continue
			}
			state[prefix+column] = fmt.Sprint(value)
		}
	}
	return state
}

// docs/domain.md §13.15: a whole way by actions, each of which may be repeated.
func TestActions_13_15_Way(t *testing.T) {
	w := newWorld(t, steps)
	call := w.current().ID
	w.refused(call, complete("Open"), sales.Invalid)
	w.refused(call, complete("words"), sales.Invalid)
	w.twice(call, complete("made"), "Call 2, Offer")
	w.refused(call, complete("Received"), sales.Precondition)
	w.refused(call, skip, sales.Precondition)
	offer := w.current().ID
	w.refused(offer, complete("sent"), sales.Invalid)
	w.refused(offer, skipWait, sales.Precondition)
	w.twice(offer, skip, "Offer 3, Two days")
	w.Settle()
	wait := w.current().ID
	w.refused(wait, complete(""), sales.Precondition)
	w.refused(wait, snooze(salestest.Now().Add(time.Hour)), sales.Precondition)
	w.twice(offer, skipWait, "Two days 3, Mail")
	w.twice(wait, skipWait, "Two days 3, Mail")
	mail := w.current().ID
	w.refused(mail, complete("opened"), sales.Invalid)
	w.twice(mail, complete("Sent"), "Mail 2, Last")
	w.twice(call, complete("2"), "Call 2, Offer") // long after
	last := w.current().ID
	w.twice(last, complete(""), "Last 2")
	w.refused(last, reopen, sales.Precondition) // the target has ended
	w.refused(last, snooze(salestest.Now().Add(time.Hour)), sales.Precondition)
	w.refused(last, assign(1, "systemuser"), sales.Precondition)
	w.refused(salestest.ID("nothing", 1), skip, sales.NotFound)
	w.Sound(false)
}

func TestSnooze(t *testing.T) {
	w := newWorld(t, steps)
	step, now := w.current().ID, salestest.Now()
	for _, until := range []time.Time{now.Add(-time.Hour), now.Add(worklist.MaxSnooze + time.Second), {}} {
		w.refused(step, snooze(until), sales.Invalid)
	}
	for n, until := range []time.Time{now.Add(time.Second), now.Add(worklist.MaxSnooze)} {
		w.twice(step, snooze(until), "Call 1")
		if got := w.current(); !got.Time("msdyn_duetime").Equal(until) || got.Int("msdyn_snoozecount") != int64(n+1) || !got.Time("msdyn_sequenceduetime").Equal(now) {
			t.Errorf("snoozed until %v, %d times", got.Time("msdyn_duetime"), got.Int("msdyn_snoozecount"))
		}
	}
}

// docs/domain.md §7.5: the open step changes hands, those after it do not.
func TestAssign_7_5_OneStep(t *testing.T) {
	w := newWorld(t, steps)
	owner := w.current().Lookup("ownerid")
	w.User(2)
	step := w.current().ID
	w.refused(step, assign(2, "lead"), sales.Invalid)
	w.refused(step, assign(9, "systemuser"), sales.NotFound)
	w.twice(step, assign(2, "systemuser"), "Call 1")
	if got := w.current().Lookup("ownerid"); got.ID != salestest.ID("user", 2) {
		t.Errorf("the step belongs to %v", got)
	}
	w.twice(step, skip, "Call 3, Call again")
	if got := w.current().Lookup("ownerid"); got != owner {
		t.Errorf("the next step belongs to %v, want %v", got, owner)
	}
}

// docs/domain.md §12.2: a seller does nothing with the steps of others.
func TestActions_12_2_Rights(t *testing.T) {
	w := newWorld(t, steps)
	seller := sales.Caller{ID: name.UserID(salestest.ID("seller", 1)), Roles: []string{sales.Salesperson}}
	step := w.current().ID
	for what, a := range map[string]action{
		"complete": complete(""), "skip": skip, "skip wait": skipWait, "snooze": snooze(salestest.Now().Add(time.Hour)), "assign": assign(1, "systemuser"), "reopen": reopen,
	} {
		if told, err := do(w.World, seller, step, a); !errors.Is(err, sales.Forbidden) {
			t.Errorf("%s answered %q, %v", what, told, err)
		}
	}
}

func TestReopen(t *testing.T) {
	tests := []struct {
		name string
		make func(w world, next string) // what happens after the step was closed
		want error
	}{
		{"untouched", func(world, string) {}, nil},
		{"snoozed", func(w world, next string) { w.must(next, snooze(salestest.Now().Add(time.Hour))) }, sales.Precondition},
		{"assigned", func(w world, next string) { w.User(2); w.must(next, assign(2, "systemuser")) }, sales.Precondition},
		{"gone on", func(w world, next string) { w.must(next, complete("")) }, sales.Precondition},
		{"disconnected", func(w world, _ string) { w.Disconnect(w.Lead1()) }, sales.Precondition},
		{"described", func(w world, next string) {
			w.Update("msdyn_sequencetargetstep", next, salestest.Values{"msdyn_description": "Ask for Ann"})
		}, sales.Precondition},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, steps)
			before := w.state()
			step := w.current().ID
			w.must(step, complete(""))
			test.make(w, w.current().ID)
			if test.want != nil {
				w.refused(step, reopen, test.want)
				return
			}
			w.twice(step, reopen, "Call 1")
			if d := cmp.Diff(before, w.state()); d != "" {
				t.Errorf("reopened, it is not as before (-want +got):\n%s", d)
			}
			w.Settle()
			w.Sound(false)
		})
	}
}

// An email that the system may have sent is not taken back, before or after the step.
func TestReopen_Emails(t *testing.T) {
	w := newWorld(t, `[{"type":"email","name":"Mail"},{"type":"task","name":"Last"}]`)
	step := w.current().ID
	w.must(step, complete("sent"))
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		tx.Create(tx.Schema().Table("segue_send"), string(mailing.SendID(name.SequenceTargetStepID(step))), map[string]schema.Value{"segue_sendstate": schema.Int(2)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.refused(step, reopen, sales.Precondition)
}

func (w world) must(step string, a action) {
	w.T.Helper()
	if _, err := do(w.World, salestest.Manager(), step, a); err != nil {
		w.T.Fatal(err)
	}
}

// Lead1 is the record of the world.
func (w world) Lead1() rows.Ref { return rows.Ref{Table: "lead", ID: salestest.ID("lead", 1)} }

// What another process does at the moment between reading and writing: one effect, or a refusal.
func TestActions_Races(t *testing.T) {
	at := salestest.Now().Add(time.Hour)
	for _, test := range []struct {
		name        string
		mine, other action
		told        string
		refused     error
	}{
		{"completed twice", complete("Made"), complete("made"), "Call 2, Offer", nil},
		{"skipped while completed", skip, complete("Made"), "", sales.Precondition},
		{"completed otherwise", complete("Made"), complete("Received"), "", sales.Precondition},
		{"snoozed while completed", snooze(at), complete("Made"), "", sales.Precondition},
		{"completed while snoozed", complete("Made"), snooze(at), "Call 2, Offer", nil},
		{"snoozed twice", snooze(at), snooze(at), "Call 1", nil},
		{"assigned while completed", assign(2, "systemuser"), complete("Made"), "", sales.Precondition},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, steps)
			w.User(2)
			step := w.current().ID
			w.Before(func(call probe.Call) bool { return call.Method == probe.Write }, func(other *salestest.World) {
				if _, err := do(other, salestest.Manager(), step, test.other); err != nil {
					t.Error(err)
				}
			})
			told, err := do(w.World, salestest.Manager(), step, test.mine)
			if !errors.Is(err, test.refused) || told != test.told {
				t.Errorf("answered %q, %v, want %q, %v", told, err, test.told, test.refused)
			}
			w.Sound(false)
		})
	}
}

// A wait is over while somebody skips it, or takes the step before it back: one of the two counts.
func TestActions_RaceWithTheTimer(t *testing.T) {
	for what, a := range map[string]action{"skipped": skipWait, "reopened": reopen} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, `[{"type":"task","name":"First"},{"type":"wait","name":"Wait","wait":{"days":1}},{"type":"task","name":"Last"}]`)
			step := w.current().ID
			w.must(step, complete(""))
			w.Settle()
			wait := w.current()
			w.Before(func(call probe.Call) bool { return call.Method == probe.Write }, func(other *salestest.World) {
				// Its time has come: the due time is moved into the past, and the timer takes it up.
				other.Corrupt("msdyn_sequencetargetstep", wait.ID, func(row *rows.Row) { row.Set("msdyn_duetime", schema.Time(salestest.Now())) })
				if err := other.Progress.Run(t.Context(), name.SequenceTargetStepID(wait.ID)); err != nil {
					t.Error(err)
				}
			})
			if told, err := do(w.World, salestest.Manager(), step, a); !errors.Is(err, sales.Precondition) {
				t.Errorf("answered %q, %v", told, err)
			}
			if got := w.current().Text("msdyn_name"); got != "Last" {
				t.Errorf("the target is at %q", got)
			}
			w.Sound(false)
		})
	}
}

// The store has written, and its answer is lost: whoever asks again gets the answer.
func TestActions_LostAnswers(t *testing.T) {
	for _, test := range []struct {
		name string
		a    action
		told string
	}{
		{"complete", complete("Made"), "Call 2, Offer"}, {"skip", skip, "Call 3, Call again"},
		{"snooze", snooze(salestest.Now().Add(time.Hour)), "Call 1"}, {"assign", assign(2, "systemuser"), "Call 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, steps)
			w.User(2)
			step, lost := w.current().ID, false
			w.Probe.Inject(func(call probe.Call) probe.Fault {
				if !lost && call.Method == probe.Write {
					lost = true
					return probe.After
				}
				return probe.None
			})
			told, err := do(w.World, salestest.Manager(), step, test.a)
			if err != nil {
				told, err = do(w.World, salestest.Manager(), step, test.a)
			}
			if err != nil || told != test.told || !lost {
				t.Errorf("answered %q, %v, want %q", told, err, test.told)
			}
			w.Sound(false)
		})
	}
}

// Whoever goes on from the next step, or ends the connection, while a step is reopened wins.
func TestReopen_Races(t *testing.T) {
	for what, other := range map[string]func(w *salestest.World, next string){
		"completed": func(w *salestest.World, next string) { _, _ = do(w, salestest.Manager(), next, complete("")) },
		"snoozed": func(w *salestest.World, next string) {
			_, _ = do(w, salestest.Manager(), next, snooze(salestest.Now().Add(time.Hour)))
		},
		"disconnected": func(w *salestest.World, _ string) { w.Disconnect(world{w, ""}.Lead1()) },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, steps)
			step := w.current().ID
			w.must(step, complete(""))
			next := w.current().ID
			w.Before(func(call probe.Call) bool { return call.Method == probe.Write }, func(o *salestest.World) { other(o, next) })
			if told, err := do(w.World, salestest.Manager(), step, reopen); !errors.Is(err, sales.Precondition) {
				t.Errorf("answered %q, %v", told, err)
			}
			w.Sound(false)
		})
	}
}

// model is a way as a list: the names of the closed steps, the last of which can be taken back
// until the open one was touched.
type model struct {
	closed  []string // their ids
	states  []map[string]string
	touched bool
	ended   bool
}

// Any sequence of actions: reopening gives the very state before the step was closed, and is
// refused where the model says so.
func TestReopen_AgainstModel(t *testing.T) {
	const definition = `[{"type":"task","name":"A"},{"type":"wait","name":"W","wait":{"days":2}},{"type":"task","name":"B"},{"type":"phonecall","name":"C"},
		{"type":"condition","name":"Reached?","if":{"call":[2]},"yes":[{"type":"task","name":"D"}],"no":[{"type":"task","name":"E"}]},{"type":"task","name":"F"}]`
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, definition)
		m := model{}
		for range rapid.IntRange(1, 14).Draw(rt, "actions") {
			if m.ended {
				break
			}
			step := w.current()
			isWait := step.Int("msdyn_type") == 0
			switch rapid.SampledFrom([]string{"complete", "skip", "snooze", "reopen", "reopen"}).Draw(rt, "action") {
			case "complete":
				if !isWait {
					m.close(w, step.ID, complete(""))
				}
			case "skip":
				m.close(w, step.ID, skip)
			case "snooze":
				if !isWait {
					until := salestest.Now().Add(time.Duration(rapid.IntRange(1, 1000).Draw(rt, "hours")) * time.Hour)
					w.must(step.ID, snooze(until))
					m.touched = true
				}
			case "reopen":
				m.reopen(w)
			}
		}
		w.Sound(false)
	})
}

func (m *model) close(w world, step string, a action) {
	w.T.Helper()
	before := w.state()
	w.must(step, a)
	w.Settle()
	m.closed, m.states, m.touched = append(m.closed, step), append(m.states, before), false
	m.ended = w.Row("msdyn_sequencetarget", w.target).Int("statecode") != 0
}

func (m *model) reopen(w world) {
	w.T.Helper()
	if len(m.closed) == 0 {
		return
	}
	last := len(m.closed) - 1
	if m.touched {
		w.refused(m.closed[last], reopen, sales.Precondition)
		return
	}
	if last > 0 { // only the last one
		w.refused(m.closed[last-1], reopen, sales.Precondition)
	}
	w.must(m.closed[last], reopen)
	if d := cmp.Diff(m.states[last], w.state()); d != "" {
		w.T.Fatalf("reopened, it is not as before (-want +got):\n%s", d)
	}
	m.touched = m.states[last]["step msdyn_snoozecount"] != ""
	m.closed, m.states = m.closed[:last], m.states[:last]
}
