package reaction

import (
	"context"
	"fmt"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// BeginRedrive begins, in a unit of work, a job that takes up all that is parked, or
// all rows of a table, whether anything of them is parked or not: those of a table that
// was restored, whose changes nobody may have followed.
func (h *Handler) BeginRedrive(ctx context.Context, tx *rows.Tx, table string) error {
	job := sales.Redrive(name.JobID(guid.New()), rows.Ref{})
	if table != "" {
		if h.db.Schema().Table(table) == nil {
			return sales.Refuse(sales.Invalid, "table %q does not exist", table)
		}
		job.Name, job.Scans = fmt.Sprintf("Follow all rows of %s as they are now", table), []sales.Scan{{Table: table}}
	}
	return sales.BeginJob(ctx, tx, job)
}

// RedriveJob is the work of [sales.RedriveKind]: it goes through what is parked and
// takes up what has the job's subject as its cause; all, when the job has none. Of
// another table it takes up every row.
func (h *Handler) RedriveJob() sales.JobKind { return redriveJob{h} }

type redriveJob struct{ handler *Handler }

// Prepare implements [sales.JobKind].
func (j redriveJob) Prepare(_ context.Context, job sales.Job) (sales.JobWork, error) {
	cause := job.Subject()
	return func(ctx context.Context, row *rows.Row, _ *sales.JobTally) (bool, error) {
		if row.Table.Name != name.ParkedChange {
			err := j.handler.Redrive(ctx, row.Ref())
			return err == nil, err
		}
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
