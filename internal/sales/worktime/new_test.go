package worktime_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/sales/worktime"
)

func TestNewWait(t *testing.T) {
	for _, test := range []struct {
		days, hours int
		names       string // in the error, "" for none
	}{
		{0, 0, ""}, {30, 0, ""}, {29, 24, ""}, {0, 720, ""},
		{-1, 0, "days is -1"}, {31, 0, "days is 31"}, {0, -1, "hours is -1"}, {30, 1, "hours is 1"}, {0, 721, "hours is 721"},
		{1 << 62, 1 << 62, "days is"}, {0, 1 << 62, "hours is"},
	} {
		_, err := worktime.NewWait(test.days, test.hours)
		check(t, err, test.names)
	}
}

// check compares an error with what it has to name.
func check(t *testing.T, err error, names string) {
	t.Helper()
	if (err == nil) != (names == "") || err != nil && !strings.Contains(err.Error(), names) {
		t.Errorf("the error is %v, want one that names %q", err, names)
	}
}

func TestNewHours(t *testing.T) {
	monday := func(begin, end time.Duration) []worktime.Window { return from(begin, end, time.Monday) }
	for _, test := range []struct {
		name    string
		windows []worktime.Window
		names   string
	}{
		{"a week", office(), ""},
		{"whole days", from(0, clock(24, 0), everyDay()...), ""},
		{"in no order, touching", slices.Concat(from(clock(12, 0), clock(17, 0), time.Friday), monday(clock(8, 0), clock(9, 0)), monday(clock(9, 0), clock(12, 0))), ""},
		{"up to the next day", slices.Concat(monday(clock(8, 30), clock(8, 0)), from(clock(8, 0), clock(9, 0), time.Tuesday)), ""},
		{"over the end of the week", slices.Concat(from(clock(22, 0), clock(6, 0), time.Saturday), from(clock(6, 0), clock(8, 0), time.Sunday)), ""},
		{"none", nil, ""},
		{"too many", make([]worktime.Window, worktime.MaxWindows+1), "57 windows"},
		{"no day of the week", from(0, clock(1, 0), 7), "window 1: the day is 7"},
		{"before midnight", monday(-time.Minute, clock(1, 0)), "-1m0s"},
		{"begins after the day", monday(clock(24, 0), clock(1, 0)), "24:00"},
		{"ends after the day", monday(clock(8, 0), clock(24, 1)), "24:01"},
		{"ends before it", monday(clock(8, 0), -time.Hour), "-1h0m0s"},
		{"parts of a minute", monday(clock(8, 0)+time.Second, clock(9, 0)), "8h0m1s"},
		{"empty", monday(clock(8, 0), clock(8, 0)), "08:00"},
		{"the second one", append(office(), worktime.Window{Day: -1, To: 1}), "window 6"},
		{"overlap", append(monday(clock(8, 0), clock(12, 0)), monday(clock(11, 59), clock(13, 0))...), "Mon 08:00-12:00 and Mon 11:59-13:00"},
		{"twice the same", append(monday(clock(8, 0), clock(12, 0)), monday(clock(8, 0), clock(12, 0))...), "overlap"},
		{"overlap after midnight", append(monday(clock(22, 0), clock(6, 0)), from(clock(5, 0), clock(8, 0), time.Tuesday)...), "Mon 22:00-06:00 and Tue 05:00-08:00"},
		{"overlap over the end of the week", append(from(clock(22, 0), clock(6, 0), time.Saturday), from(clock(5, 0), clock(8, 0), time.Sunday)...), "Sat 22:00-06:00 and Sun 05:00-08:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := worktime.NewHours(time.UTC, test.windows)
			check(t, err, test.names)
		})
	}
}

func TestNewHours_NoZone(t *testing.T) {
	_, err := worktime.NewHours(nil, office())
	check(t, err, "time zone")
}

func TestParseWindows(t *testing.T) {
	for _, test := range []struct {
		text, names string
		want        []worktime.Window
	}{
		{`[]`, "", nil},
		{`[{"days":["monday","Friday"],"from":"08:00","to":"24:00"},{"days":["sunday"],"from":"22:30","to":"06:00"}]`, "", []worktime.Window{
			{Day: time.Monday, From: clock(8, 0), To: clock(24, 0)}, {Day: time.Friday, From: clock(8, 0), To: clock(24, 0)}, {Day: time.Sunday, From: clock(22, 30), To: clock(6, 0)}}},
		{``, "too early", nil},
		{`{}`, "object", nil},
		{`[{"day":"monday"}]`, `"day"`, nil},
		{`[{"days":["monday"],"from":"08:00","to":"09:00"},{"days":["Mon"],"from":"08:00","to":"09:00"}]`, `entry 2: days has "Mon"`, nil},
		{`[{"days":[],"from":"08:00","to":"09:00"}]`, "entry 1: days is empty", nil},
		{`[{"days":["monday"],"to":"09:00"}]`, `entry 1: from is ""`, nil},
		{`[{"days":["monday"],"from":"8:00","to":"09:00"}]`, `from is "8:00"`, nil},
		{`[{"days":["monday"],"from":"08:00","to":"24:01"}]`, `to is "24:01"`, nil},
		{`[{"days":["monday"],"from":"08:60","to":"09:00"}]`, `from is "08:60"`, nil},
		{`[{"days":["monday"],"from":"-8:00","to":"09:00"}]`, `from is "-8:00"`, nil},
	} {
		got, err := worktime.ParseWindows(test.text)
		check(t, err, test.names)
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.text, d)
		}
	}
}

func TestNewAbsences(t *testing.T) {
	noon := at(t, "2026-07-01T12:00:00Z")
	for _, test := range []struct {
		name  string
		spans []worktime.Span
		names string
	}{
		{"none", nil, ""},
		{"one", []worktime.Span{{From: noon, To: noon.Add(1)}}, ""},
		{"as many as there may be", slices.Repeat([]worktime.Span{{From: noon, To: noon.Add(1)}}, worktime.MaxAbsences), ""},
		{"too many", slices.Repeat([]worktime.Span{{From: noon, To: noon.Add(1)}}, worktime.MaxAbsences+1), "1001 absences"},
		{"empty", []worktime.Span{{From: noon, To: noon}}, "absence 1 is from 2026-07-01T12:00:00Z"},
		{"backwards", []worktime.Span{{From: noon, To: noon.Add(1)}, {From: noon, To: noon.Add(-time.Hour)}}, "absence 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := worktime.NewAbsences(test.spans)
			check(t, err, test.names)
		})
	}
}

func TestNewHolidays(t *testing.T) {
	date := at(t, "2026-07-01T00:00:00Z")
	for _, test := range []struct {
		name  string
		dates []time.Time
		names string
	}{
		{"none", nil, ""},
		{"one twice", []time.Time{date, date}, ""},
		{"too many", slices.Repeat([]time.Time{date}, worktime.MaxHolidays+1), "1001 holidays"},
		{"no date", []time.Time{date, date.Add(time.Hour)}, "holiday 2 is 2026-07-01T01:00:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := worktime.NewHolidays(time.UTC, test.dates)
			check(t, err, test.names)
		})
	}
}
