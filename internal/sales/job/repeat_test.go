package job_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/probe"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// A job goes on after a process that was killed at any call of the store, and after
// every call that failed, and everything is done and counted once.
func TestJobSurvivesEachCall(t *testing.T) {
	const accounts = 20
	for name, fault := range map[string]probe.Fault{
		"before": probe.Before, "after": probe.After, "crash before": probe.CrashBefore, "crash after": probe.CrashAfter,
	} {
		t.Run(name, func(t *testing.T) {
			hit := true
			for n := 0; hit; n++ {
				hit = survive(t, accounts, n, fault)
			}
		})
	}
}

// Two workers on the same messages, the second of which does all of its work while
// the first is in the middle of its own, count every row once.
func TestTwoWorkersOnATask(t *testing.T) {
	const accounts = 60
	for when := range accounts {
		p := newPlace(t, accounts)
		p.options.AtOnce = 1 // so that the rows are counted one after the other
		first, second := p.begin(), p.begin()
		if err := first.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.probe.Reset()
		handle := func(messages []queue.Message) {
			if failures := second.Handle(t.Context(), messages); len(failures) > 0 {
				t.Fatal(failures)
			}
		}
		var current []queue.Message
		n := 0
		p.mark.before = func(*rows.Row) error {
			if n++; n-1 == when {
				handle(current)
			}
			return nil
		}
		if err := first.QueueOpen(t.Context()); err != nil {
			t.Fatal(err)
		}
		finishBoth(t, first, second, &current)
		if d := cmp.Diff(clean(accounts), p.outcome(first, accounts)); d != "" {
			t.Fatalf("the second works before row %d of the first (-want +got):\n%s", when, d)
		}
	}
}

// The same, with the second before any call of the store of the first. It makes
// smaller passes, so that it saves a position where the first ends a task.
func TestTwoWorkersAtEachCall(t *testing.T) {
	const accounts = 30
	for n, hit := 0, true; hit; n++ {
		hit = false
		p := newPlace(t, accounts)
		p.options.Rows, p.options.Chunk = 1, 1
		second := p.beginOn(p.store)
		p.options.Rows, p.options.Chunk = 3, 3
		first := p.begin()
		if err := first.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := first.QueueOpen(t.Context()); err != nil {
			t.Fatal(err)
		}
		var current []queue.Message
		calls := 0
		p.probe.Inject(func(probe.Call) probe.Fault {
			if calls++; calls-1 == n {
				hit = true
				if failures := second.Handle(t.Context(), current); len(failures) > 0 {
					t.Fatal(failures)
				}
			}
			return probe.None
		})
		finishBoth(t, first, second, &current)
		p.probe.Inject(nil)
		got, want := p.outcome(first, accounts), clean(accounts)
		got.Written, want.Written = 0, 0 // the second writes unseen
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("the second works before call %d of the first (-want +got):\n%s", n, d)
		}
	}
}

// finishBoth works until nothing is left to do: first on the messages of the first
// process, which current shows to the second, then on what the second has left.
func finishBoth(t *testing.T, first, second *process, current *[]queue.Message) {
	t.Helper()
	err := first.queue.Drain(t.Context(), func(ctx context.Context, messages []queue.Message) []queue.Failure {
		*current = messages
		return first.Handle(ctx, messages)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.queue.Drain(t.Context(), second.Handle); err != nil {
		t.Fatal(err)
	}
}

// Messages that come again when the job is over change nothing.
func TestLateMessages(t *testing.T) {
	const accounts = 20
	p := newPlace(t, accounts)
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all []queue.Message
	if err := s.QueueOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := s.queue.Drain(t.Context(), func(_ context.Context, messages []queue.Message) []queue.Failure {
		all = append(all, messages...)
		for _, m := range messages { // twice in a batch, and for another round
			messages = append(messages, m, queue.Message{Body: strings.Replace(m.Body, "}", `,"round":7}`, 1)})
		}
		return s.Handle(t.Context(), messages)
	})
	if err != nil {
		t.Fatal(err)
	}
	p.probe.Reset()
	if failures := s.Handle(t.Context(), all); len(failures) > 0 {
		t.Error(failures)
	}
	if c := p.probe.Counts(); c.Writes+c.Transactions+c.Queries > 0 {
		t.Errorf("messages of a job that is over cost %+v", c)
	}
}

// A job whose messages are lost is found standing still and goes on.
func TestLostMessages(t *testing.T) {
	const accounts = 60
	p := newPlace(t, accounts)
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.QueueOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := 2
	err := s.queue.Drain(t.Context(), func(ctx context.Context, messages []queue.Message) []queue.Failure {
		if left--; left < 0 {
			return nil // they are lost
		}
		return s.Handle(ctx, messages)
	})
	if err != nil {
		t.Fatal(err)
	}
	stands := s.job(t)
	if due := stands.Row.Time(name.SegueDueon); stands.State() != sales.JobRunning || !due.After(p.time.Now()) {
		t.Fatalf("the job is %v and due at %v", stands.State(), due)
	}
	if err := s.LookAfter(t.Context(), stands.Row); err != nil {
		t.Fatal(err)
	}
	if err := s.queue.Drain(t.Context(), s.Handle); err != nil {
		t.Fatal(err)
	}
	p.isClean(t, s, accounts)
}

// survive runs a job with a fault at call n of its work, and reports whether it made
// as many.
func survive(t *testing.T, accounts, n int, fault probe.Fault) (hit bool) {
	t.Helper()
	p := newPlace(t, accounts)
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.probe.Reset()
	seen := 0
	p.probe.Inject(func(probe.Call) probe.Fault {
		if seen++; seen-1 == n {
			hit = true
			return fault
		}
		return probe.None
	})
	var calls []probe.Call
	for tries := 0; ; tries++ {
		err := s.finish(t.Context())
		if err == nil {
			break
		}
		if !errors.Is(err, probe.ErrCrash) && !errors.Is(err, store.ErrUnavailable) || tries > 3 {
			t.Fatalf("fault at call %d: %v", n, err)
		}
		if errors.Is(err, probe.ErrCrash) {
			calls = p.probe.Calls()
			s.queue.Close()
			p.probe.Reset()
			s = p.begin()
		}
	}
	p.probe.Inject(nil)
	got := p.outcome(s, accounts)
	got.Written = 0 // the row that the fault hit was written, and the caller not told
	want := clean(accounts)
	want.Written = 0
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("fault at call %d %v (-want +got):\n%s", n, calls, d)
	}
	return hit
}
