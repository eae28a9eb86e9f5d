package connection

import (
	"context"
	"fmt"
	"strconv"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// SweepKind is the kind of the jobs that end the connections of a sequence.
const SweepKind = "sweep"

const (
	liveIndex = "live" // of targets: the live ones of a sequence

	// The names of the tally's counts.
	sweptLive = "live"  // connections that were live when they were listed
	sweptGone = "ended" // of these, those that are not any more
)

// Sweep is the reaction to a changed sequence: for one that is being deactivated or
// deleted it begins the job that ends the live connections (docs/domain.md §5.1,
// §5.2), and marks the sequence with it. The change may come again at any time: one
// phase has one job.
func (s *Connections) Sweep() sales.Reaction { return sales.Follow(s.beginSweep) }

func (s *Connections) beginSweep(ctx context.Context, change rows.Change) error {
	phase, err := change.New.Value(name.SeguePhase)
	if err != nil || phase.IsNull() { // it ends nothing
		return err
	}
	if sweep, err := change.New.Value(name.SegueSweep); err != nil || !sweep.IsNull() { // it has begun
		return err
	}
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, change.Ref)
		if err != nil || found[0] == nil {
			return err
		}
		row := found[0]
		view := sequence.Sequence{Row: row}
		if view.Phase() == sequence.NoPhase || view.Sweep() != "" { // it was followed before
			return nil
		}
		id := name.JobID(guid.Derive("sweep sequence", row.ID, strconv.FormatInt(row.Version, 10)))
		row.Set(name.SegueSweep, schema.Text(string(id)))
		return sales.BeginJob(ctx, tx, sales.NewJob{
			ID: id, Kind: SweepKind, Name: excerpt.Runes(fmt.Sprintf("End the connections to sequence %q", view.Name()), 200), Subject: row.Ref(),
			Scans: []sales.Scan{{Table: name.SequenceTarget, Index: liveIndex, Small: true}},
		})
	})
}

// SweepJob is the work of [SweepKind]: it ends the live connections of a sequence,
// round after round, until a round after the first finds none; then it ends the phase.
// Each round begins [sales.Freshness] after what it must see, since the index of live
// connections may lag. Connections that slip in meanwhile are those of a process that
// still took the sequence for active: the next round finds them, and Verify catches the
// rest.
//
// A job works for the phase that it began for, whose sequence is marked with it: a
// task that comes late ends nothing of the sequence's next life.
func (s *Connections) SweepJob() sales.JobKind { return sweepJob{s} }

type sweepJob struct{ connections *Connections }

// sweeping reports whether a job is that of the present phase of a sequence, whose
// row may be nil.
func sweeping(row *rows.Row, job name.JobID) bool {
	if row == nil {
		return false
	}
	view := sequence.Sequence{Row: row}
	return view.Phase() != sequence.NoPhase && view.Sweep() == job
}

// Prepare implements [sales.JobKind].
func (j sweepJob) Prepare(ctx context.Context, job sales.Job) (sales.JobWork, error) {
	found, err := j.connections.db.Get(ctx, job.Subject())
	if err != nil || !sweeping(found[0], job.ID()) {
		return nil, err
	}
	return func(ctx context.Context, listed *rows.Row, tally *sales.JobTally) (bool, error) {
		if !(sequence.Target{Row: listed}).Live() { // its index entry lags
			return false, nil
		}
		tally.Add(sweptLive, 1)
		ended, err := j.end(ctx, job, listed)
		if err == nil { // also when somebody else has just ended it
			tally.Add(sweptGone, 1)
		}
		return ended, err
	}, nil
}

// end ends a target that was listed, if the sequence is in the job's phase even now:
// it may be a connection of the sequence's next life.
func (j sweepJob) end(ctx context.Context, job sales.Job, listed *rows.Row) (ended bool, err error) {
	record := sequence.Target{Row: listed}.Record()
	err = j.connections.db.Do(ctx, "", func(tx *rows.Tx) error {
		ended = false
		found, err := tx.Load(ctx, job.Subject(), rows.Ref{Table: record.Table, ID: record.ID}, listed.Ref())
		if err != nil || !sweeping(found[0], job.ID()) {
			return err
		}
		ended, err = j.connections.EndTarget(ctx, tx, listed, sequence.SequenceEnded)
		return err
	})
	return ended && err == nil, err
}

// Finish implements [sales.JobKind]: it ends the phase of a sequence of which no live
// connection has been seen in this round.
func (j sweepJob) Finish(ctx context.Context, tx *rows.Tx, job sales.Job, counts map[string]int64) (sales.JobEnd, error) {
	found, err := tx.Load(ctx, job.Subject())
	if err != nil || !sweeping(found[0], job.ID()) {
		return sales.JobEnd{}, err
	}
	row, gone := found[0], counts[sweptGone]
	stay := counts[sweptLive] - gone + counts[sales.JobUnreadable]
	switch {
	case gone > 0 || job.Round() == 0:
		// Also when the first round saw nothing. A connection that a process made in
		// the last moment in which it took the sequence for active, and which the
		// index did not show yet, may have been verified by a process that did so
		// too, so nothing else would end it.
		return sales.JobEnd{Again: true}, nil
	case stay > 0:
		return sales.JobEnd{}, fmt.Errorf("%d connections to %v cannot be ended", stay, row.Ref())
	case authoring.Deleting(row):
		return sales.JobEnd{}, j.connections.entities.DeleteKept(ctx, tx, row)
	default:
		row.Set(name.SeguePhase, schema.Null())
		row.Set(name.SegueSweep, schema.Null())
	}
	return sales.JobEnd{}, nil
}

// endTarget ends one live target, because its sequence has ended, and takes it
// out of its record's guard.
func (s *Connections) endTarget(ctx context.Context, target *rows.Row) error {
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		_, err := s.EndTarget(ctx, tx, target, sequence.SequenceEnded)
		return err
	})
}

// Verify is the reaction to a new target: it ends one whose sequence is not
// active, for somebody connected it by a definition that had just been replaced.
// That the sequence is active may come from the cache; that it is not is read.
func (s *Connections) Verify() sales.Reaction { return sales.Follow(s.verify) }

func (s *Connections) verify(ctx context.Context, change rows.Change) error {
	value, err := change.New.Value(name.MsdynParentsequence)
	if err != nil {
		return err
	}
	lookup, _ := value.Ref()
	active, err := s.isActive(ctx, name.SequenceID(lookup.ID))
	if err != nil {
		return err
	}
	if active {
		return nil
	}
	target, err := change.New.Row()
	if err != nil {
		return err
	}
	return s.endTarget(ctx, target)
}

// isActive reports whether a sequence is active: as it was a moment ago at the
// most if it is, as its row has it now if it is not.
func (s *Connections) isActive(ctx context.Context, id name.SequenceID) (bool, error) {
	known, err := s.sequences.Sequence(ctx, id)
	if err != nil {
		return false, err
	}
	if known.Active {
		return true, nil
	}
	now, err := s.sequences.Read(ctx, id)
	return now.Active, err
}
