package job_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/job"
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

// A queue that is full or away holds up neither the change that begins a job nor the
// start of a process: the job waits until it is due.
func TestQueueIsAway(t *testing.T) {
	for _, test := range []struct {
		name string
		wait func(t *testing.T, s *process) error // has the job wait for the queue
	}{
		{"when its change is followed", func(t *testing.T, s *process) error {
			t.Helper()
			present, err := s.db.Present(t.Context(), rows.RefTo(name.Job, jobID))
			if err != nil {
				t.Fatal(err)
			}
			follow, err := s.Begin().Prepare(t.Context(), []rows.Change{present})
			if err != nil {
				t.Fatal(err)
			}
			return follow(t.Context(), present)
		}},
		{"when the process starts", func(t *testing.T, s *process) error { t.Helper(); return s.QueueOpen(t.Context()) }},
		{"when its change is lost", func(*testing.T, *process) error { return nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			const accounts = 20
			p := newPlace(t, accounts)
			s := p.begin()
			q := &away{s.queue, true}
			s.Jobs = job.New(s.db, q, p.time, p.options)
			s.Register("mark", mark{s.db, &p.mark}, job.Settings{})
			if err := s.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := test.wait(t, s); err != nil {
				t.Fatalf("it holds up what is behind it: %v", err)
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
			if err := s.LookAfter(t.Context(), s.job(t).Row); err != nil {
				t.Fatal(err)
			}
			if err := s.queue.Drain(t.Context(), s.Handle); err != nil {
				t.Fatal(err)
			}
			if got := p.outcome(s, accounts); got != clean(accounts) {
				t.Errorf("the job came to %+v", got)
			}
		})
	}
}
