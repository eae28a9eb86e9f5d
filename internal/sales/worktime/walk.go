package worktime

import (
	"time"

	"segue/internal/filter/calendar"
)

// walker goes through the time that a seller works, part by part.
type walker struct {
	terms terms     // a copy, so that a walk needs no memory
	since time.Time // nothing before it
	date  time.Time // of the shift, as midnight UTC
	count int       // of the shifts of the date that were begun
	shift Span      // what is left of it
}

// part is a stretch of working time, and the date on which the shift that it belongs to
// begins.
type part struct {
	Span
	date time.Time
}

// walk begins at a moment.
func (t *terms) walk(since time.Time) walker {
	// The shift may be one of the night before.
	date := calendar.Wall(since, t.hours.location()).Add(-day).Truncate(day)
	return walker{terms: *t, since: since, date: date}
}

// next returns the next stretch of working time, or false if there is none until nobody
// looks further.
func (w *walker) next() (part, bool) {
	for {
		if !w.shift.From.Before(w.shift.To) {
			if !w.begin() {
				return part{}, false
			}
			continue
		}
		away, found := w.terms.away(w.shift.From)
		if found && away.has(w.shift.From) {
			w.shift.From = away.To
			continue
		}
		p := part{Span: w.shift, date: w.date}
		if found {
			p.To = earlier(p.To, away.From)
		}
		w.shift.From = p.To
		return p, true
	}
}

// begin goes to the next shift. One that the clocks leave out, or that was over when the
// walk began, is empty.
func (w *walker) begin() bool {
	window, found := w.terms.hours.on(w.date.Weekday(), w.count)
	for ; !found; window, found = w.terms.hours.on(w.date.Weekday(), w.count) {
		w.date, w.count = w.date.Add(day), 0
		if w.date.After(w.terms.until) {
			return false
		}
	}
	w.count++
	zone, from := w.terms.hours.location(), w.date.Add(window.From)
	w.shift = Span{
		From: later(calendar.Instant(from, zone), w.since),
		To:   calendar.Instant(from.Add(window.length()), zone),
	}
	return true
}

// away returns the absence or the holiday that begins first of those that end after a
// moment.
func (t *terms) away(at time.Time) (Span, bool) {
	absence, absent := t.absence(at)
	holiday, off := t.holiday(at)
	if !absent || off && holiday.From.Before(absence.From) {
		return holiday, off
	}
	return absence, true
}
