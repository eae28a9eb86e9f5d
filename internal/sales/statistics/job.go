package statistics

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Kind is the kind of the jobs that count all connections again.
const Kind = "statistics"

// Differences is what a recount has found.
type Differences struct {
	Counted int64 `json:"counted"` // connections or steps that were not counted as they are
	Wrong   int64 `json:"wrong"`   // sequences whose counts were not what is counted
}

// RecountIn begins, in a unit of work, a job that counts everything into a new epoch, which is
// read when the job is done. One that is under way is superseded.
func (s *Statistics) RecountIn(ctx context.Context, tx *rows.Tx) (name.JobID, error) {
	found, err := tx.Load(ctx, epochsRef())
	if err != nil {
		return "", err
	}
	e, err := readEpochs(found[0])
	if err != nil {
		return "", err
	}
	e.Next, e.Job, e.Counted = max(e.Current, e.Next)+1, name.JobID(s.newID()), 0
	if err := setEpochs(tx, e); err != nil {
		return "", err
	}
	return e.Job, sales.BeginJob(ctx, tx, sales.NewJob{
		ID: e.Job, Kind: Kind, Name: "Count what became of connections and steps", Argument: fmt.Sprint(e.Next),
		// Counts that nobody reads any more go, those that are kept are compared by sequence.
		Scans: []sales.Scan{{Table: name.SequenceTarget}, {Table: name.SequenceTargetStep}, {Table: name.CountedTarget}, {Table: name.SequenceStatistic, Small: true}, {Table: name.Sequence, Small: true}},
	})
}

// setEpochs writes the epochs, whose row the unit of work has loaded.
func setEpochs(tx *rows.Tx, e epochs) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("epochs: %w", err)
	}
	if row := tx.Held(epochsRef()); row != nil {
		row.Set(name.SegueValues, schema.Text(string(text)))
		return nil
	}
	tx.Create(tx.Schema().Table(name.SequenceStatistic), epochsRef().ID, map[string]schema.Value{name.SegueValues: schema.Text(string(text))})
	return nil
}

// Job is the work of [Kind].
func (s *Statistics) Job() sales.JobKind { return recount{s} }

type recount struct{ *Statistics }

// The names of the tally's counts.
const (
	tallyCounted = "counted"
	tallyWrong   = "wrong"
)

// Prepare implements [sales.JobKind]. The first round counts, the second one compares.
func (r recount) Prepare(ctx context.Context, job sales.Job) (sales.JobWork, error) {
	found, err := r.db.Get(ctx, epochsRef())
	if err != nil {
		return nil, err
	}
	e, err := readEpochs(found[0])
	if err != nil {
		return nil, err
	}
	if e.Job != job.ID() { // another recount has begun
		return nil, nil
	}
	if job.Round() > 0 {
		return func(ctx context.Context, row *rows.Row, tally *sales.JobTally) (bool, error) {
			return r.compare(ctx, e, row, tally)
		}, nil
	}
	return r.recount, nil
}

// recount counts the connection that a row is of.
func (r recount) recount(ctx context.Context, row *rows.Row, tally *sales.JobTally) (changed bool, err error) {
	of := subject{}
	switch row.Table.Name {
	case name.SequenceTarget:
		view := sequence.Target{Row: row}
		of = subject{view.Sequence(), name.SequenceTargetID(row.ID), nil}
	case name.SequenceTargetStep:
		step := sequence.TargetStep{Row: row}
		of = subject{step.Sequence(), step.Position().Target, []rows.Ref{row.Ref()}}
	case name.CountedTarget: // perhaps of a target that is gone, which stays counted
		of = subject{name.SequenceID(row.Text(name.SegueOf)), name.SequenceTargetID(row.ID), nil}
	default:
		return false, nil
	}
	if row.Table.Name != name.CountedTarget {
		wanted, err := r.wantedNow(ctx, row, of.sequence)
		if err != nil || !wanted {
			return false, err
		}
	}
	wrong, err := r.count(ctx, &of)
	tally.Add(tallyCounted, int64(wrong))
	return wrong > 0, err
}

// wantedNow is wanted of the row of a target or step.
func (r recount) wantedNow(ctx context.Context, row *rows.Row, of name.SequenceID) (bool, error) {
	_, _, version := counted(row.Table.Name)
	return r.wanted(ctx, of, row.Int(version))
}

// compare compares the counts of the two epochs of a sequence, which differ where those of the
// one before were wrong, and deletes counts that are read no more. What is counted at the same
// moment may be seen in one of the two alone, and is then told as a difference.
func (r recount) compare(ctx context.Context, e epochs, row *rows.Row, tally *sales.JobTally) (changed bool, err error) {
	switch row.Table.Name {
	case name.SequenceStatistic:
		if row.Text(name.SegueOf) == "" || row.Int(name.SegueEpoch) >= e.Current {
			return false, nil
		}
		return true, r.db.Do(ctx, "", func(tx *rows.Tx) error {
			found, err := tx.Load(ctx, row.Ref())
			if err == nil && found[0] != nil {
				tx.Delete(found[0])
			}
			return err
		})
	case name.Sequence:
		view := sequence.Sequence{Row: row}
		if view.IsVersion() {
			return false, nil
		}
		id, versions := name.SequenceID(row.ID), versionsUpTo(view.Version())
		before, err := r.totalsIn(ctx, e.Current, id, versions)
		if err != nil {
			return false, err
		}
		after, err := r.totalsIn(ctx, e.Next, id, versions)
		if err != nil {
			return false, err
		}
		if !maps.EqualFunc(before, after, Counts.equal) {
			tally.Add(tallyWrong, 1)
			return true, nil
		}
	}
	return false, nil
}

// equal reports whether counts are the same.
func (c Counts) equal(other Counts) bool {
	return maps.EqualFunc(c, other, maps.Equal[map[string]int64, map[string]int64])
}

// Finish implements [sales.JobKind]: after the second round everybody reads the new epoch.
func (r recount) Finish(ctx context.Context, tx *rows.Tx, job sales.Job, counts map[string]int64) (sales.JobEnd, error) {
	if err := sales.AllDone(job, counts); err != nil {
		return sales.JobEnd{}, err
	}
	found, err := tx.Load(ctx, epochsRef())
	if err != nil {
		return sales.JobEnd{}, err
	}
	e, err := readEpochs(found[0])
	if err != nil {
		return sales.JobEnd{}, err
	}
	mine, again, done := e.Job == job.ID(), job.Round() == 0, e.Counted
	switch {
	case !mine: // another recount has begun
		return sales.JobEnd{}, nil
	case again: // what a round has tallied is gone in the next one
		e.Counted = counts[tallyCounted]
	default:
		e = epochs{Current: e.Next}
	}
	if err := setEpochs(tx, e); err != nil || again {
		return sales.JobEnd{Again: again}, err
	}
	text, err := json.Marshal(Differences{done, counts[tallyWrong]})
	if err != nil {
		return sales.JobEnd{}, fmt.Errorf("result of %s: %w", job.ID(), err)
	}
	return sales.JobEnd{Result: string(text)}, nil
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
