package segmentation

import (
	"context"
	"time"

	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/tally"
)

// DecideAgain has a record that a unit of work holds decided again at a time though
// nothing of it changes until then, or earlier if it already is to be. at may be past. It
// never puts off what somebody else asked for: only [Segmentation.TakeUp] moves the time
// on, once it has come. Time is in whole seconds, a part of one counts as none.
func DecideAgain(record *rows.Row, at time.Time) {
	if stands := record.Time(name.SegueDecideon); stands.IsZero() || at.Before(stands) {
		record.Set(name.SegueDecideon, schema.Time(at))
	}
}

// TakeUp is the [sales.DueHandler] of records that are to be decided again
// ([DecideAgain]): it decides on the record as it was read, by the segments as they are,
// and takes it out of the due list in the same write.
func (s *Segmentation) TakeUp(ctx context.Context, record *rows.Row) error {
	all, err := s.readCatalogues(ctx)
	if err != nil {
		return err
	}
	known := all[record.Table.Name]
	if known.broken != nil {
		return known.broken
	}
	tally.Add(ctx, tally.Evaluated, 1)
	known.related = known.related.begin(ctx, s.db, nil, false)
	tx := s.db.Begin("")
	tx.Hold(record)
	requested, pending, err := s.decide(ctx, known, record)
	if err != nil {
		return err
	}
	var did effect
	if pending {
		if did, err = s.enter(ctx, tx, known, record, requested); err != nil {
			return err
		}
	}
	record.Set(name.SegueDecideon, schema.Null())
	s.settled(known, record, did)
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	did.count(ctx)
	return nil
}
