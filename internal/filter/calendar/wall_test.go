package calendar_test

import (
	"testing"
	"time"

	"segue/internal/filter/calendar"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := calendar.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestLoadZone(t *testing.T) {
	for _, name := range []string{"UTC", "US/Eastern", "Australia/Lord_Howe", "Etc/GMT+5"} {
		if got := zone(t, name); got.String() != name {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, name := range []string{"", "Local", "Europe/Bern", "posix/UTC", "../zoneinfo/UTC", "CEST", "+02:00"} {
		if got, err := calendar.LoadZone(name); err == nil {
			t.Errorf("%q: %s", name, got)
		}
	}
}

// changes are nights on which clocks were changed, of each kind there is.
var changes = []struct{ kind, zone, day string }{
	{"forward", "Europe/Berlin", "2026-03-29"},
	{"back", "Europe/Berlin", "2026-10-25"},
	{"half an hour forward", "Australia/Lord_Howe", "2026-10-04"},
	{"half an hour back", "Australia/Lord_Howe", "2026-04-05"},
	{"two hours forward", "Antarctica/Troll", "2026-03-29"},
	{"two hours back", "Antarctica/Troll", "2026-10-25"},
	{"forward at midnight", "America/Sao_Paulo", "2018-11-04"},
	{"back at midnight", "America/Sao_Paulo", "2018-02-18"},
	{"back over midnight", "America/St_Johns", "2010-11-07"},
	{"a day left out", "Pacific/Apia", "2011-12-30"},
	{"23 hours twice", "Pacific/Kwajalein", "1969-10-01"},
	{"never", "Asia/Kolkata", "2026-03-29"},
}

// TestWall compares with a clock that is looked at every minute, for three days.
func TestWall(t *testing.T) {
	for _, change := range changes {
		t.Run(change.kind, func(t *testing.T) {
			zone := zone(t, change.zone)
			from := at(t, change.day+"T00:00:00Z").Add(-36 * time.Hour)
			if _, changed := from.In(zone).ZoneBounds(); change.kind != "never" && changed.After(from.Add(84*time.Hour)) {
				t.Fatalf("the clocks are changed at %s", changed)
			}
			first := map[time.Time]time.Time{} // by what the clock shows
			var highest time.Time
			for at := from; at.Before(from.Add(84 * time.Hour)); at = at.Add(time.Minute) {
				_, seconds := at.In(zone).Zone()
				shown := at.Add(time.Duration(seconds) * time.Second)
				want := shown
				switch {
				case highest.IsZero() || shown.After(highest):
					for left := highest.Add(time.Minute); !highest.IsZero() && !left.After(shown); left = left.Add(time.Minute) {
						first[left] = at
					}
					highest = shown
				default: // again: it stands at the minute that it has not shown
					want = highest.Add(time.Minute)
				}
				if got := calendar.Wall(at, zone); !got.Equal(want) {
					t.Fatalf("at %s the clock shows %s, Wall %s, want %s", at, shown, got, want)
				}
			}
			for wall, want := range first {
				if got := calendar.Instant(wall, zone); !got.Equal(want) {
					t.Errorf("Instant(%s) = %s, want %s", wall, got, want)
				}
			}
		})
	}
}

// Go has no table of the changes after 2037 and computes them year by year.
func TestInstant_LaterYears(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
		zone := zone(t, name)
		for noon := at(t, "2036-01-01T12:00:00Z"); noon.Year() < 2050; noon = noon.AddDate(0, 0, 1) {
			want := time.Date(noon.Year(), noon.Month(), noon.Day(), 12, 0, 0, 0, zone)
			if got := calendar.Instant(noon, zone); !got.Equal(want) {
				t.Errorf("Instant(%s) = %s, want %s", noon, got, want)
			}
			if got := calendar.Wall(want, zone); !got.Equal(noon) {
				t.Errorf("Wall(%s) = %s", want, got)
			}
			if end := calendar.Steady(want, zone); !end.After(want) {
				t.Errorf("Steady(%s) = %s", want, end)
			}
		}
	}
}
