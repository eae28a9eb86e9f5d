// Package worktime computes when a step of a sequence is due: from the moment at which the
// step before it ended, the wait, the working hours and absences of the seller, the holidays
// of the organization and its two settings of time (docs/domain.md §6.5). It is arithmetic
// on values: no clock, no store. docs/decisions/0038 gives the reasons for its rules:
//
//   - A day of a wait is one by the clock on the seller's wall: the same time of day on a
//     later date, 23 or 25 hours later where the clocks are changed in between. For a seller
//     without working hours it is 24 hours. An hour is always 60 minutes.
//   - Where time that is not worked does not count ([Settings.SkipNonWorking]), a day is the
//     next date on which the seller works, and hours are hours of work. A wait that begins
//     outside of them begins with the next.
//   - A date's work is what begins on it: a night shift is that of the evening.
//   - A time of day that the clocks leave out is the moment at which they are put forward.
//     One that comes twice is the first of the two, and a wait of days that begins in the
//     second hour begins when it is over: no wait is cut short.
//   - A holiday is a date where the seller is, from midnight to midnight.
//   - Due times are whole seconds.
//
// Invariants: a later start is never due earlier; what is due is due at once if it is asked
// again without a wait; no question takes more than the days up to [Horizon].
package worktime

import (
	"fmt"
	"time"

	"segue/internal/filter/calendar"
)

// Horizon is how far from the start a due time is looked for.
const Horizon = 5 * 366 * day

const day = 24 * time.Hour

// Limits of a wait (docs/domain.md §6.1).
const (
	maxDays  = 30
	maxHours = maxDays * 24
)

// Wait is how long a step waits for after the one before it. The zero Wait is none.
type Wait struct{ days, hours int }

// NewWait returns a wait of days and hours, which may be at most 30 days together.
func NewWait(days, hours int) (Wait, error) {
	switch {
	case days < 0 || days > maxDays:
		return Wait{}, fmt.Errorf("days is %d; a wait has 0 to %d days", days, maxDays)
	case hours < 0 || hours > maxHours-24*days:
		return Wait{}, fmt.Errorf("hours is %d; a wait of %d days has 0 to %d hours, which makes at most %d days", hours, days, maxHours-24*days, maxDays)
	}
	return Wait{days: days, hours: hours}, nil
}

// Parts returns the days and the hours of the wait, as they were given.
func (w Wait) Parts() (days, hours int) { return w.days, w.hours }

// IsZero reports whether there is nothing to wait for.
func (w Wait) IsZero() bool { return w == Wait{} }

// Calendar is when a seller works. That of a seller who has none is the zero Calendar:
// always.
type Calendar struct {
	Hours    Hours
	Absences Absences
}

// Settings are the two settings of an organization that concern time (docs/domain.md §6.5).
type Settings struct {
	Availability   bool // a step is due when the seller works
	SkipNonWorking bool // time in which the seller does not work is not part of a wait
}

// Schedule is what a due time is computed with beside the start and the wait. The zero
// Schedule is that of somebody who always works: all time counts, and a day has 24 hours.
type Schedule struct {
	Seller   Calendar
	Holidays Holidays
	Settings Settings
}

// Due is [Due] by the schedule.
func (s Schedule) Due(start time.Time, wait Wait) (Result, error) {
	return Due(start, wait, s.Seller, s.Holidays, s.Settings)
}

// Result is when a step is due, and why.
type Result struct {
	Proposed time.Time // when the wait is over (msdyn_sequenceduetime)
	Due      time.Time // when the step is due (msdyn_duetime); not before

	start time.Time
	skip  bool
	terms terms
}

// NeverError says that a seller works too little, or not at all, for a step to become due.
type NeverError struct{ Start, Until time.Time }

// Error implements error.
func (e *NeverError) Error() string {
	return fmt.Sprintf("the seller does not work enough between %s and %s for the step to become due: see the working hours, the absences and the holidays",
		e.Start.Format(time.RFC3339), e.Until.Format(time.RFC3339))
}

// Due returns when a step is due whose wait begins at start. A time that is not within
// [Horizon] is a [NeverError].
func Due(start time.Time, wait Wait, seller Calendar, holidays Holidays, settings Settings) (Result, error) {
	if whole := start.Truncate(time.Second); !whole.Equal(start) {
		start = whole.Add(time.Second)
	}
	r := Result{
		start: start.UTC(), skip: settings.SkipNonWorking,
		terms: terms{hours: seller.Hours, absences: seller.Absences.spans, holidays: holidays, until: start.UTC().Add(Horizon)},
	}
	ok := true
	if settings.SkipNonWorking {
		r.Proposed, ok = r.terms.worked(r.start, wait)
	} else {
		r.Proposed = r.terms.passed(r.start, wait)
	}
	r.Due = r.Proposed
	if ok && settings.Availability {
		r.Due, ok = r.terms.free(r.Proposed)
	}
	if !ok {
		return Result{}, &NeverError{Start: r.start, Until: r.terms.until}
	}
	return r, nil
}

// terms are what a seller's time depends on.
type terms struct {
	hours    Hours
	absences []Span
	holidays Holidays
	until    time.Time // nobody looks further
}

// passed returns when a wait is over in which all time counts.
func (t *terms) passed(at time.Time, wait Wait) time.Time {
	if wait.days > 0 {
		zone := t.hours.location()
		at = calendar.Instant(calendar.Wall(at, zone).Add(time.Duration(wait.days)*day), zone)
	}
	return at.Add(time.Duration(wait.hours) * time.Hour)
}

// worked returns when a wait is over in which only the time counts that the seller works,
// or false if that is too far away.
func (t *terms) worked(at time.Time, wait Wait) (time.Time, bool) {
	ok, hours := true, wait.hours
	if t.hours.always() { // no dates of work: the seller may work at any hour of any day
		hours += 24 * wait.days
	} else if wait.days > 0 {
		at, ok = t.addDays(at, wait.days)
	}
	if ok && hours > 0 {
		at, ok = t.addHours(at, time.Duration(hours)*time.Hour)
	}
	return at, ok
}

// addDays goes to the same time of day on the n-th date of work after the one at which, or
// after which, it begins. On a date with other hours that may be too early or too late: then
// it is when the work of that date begins or ends. So a later start never ends earlier,
// whatever the hours of the dates are.
func (t *terms) addDays(at time.Time, n int) (time.Time, bool) {
	w := t.walk(at)
	p, ok := w.next()
	zone := t.hours.location()
	clock := calendar.Wall(p.From, zone).Sub(p.date)
	for date := p.date; ok && n > 0; {
		if p, ok = w.next(); !p.date.Equal(date) {
			date = p.date
			n--
		}
	}
	if !ok {
		return time.Time{}, false
	}
	begin, end := p.From, p.To
	for more, ok := w.next(); ok && more.date.Equal(p.date); more, ok = w.next() {
		end = more.To
	}
	return earlier(later(calendar.Instant(p.date.Add(clock), zone), begin), end), true
}

// addHours goes through working time.
func (t *terms) addHours(at time.Time, left time.Duration) (time.Time, bool) {
	for w := t.walk(at); ; {
		p, ok := w.next()
		if !ok {
			return time.Time{}, false
		}
		if length := p.To.Sub(p.From); length < left {
			left -= length
			continue
		}
		return p.From.Add(left), true
	}
}

// free returns the first moment, not before at, at which the seller works.
func (t *terms) free(at time.Time) (time.Time, bool) {
	w := t.walk(at)
	p, ok := w.next()
	return p.From, ok
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
