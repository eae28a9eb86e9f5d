package backfill_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// strangers puts leads into a store that nobody evaluates.
func (w *world) strangers(leads int, v values) {
	w.T.Helper()
	table := w.DB.Schema().Table(name.Lead)
	for from := 0; from < leads; from += 80 {
		tx := w.DB.Begin("")
		for n := from; n < min(from+80, leads); n++ {
			row := schematest.Row(v)
			row[name.Statecode], row[name.Statuscode], row[name.SegueConnected] = schema.Int(0), schema.Int(1), schema.Bool(false)
			tx.Create(table, salestest.ID("stranger", n), row)
		}
		if err := tx.Commit(w.T.Context()); err != nil {
			w.T.Fatal(err)
		}
	}
	w.Fresh()
	w.Settle()
}

// members counts the leads in each of the segments.
func (w *world) members(segments ...string) (counts []int) {
	w.T.Helper()
	in := map[string]int{}
	for key, item := range salestest.Scan(w.T, w.Store) {
		if rows.RefOf(key).Table != name.Lead {
			continue
		}
		row, err := w.DB.Get(w.T.Context(), rows.RefOf(key))
		if err != nil || item == nil {
			w.T.Fatal(err)
		}
		in[row[0].Lookup(name.MsdynSegmentid).ID]++
	}
	for _, segment := range segments {
		counts = append(counts, in[segment])
	}
	return counts
}

// between works on what is left to do, and calls do once, after the first batch of messages.
func (w *world) between(do func()) {
	w.T.Helper()
	if err := w.Store.Drain(w.T.Context(), "evaluate", w.Changes); err != nil { // it queues the tasks
		w.T.Fatal(err)
	}
	batches := 0
	err := w.Local.Drain(w.T.Context(), func(ctx context.Context, messages []queue.Message) []queue.Failure {
		if batches++; batches == 2 {
			do()
		}
		return w.Jobs.Handle(ctx, messages)
	})
	if err != nil || batches < 2 {
		w.T.Fatalf("%d batches: %v", batches, err)
	}
	w.Settle()
}

// Tasks take the segments as they are: an edit holds for the records that come after it.
func TestApplyTakesNewestSegments(t *testing.T) {
	const leads = 300
	w := newWorld(t)
	first := w.Segment(1, web, "", nil)
	w.Update(name.Segment, first, values{"statecode": int64(1)})
	w.strangers(leads, values{sources: int64(8)})
	w.Update(name.Segment, first, values{"statecode": int64(0)})
	w.Settle()
	id := w.begin("")
	before, second := 0, ""
	w.between(func() {
		before = w.members(first)[0]
		second = w.Segment(2, web, w.Sequence(1, "lead"), values{"segue_priority": int64(1)})
	})
	got := w.members(first, second)
	if before == 0 || got[0] != before || got[1] != leads-before {
		t.Errorf("%d members before the edit; after it %d and %d of the new segment", before, got[0], got[1])
	}
	if j := outcomeOf(w.job(id)); j.State != "completed" || j.Changed != leads || j.Result != counts(leads, 0, leads-before) {
		t.Errorf("the job: %+v", j)
	}
	w.Sound(true)
}

// A job that is cancelled leaves what it has not come to as it is, and what it has done
// done. One that is resumed comes to the rest.
func TestApplyCancelled(t *testing.T) {
	const leads = 300
	w := newWorld(t)
	seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	w.Update(name.Segment, seg, values{"statecode": int64(1)})
	w.strangers(leads, values{sources: int64(8)})
	w.Update(name.Segment, seg, values{"statecode": int64(0)})
	w.Settle()
	id := w.begin(seg)
	w.between(func() {
		if err := w.SetJob(t.Context(), string(id), sales.JobCancelled); err != nil {
			t.Fatal(err)
		}
	})
	j := outcomeOf(w.job(id))
	if got := w.members(seg)[0]; got == 0 || got == leads || int64(got) != j.Changed || j.State != "cancelled" {
		t.Errorf("%d members; the job: %+v", got, j)
	}
	if text := w.job(id).Row.Text(name.SegueCounts); !strings.Contains(text, `"connected"`) {
		t.Errorf("it shows the counts %s", text)
	}
	if err := w.SetJob(t.Context(), string(id), sales.JobQueued); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if got := w.members(seg)[0]; got != leads {
		t.Errorf("%d members at the end", got)
	}
	if j := outcomeOf(w.job(id)); j.State != "completed" || j.Changed != leads || j.Result != counts(leads, 0, leads) {
		t.Errorf("the job: %+v", j)
	}
}

// until follows changes until something is so; workers of the test do the rest.
func (w *world) until(is func() bool) {
	w.T.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if err := w.Store.Drain(w.T.Context(), "evaluate", w.Changes); err != nil {
			w.T.Fatal(err)
		}
		if time.Now().After(end) {
			w.T.Fatal("it does not come to be")
		}
	}
}

// The lane: while the tasks of a backfill stand still, changes are followed, and so are the
// tasks of other jobs that follow from changes. None of them waits for a task of it to end.
func TestApplyHoldsUpNobody(t *testing.T) {
	const strangers, arrivals = 100, 50
	w := newWorld(t)
	seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	w.Update(name.Segment, seg, values{"statecode": int64(1)})
	w.strangers(strangers, values{sources: int64(8)})
	w.Update(name.Segment, seg, values{"statecode": int64(0)})
	other := w.Sequence(2, "lead")
	w.Settle()
	w.ConnectOnly(w.Lead(1000, nil), other)
	w.Settle()
	id := w.begin("")
	if err := w.Store.Drain(t.Context(), "evaluate", w.Changes); err != nil { // it queues the tasks
		t.Fatal(err)
	}

	running, stop := context.WithCancel(t.Context())
	begun, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var workers sync.WaitGroup
	defer stop()
	workers.Go(func() {
		w.Local.Run(running, 1, func(ctx context.Context, messages []queue.Message) []queue.Failure {
			if strings.Contains(messages[0].Body, string(id)) {
				once.Do(func() { close(begun) })
				select {
				case <-goOn:
				case <-running.Done():
				}
			}
			return w.Jobs.Handle(ctx, messages)
		})
	})
	<-begun
	for n := range arrivals {
		w.Lead(n, values{sources: int64(8)})
	}
	w.EndSequence(other, false) // by a job
	w.until(func() bool {
		for _, j := range w.List(name.Job, values{name.SegueKind: connection.SweepKind}) {
			return (sales.Job{Row: j}).State() == sales.JobCompleted
		}
		return false
	})
	if done, _ := w.job(id).Tasks(); done != 0 || w.members(seg)[0] != arrivals {
		t.Errorf("when %d tasks were done, %d of %d new leads had been evaluated", done, w.members(seg)[0], arrivals)
	}
	close(goOn)
	w.until(func() bool { return !w.job(id).State().Open() })
	stop()
	workers.Wait()
	w.Settle()
	if got := w.members(seg)[0]; got != strangers+arrivals {
		t.Errorf("%d members at the end", got)
	}
}
