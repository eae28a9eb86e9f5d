package worktime

import (
	"slices"
	"time"

	"segue/internal/filter/calendar"
)

// Kind is why time passes before a step is due.
type Kind string

// The kinds.
const (
	Waiting      Kind = "wait"          // it is part of the wait
	OutsideHours Kind = "working hours" // the seller does not work at this time of the week
	Absent       Kind = "absence"
	OnHoliday    Kind = "holiday"
	ClockChange  Kind = "DST" // the clocks of the seller are changed
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{Waiting, OutsideHours, Absent, OnHoliday, ClockChange} }

// Reason is a stretch of time before a step is due, and why it passes. Where two reasons
// hold, an absence comes first, then a holiday.
type Reason struct {
	Kind Kind
	Span
	// By how much a ClockChange puts the clocks forward; less than 0: back. Its span lies
	// within those of other reasons: from the change to when clocks that were put back have
	// caught up.
	Clocks time.Duration
}

// Reasons returns why a step is due no sooner, in the order of time. Those that are not
// changes of the clocks follow each other from the start, in whole seconds, to when the step
// is due, and leave nothing out.
func (r Result) Reasons() []Reason {
	list := reasons{terms: &r.terms}
	at := r.start
	if !r.skip {
		list.add(Waiting, at, r.Proposed)
		at = r.Proposed
	}
	for w := r.terms.walk(at); at.Before(r.Due); {
		work, ok := w.next()
		if !ok {
			break // the due time is at most the end of a part
		}
		list.pass(at, earlier(work.From, r.Due))
		list.add(Waiting, work.From, earlier(work.To, r.Due))
		at = work.To
	}
	list.addChanges(r.start, r.Due)
	return list.reasons
}

type reasons struct {
	terms   *terms
	reasons []Reason
}

// add appends a reason, or makes the last one longer.
func (l *reasons) add(kind Kind, from, to time.Time) {
	if !from.Before(to) {
		return
	}
	if last := len(l.reasons) - 1; last >= 0 && l.reasons[last].Kind == kind {
		l.reasons[last].To = to
		return
	}
	l.reasons = append(l.reasons, Reason{Kind: kind, Span: Span{From: from, To: to}})
}

// pass tells why nobody works from a moment to another.
func (l *reasons) pass(from, to time.Time) {
	for from.Before(to) {
		absence, absent := l.terms.absence(from)
		holiday, off := l.terms.holiday(from)
		kind, end := OutsideHours, to
		switch {
		case absent && absence.has(from):
			kind, end = Absent, earlier(absence.To, to)
			absent, off = false, false
		case off && holiday.has(from):
			kind, end = OnHoliday, earlier(holiday.To, to)
			off = false
		}
		if absent {
			end = earlier(end, absence.From)
		}
		if off {
			end = earlier(end, holiday.From)
		}
		l.add(kind, from, end)
		from = end
	}
}

// addChanges tells of each change of the clocks after the start, up to and with the due
// time, and of one before the start after which they have not caught up.
func (l *reasons) addChanges(start, due time.Time) {
	zone := l.terms.hours.location()
	at := start
	if shown := wallOf(start, zone); calendar.Wall(start, zone).After(shown) {
		since, _ := start.In(zone).ZoneBounds()
		at = since.Add(-1)
	}
	for change := calendar.Steady(at, zone); !change.IsZero() && !change.After(due); change = calendar.Steady(change, zone) {
		by := wallOf(change, zone).Sub(wallOf(change.Add(-1), zone)) - 1
		if by != 0 {
			l.reasons = append(l.reasons, Reason{Kind: ClockChange, Span: Span{From: change.UTC(), To: change.UTC().Add(max(0, -by))}, Clocks: by})
		}
	}
	slices.SortStableFunc(l.reasons, func(a, b Reason) int { return a.From.Compare(b.From) })
}

// wallOf returns, as if it were of UTC, what the clocks of a zone show.
func wallOf(at time.Time, zone *time.Location) time.Time {
	_, seconds := at.In(zone).Zone()
	return at.UTC().Add(time.Duration(seconds) * time.Second)
}
