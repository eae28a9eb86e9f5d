package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"segue/internal/boot"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// jobsCommand lists jobs, cancels one or resumes one.
type jobsCommand struct {
	Cancel string `help:"Id of a job to stop; what it has done stays done." xor:"what"`
	Resume string `help:"Id of a job to go on with: one that was cancelled, has failed, or stands still." xor:"what"`
	All    bool   `help:"List all jobs that have ended, not the last twenty."`
	Server string `help:"Work through the server at this URL; when left out, the one that has the store open, if there is one."`
}

// lastJobs is how many jobs that have ended are listed.
const lastJobs = 20

// Run implements the command.
func (c *jobsCommand) Run(ctx context.Context, p *program) error {
	work, err := p.failures(ctx, c.Server)
	if err != nil {
		return err
	}
	return errors.Join(c.run(ctx, work), work.close())
}

func (c *jobsCommand) run(ctx context.Context, work failures) error {
	switch {
	case c.Cancel != "":
		return work.setJob(ctx, c.Cancel, sales.JobCancelled)
	case c.Resume != "":
		return errors.Join(work.setJob(ctx, c.Resume, sales.JobQueued), work.settle(ctx))
	}
	var list []jobRow
	for job, err := range work.jobs(ctx) {
		if err != nil {
			return err
		}
		list = append(list, job)
	}
	fmt.Print(jobsText(list, c.All, boot.Clock().Now()))
	return nil
}

// jobRow is a row of the table of jobs, as the Web API has it.
type jobRow struct {
	ID       string         `json:"segue_jobid"`
	Name     string         `json:"segue_name"`
	State    sales.JobState `json:"segue_state"`
	Reason   string         `json:"segue_reason"`
	Tasks    int64          `json:"segue_tasks"`
	Done     int64          `json:"segue_tasksdone"`
	Examined int64          `json:"segue_rowsexamined"`
	Changed  int64          `json:"segue_rowschanged"`
	Failed   int64          `json:"segue_rowsfailed"`
	Created  time.Time      `json:"createdon"`
	Started  time.Time      `json:"segue_startedon"`
	Ended    time.Time      `json:"segue_endedon"`
	Counts   string         `json:"segue_counts"`
	Result   string         `json:"segue_result"`
	Rate     int64          `json:"segue_rowspersecond"`
	Left     int64          `json:"segue_secondsleft"`
}

// jobsText shows jobs, the oldest first; of those that have ended the last ones,
// unless all are wanted.
func jobsText(list []jobRow, all bool, now time.Time) string {
	if len(list) == 0 {
		return "there are no jobs\n"
	}
	slices.SortStableFunc(list, func(a, b jobRow) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	ended := 0
	for _, job := range list {
		if !job.State.Open() {
			ended++
		}
	}
	var text strings.Builder
	left := 0
	for _, job := range list {
		if !job.State.Open() {
			if ended--; ended >= lastJobs && !all {
				left++
				continue
			}
		}
		text.WriteString(job.line(now) + "\n")
		for line := range strings.Lines(job.Reason) {
			text.WriteString("    " + strings.TrimSpace(line) + "\n")
		}
	}
	if left > 0 {
		fmt.Fprintf(&text, "%d older jobs have ended: --all lists them\n", left)
	}
	return text.String()
}

// line is a job on one line, with its rate and the time left while it runs.
func (j jobRow) line(now time.Time) string {
	text := fmt.Sprintf("%s  %-9v  %s: %d of %d tasks, %d rows examined, %d changed", j.ID, j.State, j.Name, j.Done, j.Tasks, j.Examined, j.Changed)
	if j.Failed > 0 {
		text += fmt.Sprintf(", %d failed", j.Failed)
	}
	switch {
	case j.Started.IsZero():
		return text
	case !j.State.Open():
		return text + ", in " + j.Ended.Sub(j.Started).Round(time.Second).String()
	}
	took := max(now.Sub(j.Started), time.Second)
	text += fmt.Sprintf("; %.0f rows/s", float64(j.Examined)/took.Seconds())
	if j.Done > 0 {
		left := time.Duration(float64(took) / float64(j.Done) * float64(j.Tasks-j.Done))
		text += ", about " + left.Round(time.Second).String() + " left"
	}
	return text
}

func (d direct) jobs(ctx context.Context) iter.Seq2[jobRow, error] {
	return listed(ctx, d, name.Job, jobOf)
}

func jobOf(row *rows.Row) jobRow {
	job := sales.Job{Row: row}
	done, tasks := job.Tasks()
	return jobRow{
		ID: row.ID, Name: job.Name(), State: job.State(), Reason: row.Text(name.SegueReason), Tasks: tasks, Done: done,
		Examined: row.Int(name.SegueRowsexamined), Changed: row.Int(name.SegueRowschanged), Failed: row.Int(name.SegueRowsfailed),
		Created: row.Time(name.Createdon), Started: job.Started(), Ended: row.Time(name.SegueEndedon),
		Counts: row.Text(name.SegueCounts), Result: job.Result(), Rate: row.Int(name.SegueRowspersecond), Left: row.Int(name.SegueSecondsleft),
	}
}

func (d direct) job(ctx context.Context, id string) (jobRow, error) {
	row, err := d.laptop.Entities.Retrieve(ctx, sales.Engine(), rows.RefTo(name.Job, name.JobID(id)))
	if err != nil {
		return jobRow{}, err
	}
	return jobOf(row), nil
}

func (d direct) setJob(ctx context.Context, id string, state sales.JobState) error {
	return d.laptop.SetJob(ctx, id, state)
}

func (s served) jobs(ctx context.Context) iter.Seq2[jobRow, error] {
	return pages[jobRow](ctx, s, name.Job)
}

func (s served) setJob(ctx context.Context, id string, state sales.JobState) error {
	path, err := rowPath(name.Job, id)
	if err != nil {
		return err
	}
	_, err = s.send(ctx, http.MethodPatch, path, fmt.Appendf(nil, "{%q:%d}", name.SegueState, state))
	return err
}

func (s served) job(ctx context.Context, id string) (job jobRow, err error) {
	path, err := rowPath(name.Job, id)
	if err != nil {
		return job, err
	}
	return job, s.get(ctx, path, &job)
}

// rowPath is where a row is under the service root.
func rowPath(table, id string) (string, error) {
	if !guid.Canonical(id) {
		return "", fmt.Errorf("%q is not the id of a row of %s", id, table)
	}
	set, err := setOf(table)
	return fmt.Sprintf("%s(%s)", set, id), err
}
