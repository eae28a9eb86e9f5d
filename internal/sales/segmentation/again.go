package segmentation

import (
	"context"
	"errors"
	"time"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
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
// and in the same write takes it out of the due list, or moves it on to when its membership
// may change next. A record that it cannot decide on is parked, and leaves the list: whoever
// takes it up decides on it as it is then.
func (s *Segmentation) TakeUp(park Park) sales.DueHandler {
	return func(ctx context.Context, record *rows.Row) error {
		ref := record.Ref()
		failure := sales.Contain(func() error { return s.takeUpDue(ctx, record) })
		if failure == nil || sales.Transient(failure) {
			return failure
		}
		if err := park(ctx, ref, failure); err != nil {
			return errors.Join(failure, err)
		}
		return s.db.Do(ctx, "", func(tx *rows.Tx) error {
			found, err := tx.Load(ctx, ref)
			if err == nil && found[0] != nil && !found[0].Time(name.SegueDecideon).After(s.db.Now()) { // nobody has decided on it since
				found[0].Set(name.SegueDecideon, schema.Null())
			}
			return err
		})
	}
}

func (s *Segmentation) takeUpDue(ctx context.Context, record *rows.Row) error {
	all, err := s.readCatalogues(ctx)
	if err != nil {
		return err
	}
	known := all[record.Table.Name]
	if known.broken != nil {
		return known.broken
	}
	tally.Add(ctx, tally.Evaluated, 1)
	known = known.begin(ctx, s.db, nil, false)
	tx := s.db.Begin("")
	tx.Hold(record)
	requested, pending, err := s.decide(ctx, known, record)
	if err != nil {
		return err
	}
	var did effect
	if pending {
		if did, err = s.enter(ctx, tx, known, record, requested, SourceStanding); err != nil {
			return err
		}
	}
	record.Set(name.SegueDecideon, schema.Null())
	if err := decideInTime(known, record); err != nil {
		return err
	}
	s.settled(known, record, did) // last: when it flips is asked of related rows too
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	did.count(ctx)
	return nil
}

// decideInTime has a held record that was decided on decided again when its membership may
// change by the time alone.
func decideInTime(known compiled, record *rows.Row) error {
	view := sales.Record{Row: record}
	if !known.Timed || !view.Open() || !view.Erased().IsZero() {
		return nil
	}
	at, flips, err := known.Next(record, view.Segment(), known.scope())
	if flips {
		DecideAgain(record, at)
	}
	return err
}

// flipsSooner reports whether the membership of an open record, on which a decision changes
// nothing, may change by the time alone before it is decided again. A time that stands and
// is too early stays: to put it off would cost the write that it saves.
func flipsSooner(known compiled, record filter.Row) (bool, error) {
	if !known.Timed { // by far the most
		return false, nil
	}
	link, err := record.Value(name.MsdynSegmentid)
	if err != nil {
		return false, err
	}
	present, _ := link.Ref()
	at, flips, err := known.Next(record, name.SegmentID(present.ID), known.scope())
	if err != nil || !flips {
		return false, err
	}
	stands, err := record.Value(name.SegueDecideon)
	if err != nil {
		return false, err
	}
	until, is := stands.Time()
	return !is || at.Before(until), nil
}
