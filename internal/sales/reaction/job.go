package reaction

import (
	"context"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// BeginRedrive begins, in a unit of work, a job that takes up all that is parked.
func (h *Handler) BeginRedrive(ctx context.Context, tx *rows.Tx) error {
	return sales.BeginJob(ctx, tx, sales.Redrive(name.JobID(guid.New()), rows.Ref{}))
}

// RedriveJob is the work of [sales.RedriveKind]: it goes through what is parked and
// takes up what has the job's subject as its cause; all, when the job has none.
func (h *Handler) RedriveJob() sales.JobKind { return redriveJob{h} }

type redriveJob struct{ handler *Handler }

// Prepare implements [sales.JobKind].
func (j redriveJob) Prepare(_ context.Context, job sales.Job) (sales.JobWork, error) {
	cause := job.Subject()
	return func(ctx context.Context, row *rows.Row, _ *sales.JobTally) (bool, error) {
		if cause != (rows.Ref{}) && (Parked{row}).Cause() != cause {
			return false, nil
		}
		err := j.handler.Retry(ctx, row)
		return err == nil, err
	}, nil
}

// Finish implements [sales.JobKind].
func (redriveJob) Finish(context.Context, *rows.Tx, sales.Job, map[string]int64) (sales.JobEnd, error) {
	return sales.JobEnd{}, nil
}
