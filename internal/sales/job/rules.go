package job

import (
	"context"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Rules let a person cancel a job and resume one, by its state. The rows of jobs
// are made by Segue alone and stay for a while, for what they tell.
func (s *Jobs) Rules() entity.Rules { return rules{jobs: s} }

type rules struct {
	entity.Plain
	jobs *Jobs
}

// Show implements [entity.Rules]: it works out how fast a job has been, and for one that is
// running how long it will take as it goes on, by the share of its tasks that is done. So
// that costs no write.
func (r rules) Show(_ context.Context, list []*rows.Row) error {
	for _, row := range list {
		job := sales.Job{Row: row}
		if counts := row.Text(name.SegueTally); counts != "" {
			row.Set(name.SegueCounts, schema.Text(counts))
		}
		began, until := job.Started(), row.Time(name.SegueEndedon)
		if until.IsZero() {
			until = r.jobs.db.Now()
		}
		if began.IsZero() || until.Before(began) {
			continue
		}
		took := max(int64(until.Sub(began).Seconds()), 1)
		row.Set(name.SegueRowspersecond, schema.Int(row.Int(name.SegueRowsexamined)/took))
		if done, all := job.Tasks(); done > 0 && job.State() == sales.JobRunning {
			row.Set(name.SegueSecondsleft, schema.Int(took*(all-done)/done))
		}
	}
	return nil
}

// Update implements [entity.Rules].
func (r rules) Update(_ context.Context, _ *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	n, _ := before[name.SegueState].Int()
	was, is := sales.JobState(n), sales.Job{Row: row}.State()
	switch {
	case is == was:
		return nil
	case is == sales.JobCancelled && was.Open():
		if why := r.jobs.kinds[sales.Job{Row: row}.Kind()].Essential; why != "" {
			return sales.Refuse(sales.Precondition, "%q cannot be cancelled: %s", sales.Job{Row: row}.Name(), why)
		}
		r.jobs.forgetLater(row)
		row.Set(name.SegueEndedon, schema.Time(r.jobs.db.Now()))
		return nil
	case is == sales.JobQueued && was != sales.JobCompleted:
		row.Set(name.SegueEndedon, schema.Null())
		r.jobs.lookAfterLater(row)
		return nil
	}
	return sales.Refuse(sales.Precondition, "the job is %v: %s can be set to 3 (cancelled) while it is queued or running, and to 0 (queued) to resume it before it is completed", was, name.SegueState)
}
