package operation

import (
	"context"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/deletion"
	"segue/internal/schema/name"
)

// BulkDelete begins a job that deletes rows.
type BulkDelete struct {
	Job     name.JobID // from [deletion.Deletion.NewID], so that each try begins the same
	Request deletion.Request
}

func (o BulkDelete) run(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, _ *Outcome) error {
	return e.Deletion.BeginIn(ctx, tx, c, o.Job, o.Request)
}
