package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/sales"
)

// The command does the same on the store itself and through a server: it lists jobs,
// cancels them and resumes them, and says why it cannot.
func TestJobs(t *testing.T) {
	for way, open := range eachWay() {
		t.Run(way, func(t *testing.T) {
			s := newParkedStore(t, 0)
			work := open(s)
			begun, err := s.laptop.BeginCount(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			id := string(begun)
			is := func(want sales.JobState) jobRow {
				t.Helper()
				for job, err := range work.jobs(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					if job.ID == id {
						if job.State != want || job.Name == "" || job.Tasks == 0 || job.Created.IsZero() {
							t.Errorf("the job is %+v, want it %v", job, want)
						}
						return job
					}
				}
				t.Fatalf("there is no job %s", id)
				return jobRow{}
			}
			is(sales.JobQueued)
			if err := (&jobsCommand{Cancel: id}).run(t.Context(), work); err != nil {
				t.Fatal(err)
			}
			s.settle()
			if job := is(sales.JobCancelled); job.Done != 0 || job.Ended.IsZero() {
				t.Errorf("a job cancelled before it began is %+v", job)
			}
			if err := (&jobsCommand{Cancel: id}).run(t.Context(), work); err != nil {
				t.Errorf("cancel it again: %v", err)
			}
			if err := (&jobsCommand{Resume: id}).run(t.Context(), work); err != nil {
				t.Fatal(err)
			}
			s.settle()
			if job := is(sales.JobCompleted); job.Done != job.Tasks || job.Examined == 0 || job.Started.IsZero() || job.Ended.IsZero() {
				t.Errorf("a job that is completed is %+v", job)
			}
			for _, c := range []*jobsCommand{{Resume: id}, {Cancel: id}} {
				if err := c.run(t.Context(), work); err == nil || !strings.Contains(err.Error(), "completed") {
					t.Errorf("%+v of a completed job: %v", c, err)
				}
			}
			if err := (&jobsCommand{Cancel: "x"}).run(t.Context(), work); err == nil {
				t.Error("a job x is cancelled")
			}
		})
	}
}

func TestJobsText(t *testing.T) {
	at := func(seconds int) time.Time {
		return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(seconds) * time.Second)
	}
	list := []jobRow{
		{ID: "3", Name: "Count", State: sales.JobQueued, Tasks: 16, Created: at(30)},
		{ID: "2", Name: "Unlink", State: sales.JobRunning, Tasks: 512, Done: 128, Examined: 5000, Changed: 40, Failed: 1, Reason: "lead 7: odd", Created: at(20), Started: at(20)},
		{ID: "1", Name: "Count", State: sales.JobCompleted, Tasks: 16, Done: 16, Examined: 100, Created: at(0), Started: at(1), Ended: at(4)},
		{ID: "0", Name: "Count", State: sales.JobCancelled, Tasks: 16, Created: at(-1), Ended: at(0)},
	}
	for _, test := range []struct {
		name string
		list []jobRow
		all  bool
		want string
	}{
		{"none", nil, false, "there are no jobs\n"},
		{"each state", list, false, `0  cancelled  Count: 0 of 16 tasks, 0 rows examined, 0 changed
1  completed  Count: 16 of 16 tasks, 100 rows examined, 0 changed, in 3s
2  running    Unlink: 128 of 512 tasks, 5000 rows examined, 40 changed, 1 failed; 250 rows/s, about 1m0s left
    lead 7: odd
3  queued     Count: 0 of 16 tasks, 0 rows examined, 0 changed
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if d := cmp.Diff(test.want, jobsText(test.list, test.all, at(40))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	many := make([]jobRow, 25)
	for i := range many {
		many[i] = jobRow{State: sales.JobCompleted, Created: at(i)}
	}
	for all, want := range map[bool]int{false: 21, true: 25} { // twenty, and a line about the others
		if got := strings.Count(jobsText(many, all, at(40)), "\n"); got != want {
			t.Errorf("all %v: %d lines, want %d", all, got, want)
		}
	}
}
