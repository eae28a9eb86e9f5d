package segmentation

import (
	"context"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/tally"
)

// Evaluate is the reaction to new and changed records: it runs the segments of
// a record's type (docs/domain.md §8.3, §8.4). They are as new as the batch's
// newest change needs, because the generation is registered before. A batch without
// a record reads nothing.
func (s *Segmentation) Evaluate() sales.Reaction { return evaluate{s} }

type evaluate struct{ *Segmentation }

// Prepare implements [sales.Reaction]: it reads the catalogues once, for all changes.
func (e evaluate) Prepare(ctx context.Context, _ []rows.Change) (sales.Follow, error) {
	if _, err := e.readCatalogues(ctx); err != nil {
		return nil, err
	}
	return func(ctx context.Context, change rows.Change) error {
		known, err := e.readCatalogues(ctx) // a batch may take longer than they are fresh
		if err != nil {
			return err
		}
		return e.evaluate(ctx, known[change.Table.Name], change)
	}, nil
}

// evaluate runs the segments of a record's type if the record is new or a column
// that any of them reads has changed.
func (s *Segmentation) evaluate(ctx context.Context, known compiled, change rows.Change) error {
	if known.broken != nil {
		return known.broken
	}
	catalogue := known.Catalogue
	if len(catalogue.Known) == 0 { // the type never had a segment
		return nil
	}
	if err := change.Read(known.reading); err != nil { // one pass over each image
		return err
	}
	defer change.Forget()
	linked, err := newLink(change, name.MsdynSegmentid)
	if err != nil {
		return err
	}
	if linked != "" && !catalogue.Known[linked] {
		if err := s.leave(ctx, change, name.MsdynSegmentid, linked); err != nil {
			return err
		}
	}
	touched, err := change.Touches(catalogue.Columns)
	if err != nil {
		return err
	}
	if !touched { // by far the most changes: they cost no read and no write
		return nil
	}
	tally.Add(ctx, tally.Evaluated, 1)
	moved, err := change.Moves(known.related.lookups)
	if err != nil {
		return err
	}
	known = known.begin(ctx, s.db, nil, moved)
	requested, pending, err := s.decide(ctx, known, change.New)
	if err != nil {
		return err
	}
	if !pending && !known.related.unsettled() { // the record stays as it is
		return nil
	}
	row, err := change.New.Row()
	if err != nil {
		return err
	}
	return s.follow(ctx, known, row, requested, SourceOf(change))
}

// follow does what a record asks for, under the version with which it was read.
func (s *Segmentation) follow(ctx context.Context, known compiled, row *rows.Row, requested segment.Status, source Source) error {
	var did effect
	err := s.db.Do(ctx, "", func(tx *rows.Tx) error {
		did = effect{}
		if tx.Again() { // the row has moved on: decide on it as it is, by the segments as they are
			all, err := s.readCatalogues(ctx)
			if err != nil {
				return err
			}
			source = source.anew()
			before := known.related
			if known = all[row.Table.Name]; known.broken != nil {
				return known.broken
			}
			if known.related, err = known.related.anew(ctx, s.db, before); err != nil {
				return err
			}
			known.now = s.db.Now()
		} else {
			tx.Hold(row)
		}
		found, err := tx.Load(ctx, row.Ref())
		if err != nil {
			return err
		}
		if found[0] == nil { // deleted meanwhile
			return nil
		}
		if did, err = s.enter(ctx, tx, known, found[0], requested, source); err != nil {
			return err
		}
		err = decideInTime(known, found[0])
		s.settle(known, found[0], did) // last: when it flips is asked of related rows too
		return err
	})
	if err == nil {
		did.count(ctx)
	}
	return err
}

// decide says what a record asks for and whether that would write anything,
// from the few columns that it reads.
func (s *Segmentation) decide(ctx context.Context, known compiled, record filter.Row) (requested segment.Status, pending bool, err error) {
	if open, err := isOpen(record); err != nil || !open { // closed records are not segmented
		return 0, false, err
	}
	value, err := record.Value(name.MsdynSegmentid)
	if err != nil {
		return 0, false, err
	}
	present, _ := value.Ref()
	decision, err := known.Decide(record, name.SegmentID(present.ID), known.scope())
	switch {
	case err != nil:
		return 0, false, err
	case decision.Changes(): // it enters one, or leaves its own
		return decision.Status, true, nil
	}
	if decision.Segment != nil {
		pending, err = s.isUnconnectedMember(ctx, record, decision.Segment.Sequence)
	}
	if err == nil && !pending {
		pending, err = flipsSooner(known, record)
	}
	return decision.Status, pending, err
}

// isUnconnectedMember reports whether a member is to be connected now: a
// sequence was attached to its segment after it entered.
func (s *Segmentation) isUnconnectedMember(ctx context.Context, record filter.Row, sequenceID name.SequenceID) (bool, error) {
	if sequenceID == "" {
		return false, nil
	}
	entered, err := record.Value(name.SegueSequence)
	if err != nil {
		return false, err
	}
	if entered == schema.RefTo(name.Sequence, sequenceID) { // it was on it before, once is enough
		return false, nil
	}
	on, err := record.Value(name.SegueConnected)
	if err != nil {
		return false, err
	}
	if on == schema.Bool(true) && !s.policy.Several { // it keeps the sequence that it is on
		return false, nil
	}
	parent, err := s.sequences.Sequence(ctx, sequenceID)
	return parent.Active, err
}

// isOpen is [sales.Record.Open] of a record of which few columns are read.
func isOpen(record filter.Row) (bool, error) {
	state, err := record.Value(name.Statecode)
	return state == schema.Int(sales.RecordOpen), err
}
