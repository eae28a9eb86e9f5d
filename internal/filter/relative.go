package filter

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/filter/calendar"
	"segue/internal/schema"
)

// relative is a condition on one column that asks the scope for the time, the zone or
// the caller. Once that is known it is a comparison like any other, which bind returns.
type relative struct {
	of      *step
	op      Operator  // a positive one
	numbers []int     // its values, where they are numbers
	date    time.Time // its value, where it is a date
}

func numbers(values []schema.Value) []int {
	var all []int
	for _, v := range values {
		if n, ok := v.Int(); ok {
			all = append(all, int(n))
		}
	}
	return all
}

func date(values []schema.Value) time.Time {
	if len(values) == 0 {
		return time.Time{}
	}
	t, _ := values[0].Time()
	return t
}

func (c relative) decide(row Row, scope *Scope) (value schema.Value, holds bool, err error) {
	bound, err := c.bind(c.of, scope)
	if err != nil {
		return schema.Null(), false, err
	}
	return bound.decide(row)
}

func (c relative) bind(_ *step, scope *Scope) (*step, error) {
	bound := *c.of
	bound.asks = false
	switch asks := c.op.asks(); {
	case asks == AsksCaller && (scope == nil || scope.Caller == nil):
		return nil, fmt.Errorf("filter at %s: %w", c.of.path, errNoCaller)
	case asks == AsksCaller:
		bound.test = isOneOf(c.ids(scope.Caller))
		return &bound, nil
	case asks == AsksNow && (scope == nil || scope.Now.IsZero()):
		return nil, fmt.Errorf("filter at %s: %w", c.of.path, errNoNow)
	}
	bound.test = c.inTime(scope)
	return &bound, nil
}

// ids returns the ids that the operator compares with.
func (c relative) ids(caller *Caller) []string {
	switch c.op {
	case EqBusinessID:
		return []string{caller.Unit}
	case EqUserTeams:
		return caller.Teams
	case EqUserOrUserTeams:
		return append([]string{caller.User}, caller.Teams...)
	default: // EqUserID
		return []string{caller.User}
	}
}

// isOneOf compares the id of a lookup or the text of a GUID. Ids are unique across
// tables.
func isOneOf(ids []string) test {
	return func(v schema.Value) bool {
		if l, ok := v.Ref(); ok {
			return slices.Contains(ids, l.ID)
		}
		id, _ := v.Text()
		return slices.Contains(ids, id)
	}
}

// inTime returns the test of an operator of dates.
func (c relative) inTime(scope *Scope) test {
	cal := scope.calendar()
	isDate := c.of.column.Type == schema.Date
	if c.op == InFiscalPeriod {
		return func(v schema.Value) bool {
			t, _ := v.Time()
			if !isDate {
				t = cal.DateOf(t)
			}
			return cal.Period(t) == c.numbers[0]
		}
	}
	var now time.Time
	if scope != nil {
		now = scope.Now
	}
	return within(c.bounds(cal, now))
}

// within reports whether a moment is at or after from and before to; a zero time is no
// bound.
func within(from, to time.Time) test {
	least, end := schema.Time(from), schema.Time(to)
	return func(v schema.Value) bool {
		return (from.IsZero() || v.Compare(least) >= 0) && (to.IsZero() || v.Compare(end) < 0)
	}
}

// span returns the time that the operator names.
func (c relative) span(cal calendar.Calendar, now time.Time) calendar.Span {
	switch c.op {
	case On:
		return cal.On(c.date)
	case OnOrAfter:
		return cal.On(c.date).From()
	case OnOrBefore:
		return cal.On(c.date).Until()
	case Today:
		return cal.The(calendar.Day, 0, now)
	case Yesterday:
		return cal.The(calendar.Day, -1, now)
	case Tomorrow:
		return cal.The(calendar.Day, 1, now)
	case LastSevenDays:
		return cal.Last(7, calendar.Day, now)
	case NextSevenDays:
		return cal.Next(7, calendar.Day, now)
	case InFiscalYear:
		return cal.FiscalYearOf(c.numbers[0])
	case InFiscalPeriodAndYear:
		return cal.PeriodOf(c.numbers[0], c.numbers[1])
	case InOrAfterFiscalPeriodAndYear:
		return cal.PeriodOf(c.numbers[0], c.numbers[1]).From()
	case InOrBeforeFiscalPeriodAndYear:
		return cal.PeriodOf(c.numbers[0], c.numbers[1]).Until()
	default:
		return c.spanFrom(cal, now)
	}
}

// spanFrom returns the time that an operator names by a direction and a unit: last-week,
// next-x-days, olderthan-x-minutes.
func (c relative) spanFrom(cal calendar.Calendar, now time.Time) calendar.Span {
	direction, unit, counted := strings.Cut(string(c.op), "-x-")
	if !counted {
		direction, unit, _ = strings.Cut(string(c.op), "-")
		steps := map[string]int{"last": -1, "this": 0, "next": 1}
		return cal.The(unitOf(unit), steps[direction], now)
	}
	n := c.numbers[0]
	if length := lengthOf(unit); length > 0 {
		switch direction {
		case "last":
			return cal.LastFor(time.Duration(n)*length, now)
		case "next":
			return cal.NextFor(time.Duration(n)*length, now)
		default: // olderthan
			return cal.OlderFor(time.Duration(n)*length, now)
		}
	}
	switch direction {
	case "last":
		return cal.Last(n, unitOf(unit), now)
	case "next":
		return cal.Next(n, unitOf(unit), now)
	default: // olderthan
		return cal.Older(n, unitOf(unit), now)
	}
}

// lengthOf returns how long a unit is that is not one of the calendar, 0 for others.
func lengthOf(unit string) time.Duration {
	switch unit {
	case "minutes":
		return time.Minute
	case "hours":
		return time.Hour
	}
	return 0
}

// unitOf returns the unit that an operator names, in the singular or plural.
func unitOf(text string) calendar.Unit {
	switch strings.TrimSuffix(text, "s") {
	case "week":
		return calendar.Week
	case "month":
		return calendar.Month
	case "year":
		return calendar.Year
	case "fiscal-period":
		return calendar.FiscalPeriod
	case "fiscal-year":
		return calendar.FiscalYear
	default: // day
		return calendar.Day
	}
}
