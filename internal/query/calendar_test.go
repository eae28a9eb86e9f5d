package query_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/filter/calendar"
	"segue/internal/filter/filtertest"
	"segue/internal/query"
	"segue/internal/schema"
)

// Rows are grouped by the dates that a clock of the calendar's zone shows, also where the
// clocks change, and by its fiscal years: found here by counting days.
func TestAggregate_ByTheCalendar(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at, zone := filtertest.Moment(rt)
		by := calendar.Calendar{Zone: zone, Fiscal: calendar.Fiscal{
			Month: time.Month(rapid.IntRange(1, 12).Draw(rt, "month")), Day: rapid.IntRange(1, 28).Draw(rt, "day"), Periods: rapid.SampledFrom([]int{1, 2, 4, 12}).Draw(rt, "periods"),
		}}
		v := newVisits(t)
		want := map[[3]int64]int64{}
		var made []values
		for range rapid.IntRange(1, 8).Draw(rt, "rows") {
			moment := filtertest.Near(rt, at, zone)
			made = append(made, values{"startedon": schema.Time(moment)})
			want[dateOf(moment, by)]++
		}
		v.put(made...)
		field := query.Field{Table: v.table, Column: v.table.Column("startedon")}
		groups, err := v.Aggregate(t.Context(), query.Query{Table: v.table}, nil, query.Aggregation{
			By:     []query.Key{{Field: field, Part: query.Day}, {Field: field, Part: query.FiscalPeriod}, {Field: field, Part: query.FiscalYear}},
			Values: []query.Aggregate{{Method: query.Count}},
		}, by)
		if err != nil {
			rt.Fatal(err)
		}
		got := map[[3]int64]int64{}
		for _, g := range groups {
			var key [3]int64
			for i, k := range g.Keys {
				key[i], _ = k.Int()
			}
			got[key], _ = g.Values[0].Int()
		}
		if d := gocmp.Diff(want, got); d != "" {
			rt.Errorf("%v (-want +got):\n%s", slices.Collect(maps.Keys(want)), d)
		}
	})
}

// dateOf returns the day of a moment and its fiscal period and year: it walks back to the
// first day of the fiscal year and counts the starts of periods on the way.
func dateOf(at time.Time, by calendar.Calendar) [3]int64 {
	year, month, day := at.In(by.Zone).Date()
	date, period := time.Date(year, month, day, 0, 0, 0, 0, time.UTC), int64(1)
	for date.Month() != by.Fiscal.Month || date.Day() != by.Fiscal.Day {
		after := (int(date.Month()) - int(by.Fiscal.Month) + 12) % 12
		if date.Day() == by.Fiscal.Day && after%(12/by.Fiscal.Periods) == 0 {
			period++
		}
		date = date.AddDate(0, 0, -1)
	}
	return [3]int64{int64(day), period, int64(date.Year())}
}

// A date is the same one in every zone.
func TestAggregate_OfDates(t *testing.T) {
	v := newVisits(t)
	v.put(values{"day": schema.Time(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))})
	key := query.Key{Field: query.Field{Table: v.table, Column: v.table.Column("day")}, Part: query.Month}
	for _, hours := range []int{-11, 14} {
		by := calendar.Calendar{Zone: time.FixedZone("", hours*3600)}
		groups, err := v.Aggregate(t.Context(), query.Query{Table: v.table}, nil, query.Aggregation{By: []query.Key{key}}, by)
		want := []query.Group{{Keys: []schema.Value{schema.Int(3)}, Values: []schema.Value{}}}
		if d := gocmp.Diff(want, groups); err != nil || d != "" {
			t.Errorf("%d hours: %v (-want +got):\n%s", hours, err, d)
		}
	}
}
