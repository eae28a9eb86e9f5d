// Package calendar knows the spans of time that conditions name: today, the last
// seven days, next month, the third fiscal period of 2026. All of it is arithmetic on
// values; the time and the zone are given.
//
// A day is a date of the calendar's zone, so it has 23 hours when the clocks go
// forward and 25 when they go back, and where they go forward at midnight it starts
// at one o'clock. A week starts on Sunday unless the calendar says otherwise, as in
// Dataverse in US English.
//
// Invariant: a [Span] holds the same dates whether it is asked for instants or for
// dates, and spans of one unit that follow each other share no instant and leave none
// out.
package calendar

import "time"

// Calendar is what a day, a week and a fiscal year are to somebody. The zero Calendar
// is UTC, weeks from Sunday, fiscal years from January 1 in quarters.
type Calendar struct {
	Zone   *time.Location // nil: UTC
	Week   time.Weekday   // the first day of a week
	Fiscal Fiscal
}

// Fiscal is how the fiscal year of an organization is cut.
type Fiscal struct {
	Month   time.Month // of its first day; 0: January
	Day     int        // of its first day, at most 28; 0: the first
	Periods int        // in a year: 1, 2, 4 or 12; 0: 4
	ByEnd   bool       // a fiscal year has the number of the year in which it ends, not starts
}

// later returns by how much the number of a fiscal year is greater than that of the year
// in which it starts.
func (f Fiscal) later() int {
	startsWithYear := f.Month <= time.January && f.Day <= 1
	if !f.ByEnd || startsWithYear { // which ends in the same year
		return 0
	}
	return 1
}

// Unit is a piece of the calendar.
type Unit uint8

// The units.
const (
	Day Unit = iota
	Week
	Month
	Year
	FiscalPeriod
	FiscalYear
)

// Span is a stretch of time from one edge to another.
type Span struct{ from, to edge }

// edge is where a span begins or ends: at the start of a date, right after the moment
// at which the span was asked for, or nowhere.
type edge struct {
	kind edgeKind
	day  time.Time // midnight UTC of the date; for afterNow that of the date of the moment
	at   time.Time // the moment
}

type edgeKind uint8

const (
	unbounded edgeKind = iota
	startOfDay
	afterNow // a moment counts as past: it is in a span that ends here
	instant
)

// Instants returns the span for values that are instants in whole seconds: from the
// first second in it to the first after it. A zero time is no bound.
func (c Calendar) Instants(s Span) (from, to time.Time) {
	return bound(s.from, c.instant), bound(s.to, c.instant)
}

// Dates returns the span for values that are dates, at midnight UTC: from the first
// date in it to the first after it. A zero time is no bound.
func (c Calendar) Dates(s Span) (from, to time.Time) { return bound(s.from, date), bound(s.to, date) }

// bound returns where an edge is. One at the zero time itself, which would be no bound, is
// a second before: no value is as old.
func bound(e edge, at func(edge) time.Time) time.Time {
	t := at(e)
	if t.IsZero() && e.kind != unbounded {
		return t.Add(-time.Second)
	}
	return t
}

func (c Calendar) instant(e edge) time.Time {
	switch e.kind {
	case startOfDay:
		return Instant(e.day, c.zone())
	case afterNow:
		return e.at.Truncate(time.Second).Add(time.Second)
	case instant: // the first whole second that is not before it
		if whole := e.at.Truncate(time.Second); !whole.Equal(e.at) {
			return whole.Add(time.Second)
		}
		return e.at
	default:
		return time.Time{}
	}
}

func date(e edge) time.Time {
	switch e.kind {
	case unbounded:
		return time.Time{}
	case afterNow: // today is past, or is not yet to come
		return e.day.AddDate(0, 0, 1)
	default:
		return e.day
	}
}

func (c Calendar) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// DateOf returns the date of an instant in the calendar's zone, as midnight UTC: that of
// the last day which has started. Where the clocks go back over midnight, the wall shows
// the date of before once more.
func (c Calendar) DateOf(at time.Time) time.Time {
	year, month, day := at.In(c.zone()).Date()
	shown := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if next := shown.AddDate(0, 0, 1); !at.Before(Instant(next, c.zone())) {
		return next
	}
	return shown
}

func (c Calendar) periods() int {
	if c.Fiscal.Periods == 0 {
		return 4
	}
	return c.Fiscal.Periods
}

func (c Calendar) fiscalStart(year int) time.Time {
	return time.Date(year, max(c.Fiscal.Month, time.January), max(c.Fiscal.Day, 1), 0, 0, 0, 0, time.UTC)
}

// fiscalPeriod returns the fiscal year and, from 0, the period of it in which a date
// is.
func (c Calendar) fiscalPeriod(day time.Time) (year, period int) {
	year = day.Year()
	if day.Before(c.fiscalStart(year)) {
		year--
	}
	months := 12 / c.periods()
	for period = c.periods() - 1; period > 0; period-- {
		if !day.Before(c.fiscalStart(year).AddDate(0, period*months, 0)) {
			break
		}
	}
	return year, period
}

// periodStart returns the first date of a fiscal period; periods beyond the year are
// those of other years.
func (c Calendar) periodStart(year, period int) time.Time {
	return c.fiscalStart(year).AddDate(0, period*(12/c.periods()), 0)
}
