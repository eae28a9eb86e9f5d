package job

import (
	"context"
	"slices"
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// kept is how long a job that was completed or cancelled tells what came of it, and a
// cancelled one can be resumed. One that failed stays until somebody has looked: it may
// be all that tells why something is not done.
const kept = 30 * 24 * time.Hour

// forgetLater moves the time at which a job that has ended is deleted.
func (s *Jobs) forgetLater(row *rows.Row) {
	row.Set(name.SegueDueon, schema.Time(s.db.Now().Add(kept)))
}

// forgetAtOnce is how many rows of tasks are deleted in one unit of work.
const forgetAtOnce = 50

// forget deletes a job that has ended and what its tasks have saved, the job last, so
// that a kill leaves nothing that nobody finds. If somebody resumes it meanwhile, it
// stays, and those tasks begin anew, which does no harm.
func (s *Jobs) forget(ctx context.Context, job sales.Job) error {
	open, err := openTasks(job)
	if err != nil {
		open = nil // it cannot be told which; they tell nobody anything
	}
	for tasks := range slices.Chunk(open.list(), forgetAtOnce) {
		if err := s.forgetTasks(ctx, job, tasks); err != nil {
			return err
		}
	}
	tx := s.db.Begin("")
	tx.Hold(job.Row)
	if job.State() == sales.JobFailed {
		job.Row.Set(name.SegueDueon, schema.Null())
	} else {
		tx.Delete(job.Row)
	}
	return tx.Commit(ctx)
}

// forgetTasks deletes the rows of tasks, where there are any.
func (s *Jobs) forgetTasks(ctx context.Context, job sales.Job, tasks []int) error {
	refs := make([]rows.Ref, len(tasks))
	for i, task := range tasks {
		refs[i] = message{Job: job.ID(), Task: task}.taskRef()
	}
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, refs...)
		if err != nil {
			return err
		}
		for _, row := range found {
			if row != nil {
				tx.Delete(row)
			}
		}
		return nil
	})
}
