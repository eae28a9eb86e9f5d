package job_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"segue/internal/probe"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// away is a queue that takes nothing as long as it is away.
type away struct {
	queue.Sender
	away bool
}

// Send implements [queue.Sender].
func (a *away) Send(ctx context.Context, delay time.Duration, messages ...queue.Message) error {
	if a.away {
		return fmt.Errorf("%w: it is away", queue.ErrUnavailable)
	}
	return a.Sender.Send(ctx, delay, messages...)
}

// silent is a queue that never answers.
type silent struct{}

// Send implements [queue.Sender].
func (silent) Send(ctx context.Context, _ time.Duration, _ ...queue.Message) error {
	<-ctx.Done()
	return ctx.Err()
}

// A queue that is full or away holds up neither the change that begins a job nor the
// start of a process: the job waits until it is due.
func TestQueueIsAway(t *testing.T) {
	for _, test := range []struct {
		name string
		wait func(t *testing.T, s *process) error // has the job wait for the queue
	}{
		{"when its change is followed", func(t *testing.T, s *process) error {
			t.Helper()
			return s.follow(t)
		}},
		{"when the process starts", func(t *testing.T, s *process) error { t.Helper(); return s.QueueOpen(t.Context()) }},
		{"when its change is lost", func(*testing.T, *process) error { return nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			const accounts = 20
			p := newPlace(t, accounts)
			s := p.begin()
			q := &away{s.queue, true}
			p.work(s, q)
			if err := s.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := test.wait(t, s); err != nil {
				t.Fatalf("it delays what is behind it: %v", err)
			}
			p.time.Advance(sales.JobPatience)
			due := s.job(t).Row
			if !due.Due(p.time.Now()) || (sales.Job{Row: due}).State() != sales.JobQueued {
				t.Fatalf("the job is %v and due at %v", sales.Job{Row: due}.State(), due.Time(name.SegueDueon))
			}
			if err := s.LookAfter(t.Context(), due); !sales.Transient(err) {
				t.Errorf("looked after while the queue is away: %v", err)
			}
			q.away = false
			s.whenDue(t)
			p.isClean(t, s, accounts)
		})
	}
}

// follow follows the change that begins the job.
func (p *process) follow(t testing.TB) error {
	t.Helper()
	present, err := p.db.Present(t.Context(), rows.RefTo(name.Job, jobID))
	if err != nil {
		t.Fatal(err)
	}
	follow, err := p.Begin().Prepare(t.Context(), []rows.Change{present})
	if err != nil {
		t.Fatal(err)
	}
	return follow(t.Context(), present)
}

// Nor does a queue that does not answer, for long.
func TestQueueIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, 1)
		s := p.begin()
		p.work(s, silent{})
		if err := s.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now() // of the bubble
		if err := s.follow(t); err != nil {
			t.Fatalf("it delays what is behind it: %v", err)
		}
		if waited := time.Since(began); waited > 15*time.Second {
			t.Errorf("it delays what is behind it for %v", waited)
		}
		if j := s.job(t); j.State() != sales.JobQueued || j.Row.Time(name.SegueDueon).Sub(p.time.Now()) != time.Minute {
			t.Errorf("the job is %v and due at %v", j.State(), j.Row.Time(name.SegueDueon))
		}
	})
}

// A queue that has taken some messages of a job and then goes away leaves the others to
// be queued as soon, whatever the first come to.
func TestQueueTakesSome(t *testing.T) {
	const accounts = 20
	p := newPlace(t, accounts)
	s := p.begin()
	q := &away{s.queue, true}
	p.work(s, q)
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.follow(t); err != nil {
		t.Fatal(err)
	}
	due := s.job(t).Row.Time(name.SegueDueon)
	q.away = false
	if failures := s.Handle(t.Context(), []queue.Message{{Body: fmt.Sprintf(`{"job":%q,"task":3}`, jobID)}}); len(failures) > 0 {
		t.Fatal(failures)
	}
	if err := s.queue.Drain(t.Context(), s.Handle); err != nil {
		t.Fatal(err)
	}
	if done, _ := s.job(t).Tasks(); done != 1 || !s.job(t).Row.Time(name.SegueDueon).Equal(due) {
		t.Fatalf("%d tasks are done, and the job is due at %v, want %v", done, s.job(t).Row.Time(name.SegueDueon), due)
	}
	s.whenDue(t)
	p.isClean(t, s, accounts)
}

// A start costs nothing for the jobs that have ended.
func TestStartReadsNoEndedJob(t *testing.T) {
	p := newPlace(t, 1)
	s := p.begin()
	s.run(t)
	p.probe.Reset()
	if err := s.QueueOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, call := range p.probe.Calls() {
		if call.Method != probe.Query || call.Query.Index == "" {
			t.Errorf("a start makes the call %v", call)
		}
	}
}
