package job

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// soon is when a job is looked after whose tasks could not be queued.
const soon = time.Minute

// lookAfterLater moves the time at which an open job must have come further. A task
// that is long alone saves its position without touching the job's row, so it may come
// twice, which does no harm.
func (s *Jobs) lookAfterLater(row *rows.Row) {
	row.Set(name.SegueDueon, schema.Time(s.db.Now().Add(sales.JobPatience)))
}

// LookAfter is the [sales.DueHandler] of a job. One that has stood still gets messages
// of its open tasks: those that were sent may be lost, or none ever was. One that has
// ended long ago is deleted.
func (s *Jobs) LookAfter(ctx context.Context, due *rows.Row) error {
	job := sales.Job{Row: due}
	if job.State().Open() {
		return s.queueOpenTasks(ctx, job)
	}
	return s.forget(ctx, job)
}

// horizon is beyond the due time of every open job: the due list puts none off by more
// than six hours. It is well before that of a job that has just ended.
const horizon = 24 * time.Hour

// QueueOpen queues the open tasks of all open jobs: for the start of a process
// whose queue is empty. The due list has the open jobs, so those that have ended cost
// nothing; one that the list, an index, does not show yet is found when it is due. When
// the queue is full, the jobs that are left wait until they are due.
func (s *Jobs) QueueOpen(ctx context.Context) error {
	for ref, err := range s.listed(ctx) {
		if err == nil {
			err = s.queueListed(ctx, ref)
		}
		if errors.Is(err, queue.ErrUnavailable) {
			slog.WarnContext(ctx, "the jobs that are left wait until they are due", "first", ref.ID)
			return nil
		}
		if err != nil {
			return fmt.Errorf("queue the open jobs: %w", err)
		}
	}
	return nil
}

// listed returns the jobs that the due list shows up to the horizon.
func (s *Jobs) listed(ctx context.Context) iter.Seq2[rows.Ref, error] {
	until := s.db.Now().Add(horizon)
	return func(yield func(rows.Ref, error) bool) {
		for shard := range schema.Shards {
			for after, more := "", true; more; more = after != "" {
				entries, next, err := s.db.ReadDue(ctx, shard, until, after, 0)
				if err != nil {
					yield(rows.Ref{}, err)
					return
				}
				for _, entry := range entries {
					if entry.Ref.Table == name.Job && !yield(entry.Ref, nil) {
						return
					}
				}
				after = next
			}
		}
	}
}

// queueListed queues the open tasks of a job. One of another version of the program, and
// one that cannot be read, are passed over: they must not keep a process from starting.
func (s *Jobs) queueListed(ctx context.Context, ref rows.Ref) error {
	found, err := s.db.Get(ctx, ref)
	if err == nil && found[0] != nil && (sales.Job{Row: found[0]}).State().Open() {
		err = s.queueOpenTasks(ctx, sales.Job{Row: found[0]})
	}
	if err == nil || sales.Transient(err) {
		return err
	}
	slog.ErrorContext(ctx, "the tasks of a job cannot be queued", "job", ref.ID, "reason", err)
	return nil
}
