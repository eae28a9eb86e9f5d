package filtertest

import (
	"strings"
	"time"

	"segue/internal/schema"
)

// civil is a date and what it is counted by. Two moments are in the same week when their
// weeks have the same number, and in following ones when the numbers follow.
type civil struct {
	day, week, month, year     int // numbers of them since some day
	dayOfMonth, lastOfMonth    int
	fiscalPeriod, fiscalYear   int // the year by its name
	periodOfYear, periodsAYear int
}

func (o Oracle) civil(year int, month time.Month, dayOfMonth int) civil {
	midnight := time.Date(year, month, dayOfMonth, 0, 0, 0, 0, time.UTC)
	c := civil{day: floor(int(midnight.Unix()), 86400), month: year*12 + int(month) - 1, year: year, dayOfMonth: dayOfMonth}
	// January 4, 1970 was a Sunday.
	c.week = floor(c.day-3-int(o.Scope.Week), 7)
	c.lastOfMonth = 28
	for time.Date(year, month, c.lastOfMonth+1, 0, 0, 0, 0, time.UTC).Month() == month {
		c.lastOfMonth++
	}
	fiscal := o.Scope.Fiscal
	if fiscal.Month == 0 {
		fiscal.Month = 1
	}
	if fiscal.Day == 0 {
		fiscal.Day = 1
	}
	if fiscal.Periods == 0 {
		fiscal.Periods = 4
	}
	months := c.month - (int(fiscal.Month) - 1) // counted from the start of a fiscal year
	if dayOfMonth < fiscal.Day {
		months--
	}
	c.fiscalYear, c.periodsAYear = floor(months, 12), fiscal.Periods
	c.fiscalPeriod = floor(months, 12/fiscal.Periods)
	c.periodOfYear = c.fiscalPeriod - c.fiscalYear*fiscal.Periods + 1
	if fiscal.ByEnd { // it is named, and counted, by the year of its last day
		lastDay := time.Date(c.fiscalYear+1, fiscal.Month, fiscal.Day-1, 0, 0, 0, 0, time.UTC)
		later := lastDay.Year() - c.fiscalYear
		c.fiscalYear, c.fiscalPeriod = c.fiscalYear+later, c.fiscalPeriod+later*fiscal.Periods
	}
	return c
}

func floor(n, by int) int {
	if n < 0 {
		return -((by - 1 - n) / by)
	}
	return n / by
}

// dates decides an operator of dates; known is false for the others. A value is
// compared by the date that a clock on the wall of the zone shows.
func (o Oracle) dates(operator string, values []schema.Value, read schema.Value, isDate bool) (holds, known bool) {
	at, _ := read.Time()
	wall := at.In(o.Scope.Zone)
	if isDate {
		wall = at
	}
	v, now := o.civil(wall.Date()), o.civil(o.Scope.Now.In(o.Scope.Zone).Date())
	past, future := !at.After(o.Scope.Now), at.After(o.Scope.Now)
	if isDate {
		past, future = v.day <= now.day, v.day > now.day
	}
	n := 0
	if len(values) > 0 {
		number, _ := values[0].Int()
		n = int(number)
	}
	switch operator {
	case "on", "on-or-after", "on-or-before":
		t, _ := values[0].Time()
		given := o.civil(t.Date())
		return map[string]bool{"on": v.day == given.day, "on-or-after": v.day >= given.day, "on-or-before": v.day <= given.day}[operator], true
	case "today":
		return v.day == now.day, true
	case "yesterday":
		return v.day == now.day-1, true
	case "tomorrow":
		return v.day == now.day+1, true
	case "last-seven-days":
		return v.day >= now.day-7 && past, true
	case "next-seven-days":
		return v.day <= now.day+7 && future, true
	case "last-x-days":
		return v.day >= now.day-n && past, true
	case "next-x-days":
		return v.day <= now.day+n && future, true
	case "last-x-weeks":
		return v.day >= now.day-7*n && past, true
	case "next-x-weeks":
		return v.day <= now.day+7*n && future, true
	case "olderthan-x-days":
		return v.day < now.day-n, true
	case "olderthan-x-weeks":
		return v.day < now.day-7*n, true
	case "last-x-months":
		return !before(v, now, -n) && past, true
	case "next-x-months":
		return !after(v, now, n) && future, true
	case "last-x-years":
		return !before(v, now, -12*n) && past, true
	case "next-x-years":
		return !after(v, now, 12*n) && future, true
	case "olderthan-x-months":
		return before(v, now, -n), true
	case "olderthan-x-years":
		return before(v, now, -12*n), true
	case "last-x-hours":
		return past && o.Scope.Now.Sub(at) <= time.Duration(n)*time.Hour, true
	case "next-x-hours":
		return future && at.Sub(o.Scope.Now) <= time.Duration(n)*time.Hour, true
	case "olderthan-x-hours":
		return o.Scope.Now.Sub(at) > time.Duration(n)*time.Hour, true
	case "olderthan-x-minutes":
		return o.Scope.Now.Sub(at) > time.Duration(n)*time.Minute, true
	}
	return fiscalDates(operator, values, v, now, n)
}

// before and after compare a date with that of now some months away, or the last of that
// month where it has no such day.
func before(v, now civil, months int) bool {
	return v.month < now.month+months || v.month == now.month+months && v.dayOfMonth < min(now.dayOfMonth, v.lastOfMonth)
}

func after(v, now civil, months int) bool {
	return v.month > now.month+months || v.month == now.month+months && v.dayOfMonth > min(now.dayOfMonth, v.lastOfMonth)
}

func fiscalDates(operator string, values []schema.Value, v, now civil, n int) (holds, known bool) {
	wanted := 0 // number of the fiscal period given with its year
	if len(values) == 2 {
		year, _ := values[1].Int()
		wanted = int(year)*v.periodsAYear + n - 1
		if n > v.periodsAYear { // there is none: an empty one at the end of the year
			wanted = -1
		}
	}
	switch operator {
	case "in-fiscal-year":
		return v.fiscalYear == n, true
	case "in-fiscal-period":
		return v.periodOfYear == n, true
	case "in-fiscal-period-and-year":
		return v.fiscalPeriod == wanted, true
	case "in-or-after-fiscal-period-and-year":
		if wanted == -1 {
			year, _ := values[1].Int()
			return v.fiscalYear > int(year), true
		}
		return v.fiscalPeriod >= wanted, true
	case "in-or-before-fiscal-period-and-year":
		if wanted == -1 {
			year, _ := values[1].Int()
			return v.fiscalYear <= int(year), true
		}
		return v.fiscalPeriod <= wanted, true
	case "last-x-fiscal-periods":
		return v.fiscalPeriod < now.fiscalPeriod && v.fiscalPeriod >= now.fiscalPeriod-n, true
	case "next-x-fiscal-periods":
		return v.fiscalPeriod > now.fiscalPeriod && v.fiscalPeriod <= now.fiscalPeriod+n, true
	case "last-x-fiscal-years":
		return v.fiscalYear < now.fiscalYear && v.fiscalYear >= now.fiscalYear-n, true
	case "next-x-fiscal-years":
		return v.fiscalYear > now.fiscalYear && v.fiscalYear <= now.fiscalYear+n, true
	}
	direction, unit, _ := strings.Cut(operator, "-")
	step, ok := map[string]int{"last": -1, "this": 0, "next": 1}[direction]
	if !ok {
		return false, false
	}
	numbers := map[string][2]int{
		"week": {v.week, now.week}, "month": {v.month, now.month}, "year": {v.year, now.year},
		"fiscal-period": {v.fiscalPeriod, now.fiscalPeriod}, "fiscal-year": {v.fiscalYear, now.fiscalYear},
	}
	return numbers[unit][0] == numbers[unit][1]+step, true
}
