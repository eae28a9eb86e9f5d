package segmentation_test

import (
	"strings"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// reckon sets how the organization reckons dates.
func reckon(t *testing.T, w *world, v values) {
	t.Helper()
	admin := sales.Caller{ID: name.UserID(id("user", 1)), Roles: []string{sales.SystemAdministrator}}
	ref := rows.RefTo(name.Organization, w.Principals.Organization().ID)
	if _, _, err := w.Entities.Update(t.Context(), admin, ref, schematest.Row(v), entity.If{Exists: true}); err != nil {
		t.Fatal(err)
	}
	w.Settle()
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Segments evaluate dates as the organization reckons them (docs/domain.md §9.4): the zone
// with its changes of the clocks, the week and the fiscal year, at the time at which the
// record changes. It is 2026-01-02T03:04:05Z, a Friday: 22:04 on January 1 in New York.
func TestEvaluate_9_4_Dates(t *testing.T) {
	newYork := values{"segue_timezone": "America/New_York"}
	for _, test := range []struct {
		name, condition string
		set             values
		in, out         string // moments
	}{
		{"a date in UTC", `"on","values":["2026-03-08"]`, nil, "2026-03-08T00:00:00Z", "2026-03-07T23:59:59Z"},
		{"a date of 23 hours begins", `"on","values":["2026-03-08"]`, newYork, "2026-03-08T05:00:00Z", "2026-03-08T04:59:59Z"},
		{"a date of 23 hours ends", `"on","values":["2026-03-08"]`, newYork, "2026-03-09T03:59:59Z", "2026-03-09T04:00:00Z"},
		{"a date of 25 hours ends", `"on","values":["2026-11-01"]`, newYork, "2026-11-02T04:59:59Z", "2026-11-02T05:00:00Z"},
		{"today", `"today"`, newYork, "2026-01-01T05:00:00Z", "2026-01-02T05:00:00Z"},
		{"today in UTC", `"today"`, nil, "2026-01-02T05:00:00Z", "2026-01-01T05:00:00Z"},
		{"last month from the zone", `"last-x-months","values":[1]`, newYork, "2025-12-01T05:00:00Z", "2025-12-01T04:59:59Z"},
		{"this week from Thursday", `"this-week"`, values{"weekstartdaycode": int64(4)}, "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z"},
		{"this week from Sunday", `"this-week"`, nil, "2025-12-28T00:00:00Z", "2025-12-27T23:59:59Z"},
		{"fiscal year", `"in-fiscal-year","values":[2025]`, values{"fiscalcalendarstart": moment(t, "2026-04-06T00:00:00Z")}, "2026-04-05T23:59:59Z", "2026-04-06T00:00:00Z"},
		{"this fiscal period", `"this-fiscal-period"`, values{"fiscalperiodtype": int64(2003), "segue_timezone": "America/New_York"}, "2026-01-01T05:00:00Z", "2026-01-01T04:59:59Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			// The segment is there first: what is set afterwards counts all the same.
			seg := w.Segment(1, `{"attribute":"schedulefollowup_qualify","operator":`+test.condition+`}`, "", nil)
			w.Settle()
			if test.set != nil {
				reckon(t, w, test.set)
			}
			in := w.Lead(1, values{"schedulefollowup_qualify": moment(t, test.in)})
			out := w.Lead(2, values{"schedulefollowup_qualify": moment(t, test.out)})
			w.Settle()
			w.Member(in, seg, false)
			w.Member(out, "", false)
		})
	}
}

// Settings that somebody has broken, past all rules, and those that cannot be read stop the
// evaluation; nothing is decided by others.
func TestEvaluate_9_4_WithoutSettings(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, `{"attribute":"schedulefollowup_qualify","operator":"on","values":["2026-03-08"]}`, "", nil)
	w.Settle()
	w.Corrupt("organization", string(w.Principals.Organization().ID), func(row *rows.Row) { row.Set(name.SegueTimezone, schema.Text("Nowhere")) })
	w.Settle()
	lead := w.Lead(1, values{"schedulefollowup_qualify": moment(t, "2026-03-08T00:00:00Z")})
	w.Settle()
	w.Member(lead, "", false)
	if parked := w.Parked(); len(parked) != 1 || !strings.Contains(parked[0].Reason(), "Nowhere") {
		t.Errorf("%d changes are parked: %v", len(parked), parked)
	}
	reckon(t, w, values{"segue_timezone": "UTC"})
	w.Member(lead, seg, false)
}

// The settings are read with the segments, and only where a condition asks for them.
func TestEvaluate_9_4_Costs(t *testing.T) {
	for _, test := range []struct {
		condition string
		reads     int // requests: the generation, the orders, the segments, the settings
	}{
		{hot, 3},
		{`{"attribute":"createdon","operator":"on-or-after","values":["2027-01-01"]}`, 4},
		{`{"attribute":"createdon","operator":"tomorrow"}`, 4},
	} {
		w := newWorld(t, aging(clock.NewManual(salestest.Now())))
		w.Segment(1, test.condition, "", nil)
		w.Settle()
		w.Fresh()
		w.Lead(1, nil)
		changes := w.Fresh()
		w.Restart()
		for _, state := range []struct {
			name  string
			reads int
		}{{"cold", test.reads}, {"warm", 0}} {
			w.Probe.Reset()
			w.Deliver(changes)
			if n := salestest.WithoutLog(t, w.Probe); n.Gets != state.reads || n.Ops != 0 {
				t.Errorf("%s, %s: %+v, want %d requests that read", test.condition, state.name, n, state.reads)
			}
		}
		w.Settle()
	}
}
