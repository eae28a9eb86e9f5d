package connection_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"segue/internal/boot"
	"segue/internal/embed"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// lagging is a store whose index shows some rows only from the second time on
// that their partition is read.
type lagging struct {
	salestest.ChangeStore

	mu   sync.Mutex
	late map[string]bool // ids that have not been asked for yet
}

// Query implements store.Store.
func (l *lagging) Query(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := l.ChangeStore.Query(ctx, q)
	if q.Index == "" {
		return page, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	page.Items = slices.DeleteFunc(page.Items, func(entry store.Item) bool {
		id := entry.Key().SK
		late := l.late[id]
		delete(l.late, id)
		return late
	})
	return page, err
}

// A sweep ends the connections of a sequence with their index lagging too: those that
// the first round does not see are seen by the second.
func TestSweep_IndexLags(t *testing.T) {
	for _, test := range []struct {
		name string
		late int // of 4 connections
	}{{"one late", 1}, {"three late", 3}, {"all late", 4}, {"none late", 0}} {
		t.Run(test.name, func(t *testing.T) {
			l := &lagging{ChangeStore: salestest.OpenEmbedded(t, embed.NoSync()), late: map[string]bool{}}
			w := newWorldOn(t, l, salestest.Now, boot.Options{})
			seq := w.Sequence(1, "lead")
			var targets []string
			for n := range 4 {
				targets = append(targets, w.Connect(w.Lead(n, nil), seq).ID)
			}
			w.Settle()
			w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
			for _, target := range targets[:test.late] {
				l.late[target] = true
			}
			w.Settle()
			for _, target := range targets {
				if w.Row("msdyn_sequencetarget", target).Int("statecode") == 0 {
					t.Errorf("target %s lives after the sweep", target)
				}
			}
			w.Sound(true)
		})
	}
}

// sweep returns the job that ends the connections of a sequence.
func sweep(w *salestest.World, seq string) *rows.Row {
	w.T.Helper()
	var found *rows.Row
	for _, job := range w.List("segue_job", nil) {
		if job.Text(name.SegueKind) == connection.SweepKind && job.Text(name.SegueSubjectid) == seq {
			found = job
		}
	}
	if found == nil {
		w.T.Fatalf("no job ends the connections of %s", seq)
	}
	return found
}

// A connection that cannot be ended fails the job in the end, with the reason, and
// not for ever: the others are ended, the sequence goes on ending, and a resume ends
// it when the record is mended.
func TestSweep_ConnectionThatCannotBeEnded(t *testing.T) {
	w := newWorld(t, boot.Options{})
	salestest.CaptureLog(t)
	seq := w.Sequence(1, "lead")
	broken, sound := w.Lead(1, nil), w.Lead(2, nil)
	w.ConnectOnly(broken, seq)
	w.ConnectOnly(sound, seq)
	w.Settle()
	guard := w.Row("lead", broken.ID).Text("segue_live")
	set := func(text string) {
		w.Corrupt("lead", broken.ID, func(row *rows.Row) { row.Set("segue_live", schema.Text(text)) })
	}
	set("{")
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.Settle()
	w.Member(sound, "", false)
	job := sweep(w, seq)
	if state := job.Int(name.SegueState); state != int64(sales.JobFailed) || !strings.Contains(job.Text(name.SegueReason), broken.ID) {
		t.Errorf("the job is in state %d because %q", state, job.Text(name.SegueReason))
	}
	refused(t, w.Activate(seq), sales.Unavailable, "still ending")
	set(guard)
	w.Update("segue_job", job.ID, values{name.SegueState: int64(sales.JobQueued)})
	w.Settle()
	w.Member(broken, "", false)
	w.Sound(true)
	if err := w.Activate(seq); err != nil {
		t.Error(err)
	}
}

// Nor does a target that cannot be read hold up the others.
func TestSweep_TargetThatCannotBeRead(t *testing.T) {
	w := newWorld(t, boot.Options{})
	salestest.CaptureLog(t)
	seq := w.Sequence(1, "lead")
	broken := w.Connect(w.Lead(1, nil), seq)
	sound := w.Connect(w.Lead(2, nil), seq)
	w.Settle()
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	rowstest.Spoil(t, w.Store, rows.Ref{Table: name.SequenceTarget, ID: broken.ID})
	w.Settle()
	w.Ended(sound, disconnected, sequenceGone, stepCancelled)
	job := sweep(w, seq)
	if state := job.Int(name.SegueState); state != int64(sales.JobFailed) || !strings.Contains(job.Text(name.SegueReason), broken.ID) {
		t.Errorf("the job is in state %d because %q", state, job.Text(name.SegueReason))
	}
}

// A sweep doesn't fail because somebody else ended a connection after the index, which
// is late, had shown it.
func TestSweep_EndedMeanwhile(t *testing.T) {
	l := &lagging{ChangeStore: salestest.OpenEmbedded(t, embed.NoSync()), late: map[string]bool{}}
	w := newWorldOn(t, l, salestest.Now, boot.Options{})
	seq := w.Sequence(1, "lead")
	lead := w.Lead(1, nil)
	target := w.Connect(lead, seq).ID
	w.Settle()
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	l.late[target] = true
	w.Before(func(call probe.Call) bool { // what the sweep reads before it ends a target
		return call.Method == probe.Get && len(call.Keys) == 3 && slices.ContainsFunc(call.Keys, func(k store.Key) bool {
			return salestest.TableOf(k) == name.SequenceTarget
		})
	}, func(other *salestest.World) { other.Disconnect(lead) })
	w.Settle()
	if job := sweep(w, seq); job.Int(name.SegueState) != int64(sales.JobCompleted) {
		t.Errorf("the job is in state %d because %q", job.Int(name.SegueState), job.Text(name.SegueReason))
	}
	if err := w.Activate(seq); err != nil {
		t.Error(err)
	}
}

// A sweep cannot be cancelled: its sequence would be ending for ever.
func TestSweep_CannotBeCancelled(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	w.ConnectOnly(w.Lead(1, nil), seq)
	w.Settle()
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	if err := w.Store.Drain(t.Context(), "evaluate", w.Changes); err != nil {
		t.Fatal(err)
	}
	job := sweep(w, seq)
	w.Refuses(t, sales.Precondition, func() error {
		return w.TryUpdate("segue_job", job.ID, values{name.SegueState: int64(sales.JobCancelled)})
	}, "cannot be cancelled")
	w.Settle()
	w.Sound(true)
}

// Deleting a sequence that is being deactivated, with its job under way, deletes it
// when the connections have ended; so does editing it on the way.
func TestSweep_DeletedWhileItIsDeactivated(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	w.ConnectOnly(lead, seq)
	w.Settle()
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	if err := w.Store.Drain(t.Context(), "evaluate", w.Changes); err != nil { // the job has begun
		t.Fatal(err)
	}
	w.Update("msdyn_sequence", seq, values{"msdyn_name": "Renamed"})
	w.Remove("msdyn_sequence", seq)
	w.Settle()
	w.Member(lead, "", false)
	if found, err := w.DB.Get(t.Context(), rows.Ref{Table: "msdyn_sequence", ID: seq}); err != nil || found[0] != nil {
		t.Errorf("the sequence is still there: %v", err)
	}
	w.Sound(true)
}
