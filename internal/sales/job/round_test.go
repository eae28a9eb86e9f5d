package job_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/probe"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// A kind may go through all rows again. A worker that is late by a round ends no task
// of the next one.
func TestRounds(t *testing.T) {
	const accounts = 20
	p := newPlace(t, accounts)
	p.options.Rows, p.options.AtOnce = 1000, 1
	s, late := p.begin(), p.begin()
	rounds := 0
	p.mark.again = func(counts map[string]int64) bool {
		rounds++
		if counts["seen"] != accounts {
			t.Errorf("round %d saw %d rows", rounds, counts["seen"])
		}
		return rounds < 3
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var first []queue.Message
	if err := s.QueueOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := s.queue.Drain(t.Context(), func(_ context.Context, messages []queue.Message) []queue.Failure {
		first = messages
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	overtaken := false
	p.mark.before = func(*rows.Row) error {
		if overtaken {
			return nil
		}
		overtaken = true // in the middle of a task: let the round end meanwhile
		return s.finish(t.Context())
	}
	if failures := late.Handle(t.Context(), first); len(failures) > 0 {
		t.Fatal(failures)
	}
	if !overtaken {
		t.Fatal("the late worker has nothing to do")
	}
	if done, _ := s.job(t).Tasks(); rounds != 1 || done != 0 {
		t.Fatalf("round %d has %d tasks done by a worker of the round before", rounds+1, done)
	}
	for s.job(t).State().Open() {
		if err := s.finish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := clean(accounts)
	want.Examined = 3 * accounts
	if d := cmp.Diff(want, p.outcome(s, accounts)); d != "" || rounds != 3 {
		t.Errorf("%d rounds (-want +got):\n%s", rounds, d)
	}
}

// A round that ends while its tasks are being queued is followed by the next one all
// the same.
func TestRoundEndsBeforeItIsNoted(t *testing.T) {
	const accounts = 10
	p := newPlace(t, accounts)
	p.options.Rows = 1000
	rounds := 0
	p.mark.again = func(map[string]int64) bool { rounds++; return rounds == 1 }
	s, other := p.begin(), p.beginOn(p.store)
	follow, err := s.Begin().Prepare(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := rowstest.Stored(t, s.store, rows.RefTo(name.Job, jobID))
	gets := 0
	p.probe.Inject(func(call probe.Call) probe.Fault {
		if call.Method == probe.Get {
			if gets++; gets == 2 { // the tasks are queued, and it is about to say so
				if err := other.finish(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
		return probe.None
	})
	if err := follow(t.Context(), record(t, s, nil, begun)); err != nil {
		t.Fatal(err)
	}
	p.probe.Inject(nil)
	if j := s.job(t); j.State() != sales.JobQueued || j.Round() != 1 {
		t.Fatalf("the job is %v in round %d", j.State(), j.Round())
	}
	if err := s.queue.Drain(t.Context(), s.Handle); err != nil { // what is queued is of the round before
		t.Fatal(err)
	}
	// Whether anybody has noted in between that the tasks were queued or not.
	if err := follow(t.Context(), record(t, s, begun, rowstest.Stored(t, s.store, rows.RefTo(name.Job, jobID)))); err != nil {
		t.Fatal(err)
	}
	if err := s.queue.Drain(t.Context(), s.Handle); err != nil {
		t.Fatal(err)
	}
	if got := s.job(t).State(); got != sales.JobCompleted || rounds != 2 {
		t.Errorf("the job is %v after %d rounds", got, rounds)
	}
}

// A kind that has nothing left to do ends a job without reading a row.
func TestNothingLeftToDo(t *testing.T) {
	p := newPlace(t, 20)
	p.mark.skip = func() bool { return true }
	s := p.begin()
	s.run(t)
	want := outcome{State: "completed", Result: `{"seen":0}`, Done: 16, Tasks: 16}
	if d := cmp.Diff(want, p.outcome(s, 20), cmp.FilterPath(func(path cmp.Path) bool { return path.Last().String() == ".Written" }, cmp.Ignore())); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A cancelled job stops at the next pass; resumed, it goes on where it was.
func TestCancelledJob(t *testing.T) {
	const accounts = 60
	p := newPlace(t, accounts)
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.probe.Reset()
	var n atomic.Int64
	p.mark.before = func(*rows.Row) error {
		if n.Add(1) == 30 {
			setState(t, s, sales.JobCancelled)
		}
		return nil
	}
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.job(t).State(); got != sales.JobCancelled || int(n.Load()) > 30+p.options.Rows+p.options.Chunk {
		t.Fatalf("the job is %v; %d rows were worked on, 30 of them before it was cancelled", got, n.Load())
	}
	setState(t, s, sales.JobQueued)
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.isClean(t, s, accounts)
}

// setState cancels or resumes the job, as a person does.
func setState(t *testing.T, s *process, state sales.JobState) {
	t.Helper()
	change(t, s, func(row *rows.Row) {
		before := row.Values()
		row.Set(name.SegueState, schema.Int(int64(state)))
		if err := s.Rules().Update(t.Context(), nil, row, before); err != nil {
			t.Fatal(err)
		}
	})
}

// change changes the row of the job past all rules.
func change(t *testing.T, s *process, with func(row *rows.Row)) {
	t.Helper()
	err := s.db.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), rows.RefTo(name.Job, jobID))
		if err == nil {
			with(found[0])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// record is the change record of a job that becomes another; nil for none.
func record(t *testing.T, s *process, old, now store.Item) rows.Change {
	t.Helper()
	stored := store.Change{Kind: store.Modify, Key: now.Key(), Old: old, New: now}
	if old == nil {
		stored = store.Change{Kind: store.Insert, Key: now.Key(), New: now}
	}
	c, err := s.db.Change(stored)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
