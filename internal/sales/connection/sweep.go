package connection

import (
	"context"

	"golang.org/x/sync/errgroup"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// sweepSize is how many connections one change record of a sequence ends. A
// sweep that has more to do touches the sequence, whose change record goes on,
// so that the changes of other rows get their turn and a crash loses nothing.
const sweepSize = 500

// Sweep is the reaction to a changed sequence: it ends the live connections of
// one that is being deactivated or deleted (docs/domain.md §5.1, §5.2), then the
// phase itself. Connections that slip in meanwhile are those of a process that
// still took the sequence for active: the sweep waits until there is none
// ([sales.Freshness]), and Verify catches the rest.
//
// A sweep works for the sequence's row as it found it. Whatever writes the row
// meanwhile (another delivery of the same change that is done, an activation, an
// edit) ends the sweep, for that write has a change record of its own.
func (s *Connections) Sweep() sales.Reaction { return sales.Follow(s.sweep) }

func (s *Connections) sweep(ctx context.Context, change rows.Change) error {
	changed, err := change.New.Value(name.SeguePhase)
	if err != nil {
		return err
	}
	if changed.IsNull() { // it ends nothing
		return nil
	}
	// The change may come again when the sequence is long active again.
	found, err := s.db.Get(ctx, change.Ref)
	if err != nil {
		return err
	}
	ending := found[0]
	if ending == nil || (sequence.Sequence{Row: ending}).Phase() == sequence.NoPhase {
		return nil
	}
	if err := s.generation.Settle(ctx); err != nil {
		return err
	}
	ended, err := s.endTargets(ctx, ending)
	if err != nil {
		return err
	}
	if ended < sweepSize {
		// The index may have lagged: once it has had time to catch up, ask again, also
		// when it showed nothing. A connection that somebody made in the last moment in
		// which he took the sequence for active may have been verified by a process that
		// did so too, so nobody else would end it.
		if err := s.generation.Settle(ctx); err != nil {
			return err
		}
		if ended, err = s.endTargets(ctx, ending); err != nil {
			return err
		}
	}
	return s.db.Do(ctx, "", func(tx *rows.Tx) error { return endPhase(ctx, tx, ending, ended > 0) })
}

// endPhase ends the phase of a sequence without live connections; with more of
// them it makes a change record that goes on.
func endPhase(ctx context.Context, tx *rows.Tx, ending *rows.Row, more bool) error {
	found, err := tx.Load(ctx, ending.Ref())
	if err != nil {
		return err
	}
	row := found[0]
	// Another phase than the one whose connections were ended is not this sweep's.
	if row == nil || row.Version != ending.Version {
		return nil
	}
	switch {
	case more:
		row.Touch()
	case Deleting(row):
		tx.Delete(row)
	default:
		row.Set(name.SeguePhase, schema.Null())
	}
	return nil
}

// endTargets ends up to sweepSize live connections of a sequence that is ending
// and returns how many it found.
func (s *Connections) endTargets(ctx context.Context, ending *rows.Row) (int, error) {
	var targets []*rows.Row
	for target, err := range s.lists.Each(ctx, liveTargets(s.db.Schema(), name.SequenceID(ending.ID))) {
		if err != nil {
			return 0, err
		}
		if targets = append(targets, target); len(targets) == sweepSize {
			break
		}
	}
	if len(targets) == 0 {
		return 0, nil
	}
	// What was listed is ended only if the sequence is ending even now, when all
	// of it is there: it may be a connection of the sequence's next life.
	found, err := s.db.Get(ctx, ending.Ref())
	if err != nil {
		return 0, err
	}
	if found[0] == nil || found[0].Version != ending.Version {
		return 0, nil
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(sales.AtOnce)
	for _, target := range targets {
		group.Go(func() error { return s.endTarget(groupCtx, target) })
	}
	return len(targets), group.Wait()
}

// liveTargets selects the live targets of a sequence.
func liveTargets(tables *schema.Schema, sequenceID name.SequenceID) query.Query {
	equal := func(column string, v schema.Value) filter.Node {
		return &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{v}}
	}
	return query.Query{Table: tables.Table(name.SequenceTarget), Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
		equal(name.MsdynParentsequence, schema.RefTo(name.Sequence, sequenceID)), equal(name.Statecode, schema.Int(int64(sequence.TargetActive))),
	}}}
}

// endTarget ends one live target, because its sequence has ended, and takes it
// out of its record's guard.
func (s *Connections) endTarget(ctx context.Context, target *rows.Row) error {
	listed := sequence.Target{Row: target}
	record := listed.Record()
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, rows.Ref{Table: record.Table, ID: record.ID}, target.Ref())
		if err != nil {
			return err
		}
		row := found[1]
		if row == nil || !(sequence.Target{Row: row}).Live() { // it has ended meanwhile
			return nil
		}
		closeTarget(tx, row, sequence.SequenceEnded)
		return freeGuard(found[0], listed.Sequence(), name.SequenceTargetID(target.ID))
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
	known, err := s.Sequence(ctx, id)
	if err != nil {
		return false, err
	}
	if known.Active {
		return true, nil
	}
	found, err := s.db.Get(ctx, rows.RefTo(name.Sequence, id))
	if err != nil {
		return false, err
	}
	now, err := sequenceOf(found[0])
	return now.Active, err
}
