package setting_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/filter/calendar"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/sales/worktime"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

type values = salestest.Values

func administrator() sales.Caller {
	return sales.Caller{ID: name.UserID(salestest.ID("user", 1)), Roles: []string{sales.SystemAdministrator}}
}

// set changes settings as a caller.
func set(t *testing.T, parts *boot.Parts, c sales.Caller, v values) error {
	t.Helper()
	ref := rows.RefTo(name.Organization, parts.Principals.Organization().ID)
	_, _, err := parts.Entities.Update(t.Context(), c, ref, schematest.Row(v), entity.If{Exists: true})
	return err
}

// shown is a calendar in words.
func shown(t *testing.T, parts *boot.Parts) []any {
	t.Helper()
	v, err := parts.Settings.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := v.Calendar
	return []any{c.Zone.String(), c.Week, c.Fiscal}
}

// The two settings of time are off until an administrator turns them on.
func TestTime(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	for _, test := range []struct {
		name string
		set  values
		want worktime.Settings
	}{
		{"a new organization", nil, worktime.Settings{}},
		{"one", values{"segue_selleravailability": true}, worktime.Settings{Availability: true}},
		{"the other too", values{"segue_skipnonworkingtime": true}, worktime.Settings{Availability: true, SkipNonWorking: true}},
		{"none, as before there were any", values{"segue_selleravailability": nil, "segue_skipnonworkingtime": nil}, worktime.Settings{}},
	} {
		if test.set != nil {
			if err := set(t, w.Parts, administrator(), test.set); err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
		}
		if got, err := w.Settings.Get(t.Context()); err != nil || got.Time != test.want {
			t.Errorf("%s: got %v, %v; want %v", test.name, got.Time, err, test.want)
		}
	}
}

func TestSettings(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	usual := []any{"UTC", time.Sunday, calendar.Fiscal{Month: time.January, Day: 1, Periods: 4}}
	for _, test := range []struct {
		name string
		set  values
		want []any
	}{
		{"a new organization", nil, usual},
		{"all", values{"segue_timezone": "Europe/Berlin", "weekstartdaycode": int64(1), "fiscalcalendarstart": time.Date(2020, 4, 6, 0, 0, 0, 0, time.UTC), "fiscalperiodtype": int64(2003)},
			[]any{"Europe/Berlin", time.Monday, calendar.Fiscal{Month: time.April, Day: 6, Periods: 12}}},
		{"the year by its end", values{"fiscalyeardisplaycode": int64(2)}, []any{"Europe/Berlin", time.Monday, calendar.Fiscal{Month: time.April, Day: 6, Periods: 12, ByEnd: true}}},
		{"and by its start", values{"fiscalyeardisplaycode": int64(1)}, []any{"Europe/Berlin", time.Monday, calendar.Fiscal{Month: time.April, Day: 6, Periods: 12}}},
		{"one", values{"fiscalperiodtype": int64(2000)}, []any{"Europe/Berlin", time.Monday, calendar.Fiscal{Month: time.April, Day: 6, Periods: 1}}},
		{"another name of a zone", values{"segue_timezone": "US/Eastern", "fiscalperiodtype": int64(2001)},
			[]any{"US/Eastern", time.Monday, calendar.Fiscal{Month: time.April, Day: 6, Periods: 2}}},
		{"none, as before there were any", values{"segue_timezone": nil, "weekstartdaycode": nil, "fiscalcalendarstart": nil, "fiscalperiodtype": nil},
			[]any{"UTC", time.Sunday, calendar.Fiscal{Periods: 4}}},
	} {
		if test.set != nil {
			if err := set(t, w.Parts, administrator(), test.set); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(test.want, shown(t, w.Parts)); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, d)
		}
	}
}

// TestLimits: what an organization has not set is as the product has it.
func TestLimits(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	for _, test := range []struct {
		name string
		set  values
		want []int // active segments, conditions
	}{
		{"a new organization", nil, []int{250, 10}},
		{"set", values{"segue_maxactivesegments": int64(300), "segue_maxsegmentconditions": int64(20)}, []int{300, 20}},
		{"none, as before there were any", values{"segue_maxactivesegments": nil, "segue_maxsegmentconditions": nil}, []int{250, 10}},
	} {
		if test.set != nil {
			if err := set(t, w.Parts, administrator(), test.set); err != nil {
				t.Fatal(err)
			}
		}
		v, err := w.Settings.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(test.want, []int{v.ActiveSegments, v.SegmentConditions}); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, d)
		}
	}
	v, err := w.Plain(boot.Options{Organization: "other"}).Settings.Get(t.Context())
	if err != nil || v.ActiveSegments != 250 || v.SegmentConditions != 10 {
		t.Errorf("without a row: %+v, %v", v, err)
	}
}

// Before anybody has written, there is no row.
func TestSettings_WithoutARow(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	if d := cmp.Diff([]any{"UTC", time.Sunday, calendar.Fiscal{}}, shown(t, w.Plain(boot.Options{Organization: "other"}))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestRefusals(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	for _, test := range []struct {
		name   string
		caller sales.Caller
		set    values
		kind   sales.Kind
		says   string
	}{
		{"a manager", salestest.Manager(), values{"segue_timezone": "Europe/Berlin"}, sales.Forbidden, "organization"},
		{"no zone", administrator(), values{"segue_timezone": "Europe/Bern"}, sales.Invalid, "segue_timezone"},
		{"the zone of a machine", administrator(), values{"segue_timezone": "Local"}, sales.Invalid, "segue_timezone"},
		{"a file", administrator(), values{"segue_timezone": "../zoneinfo/UTC"}, sales.Invalid, "segue_timezone"},
		{"a file beside the zones", administrator(), values{"segue_timezone": "posix/UTC"}, sales.Invalid, "segue_timezone"},
		{"a day that not every month has", administrator(), values{"fiscalcalendarstart": time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)}, sales.Invalid, "fiscalcalendarstart"},
		{"no such name of a year", administrator(), values{"fiscalyeardisplaycode": int64(3)}, sales.Invalid, "fiscalyeardisplaycode"},
		{"no such periods", administrator(), values{"fiscalperiodtype": int64(2004)}, sales.Invalid, "fiscalperiodtype"},
		{"more segments than a list has places for", administrator(), values{"segue_maxactivesegments": int64(1001)}, sales.Invalid, "segue_maxactivesegments"},
		{"no conditions", administrator(), values{"segue_maxsegmentconditions": int64(0)}, sales.Invalid, "segue_maxsegmentconditions"},
		{"no such day", administrator(), values{"weekstartdaycode": int64(7)}, sales.Invalid, "weekstartdaycode"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.Refuses(t, test.kind, func() error { return set(t, w.Parts, test.caller, test.set) }, test.says)
		})
	}
}

// A process reads the settings once; another one uses new ones a second after the change
// at the latest, which returns no sooner.
func TestFresh(t *testing.T) {
	now := clock.NewManual(salestest.Now())
	options := boot.Options{Freshness: sales.Freshness{For: time.Second, Clock: now}}
	w := salestest.New(t, options)
	other := w.Plain(options)
	shown(t, other)
	w.Restart()
	w.Probe.Reset()
	shown(t, w.Parts)
	if n := w.Probe.Counts(); n.Gets != 2 || n.GetKeys != 2 { // the generation, the row
		t.Errorf("cold: %+v", n)
	}
	w.Probe.Reset()
	shown(t, w.Parts)
	if n := w.Probe.Counts(); n.Gets != 0 {
		t.Errorf("warm: %+v", n)
	}
	began := now.Now()
	if err := set(t, w.Parts, administrator(), values{"segue_timezone": "Asia/Kathmandu"}); err != nil {
		t.Fatal(err)
	}
	if waited := now.Now().Sub(began); waited < time.Second {
		t.Errorf("the change returned after %v", waited)
	}
	for _, parts := range []*boot.Parts{w.Parts, other} {
		if got := shown(t, parts)[0]; got != "Asia/Kathmandu" {
			t.Errorf("the zone is %v", got)
		}
	}
	if err := set(t, w.Parts, administrator(), values{"name": strings.Repeat("N", 10)}); err != nil || now.Now().Sub(began) >= 2*time.Second {
		t.Errorf("a change of the name: %v, after %v", err, now.Now().Sub(began))
	}
}
