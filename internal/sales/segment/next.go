package segment

import (
	"fmt"
	"time"

	"segue/internal/filter"
	"segue/internal/schema/name"
)

// maxFlips is how many flips of conditions [Catalogue.Next] looks at. A moment that is too
// early costs one evaluation more, and so does what many flips that change nothing cost.
const maxFlips = 32

// Timed reports whether the conditions are relative to the time.
func (e Entry) Timed() bool { return e.Program.Needs().Asks&filter.AsksNow != 0 }

// Next returns the earliest moment after that of the scope at which the membership of a
// record may change though nothing of the record does; ok is false where none ever will.
// present is the segment that the record is in once it is decided on at the moment of the
// scope. The moment is that of the change itself, unless more than [maxFlips] flips of
// conditions that change nothing come before it; then it is that of one of them.
//
// The segments from the one that decides on, and those that may not take the record,
// decide nothing, so that their conditions may come out as they will.
func (c *Catalogue) Next(record filter.Row, present name.SegmentID, scope *filter.Scope) (at time.Time, ok bool, err error) {
	if !c.Timed || scope == nil {
		return time.Time{}, false, nil
	}
	if !c.Known[present] {
		present = ""
	}
	then := *scope
	flips := make(map[int]time.Time) // of the segments that were asked, when they flip next
	for range maxFlips {
		decision, decider, err := c.decide(record, present, &then)
		if err != nil {
			return time.Time{}, false, err
		}
		if then.Now.After(scope.Now) && decision.Changes() {
			return then.Now, true, nil
		}
		next, ok, err := c.flip(record, present, &then, decider, flips)
		if err != nil || !ok {
			return time.Time{}, false, err
		}
		then.Now = next
	}
	return then.Now, true, nil
}

// flip returns when a condition of a segment flips next that may decide, of those up to
// the decider.
func (c *Catalogue) flip(record filter.Row, present name.SegmentID, scope *filter.Scope, decider int, flips map[int]time.Time) (at time.Time, ok bool, err error) {
	for i := range c.Segments[:min(decider+1, len(c.Segments))] {
		s := &c.Segments[i]
		if !s.Timed() || !c.decides(s, present) {
			continue
		}
		next, asked := flips[i]
		if !asked || !next.IsZero() && !next.After(scope.Now) {
			if next, _, err = s.Program.Next(record, scope); err != nil {
				return time.Time{}, false, fmt.Errorf("segment %s (%s): %w", s.Name, s.ID, err)
			}
			flips[i] = next
		}
		if !next.IsZero() && (at.IsZero() || next.Before(at)) {
			at = next
		}
	}
	return at, !at.IsZero(), nil
}

// decides reports whether a match of a segment can decide on a record that is in another
// one or in none.
func (c *Catalogue) decides(s *Entry, present name.SegmentID) bool {
	if s.Takes || s.ID == present || present == "" {
		return true
	}
	for _, other := range c.Segments {
		if other.ID == present {
			return other.Leaves // once it has left, any segment may take it
		}
	}
	return false
}
