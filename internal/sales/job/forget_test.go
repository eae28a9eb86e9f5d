package job_test

import (
	"testing"
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// A job that has ended tells what came of it for 30 days; then it goes, with what its
// tasks have saved. One that failed stays until somebody has looked.
func TestEndedJob(t *testing.T) {
	const accounts = 200
	for _, test := range []struct {
		name  string
		work  func(t *testing.T, p *place, s *process)
		want  sales.JobState
		stays bool
	}{
		{"completed", func(*testing.T, *place, *process) {}, sales.JobCompleted, false},
		{"cancelled in the middle", func(t *testing.T, p *place, s *process) {
			t.Helper()
			n := 0
			p.mark.before = func(*rows.Row) error {
				if n++; n == 100 {
					setState(t, s, sales.JobCancelled)
				}
				return nil
			}
		}, sales.JobCancelled, false},
		{"failed", func(_ *testing.T, p *place, _ *process) {
			p.mark.finish = func(*rows.Tx) error { return errBroken }
		}, sales.JobFailed, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPlace(t, accounts)
			p.options.AtOnce = 1
			s := p.begin()
			if err := s.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			test.work(t, p, s)
			if err := s.finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.time.Advance(29 * 24 * time.Hour)
			row := s.job(t).Row
			if got := (sales.Job{Row: row}).State(); got != test.want || row.Due(p.time.Now()) {
				t.Fatalf("the job is %v, want %v, and due at %v", got, test.want, row.Time(name.SegueDueon))
			}
			if test.want == sales.JobCancelled && p.saved(s) == 0 {
				t.Fatal("no task is saved")
			}
			p.time.Advance(24 * time.Hour)
			if due := row.Due(p.time.Now()); due == test.stays {
				t.Fatalf("after 30 days it is due: %t", due)
			}
			if test.stays {
				return
			}
			if err := s.LookAfter(t.Context(), row); err != nil {
				t.Fatal(err)
			}
			if found, err := s.db.Get(t.Context(), row.Ref()); err != nil || found[0] != nil {
				t.Errorf("the job is still there: %v", err)
			}
			if left := p.saved(s); left > 0 {
				t.Errorf("%d tasks are still saved", left)
			}
		})
	}
}

// One that somebody resumes at that moment goes on.
func TestEndedJobResumed(t *testing.T) {
	const accounts = 200
	p := newPlace(t, accounts)
	p.options.AtOnce = 1
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := 0
	p.mark.before = func(*rows.Row) error {
		if n++; n == 100 {
			setState(t, s, sales.JobCancelled)
		}
		return nil
	}
	p.probe.Reset()
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.time.Advance(30 * 24 * time.Hour)
	listed := s.job(t).Row
	setState(t, s, sales.JobQueued)
	if err := s.LookAfter(t.Context(), listed); !sales.Transient(err) {
		t.Errorf("it is deleted under a person's hands: %v", err)
	}
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, want := p.outcome(s, accounts), clean(accounts)
	if got.State != want.State || got.Marked != want.Marked || got.Leftover > 0 {
		t.Errorf("the job came to %+v", got)
	}
}
