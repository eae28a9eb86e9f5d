package worktime

import (
	"fmt"
	"slices"
	"time"

	"segue/internal/filter/calendar"
)

// How many there may be.
const (
	MaxAbsences = 1000 // of one seller
	MaxHolidays = 1000 // of the organization
)

// Span is a stretch of time; To is the first moment after it.
type Span struct{ From, To time.Time }

func (s Span) has(at time.Time) bool { return !at.Before(s.From) && at.Before(s.To) }

// Absences are when a seller is away. The zero Absences are none.
type Absences struct{ spans []Span } // apart from each other, in their order

// NewAbsences returns absences, which may overlap, in any order. Parts of a second at their
// ends count as whole ones.
func NewAbsences(spans []Span) (Absences, error) {
	if len(spans) > MaxAbsences {
		return Absences{}, fmt.Errorf("there are %d absences; a seller has at most %d", len(spans), MaxAbsences)
	}
	for i, s := range spans {
		if !s.From.Before(s.To) {
			return Absences{}, fmt.Errorf("absence %d is from %s to %s; it ends after its beginning", i+1, s.From.Format(time.RFC3339), s.To.Format(time.RFC3339))
		}
	}
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b Span) int { return a.From.Compare(b.From) })
	var apart []Span
	for _, s := range sorted {
		s.From, s.To = s.From.UTC().Truncate(time.Second), s.To.UTC().Add(time.Second-1).Truncate(time.Second)
		if last := len(apart) - 1; last >= 0 && !s.From.After(apart[last].To) {
			apart[last].To = later(apart[last].To, s.To)
			continue
		}
		apart = append(apart, s)
	}
	return Absences{spans: apart}, nil
}

// Holidays are the dates on which the organization does not work. The zero Holidays are
// none.
type Holidays struct {
	zone  *time.Location // of the organization; nil: UTC
	dates []time.Time    // midnight UTC, each once, in their order
}

// NewHolidays returns holidays, in any order: dates, given as midnight UTC. Each is the
// date in the zone of a seller's working hours, and in that of the organization for sellers
// who have none.
func NewHolidays(organization *time.Location, dates []time.Time) (Holidays, error) {
	if len(dates) > MaxHolidays {
		return Holidays{}, fmt.Errorf("there are %d holidays; an organization has at most %d", len(dates), MaxHolidays)
	}
	sorted := make([]time.Time, len(dates))
	for i, date := range dates {
		sorted[i] = date.UTC()
		if !sorted[i].Truncate(day).Equal(date) {
			return Holidays{}, fmt.Errorf("holiday %d is %s; a holiday is a date, as midnight UTC", i+1, date.Format(time.RFC3339))
		}
	}
	slices.SortFunc(sorted, time.Time.Compare)
	return Holidays{zone: organization, dates: slices.CompactFunc(sorted, time.Time.Equal)}, nil
}

// absence returns the first absence that ends after a moment.
func (t *terms) absence(at time.Time) (Span, bool) {
	i, _ := slices.BinarySearchFunc(t.absences, at, func(s Span, at time.Time) int {
		if s.To.After(at) {
			return 1
		}
		return -1
	})
	if i == len(t.absences) {
		return Span{}, false
	}
	return t.absences[i], true
}

// holiday returns the first holiday that ends after a moment.
func (t *terms) holiday(at time.Time) (Span, bool) {
	zone := t.hours.zone
	if zone == nil {
		zone = t.holidays.zone
	}
	if zone == nil {
		zone = time.UTC
	}
	dates := t.holidays.dates
	// The clock on the wall shows the date, or the midnight after it, at which it may stand still.
	i, _ := slices.BinarySearchFunc(dates, calendar.Wall(at, zone).Add(-day), time.Time.Compare)
	for ; i < len(dates); i++ {
		if end := calendar.Instant(dates[i].Add(day), zone); end.After(at) {
			return Span{From: calendar.Instant(dates[i], zone), To: end}, true
		}
	}
	return Span{}, false
}
