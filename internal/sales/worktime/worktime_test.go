package worktime_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/filter/calendar"
	"segue/internal/sales/worktime"
)

func at(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := calendar.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// clock is a time of day.
func clock(hours, minutes int) time.Duration {
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
}

// from is the same window on some days.
func from(begin, end time.Duration, days ...time.Weekday) []worktime.Window {
	var windows []worktime.Window
	for _, d := range days {
		windows = append(windows, worktime.Window{Day: d, From: begin, To: end})
	}
	return windows
}

func weekdays() []time.Weekday {
	return []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
}

func everyDay() []time.Weekday { return append(weekdays(), time.Saturday, time.Sunday) }

// office is the usual working hours.
func office() []worktime.Window { return from(clock(8, 0), clock(17, 0), weekdays()...) }

func hours(t testing.TB, name string, windows []worktime.Window) worktime.Hours {
	t.Helper()
	hours, err := worktime.NewHours(zone(t, name), windows)
	if err != nil {
		t.Fatal(err)
	}
	return hours
}

func absences(t testing.TB, edges ...string) worktime.Absences {
	t.Helper()
	var spans []worktime.Span
	for i := 0; i < len(edges); i += 2 {
		spans = append(spans, worktime.Span{From: at(t, edges[i]), To: at(t, edges[i+1])})
	}
	absences, err := worktime.NewAbsences(spans)
	if err != nil {
		t.Fatal(err)
	}
	return absences
}

func holidays(t testing.TB, organization string, dates ...string) worktime.Holidays {
	t.Helper()
	var days []time.Time
	for _, date := range dates {
		days = append(days, at(t, date+"T00:00:00Z"))
	}
	holidays, err := worktime.NewHolidays(zone(t, organization), days)
	if err != nil {
		t.Fatal(err)
	}
	return holidays
}

func wait(t testing.TB, days, hours int) worktime.Wait {
	t.Helper()
	wait, err := worktime.NewWait(days, hours)
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

// The four values of the settings.
func off() worktime.Settings   { return worktime.Settings{} }
func moved() worktime.Settings { return worktime.Settings{Availability: true} }
func both() worktime.Settings {
	return worktime.Settings{Availability: true, SkipNonWorking: true}
}
func skipped() worktime.Settings { return worktime.Settings{SkipNonWorking: true} }

// July 1, 2026, is a Wednesday.
func TestDue(t *testing.T) {
	berlin := worktime.Calendar{Hours: hours(t, "Europe/Berlin", office())}
	with := func(zone string, windows []worktime.Window) worktime.Calendar {
		return worktime.Calendar{Hours: hours(t, zone, windows)}
	}
	away := func(c worktime.Calendar, edges ...string) worktime.Calendar {
		c.Absences = absences(t, edges...)
		return c
	}
	nights := with("Europe/Berlin", from(clock(22, 0), clock(6, 0), weekdays()...))
	early := with("Europe/Berlin", from(clock(1, 0), clock(5, 0), everyDay()...))
	uneven := with("Europe/Berlin", append(from(clock(8, 0), clock(12, 0), time.Tuesday), from(clock(10, 0), clock(17, 0), time.Monday, time.Wednesday)...))
	mixed := with("Europe/Berlin", append(from(clock(22, 0), clock(6, 0), time.Friday), from(clock(0, 30), clock(8, 0), time.Monday, time.Tuesday)...))
	thanksgiving := holidays(t, "America/New_York", "2026-11-26")
	none := worktime.Holidays{}
	tests := []struct {
		name          string
		seller        worktime.Calendar
		holidays      worktime.Holidays
		settings      worktime.Settings
		wait          worktime.Wait
		start         string
		proposed, due string // "" for proposed: the same
	}{
		{"the example of the page, calendar only", berlin, none, moved(), wait(t, 3, 0), "2026-07-01T10:00:00+02:00", "2026-07-04T10:00:00+02:00", "2026-07-06T08:00:00+02:00"},
		{"the example, all settings off", berlin, none, off(), wait(t, 3, 0), "2026-07-01T10:00:00+02:00", "", "2026-07-04T10:00:00+02:00"},

		{"no wait at work", berlin, none, both(), wait(t, 0, 0), "2026-07-01T10:00:00+02:00", "", "2026-07-01T10:00:00+02:00"},
		{"no wait after work is the next morning, not 18:13", berlin, none, both(), wait(t, 0, 0), "2026-07-03T18:13:00+02:00", "2026-07-03T18:13:00+02:00", "2026-07-06T08:00:00+02:00"},
		{"no wait at the end of work", berlin, none, moved(), wait(t, 0, 0), "2026-07-01T17:00:00+02:00", "2026-07-01T17:00:00+02:00", "2026-07-02T08:00:00+02:00"},
		{"part of a second", berlin, none, both(), wait(t, 0, 0), "2026-07-01T10:00:00.25+02:00", "", "2026-07-01T10:00:01+02:00"},
		{"the last part of a second of work", berlin, none, both(), wait(t, 0, 0), "2026-07-01T16:59:59.25+02:00", "2026-07-01T17:00:00+02:00", "2026-07-02T08:00:00+02:00"},
		{"hours over a weekend", berlin, none, both(), wait(t, 0, 2), "2026-07-03T16:00:00+02:00", "", "2026-07-06T09:00:00+02:00"},
		{"hours up to the end of work", berlin, none, both(), wait(t, 0, 1), "2026-07-03T16:00:00+02:00", "2026-07-03T17:00:00+02:00", "2026-07-06T08:00:00+02:00"},
		{"the same where nothing is moved", berlin, none, skipped(), wait(t, 0, 1), "2026-07-03T16:00:00+02:00", "", "2026-07-03T17:00:00+02:00"},
		{"a day and hours", berlin, none, both(), wait(t, 1, 4), "2026-07-02T15:00:00+02:00", "", "2026-07-06T10:00:00+02:00"},
		{"a day from a Saturday begins on Monday", berlin, none, both(), wait(t, 1, 0), "2026-07-04T12:00:00+02:00", "", "2026-07-07T08:00:00+02:00"},
		{"30 days", berlin, none, both(), wait(t, 30, 0), "2026-07-01T10:00:00+02:00", "", "2026-08-12T10:00:00+02:00"},
		{"720 hours", berlin, none, both(), wait(t, 0, 720), "2026-07-01T08:00:00+02:00", "2026-10-20T17:00:00+02:00", "2026-10-21T08:00:00+02:00"},

		{"work ends before that time of day", uneven, none, both(), wait(t, 1, 0), "2026-07-06T16:00:00+02:00", "2026-07-07T12:00:00+02:00", "2026-07-08T10:00:00+02:00"},
		{"work begins after that time of day", uneven, none, both(), wait(t, 1, 0), "2026-07-07T09:00:00+02:00", "", "2026-07-08T10:00:00+02:00"},
		{"a night shift is of the evening", nights, none, both(), wait(t, 1, 0), "2026-07-04T02:00:00+02:00", "", "2026-07-07T02:00:00+02:00"},
		{"… also before midnight", nights, none, both(), wait(t, 1, 0), "2026-07-03T23:00:00+02:00", "", "2026-07-06T23:00:00+02:00"},
		{"after a night shift", nights, none, moved(), wait(t, 0, 0), "2026-07-04T06:00:00+02:00", "2026-07-04T06:00:00+02:00", "2026-07-06T22:00:00+02:00"},
		{"hours of night shifts", nights, none, both(), wait(t, 0, 5), "2026-07-04T02:00:00+02:00", "", "2026-07-06T23:00:00+02:00"},
		{"a night on which an early shift follows", mixed, none, both(), wait(t, 1, 0), "2026-07-04T05:00:00+02:00", "2026-07-06T08:00:00+02:00", "2026-07-07T00:30:00+02:00"},

		{"a time of day that is left out", early, none, both(), wait(t, 1, 0), "2026-03-28T02:30:00+01:00", "", "2026-03-29T03:00:00+02:00"},
		{"… all time counts", berlin, none, off(), wait(t, 1, 0), "2026-03-28T02:30:00+01:00", "", "2026-03-29T03:00:00+02:00"},
		{"a time of day that comes twice", early, none, both(), wait(t, 1, 0), "2026-10-24T02:30:00+02:00", "", "2026-10-25T02:30:00+02:00"},
		{"from its second time", early, none, both(), wait(t, 1, 0), "2026-10-25T02:10:00+01:00", "", "2026-10-26T03:00:00+01:00"},
		{"its second time at once", early, none, both(), wait(t, 0, 0), "2026-10-25T02:10:00+01:00", "", "2026-10-25T02:10:00+01:00"},
		{"hours are 60 minutes when clocks go forward", early, none, both(), wait(t, 0, 1), "2026-03-29T01:30:00+01:00", "", "2026-03-29T03:30:00+02:00"},
		{"… and back", early, none, both(), wait(t, 0, 2), "2026-10-25T01:30:00+02:00", "", "2026-10-25T02:30:00+01:00"},
		{"the time of day stays over a change", berlin, none, moved(), wait(t, 3, 0), "2026-03-27T10:00:00+01:00", "", "2026-03-30T10:00:00+02:00"},
		{"a window that is left out", with("Europe/Berlin", from(clock(2, 0), clock(3, 0), everyDay()...)), none, moved(), wait(t, 0, 0), "2026-03-28T12:00:00+01:00", "2026-03-28T12:00:00+01:00", "2026-03-30T02:00:00+02:00"},
		{"half an hour that is left out", with("Australia/Lord_Howe", from(clock(2, 0), clock(2, 30), everyDay()...)), none, moved(), wait(t, 0, 0), "2026-10-03T12:00:00+10:30", "2026-10-03T12:00:00+10:30", "2026-10-05T02:00:00+11:00"},
		{"half an hour that comes twice is work twice", with("Australia/Lord_Howe", from(clock(1, 30), clock(2, 0), everyDay()...)), none, both(), wait(t, 0, 1), "2026-04-05T01:30:00+11:00", "2026-04-05T02:00:00+10:30", "2026-04-06T01:30:00+10:30"},
		{"the last day of a leap year after the tables of changes", berlin, none, both(), wait(t, 1, 0), "2040-12-31T10:00:00+01:00", "", "2041-01-01T10:00:00+01:00"},
		{"a zone of half an hour", with("Asia/Kolkata", office()), none, both(), wait(t, 1, 1), "2026-03-27T17:30:00+05:30", "", "2026-03-31T09:00:00+05:30"},
		{"a Friday that is left out", with("Pacific/Apia", office()), none, both(), wait(t, 1, 0), "2011-12-29T10:00:00-10:00", "", "2012-01-02T10:00:00+14:00"},
		{"a date that is left out", with("Pacific/Apia", office()), none, off(), wait(t, 1, 0), "2011-12-29T10:00:00-10:00", "", "2011-12-31T00:00:00+14:00"},

		{"a holiday is no day of the wait", with("America/New_York", office()), thanksgiving, both(), wait(t, 1, 0), "2026-11-25T10:00:00-05:00", "", "2026-11-27T10:00:00-05:00"},
		{"a holiday, calendar only", with("America/New_York", office()), thanksgiving, moved(), wait(t, 1, 0), "2026-11-25T10:00:00-05:00", "2026-11-26T10:00:00-05:00", "2026-11-27T08:00:00-05:00"},
		{"the date of a holiday is the seller's", with("Asia/Tokyo", from(0, clock(24, 0), everyDay()...)), thanksgiving, moved(), wait(t, 0, 0), "2026-11-25T23:00:00+09:00", "", "2026-11-25T23:00:00+09:00"},
		{"… from its midnight on", with("Asia/Tokyo", from(0, clock(24, 0), everyDay()...)), thanksgiving, moved(), wait(t, 0, 2), "2026-11-25T23:00:00+09:00", "2026-11-26T01:00:00+09:00", "2026-11-27T00:00:00+09:00"},
		{"a holiday cuts a night shift at midnight", with("America/New_York", from(clock(22, 0), clock(6, 0), weekdays()...)), thanksgiving, both(), wait(t, 0, 3), "2026-11-25T22:00:00-05:00", "", "2026-11-27T01:00:00-05:00"},

		{"a holiday whose last hour comes twice", with("America/Sao_Paulo", from(0, clock(24, 0), everyDay()...)), holidays(t, "UTC", "2018-02-17"), moved(), wait(t, 0, 0), "2018-02-17T23:30:00-03:00", "2018-02-17T23:30:00-03:00", "2018-02-18T00:00:00-03:00"},

		{"two weeks away", away(berlin, "2026-07-06T00:00:00+02:00", "2026-07-20T00:00:00+02:00"), none, both(), wait(t, 3, 0), "2026-07-01T10:00:00+02:00", "", "2026-07-20T10:00:00+02:00"},
		{"two weeks away, calendar only", away(berlin, "2026-07-04T00:00:00+02:00", "2026-07-20T00:00:00+02:00"), none, moved(), wait(t, 3, 0), "2026-07-01T10:00:00+02:00", "2026-07-04T10:00:00+02:00", "2026-07-20T08:00:00+02:00"},
		{"half a day away is a day of work", away(berlin, "2026-07-02T07:00:00+02:00", "2026-07-02T12:00:00+02:00"), none, both(), wait(t, 1, 0), "2026-07-01T10:00:00+02:00", "", "2026-07-02T12:00:00+02:00"},
		{"away for hours of the wait", away(berlin, "2026-07-01T11:00:00+02:00", "2026-07-01T13:00:00+02:00", "2026-07-01T12:30:00+02:00", "2026-07-01T14:00:00+02:00"), none, both(), wait(t, 0, 2), "2026-07-01T10:00:00+02:00", "", "2026-07-01T15:00:00+02:00"},
		{"away for four years", away(berlin, "2026-07-01T00:00:00+02:00", "2030-07-01T00:00:00+02:00"), none, both(), wait(t, 0, 0), "2026-07-01T10:00:00+02:00", "2026-07-01T10:00:00+02:00", "2030-07-01T08:00:00+02:00"},

		{"no working hours: always", worktime.Calendar{}, none, both(), wait(t, 3, 2), "2026-07-01T23:30:00+02:00", "", "2026-07-05T01:30:00+02:00"},
		{"… in days of 24 hours", worktime.Calendar{}, holidays(t, "Europe/Berlin"), both(), wait(t, 1, 0), "2026-03-28T12:00:00+01:00", "", "2026-03-29T13:00:00+02:00"},
		{"… but for the organization's holidays", worktime.Calendar{}, thanksgiving, moved(), wait(t, 0, 6), "2026-11-25T20:00:00-05:00", "2026-11-26T02:00:00-05:00", "2026-11-27T00:00:00-05:00"},
		{"… which are not part of the wait", worktime.Calendar{}, thanksgiving, both(), wait(t, 2, 0), "2026-11-25T20:00:00-05:00", "", "2026-11-28T20:00:00-05:00"},
		{"… and for absences", away(worktime.Calendar{}, "2026-07-01T00:00:00Z", "2026-07-03T00:00:00Z"), none, both(), wait(t, 0, 1), "2026-07-01T10:00:00Z", "", "2026-07-03T01:00:00Z"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := worktime.Due(at(t, test.start), test.wait, test.seller, test.holidays, test.settings)
			if err != nil {
				t.Fatal(err)
			}
			if test.proposed == "" {
				test.proposed = test.due
			}
			if want := at(t, test.proposed); !got.Proposed.Equal(want) {
				t.Errorf("proposed at %s, want %s", got.Proposed.Format(time.RFC3339), want.UTC().Format(time.RFC3339))
			}
			if want := at(t, test.due); !got.Due.Equal(want) {
				t.Errorf("due at %s, want %s", got.Due.Format(time.RFC3339), want.UTC().Format(time.RFC3339))
			}
		})
	}
}

// A step on Wednesday with a wait of three days, where only working time counts: the page
// of the reference says Tuesday, which nobody arrives at who counts Thursday, Friday and
// Monday. We knowingly do not match it (docs/domain.md §20).
func TestDue_WednesdayAndThreeDays(t *testing.T) {
	seller := worktime.Calendar{Hours: hours(t, "UTC", office())}
	got, err := worktime.Due(at(t, "2026-07-01T10:00:00Z"), wait(t, 3, 0), seller, worktime.Holidays{}, both())
	if err != nil {
		t.Fatal(err)
	}
	if want := at(t, "2026-07-06T10:00:00Z"); !got.Due.Equal(want) || got.Due.Weekday() == time.Tuesday {
		t.Errorf("due on %s, want %s", got.Due.Format(time.RFC1123), want.Format(time.RFC1123))
	}
}

func TestDue_Never(t *testing.T) {
	start := at(t, "2026-07-01T10:00:00Z")
	seldom := worktime.Calendar{Hours: hours(t, "UTC", from(clock(8, 0), clock(9, 0), time.Monday))}
	for _, test := range []struct {
		name     string
		seller   worktime.Calendar
		settings worktime.Settings
		wait     worktime.Wait
	}{
		{"no hours of work", worktime.Calendar{Hours: hours(t, "UTC", nil)}, moved(), wait(t, 0, 0)},
		{"no hours of work to count days of", worktime.Calendar{Hours: hours(t, "UTC", nil)}, skipped(), wait(t, 1, 0)},
		{"no hours of work to count", worktime.Calendar{Hours: hours(t, "UTC", nil)}, skipped(), wait(t, 0, 1)},
		{"away for good", worktime.Calendar{Absences: absences(t, "2020-01-01T00:00:00Z", "9999-01-01T00:00:00Z")}, both(), wait(t, 0, 0)},
		{"an hour a week", seldom, both(), wait(t, 0, 720)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := worktime.Due(start, test.wait, test.seller, worktime.Holidays{}, test.settings)
			var never *worktime.NeverError
			if !errors.As(err, &never) {
				t.Fatalf("due at %s, %v", got.Due, err)
			}
			if !never.Start.Equal(start) || !never.Until.Equal(start.Add(worktime.Horizon)) {
				t.Errorf("%+v", never)
			}
		})
	}
	if got, err := worktime.Due(start, wait(t, 30, 0), seldom, worktime.Holidays{}, both()); err != nil || got.Due.Format(time.DateOnly) != "2027-02-01" {
		t.Errorf("30 days of an hour a week: %s, %v", got.Due, err)
	}
}

// printed is reasons in words, in a zone.
func printed(r worktime.Result, zone *time.Location) string {
	var out strings.Builder
	for _, reason := range r.Reasons() {
		const layout = "Mon 02 15:04"
		fmt.Fprintf(&out, "%s - %s %s", reason.From.In(zone).Format(layout), reason.To.In(zone).Format(layout), reason.Kind)
		if reason.Clocks != 0 {
			fmt.Fprintf(&out, " %v", reason.Clocks)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func TestReasons(t *testing.T) {
	seller := worktime.Calendar{Hours: hours(t, "Europe/Berlin", office())}
	absent := worktime.Calendar{Hours: seller.Hours, Absences: absences(t, "2026-07-02T12:00:00+02:00", "2026-07-04T09:00:00+02:00")}
	early := worktime.Calendar{Hours: hours(t, "Europe/Berlin", from(clock(1, 0), clock(5, 0), everyDay()...))}
	monday := holidays(t, "UTC", "2026-07-06")
	for _, test := range []struct {
		name     string
		seller   worktime.Calendar
		settings worktime.Settings
		wait     worktime.Wait
		start    string
		want     string
	}{
		{"nothing", seller, both(), wait(t, 0, 0), "2026-07-01T10:00:00+02:00", ""},
		{"the wait alone", seller, moved(), wait(t, 2, 0), "2026-07-01T10:00:00+02:00", "Wed 01 10:00 - Fri 03 10:00 wait\n"},
		{"moved", absent, moved(), wait(t, 3, 0), "2026-06-30T10:00:00+02:00", `
Tue 30 10:00 - Fri 03 10:00 wait
Fri 03 10:00 - Sat 04 09:00 absence
Sat 04 09:00 - Mon 06 00:00 working hours
Mon 06 00:00 - Tue 07 00:00 holiday
Tue 07 00:00 - Tue 07 08:00 working hours
`},
		{"skipped", absent, both(), wait(t, 0, 8), "2026-07-01T16:00:00+02:00", `
Wed 01 16:00 - Wed 01 17:00 wait
Wed 01 17:00 - Thu 02 08:00 working hours
Thu 02 08:00 - Thu 02 12:00 wait
Thu 02 12:00 - Sat 04 09:00 absence
Sat 04 09:00 - Mon 06 00:00 working hours
Mon 06 00:00 - Tue 07 00:00 holiday
Tue 07 00:00 - Tue 07 08:00 working hours
Tue 07 08:00 - Tue 07 11:00 wait
`},
		{"clocks that go forward", early, both(), wait(t, 1, 0), "2026-03-28T02:30:00+01:00", `
Sat 28 02:30 - Sat 28 05:00 wait
Sat 28 05:00 - Sun 29 01:00 working hours
Sun 29 01:00 - Sun 29 03:00 wait
Sun 29 03:00 - Sun 29 03:00 DST 1h0m0s
`},
		{"clocks that go back, from the second time", early, off(), wait(t, 1, 0), "2026-10-25T02:10:00+01:00", `
Sun 25 02:00 - Sun 25 03:00 DST -1h0m0s
Sun 25 02:10 - Mon 26 03:00 wait
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := worktime.Due(at(t, test.start), test.wait, test.seller, monday, test.settings)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.TrimPrefix(test.want, "\n"), printed(got, zone(t, "Europe/Berlin"))); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestDue_Allocations(t *testing.T) {
	seller := worktime.Calendar{Hours: hours(t, "Europe/Berlin", office()), Absences: absences(t, "2026-07-02T12:00:00+02:00", "2026-07-04T09:00:00+02:00")}
	closed := holidays(t, "UTC", "2026-07-06")
	start, pause := at(t, "2026-07-01T10:00:00Z"), wait(t, 3, 5)
	for _, settings := range []worktime.Settings{off(), moved(), skipped(), both()} {
		if n := testing.AllocsPerRun(10, func() {
			if _, err := worktime.Due(start, pause, seller, closed, settings); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%+v: %v allocations", settings, n)
		}
	}
}
