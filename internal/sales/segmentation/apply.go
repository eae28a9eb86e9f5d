package segmentation

import (
	"context"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales/segment"
	"segue/internal/schema/name"
)

// EvaluateReaction is the name under which boot registers the reaction of
// [Segmentation.Evaluate], which says of a parked change what could not be done.
const EvaluateReaction = "segmentation.evaluate"

// Broken is why records of a type cannot be evaluated: a segment that no longer compiles.
// It is nil where they can.
func (s *Segmentation) Broken(ctx context.Context, recordType string) error {
	all, err := s.readCatalogues(ctx)
	if err != nil {
		return err
	}
	return all[recordType].broken
}

// Apply evaluates a record as it is ([rows.DB.Present]), as the next change of a column
// that a segment reads would, by the segments as they are now. With the id of a segment it
// passes over a record that the segment neither has nor matches, except that one which it
// may match later is decided on then. What it did is counted (package tally).
func (s *Segmentation) Apply(ctx context.Context, present rows.Change, only name.SegmentID) error {
	all, err := s.readCatalogues(ctx)
	if err != nil {
		return err
	}
	known := all[present.Table.Name]
	if known.broken != nil {
		return known.broken
	}
	if only != "" {
		concerned, err := s.concerns(known.begin(ctx, s.db, nil, false), only, present)
		if err != nil {
			return err
		}
		if !concerned {
			return s.applyInTime(ctx, known, only, present)
		}
	}
	return s.evaluate(ctx, known, present)
}

// concerns reports whether an evaluation of a record can have to do with a segment. It asks
// no other segment.
func (s *Segmentation) concerns(known compiled, id name.SegmentID, present rows.Change) (bool, error) {
	if known.reading == nil || !known.Known[id] {
		return false, nil
	}
	if err := present.Read(known.reading); err != nil {
		return false, err
	}
	defer present.Forget()
	if open, err := isOpen(present.New); err != nil || !open {
		return false, err
	}
	link, err := present.New.Value(name.MsdynSegmentid)
	if err != nil {
		return false, err
	}
	if ref, _ := link.Ref(); ref.ID == string(id) {
		return true, nil
	}
	for _, entry := range known.Segments {
		if entry.ID == id {
			return entry.Program.MatchIn(present.New, known.scope())
		}
	}
	return false, nil // it is inactive, and takes nobody
}

// applyInTime has a record that a segment does not concern decided on when the time may
// change that. Where the segment does not depend on the time it does nothing.
func (s *Segmentation) applyInTime(ctx context.Context, known compiled, id name.SegmentID, present rows.Change) error {
	timed := slices.ContainsFunc(known.Segments, func(e segment.Entry) bool { return e.ID == id && e.Timed() })
	if !timed { // or inactive, and takes nobody
		return nil
	}
	if err := present.Read(known.reading); err != nil {
		return err
	}
	defer present.Forget()
	if open, err := isOpen(present.New); err != nil || !open {
		return err
	}
	if sooner, err := flipsSooner(known.begin(ctx, s.db, nil, false), present.New); err != nil || !sooner {
		return err
	}
	row, err := present.New.Row()
	if err != nil {
		return err
	}
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		if !tx.Again() {
			tx.Hold(row)
		}
		found, err := tx.Load(ctx, row.Ref())
		if err != nil || found[0] == nil { // deleted meanwhile
			return err
		}
		return decideInTime(known.begin(ctx, s.db, nil, false), found[0])
	})
}
