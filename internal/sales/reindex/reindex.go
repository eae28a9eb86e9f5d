// Package reindex brings the index keys and alternate keys of stored rows up to the schema:
// after one was added, changed or dropped, for rows that nobody writes meanwhile
// (docs/operations.md, "A new index"). It changes no column, so nothing follows from
// what it writes.
//
// Invariant: a row is written under the version that it was read with, and only if its
// keys differ.
package reindex

import (
	"context"
	"fmt"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// Kind is the kind of the jobs that do it.
const Kind = "reindex"

// Tables is a job that goes through all rows of these tables.
func Tables(tables []string) sales.NewJob {
	job := sales.NewJob{ID: name.JobID(guid.New()), Kind: Kind, Name: fmt.Sprintf("Bring the index keys of %v up to the schema", tables)}
	for _, table := range tables {
		job.Scans = append(job.Scans, sales.Scan{Table: table})
	}
	return job
}

// Work is the work of [Kind] on the rows of db. lists brings what lists a row beside its own
// keys up to it, and reports whether anything was to be done.
func Work(db *rows.DB, lists func(ctx context.Context, row *rows.Row) (changed bool, err error)) sales.JobKind {
	return work{db, lists}
}

type work struct {
	db    *rows.DB
	lists func(ctx context.Context, row *rows.Row) (changed bool, err error)
}

// Prepare implements [sales.JobKind].
func (w work) Prepare(context.Context, sales.Job) (sales.JobWork, error) { return w.reindex, nil }

// reindex writes the row again if its keys are not those of the schema, and has it take its
// alternate keys, of which it may find one taken. One that
// somebody has changed meanwhile is read again: a version of the program that runs
// beside this one may have written it with the old keys.
func (w work) reindex(ctx context.Context, row *rows.Row, _ *sales.JobTally) (changed bool, err error) {
	if changed, err = w.lists(ctx, row); err != nil {
		return false, err
	}
	if !row.Reindex() && len(row.Table.Keys) == 0 { // most rows, without a read
		return changed, nil
	}
	listed := changed
	err = w.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, row.Ref())
		if err == nil && found[0] != nil {
			changed = found[0].Reindex()
			tx.Claim(found[0])
		}
		return err
	})
	return changed || listed, err
}

// Finish implements [sales.JobKind]. A job that has passed over a row is not completed: a
// list by the index would lack it.
func (work) Finish(_ context.Context, _ *rows.Tx, job sales.Job, counts map[string]int64) (sales.JobEnd, error) {
	return sales.JobEnd{}, sales.AllDone(job, counts)
}
