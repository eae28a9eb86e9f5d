package rollup

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// Kind is the kind of the jobs that prove roll-ups.
const Kind = "recount"

// Differences is what a job has found.
type Differences struct {
	Counted int64 `json:"counted"` // rows that were not counted, or as something else than they are
	Wrong   int64 `json:"wrong"`   // roll-ups that were not what is counted
	Later   int64 `json:"later"`   // rows that somebody was writing, whose roll-ups are compared in a minute
}

// Recount is a job that counts all rows anew that are counted at rows of a table, and
// compares the roll-ups of these with what is counted there. Both may go on at once, beside
// everything else. A table without roll-ups is an error.
func (r *Rollups) Recount(table string) (sales.NewJob, error) {
	if r.err != nil {
		return sales.NewJob{}, r.err
	}
	columns := r.declared.columns[table]
	if len(columns) == 0 {
		return sales.NewJob{}, fmt.Errorf("table %q has no roll-up columns; the tables with some are %q", table, slices.Sorted(maps.Keys(r.declared.columns)))
	}
	tables := map[string]bool{table: true, name.CountedRow: true}
	for _, c := range columns {
		tables[c.way.table.Name] = true
	}
	job := sales.NewJob{ID: name.JobID(guid.New()), Kind: Kind, Name: "Prove the roll-ups of " + table, Argument: table}
	for _, t := range slices.Sorted(maps.Keys(tables)) {
		job.Scans = append(job.Scans, sales.Scan{Table: t})
	}
	return job, nil
}

// Job is the work of [Kind].
func (r *Rollups) Job() sales.JobKind { return recount{r} }

type recount struct{ *Rollups }

// The names of the tally's counts.
const (
	tallyCounted = "counted"
	tallyWrong   = "wrong"
	tallyLater   = "later"
)

// Prepare implements [sales.JobKind].
func (r recount) Prepare(_ context.Context, job sales.Job) (sales.JobWork, error) {
	table := job.Argument()
	return func(ctx context.Context, row *rows.Row, tally *sales.JobTally) (changed bool, err error) {
		for w, ref := range r.waysOf(table, row) {
			did, err := r.count(ctx, w, ref, rows.Ref{})
			if err != nil {
				return changed, err
			}
			if did {
				tally.Add(tallyCounted, 1)
				changed = true
			}
		}
		if row.Table.Name != table {
			return changed, nil
		}
		wrong, err := r.mend(ctx, row.Ref(), tally)
		return changed || wrong, err
	}, r.err
}

// waysOf returns the ways by which the row of a scan is counted at rows of a table, and
// which row that is.
func (r recount) waysOf(table string, row *rows.Row) map[*way]rows.Ref {
	ref, lookup := row.Ref(), ""
	if row.Table.Name == name.CountedRow {
		ref = rows.Ref{Table: row.Text(name.SegueTable), ID: row.Text(name.SegueRow)}
		lookup = row.Text(name.SegueLookup)
	}
	ways := map[*way]rows.Ref{}
	for _, w := range r.declared.ways[ref.Table] {
		if len(w.rollups[table]) > 0 && (lookup == "" || lookup == w.lookup.Name) {
			ways[w] = ref
		}
	}
	return ways
}

// mend proves the roll-ups of one row, and reports whether any were wrong.
func (r recount) mend(ctx context.Context, ref rows.Ref, tally *sales.JobTally) (bool, error) {
	wrong, open := 0, false
	err := r.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, ref)
		if err != nil || found[0] == nil {
			return err
		}
		if wrong, open, err = r.prove(ctx, tx, found[0], nil); err == nil && open {
			err = r.again(tx, found[0])
		}
		return err
	})
	switch {
	case err != nil:
		return false, err
	case open:
		tally.Add(tallyLater, 1)
	case wrong > 0:
		tally.Add(tallyWrong, int64(wrong))
	}
	return wrong > 0, nil
}

// Finish implements [sales.JobKind].
func (recount) Finish(_ context.Context, _ *rows.Tx, job sales.Job, counts map[string]int64) (sales.JobEnd, error) {
	text, err := json.Marshal(Differences{counts[tallyCounted], counts[tallyWrong], counts[tallyLater]})
	if err != nil {
		return sales.JobEnd{}, err
	}
	return sales.JobEnd{Result: string(text)}, sales.AllDone(job, counts)
}

// Result reads what a completed job has found; ok is false for one that is not completed.
func Result(job sales.Job) (d Differences, ok bool, err error) {
	if job.State() != sales.JobCompleted {
		return d, false, nil
	}
	if err := json.Unmarshal([]byte(job.Result()), &d); err != nil {
		return d, false, fmt.Errorf("%v: stored %s: %w", job.Row.Ref(), name.SegueResult, err)
	}
	return d, true, nil
}
