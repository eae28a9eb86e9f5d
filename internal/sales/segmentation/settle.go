package segmentation

import (
	"time"

	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Lag is how long an index may not show what was written. What was decided by one is
// decided again after it, at the next full minute: one write a minute and record, whatever
// changes around it.
const Lag = time.Minute

// unsettled reports whether an evaluation that leaves the record as it is may have missed
// something that nobody will tell of again: it was because of another row, whose change may
// not be the last one, and an index was asked; or a lookup has been changed, and the row
// that it leads to changes now and does not find the record by the index yet. A change of
// the record alone settles by itself, for rows that the index does not show yet have a
// change of their own coming.
func (a asking) unsettled() bool {
	return a.hand != nil && a.reader != nil && a.reader.Lags() || a.moved && a.asked()
}

// asked reports whether the evaluation has asked for any related row.
func (a asking) asked() bool { return a.reader != nil && a.reader.Asked() }

// settle has a record decided again, in the unit of work of an evaluation, when indexes show
// what they may not show yet. One that changes the record by what it asked of other rows is
// such too: the rows may have changed since they were read, and their own evaluation has
// found the record as it was.
func (s *Segmentation) settle(known compiled, record *rows.Row, did effect) {
	a := known.related
	if a.unsettled() || a.asked() && did != (effect{}) {
		s.settleLater(record)
	}
}

func (s *Segmentation) settleLater(record *rows.Row) {
	soonest := s.db.Now().Add(Lag)
	at := record.Time(name.SegueSettleson)
	if at.Before(soonest) {
		at = soonest.Add(time.Minute - 1).Truncate(time.Minute)
		record.Set(name.SegueSettleson, schema.Time(at))
	}
	DecideAgain(record, at)
}

// settled ends it for a record that has been decided again, unless that was for another
// reason and the time has not come, or has changed the record anew.
func (s *Segmentation) settled(known compiled, record *rows.Row, did effect) {
	if at := record.Time(name.SegueSettleson); at.After(s.db.Now()) {
		DecideAgain(record, at)
	} else {
		record.Set(name.SegueSettleson, schema.Null())
	}
	if known.related.asked() && did != (effect{}) {
		s.settleLater(record)
	}
}
