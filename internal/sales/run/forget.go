package run

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segmentation"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// AtOnce is how many runs of a record change in the unit of work that follows its deletion
// or its erasure; more do in a job that begins with it.
const AtOnce = 25

// buried is how long what is left of the run of a deleted record stays: longer than a change
// of the record may come again.
const buried = 2 * 24 * time.Hour

// index lists the runs of a record.
const index = "runs"

// removed takes the runs of a deleted record away. An index may lag, so the run of its last
// evaluation, which may have been written a moment ago, is found by its id.
func (r *Runs) removed(ctx context.Context, change rows.Change) error {
	why := reason{deletion, 0}
	var last []rows.Ref
	if change.Old != nil {
		row, err := change.Old.Row()
		if err != nil {
			return err
		}
		why.Version = row.Version
		if receipt, ok := segmentation.ReceiptOf(row); ok && receipt.Version != 0 {
			last = append(last, rows.RefTo(name.SalesRoutingRun, runID(change.Ref, receipt.Version)))
		}
	}
	return r.forget(ctx, change.Ref, why, last)
}

// erased takes what tells of a person out of the runs of a record that is erased with a
// version.
func (r *Runs) erased(ctx context.Context, record rows.Ref, version int64) error {
	return r.forget(ctx, record, reason{erasure, version}, nil)
}

// reason is why the runs of a record are forgotten. It is the argument of the job.
type reason struct {
	Because string
	Version int64 // of the record then; 0 where it is not known
}

const (
	deletion = "deletion"
	erasure  = "erasure"
)

// longestLife is more writes than a record has in the life of a run.
const longestLife = 1 << 19

// isAbout reports whether a run is of the life of the record that the reason is about: the
// same change may come again when a record has been made again under the id. Versions rise
// by one at each write, and begin at a random number for each life.
func (w reason) isAbout(run *rows.Row) bool {
	version := run.Int(name.SegueRecordversion)
	return w.Version == 0 || version == 0 || version <= w.Version && w.Version-version < longestLife
}

// change does to a run what the reason asks for.
func (w reason) change(row *rows.Row, now time.Time) {
	switch {
	case !w.isAbout(row):
	case w.Because == deletion:
		bury(row, now)
	default:
		for _, c := range row.Table.Columns {
			if c.Personal {
				row.Set(c.Name, schema.Null())
			}
		}
	}
}

// bury leaves of a run nothing but its id, which keeps a repeated change of the record from
// writing it again, and nobody sees that ([rules.Gone]).
func bury(row *rows.Row, now time.Time) {
	if row.Lookup(name.MsdynTargetobject).ID == "" {
		return
	}
	for column := range row.Values() {
		if row.Table.Column(column).Derived == "" {
			row.Set(column, schema.Null())
		}
	}
	row.Set(name.SegueExpireson, schema.Time(now.Add(buried)))
}

// forget does it to those runs of a record that there are. also are some that may be among
// them.
func (r *Runs) forget(ctx context.Context, record rows.Ref, why reason, also []rows.Ref) error {
	page, err := r.lists.Select(ctx, query.Query{Table: r.table(), Limit: AtOnce + 1, Where: of(record)})
	if err != nil {
		return err
	}
	refs := also
	for _, row := range page.Rows[:min(len(page.Rows), AtOnce)] {
		if !slices.Contains(refs, row.Ref()) {
			refs = append(refs, row.Ref())
		}
	}
	if len(refs) == 0 {
		return nil
	}
	argument, err := json.Marshal(why)
	if err != nil {
		return err
	}
	return r.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, refs...)
		if err != nil {
			return err
		}
		for _, row := range found {
			if row != nil {
				why.change(row, tx.Now())
			}
		}
		if len(page.Rows) <= AtOnce {
			return nil
		}
		return sales.BeginJob(ctx, tx, sales.NewJob{
			ID:   name.JobID(guid.Derive("forget runs", record.Table, record.ID, why.Because, strconv.FormatInt(why.Version, 10), refs[0].ID)),
			Kind: Kind, Name: "Forget the runs of " + record.String(), Subject: record, Argument: string(argument),
			Scans: []sales.Scan{{Table: name.SalesRoutingRun, Index: index, Single: true}},
		})
	})
}

// of is the condition that a run is of a record.
func of(record rows.Ref) *filter.Group {
	target := schema.Ref(schema.Lookup{Table: record.Table, ID: record.ID})
	return &filter.Group{Logic: filter.And, Items: []filter.Node{
		&filter.Condition{Column: name.MsdynTargetobject, Operator: filter.Eq, Values: []schema.Value{target}},
	}}
}

// Kind is the kind of the jobs that forget the runs of a record which has many.
const Kind = "forget runs"

// Job is the work of [Kind].
func (r *Runs) Job() sales.JobKind { return work{r} }

type work struct{ *Runs }

// Prepare implements [sales.JobKind].
func (w work) Prepare(_ context.Context, job sales.Job) (sales.JobWork, error) {
	var why reason
	if err := json.Unmarshal([]byte(job.Argument()), &why); err != nil {
		return nil, fmt.Errorf("job %s: argument: %w", job.ID(), err)
	}
	subject := schema.Lookup{Table: job.Subject().Table, ID: job.Subject().ID}
	return func(ctx context.Context, listed *rows.Row, _ *sales.JobTally) (changed bool, err error) {
		err = w.db.Do(ctx, "", func(tx *rows.Tx) error {
			changed = false
			found, err := tx.Load(ctx, listed.Ref())
			if err != nil || found[0] == nil || found[0].Lookup(name.MsdynTargetobject) != subject {
				return err
			}
			why.change(found[0], tx.Now())
			changed = found[0].Changed()
			return nil
		})
		return changed && err == nil, err
	}, nil
}

// Finish implements [sales.JobKind].
func (work) Finish(context.Context, *rows.Tx, sales.Job, map[string]int64) (sales.JobEnd, error) {
	return sales.JobEnd{}, nil
}
