package deletion

import (
	"context"
	"encoding/json"
	"fmt"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// CascadeJob is the work of [entity.CascadeKind]: it deletes or unlinks the rows that point
// at a deleted row and that were too many for the delete itself.
func (d *Deletion) CascadeJob() sales.JobKind { return following{d} }

type following struct{ *Deletion }

// Prepare implements [sales.JobKind].
func (f following) Prepare(_ context.Context, job sales.Job) (sales.JobWork, error) {
	var followed entity.Followed
	if err := json.Unmarshal([]byte(job.Argument()), &followed); err != nil {
		return nil, fmt.Errorf("%v: stored %s: %w", job.Row.Ref(), name.SegueArgument, err)
	}
	return func(ctx context.Context, row *rows.Row, _ *sales.JobTally) (bool, error) {
		return f.entities.Follow(ctx, row.Ref(), job.Subject(), followed.Column)
	}, nil
}

// Finish implements [sales.JobKind]. The index may have lagged behind rows that were made
// shortly before the delete, so a round that changed something is followed by another.
func (f following) Finish(_ context.Context, _ *rows.Tx, job sales.Job, counts map[string]int64) (sales.JobEnd, error) {
	return sales.JobEnd{Again: job.Round() == 0}, sales.AllDone(job, counts)
}
