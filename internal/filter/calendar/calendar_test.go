package calendar_test

import (
	"testing"
	"time"

	"segue/internal/filter/calendar"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// printed is a span as instants and as dates.
func printed(c calendar.Calendar, s calendar.Span) (instants, dates string) {
	text := func(from, to time.Time, layout string) string {
		out := ""
		for i, edge := range []time.Time{from, to} {
			if i > 0 {
				out += " … "
			}
			if !edge.IsZero() {
				out += edge.UTC().Format(layout)
			}
		}
		return out
	}
	from, to := c.Instants(s)
	first, end := c.Dates(s)
	return text(from, to, time.RFC3339), text(first, end, time.DateOnly)
}

// TestSpans is each kind of span by example, in Berlin, where the clocks go forward on
// 2026-03-29 at 02:00 (01:00Z) and back on 2026-10-25 at 03:00 (01:00Z). The end of a
// span is the first second or date after it.
func TestSpans(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	plain := calendar.Calendar{Zone: berlin}
	april := calendar.Calendar{Zone: berlin, Fiscal: calendar.Fiscal{Month: time.April, Day: 6, Periods: 2}}
	byEnd, sameYear := april, plain
	byEnd.Fiscal.ByEnd, sameYear.Fiscal.ByEnd = true, true
	spring := at(t, "2026-03-29T10:00:00.5Z") // a Sunday, noon
	leap := at(t, "2024-02-29T12:00:00Z")     // a Thursday
	tests := []struct {
		name            string
		calendar        calendar.Calendar
		span            calendar.Span
		instants, dates string
	}{
		{"a day of 23 hours", plain, plain.The(calendar.Day, 0, spring), "2026-03-28T23:00:00Z … 2026-03-29T22:00:00Z", "2026-03-29 … 2026-03-30"},
		{"a day of 25 hours", plain, plain.On(time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC)), "2026-10-24T22:00:00Z … 2026-10-25T23:00:00Z", "2026-10-25 … 2026-10-26"},
		{"yesterday", plain, plain.The(calendar.Day, -1, spring), "2026-03-27T23:00:00Z … 2026-03-28T23:00:00Z", "2026-03-28 … 2026-03-29"},
		{"this week from Sunday", plain, plain.The(calendar.Week, 0, spring), "2026-03-28T23:00:00Z … 2026-04-04T22:00:00Z", "2026-03-29 … 2026-04-05"},
		{"this week from Monday", calendar.Calendar{Zone: berlin, Week: time.Monday}, calendar.Calendar{Zone: berlin, Week: time.Monday}.The(calendar.Week, 0, spring), "2026-03-22T23:00:00Z … 2026-03-29T22:00:00Z", "2026-03-23 … 2026-03-30"},
		{"last month", plain, plain.The(calendar.Month, -1, spring), "2026-01-31T23:00:00Z … 2026-02-28T23:00:00Z", "2026-02-01 … 2026-03-01"},
		{"next year", plain, plain.The(calendar.Year, 1, spring), "2026-12-31T23:00:00Z … 2027-12-31T23:00:00Z", "2027-01-01 … 2028-01-01"},
		{"last 2 days end now, with a second of it", plain, plain.Last(2, calendar.Day, spring), "2026-03-26T23:00:00Z … 2026-03-29T10:00:01Z", "2026-03-27 … 2026-03-30"},
		{"next 2 days begin after now", plain, plain.Next(2, calendar.Day, spring), "2026-03-29T10:00:01Z … 2026-03-31T22:00:00Z", "2026-03-30 … 2026-04-01"},
		{"last year from a day that it has not", plain, plain.Last(1, calendar.Year, leap), "2023-02-27T23:00:00Z … 2024-02-29T12:00:01Z", "2023-02-28 … 2024-03-01"},
		{"last month from the last day of a long one", plain, plain.Last(1, calendar.Month, at(t, "2026-03-31T12:00:00Z")), "2026-02-27T23:00:00Z … 2026-03-31T12:00:01Z", "2026-02-28 … 2026-04-01"},
		{"older than 2 days", plain, plain.Older(2, calendar.Day, spring), " … 2026-03-26T23:00:00Z", " … 2026-03-27"},
		{"last 11 hours over the change", plain, plain.LastFor(11*time.Hour, spring), "2026-03-28T23:00:01Z … 2026-03-29T10:00:01Z", "2026-03-29 … 2026-03-30"},
		{"this fiscal period, a quarter", plain, plain.The(calendar.FiscalPeriod, 0, spring), "2025-12-31T23:00:00Z … 2026-03-31T22:00:00Z", "2026-01-01 … 2026-04-01"},
		{"last fiscal year from April 6", april, april.The(calendar.FiscalYear, -1, spring), "2024-04-05T22:00:00Z … 2025-04-05T22:00:00Z", "2024-04-06 … 2025-04-06"},
		{"this fiscal period, half a year", april, april.The(calendar.FiscalPeriod, 0, spring), "2025-10-05T22:00:00Z … 2026-04-05T22:00:00Z", "2025-10-06 … 2026-04-06"},
		{"last 3 fiscal periods", april, april.Last(3, calendar.FiscalPeriod, spring), "2024-04-05T22:00:00Z … 2025-10-05T22:00:00Z", "2024-04-06 … 2025-10-06"},
		{"second period of fiscal 2026", april, april.PeriodOf(2, 2026), "2026-10-05T22:00:00Z … 2027-04-05T22:00:00Z", "2026-10-06 … 2027-04-06"},
		{"fiscal 2026 by its end", byEnd, byEnd.FiscalYearOf(2026), "2025-04-05T22:00:00Z … 2026-04-05T22:00:00Z", "2025-04-06 … 2026-04-06"},
		{"second period of fiscal 2026 by its end", byEnd, byEnd.PeriodOf(2, 2026), "2025-10-05T22:00:00Z … 2026-04-05T22:00:00Z", "2025-10-06 … 2026-04-06"},
		{"a calendar year by its end", sameYear, sameYear.FiscalYearOf(2026), "2025-12-31T23:00:00Z … 2026-12-31T23:00:00Z", "2026-01-01 … 2027-01-01"},
		{"third period of two", april, april.PeriodOf(3, 2026), "2027-04-05T22:00:00Z … 2027-04-05T22:00:00Z", "2027-04-06 … 2027-04-06"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			instants, dates := printed(test.calendar, test.span)
			if instants != test.instants || dates != test.dates {
				t.Errorf("got  %s, %s\nwant %s, %s", instants, dates, test.instants, test.dates)
			}
		})
	}
}

// The number of a fiscal year finds the year that has it.
func TestFiscalYear(t *testing.T) {
	for _, fiscal := range []calendar.Fiscal{
		{}, {ByEnd: true}, {Month: time.April, Day: 6}, {Month: time.April, Day: 6, ByEnd: true}, {Month: time.January, Day: 2, ByEnd: true}, {Month: time.December, ByEnd: true},
	} {
		c := calendar.Calendar{Fiscal: fiscal}
		for day := time.Date(2023, 12, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2026; day = day.AddDate(0, 0, 1) {
			from, to := c.Dates(c.FiscalYearOf(c.FiscalYear(day)))
			named := from
			if fiscal.ByEnd {
				named = to.AddDate(0, 0, -1)
			}
			if day.Before(from) || !day.Before(to) || named.Year() != c.FiscalYear(day) {
				t.Fatalf("%+v: %s is in fiscal %d, from %s to before %s", fiscal, day.Format(time.DateOnly), c.FiscalYear(day), from, to)
			}
		}
	}
}

// TestStartOfDay finds the start of every date around changes of the clocks by walking
// through time in steps of a quarter of an hour.
func TestStartOfDay(t *testing.T) {
	for name, around := range map[string][]string{
		"America/Havana":      {"2026-03-08", "2026-11-01"}, // forward at midnight, back to midnight
		"Asia/Beirut":         {"2026-03-29", "2026-10-25"}, // forward at midnight, back to 23:00
		"America/Sao_Paulo":   {"2018-11-04", "2019-02-17"},
		"Pacific/Apia":        {"2011-12-30"}, // left out
		"Pacific/Kwajalein":   {"1993-08-21"}, // left out
		"Australia/Lord_Howe": {"2026-04-05", "2026-10-04"},
		"Europe/Berlin":       {"2026-03-29", "2026-10-25"},
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range around {
			day, err := time.Parse(time.DateOnly, text)
			if err != nil {
				t.Fatal(err)
			}
			for d := day.AddDate(0, 0, -2); !d.After(day.AddDate(0, 0, 2)); d = d.AddDate(0, 0, 1) {
				want := d.Add(-15 * time.Hour)
				for want.In(zone).Format(time.DateOnly) < d.Format(time.DateOnly) {
					want = want.Add(15 * time.Minute)
				}
				got, _ := calendar.Calendar{Zone: zone}.Instants(calendar.Calendar{Zone: zone}.On(d))
				if !got.Equal(want) {
					t.Errorf("%s: %s starts at %v, want %v", name, d.Format(time.DateOnly), got.UTC(), want.UTC())
				}
			}
		}
	}
}

// A span that begins or ends at the first moment of the year 1, which is the zero time, is
// bounded there: nothing is older than the days since then.
func TestBoundAtZeroTime(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	n := int(now.Unix()/86400 + 719162) // days since then
	var c calendar.Calendar
	for name, bounds := range map[string]func(calendar.Span) (from, to time.Time){"instants": c.Instants, "dates": c.Dates} {
		if _, to := bounds(c.Older(n, calendar.Day, now)); to.IsZero() || to.Year() > 1 {
			t.Errorf("%s older than %d days end at %v", name, n, to)
		}
		if from, _ := bounds(c.Last(n, calendar.Day, now)); from.IsZero() || from.Year() > 1 {
			t.Errorf("%s of the last %d days begin at %v", name, n, from)
		}
	}
}

// A moment is in its day, which only moves on: also where the clocks go back over midnight,
// so that the wall shows the date of before once more, and where a date is left out.
func TestDateOf(t *testing.T) {
	for name, around := range map[string]string{
		"America/St_Johns": "2010-11-07T02:00:00Z", // back from 00:01 to 23:01
		"America/Havana":   "2026-11-01T05:00:00Z",
		"Asia/Beirut":      "2026-10-24T21:00:00Z",
		"Pacific/Apia":     "2011-12-30T10:00:00Z",
		"Europe/Berlin":    "2026-03-29T01:00:00Z",
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		c, last := calendar.Calendar{Zone: zone}, time.Time{}
		for now := at(t, around).Add(-30 * time.Hour); now.Before(at(t, around).Add(30 * time.Hour)); now = now.Add(30 * time.Second) {
			from, to := c.Instants(c.The(calendar.Day, 0, now))
			if now.Before(from) || !now.Before(to) {
				t.Fatalf("%s: at %v today is from %v to %v", name, now, from, to)
			}
			if day := c.DateOf(now); day.Before(last) {
				t.Fatalf("%s: at %v it is %v after %v", name, now, day, last)
			} else {
				last = day
			}
		}
	}
}
