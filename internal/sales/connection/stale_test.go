package connection_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/guid"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// aging are the options of a process whose clock stands still, so that it goes
// on using what it has read.
func aging() boot.Options {
	return boot.Options{Freshness: sales.Freshness{For: time.Second, Clock: clock.NewManual(salestest.Now())}}
}

// ofTable are the changes of a table's rows: of one shard of the stream, which
// may be ahead of the others.
func ofTable(changes []store.Change, table string) []store.Change {
	return slices.DeleteFunc(changes, func(c store.Change) bool { return salestest.TableOf(c.Key) != table })
}

// A process that still takes a sequence for inactive ends no connection and
// refuses no step of it.
func TestStaleInactive(t *testing.T) {
	w := newWorld(t, aging())
	seq := w.Draft(1, steps)
	w.Settle()
	w.Fresh()
	knows(w, seq)
	here := w.Parts
	w.Parts = w.Plain(aging())
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	lead := w.Lead(2, nil)
	target := w.Connect(lead, seq)
	w.Parts = here
	w.Deliver(ofTable(w.Fresh(), "msdyn_sequencetarget"))
	w.Member(lead, "", true)
	w.Finish(target, stepCompleted)
	w.Sound(false)
}

// While one delivery of the change that deactivates a sequence is about to list
// what it has to end, another does all of it, and the sequence lives again. What is
// connected to it from then on stays.
func TestSweep_EndsNothingOfALaterLife(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	w.Settle()
	w.Fresh()
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.Before(lists, func(other *salestest.World) {
		other.Settle()
		if err := other.Activate(seq); err != nil {
			t.Error(err)
		}
		other.ConnectOnly(lead, seq)
	})
	w.Again(w.Fresh())
	w.Member(lead, "", true)
	w.Sound(true)
}

// lists reports whether a call lists the first live targets of a sequence.
func lists(call probe.Call) bool { return strings.HasPrefix(call.Query.Partition, "live#") }

// The same just before it ends the phase, having found nothing to end, and the
// sequence is deactivated once more: this phase it leaves to the change record of
// its own.
func TestSweep_EndsNoLaterPhase(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	w.Settle()
	w.Fresh()
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	listed := false
	w.Before(func(call probe.Call) bool {
		listed = listed || lists(call)
		return listed && call.Method == probe.Get
	}, func(other *salestest.World) {
		other.Settle()
		if err := other.Activate(seq); err != nil {
			t.Error(err)
		}
		other.ConnectOnly(lead, seq)
		other.Settle()
		other.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	})
	w.Again(w.Fresh())
	w.Member(lead, "", false)
	w.Sound(true)
}

// definition is tasks with the ids of their names.
func definition(tasks ...string) string {
	var list []string
	for _, task := range tasks {
		list = append(list, fmt.Sprintf(`{"type":"task","name":%q,"id":%q}`, task, guid.FromName(task)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// revise gives an active sequence another definition, which is its next version.
func revise(w *salestest.World, seq, definition string) {
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.Settle()
	w.Update("msdyn_sequence", seq, values{"msdyn_definition": definition})
	w.Update("msdyn_sequence", seq, values{"statecode": int64(1)})
	w.Settle()
}

// knows makes a process read a sequence, which it then goes on using.
func knows(w *salestest.World, seq string) {
	w.T.Helper()
	if _, err := w.Sequences.Sequence(w.T.Context(), name.SequenceID(seq)); err != nil {
		w.T.Fatal(err)
	}
}

// older connects a lead by a definition that is replaced just before the commit. Where the
// version is not kept, it is as before there were rows of versions.
func older(t *testing.T, before, after string, kept bool) (w *salestest.World, target *rows.Row) {
	w = newWorld(t, aging())
	seq := w.Draft(1, before)
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	lead := w.Lead(1, nil)
	w.Settle()
	knows(w, seq)
	w.Before(func(call probe.Call) bool {
		return call.Method == probe.Write && slices.ContainsFunc(call.Keys, func(key store.Key) bool { return salestest.TableOf(key) == "msdyn_sequencetarget" })
	}, func(other *salestest.World) { revise(other, seq, after) })
	target = w.Connect(lead, seq)
	w.Settle()
	if got := target.Int("msdyn_parentsequenceversion"); got != 1 {
		t.Fatalf("the target is of version %d, not of the older one", got)
	}
	if !kept {
		forgetVersion(w, seq, 1)
	}
	return w, target
}

// forgetVersion deletes the row of a version.
func forgetVersion(w *salestest.World, seq string, version int64) {
	w.T.Helper()
	ref := rows.RefTo(name.Sequence, authoring.VersionID(name.SequenceID(seq), version))
	err := w.DB.Do(w.T.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(w.T.Context(), ref)
		if err == nil {
			tx.Delete(found[0])
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
}

func progress(target *rows.Row) []any {
	return []any{
		target.Text("msdyn_currentstepname"), target.Int("msdyn_currentstepcount"),
		target.Int("msdyn_totalstepcount"), target.Int("msdyn_parentsequenceversion"),
	}
}

// docs/domain.md §5.1: a target stays on the version that it began with.
func TestStep_5_1_OlderTargetStaysOnItsVersion(t *testing.T) {
	w, target := older(t, definition("Call", "Mail"), definition("Research", "Call", "Visit"), true)
	w.Restart()
	target = w.Finish(target, stepCompleted)
	if d := cmp.Diff([]any{"Mail", int64(1), int64(2), int64(1)}, progress(target)); d != "" {
		t.Errorf("step, done, all, version (-want +got):\n%s", d)
	}
	w.Ended(w.Finish(target, stepCompleted), completed, pathDone, stepCompleted)
	w.Sound(true)
}

// A target of a version that nothing keeps goes on in the present one after the step that it
// is at, wherever that stands now.
func TestStep_5_1_OlderTargetGoesOnByTheIDOfItsStep(t *testing.T) {
	w, target := older(t, definition("Call", "Mail"), definition("Mail", "Research", "Call", "Visit", "Mail again"), false)
	w.Restart()
	target = w.Finish(target, stepCompleted)
	if d := cmp.Diff([]any{"Visit", int64(3), int64(5), int64(2)}, progress(target)); d != "" {
		t.Errorf("step, done, all, version (-want +got):\n%s", d)
	}
	w.Sound(true)
	w.Probe.Reset()
	target = w.Finish(target, stepCompleted)
	if n := w.Probe.Counts(); n.Transactions != 1 {
		t.Errorf("%d transactions, want 1: the target is of the newer version", n.Transactions)
	}
	w.Ended(w.Finish(target, stepCompleted), completed, pathDone, stepCompleted)
	w.Sound(true)
}

// A step that the newer definition does not have ends the connection, as the
// deactivation in between would have.
func TestStep_5_1_OlderTargetWithoutItsStepEnds(t *testing.T) {
	w, target := older(t, definition("Call", "Mail"), definition("Mail", "Visit"), false)
	w.Restart()
	w.Ended(w.Finish(target, stepCompleted), disconnected, sequenceGone, stepCompleted)
	w.Member(w.Row("lead", id("lead", 1)).Ref(), "", false)
	w.Sound(true)
}

// The path goes back to a step that the target has done under the older version.
func TestStep_5_1_OlderTargetDoesAStepAgain(t *testing.T) {
	w, target := older(t, definition("Call", "Mail", "Visit"), definition("Mail", "Call", "Visit"), false)
	target = w.Finish(target, stepCompleted) // by the older definition, which this process still has
	w.Restart()
	target = w.Finish(target, stepCompleted)
	if d := cmp.Diff([]any{"Call", int64(1), int64(3), int64(2)}, progress(target)); d != "" {
		t.Errorf("step, done, all, version (-want +got):\n%s", d)
	}
	w.Sound(true)
}

// A process that holds an older definition than the target's reads the newer one,
// also where the step is the last one of the older.
func TestStep_StaleDefinition(t *testing.T) {
	for _, test := range []struct {
		name          string
		before, after string
		want          []any
	}{
		{"another place", definition("Call", "Mail", "Visit"), definition("Mail", "Call", "Present"), []any{"Call", int64(1), int64(3), int64(2)}},
		{"not the last", definition("Call", "Mail"), definition("Mail", "Visit"), []any{"Visit", int64(1), int64(2), int64(2)}},
		{"not there", definition("Call", "Visit"), definition("Mail", "Visit"), []any{"Visit", int64(1), int64(2), int64(2)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, aging())
			seq := w.Draft(1, test.before)
			if err := w.Activate(seq); err != nil {
				t.Fatal(err)
			}
			knows(w, seq)
			here := w.Parts
			w.Parts = w.Plain(boot.Options{})
			revise(w, seq, test.after)
			target := w.Connect(w.Lead(2, nil), seq)
			w.Parts = here
			if d := cmp.Diff(test.want, progress(w.Finish(target, stepCompleted))); d != "" {
				t.Errorf("step, done, all, version (-want +got):\n%s", d)
			}
			w.Sound(false)
		})
	}
}
