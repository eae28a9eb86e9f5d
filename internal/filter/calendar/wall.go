package calendar

import (
	"fmt"
	"time"
	_ "time/tzdata" // where the machine has no zones (docs/decisions/0032)
)

// LoadZone returns a time zone by its name in the IANA time zone database.
func LoadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	// A machine may know other names too: none at all, Local, and those of files beside the
	// zones, which are in lower case.
	if err != nil || name == "" || name == "Local" || name[0] < 'A' || name[0] > 'Z' {
		return nil, fmt.Errorf("%q is not the name of a time zone such as Europe/Berlin, as the IANA time zone database has it", name)
	}
	return zone, nil
}

// furthest is more than clocks are ever put forward or back: a day, where a place changes
// sides of the date line.
const furthest = 26 * time.Hour

// Instant returns when the clocks of a zone show a date and a time of day for the first
// time, or, where they are put forward over it, when they are. The date and the time of
// day are given as if they were of UTC; a later one is never an earlier instant.
func Instant(wall time.Time, zone *time.Location) time.Time {
	from := wall.Add(-furthest)
	for { // each stretch of time between two changes of the clocks
		at, end := wall.Add(-offset(from, zone)), Steady(from, zone)
		switch {
		case at.Before(from): // left out
			return from.UTC()
		case end.IsZero() || at.Before(end):
			return at
		}
		from = end
	}
}

// Wall returns, as if it were of UTC, the date and the time of day of a clock that goes with
// those of a zone, but is never put back: where they are, it stands still until they have
// caught up. A later instant has never an earlier one.
func Wall(at time.Time, zone *time.Location) time.Time {
	wall := at.UTC().Add(offset(at, zone))
	for since, _ := at.In(zone).ZoneBounds(); !since.IsZero() && at.Sub(since) < furthest; {
		before := since.Add(-1)
		if reached := since.UTC().Add(offset(before, zone)); reached.After(wall) {
			wall = reached
		}
		since, _ = before.In(zone).ZoneBounds()
	}
	return wall
}

// Steady returns up to when the clocks of a zone go on, at least, without being changed after
// a moment; a time that is zero: for ever.
func Steady(at time.Time, zone *time.Location) time.Time {
	_, end := at.In(zone).ZoneBounds()
	if !end.IsZero() && !end.After(at) { // the last day of a leap year that is computed by a rule: Go ends years after 365 days
		return at.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return end
}

func offset(at time.Time, zone *time.Location) time.Duration {
	_, seconds := at.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}
