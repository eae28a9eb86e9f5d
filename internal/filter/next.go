package filter

import (
	"fmt"
	"time"

	"segue/internal/filter/calendar"
	"segue/internal/schema"
)

// Next returns the earliest moment after that of the scope at which the result of the
// program for a row may change though nothing of the row does: at which a condition that
// is relative to the time comes out otherwise, unless other conditions decide the result
// whatever the time. ok is false where none ever will. Moments are whole seconds, as are
// the times of [Scope.Now] that count.
//
// Each such condition asks whether a moment of the row is in a span of time that both ends
// of which only move on. So it comes to hold once at most, and to hold no more once.
//
// A condition on the rows of a relationship that has many is not looked into: of one that
// is relative to the time in there, Next knows nothing.
func (p *Program) Next(row Row, scope *Scope) (at time.Time, ok bool, err error) {
	if p.asks&AsksNow == 0 {
		return time.Time{}, false, nil
	}
	if scope == nil || scope.Now.IsZero() {
		return time.Time{}, false, fmt.Errorf("filter: %w", errNoNow)
	}
	next := search{scope: scope, cal: scope.calendar(), now: scope.Now.Truncate(time.Second)}
	err = next.step(p.root, row)
	return next.at, !next.at.IsZero(), err
}

// search looks for the first flip of any condition.
type search struct {
	scope *Scope
	cal   calendar.Calendar
	now   time.Time
	at    time.Time // the first that was found, zero for none
}

// step looks into a node. One whose result is decided by what does not depend on the time
// is passed over.
func (n *search) step(s *step, row Row) error {
	switch c := s.beyond.(type) {
	case relative:
		return n.relative(c, row)
	case pathTo:
		return n.path(c, row)
	case relatedTo:
		return n.related(c, row)
	}
	var timed []*step
	for _, item := range s.items {
		if item.timed() {
			timed = append(timed, item)
			continue
		}
		holds, err := item.match(row, n.scope)
		if err != nil || holds == s.or {
			return err
		}
	}
	for _, item := range timed {
		if err := n.step(item, row); err != nil {
			return err
		}
	}
	return nil
}

// timed reports whether the result of a node depends on the time.
func (s *step) timed() bool {
	switch c := s.beyond.(type) {
	case relative:
		return c.op.asks()&AsksNow != 0
	case pathTo:
		return c.last.timed()
	case relatedTo:
		return c.inner.asks&AsksNow != 0
	}
	for _, item := range s.items {
		if item.timed() {
			return true
		}
	}
	return false
}

// path looks into a condition on a row that lookups lead to.
func (n *search) path(c pathTo, row Row) error {
	if !c.last.timed() {
		return nil
	}
	there, err := c.follow(row, n.scope)
	if err != nil {
		return err
	}
	return n.step(c.last, there)
}

// related looks into a condition on the one row that a lookup points at.
func (n *search) related(c relatedTo, row Row) error {
	if c.relation.Many || c.inner.asks&AsksNow == 0 {
		return nil
	}
	if n.scope.Related == nil {
		return fmt.Errorf("filter: relationship %s: %w", c.relation.Name, errNoRows)
	}
	there, err := n.scope.Related.One(row, c.nav)
	if err != nil || there == nil {
		return err
	}
	return n.step(c.inner.root, there)
}

// relative finds when a condition comes out otherwise. Its span is reached by a value
// while it ends after it, and has passed it when it begins after it.
func (n *search) relative(c relative, row Row) error {
	if c.op.asks()&AsksNow == 0 {
		return nil
	}
	value, err := c.of.read(row)
	if err != nil || value.IsNull() {
		return err
	}
	v, isTime := value.Time()
	if !isTime {
		return c.of.wrongKind(value)
	}
	reached := func(now time.Time) bool {
		_, to := c.bounds(n.cal, now)
		return to.IsZero() || v.Before(to)
	}
	passed := func(now time.Time) bool {
		from, _ := c.bounds(n.cal, now)
		return !from.IsZero() && v.Before(from)
	}
	switch {
	case passed(n.now): // and it does not come back
	case reached(n.now):
		if at, ok := n.first(passed); ok {
			n.found(at)
		}
	default:
		if at, ok := n.first(reached); ok && !passed(at) { // else it has jumped over the value
			n.found(at)
		}
	}
	return nil
}

func (n *search) found(at time.Time) {
	if n.at.IsZero() || at.Before(n.at) {
		n.at = at
	}
}

// endOfTime is later than any value of a row, by more than a day.
func endOfTime() time.Time { return time.Date(10_000, time.January, 3, 0, 0, 0, 0, time.UTC) }

// first returns the first second after now from which on something is so that is not so
// now and, once it is, stays so; ok is false where that is beyond the end of time.
func (n *search) first(is func(time.Time) bool) (at time.Time, ok bool) {
	no, end := n.now.Unix(), endOfTime().Unix() // a time.Duration ends after 292 years
	yes := no + 1
	for step := int64(1); !is(time.Unix(yes, 0).UTC()); step *= 2 {
		if yes >= end {
			return time.Time{}, false
		}
		no, yes = yes, min(yes+step, end)
	}
	for yes-no > 1 {
		middle := no + (yes-no)/2
		if is(time.Unix(middle, 0).UTC()) {
			yes = middle
		} else {
			no = middle
		}
	}
	return time.Unix(yes, 0).UTC(), true
}

// bounds returns the span of the condition at a moment, as inTime compares it.
func (c relative) bounds(cal calendar.Calendar, now time.Time) (from, to time.Time) {
	span := c.span(cal, now)
	if c.of.column.Type == schema.Date {
		return cal.Dates(span)
	}
	return cal.Instants(span)
}
