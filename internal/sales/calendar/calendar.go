// Package calendar is the time that sellers work: the rows of calendars, absences and
// holidays, and what due times are computed with because of them ([Calendars.Schedule]).
//
// Invariant: package worktime can compute with every stored row, for it read the row when it
// was written; a seller has one calendar, for its alternate key is its owner. Whoever writes
// one of these rows changes the generation of calendars, so no process computes with rows
// that are older than [sales.Freshness].
package calendar

import (
	"fmt"

	"segue/internal/filter/calendar"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// hoursOf returns the working hours in the row of a calendar. Its error tells the column and
// the rule.
func hoursOf(row schema.Columns) (worktime.Hours, error) {
	zone, err := calendar.LoadZone(row.Text(name.SegueTimezone))
	if err != nil {
		return worktime.Hours{}, fmt.Errorf("%s: %w", name.SegueTimezone, err)
	}
	windows, err := worktime.ParseWindows(row.Text(name.SegueWorkinghours))
	if err != nil {
		return worktime.Hours{}, fmt.Errorf("%s: %w", name.SegueWorkinghours, err)
	}
	hours, err := worktime.NewHours(zone, windows)
	if err != nil {
		return worktime.Hours{}, fmt.Errorf("%s: %w", name.SegueWorkinghours, err)
	}
	return hours, nil
}
