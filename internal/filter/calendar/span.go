package calendar

import "time"

func days(from, to time.Time) Span {
	return Span{edge{kind: startOfDay, day: from}, edge{kind: startOfDay, day: to}}
}

// The returns the unit that a moment is in, or the k-th after it: -1 is the last one,
// 0 this one, 1 the next.
func (c Calendar) The(unit Unit, k int, now time.Time) Span {
	return days(c.start(unit, k, now), c.start(unit, k+1, now))
}

// start returns the first date of the k-th unit from that of a moment.
func (c Calendar) start(unit Unit, k int, now time.Time) time.Time {
	today := c.DateOf(now)
	switch unit {
	case Day:
		return today.AddDate(0, 0, k)
	case Week:
		sinceStart := (int(today.Weekday()) - int(c.Week) + 7) % 7
		return today.AddDate(0, 0, 7*k-sinceStart)
	case Month:
		return time.Date(today.Year(), today.Month()+time.Month(k), 1, 0, 0, 0, 0, time.UTC)
	case Year:
		return time.Date(today.Year()+k, time.January, 1, 0, 0, 0, 0, time.UTC)
	case FiscalPeriod:
		year, period := c.fiscalPeriod(today)
		return c.periodStart(year, period+k)
	default: // FiscalYear
		year, _ := c.fiscalPeriod(today)
		return c.fiscalStart(year + k)
	}
}

// Last returns the last n units up to a moment. Days, weeks, months and years end at
// the moment and begin with the date that many before; fiscal ones are the n whole
// ones before the present one.
func (c Calendar) Last(n int, unit Unit, now time.Time) Span {
	if unit == FiscalPeriod || unit == FiscalYear {
		return days(c.start(unit, -n, now), c.start(unit, 0, now))
	}
	return Span{edge{kind: startOfDay, day: c.shift(-n, unit, now)}, c.after(now)}
}

// Next returns the next n units from a moment, the counterpart of [Calendar.Last]:
// days, weeks, months and years begin after the moment and end with the date that many
// later; fiscal ones are the n whole ones after the present one.
func (c Calendar) Next(n int, unit Unit, now time.Time) Span {
	if unit == FiscalPeriod || unit == FiscalYear {
		return days(c.start(unit, 1, now), c.start(unit, n+1, now))
	}
	return Span{c.after(now), edge{kind: startOfDay, day: c.shift(n, unit, now).AddDate(0, 0, 1)}}
}

// Older returns all that is before the date n units before a moment: what
// [Calendar.Last] leaves out of the past.
func (c Calendar) Older(n int, unit Unit, now time.Time) Span {
	return Span{to: edge{kind: startOfDay, day: c.shift(-n, unit, now)}}
}

// LastFor returns the time up to a moment, d long: hours and minutes pass at the same pace
// whatever the clocks do. Dates are not measured in them.
func (c Calendar) LastFor(d time.Duration, now time.Time) Span {
	return Span{c.at(now.Add(-d)), c.after(now)}
}

// NextFor returns the time after a moment, d long.
func (c Calendar) NextFor(d time.Duration, now time.Time) Span {
	return Span{c.after(now), c.after(now.Add(d))}
}

// OlderFor returns all that is more than d before a moment.
func (c Calendar) OlderFor(d time.Duration, now time.Time) Span { return Span{to: c.at(now.Add(-d))} }

// On returns a date, given as midnight UTC.
func (c Calendar) On(day time.Time) Span { return days(day, day.AddDate(0, 0, 1)) }

// FiscalYearOf returns a fiscal year by its number.
func (c Calendar) FiscalYearOf(year int) Span {
	year -= c.Fiscal.later()
	return days(c.fiscalStart(year), c.fiscalStart(year+1))
}

// PeriodOf returns a fiscal period, from 1, of a fiscal year. One that the year does not
// have is an empty span.
func (c Calendar) PeriodOf(period, year int) Span {
	year -= c.Fiscal.later()
	if period > c.periods() {
		return days(c.fiscalStart(year+1), c.fiscalStart(year+1))
	}
	return days(c.periodStart(year, period-1), c.periodStart(year, period))
}

// Period returns the number, from 1, of the fiscal period in which a date is, which is
// given as midnight UTC.
func (c Calendar) Period(day time.Time) int {
	_, period := c.fiscalPeriod(day)
	return period + 1
}

// FiscalYear returns the number of the fiscal year in which a date is, which is given as midnight UTC.
func (c Calendar) FiscalYear(day time.Time) int {
	year, _ := c.fiscalPeriod(day)
	return year + c.Fiscal.later()
}

// From returns all from the start of a span, and Until all up to its end.
func (s Span) From() Span { return Span{from: s.from} }

// Until returns all up to the end of a span.
func (s Span) Until() Span { return Span{to: s.to} }

func (c Calendar) at(t time.Time) edge { return edge{kind: instant, at: t, day: c.DateOf(t)} }

func (c Calendar) after(now time.Time) edge {
	return edge{kind: afterNow, at: now, day: c.DateOf(now)}
}

// shift returns the date n days, weeks, months or years after that of a moment. Where
// the month has no such day it is the last one of it.
func (c Calendar) shift(n int, unit Unit, now time.Time) time.Time {
	today := c.DateOf(now)
	switch unit {
	case Day:
		return today.AddDate(0, 0, n)
	case Week:
		return today.AddDate(0, 0, 7*n)
	case Year:
		n *= 12
	default: // Month
	}
	first := time.Date(today.Year(), today.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(today.Day(), last)-1)
}
