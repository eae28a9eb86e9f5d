package filter_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/schema"
)

// moments are the moments from now on at which a brute force looks: every quarter of an
// hour for thirty hours, midnights and the seconds around them for forty days, the first
// day of each month for three years, and the seconds around some others.
func moments(now time.Time, zone *time.Location, around ...time.Time) []time.Time {
	all := []time.Time{now}
	for quarters := range 4 * 30 {
		all = append(all, now.Add(time.Duration(quarters)*15*time.Minute))
	}
	year, month, day := now.In(zone).Date()
	for days := range 40 {
		around = append(around, time.Date(year, month, day+days, 0, 0, 0, 0, zone))
	}
	for months := range 36 {
		around = append(around, time.Date(year, month+time.Month(months), 1, 0, 0, 0, 0, zone))
	}
	for _, at := range around {
		all = append(all, at.Add(-time.Second), at, at.Add(time.Second))
	}
	all = slices.DeleteFunc(all, func(at time.Time) bool { return at.Before(now) })
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// checkNext goes from one moment of Next to the other: between them the program must say
// what it says at the one before, wherever a brute force looks. Where it is exact, it must
// say something else at each.
func checkNext(t *rapid.T, s *schema.Schema, g *filter.Group, scope filter.Scope, row filtertest.Entry, exact bool) {
	program, err := filter.Compile(s, "thing", g, filter.AsksAnything)
	if err != nil {
		t.Fatalf("compile %s: %v", g, err)
	}
	says := func(at time.Time) bool {
		scope.Now = at
		holds, err := program.MatchIn(row, &scope)
		if err != nil {
			t.Fatal(err)
		}
		return holds
	}
	begin := scope.Now
	var flips []time.Time
	for at := begin; ; {
		scope.Now = at
		next, ok, err := program.Next(row, &scope)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if !next.After(at) {
			t.Fatalf("after %v comes %v\nfilter %s", at, next, g)
		}
		if exact && says(at) == says(next) {
			t.Fatalf("nothing changes at %v, from %v on\nfilter %s\nrow %q\nscope %+v", next, at, g, row.Values, scope)
		}
		flips, at = append(flips, next), next
	}
	expected, left := says(begin), flips
	for _, at := range moments(begin, scope.Zone, flips...) {
		for len(left) > 0 && !left[0].After(at) {
			expected, left = says(left[0]), left[1:]
		}
		if got := says(at); got != expected {
			t.Fatalf("it is %v at %v and was %v; Next says %v\nfilter %s\nrow %q\nscope %+v", got, at, expected, flips, g, row.Values, scope)
		}
	}
}

// drawDate draws a value of a column of dates, near a moment.
func drawDate(t *rapid.T, c *schema.Column, scope *filter.Scope) schema.Value {
	at := filtertest.Near(t, scope.Now, scope.Zone)
	if c.Type == schema.Date {
		y, m, d := at.In(scope.Zone).Date()
		at = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return schema.Time(at)
}

// ofDates is the columns of thing that hold dates or moments.
func ofDates(s *schema.Schema) []*schema.Column {
	return slices.DeleteFunc(columns(s), func(c *schema.Column) bool { return c.Type != schema.Date && c.Type != schema.DateTime })
}

// TestNext_Operators: for each operator of dates, on columns of dates and of moments, a
// condition comes out otherwise at the moments of Next and at no other, around changes of
// the clocks, ends of months and fiscal years.
func TestNext_Operators(t *testing.T) {
	s := loadSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		scope, part := filtertest.Scope(t), rapid.IntRange(0, 3).Draw(t, "part of the operators")
		for _, c := range ofDates(s) {
			value := drawDate(t, c, scope)
			for n, op := range filter.DateOperators() {
				if n%4 != part || !slices.Contains(filter.Operators(c.Type), op) {
					continue
				}
				row := filtertest.Entry{Table: "thing", Values: map[string]schema.Value{c.Name: value}}
				checkNext(t, s, and(filtertest.Condition(t, c, op)), *scope, row, true)
			}
		}
	})
}

// TestNext_Trees: the result of a tree, related rows included that there is one of,
// changes by the time at no other moment than those of Next.
func TestNext_Trees(t *testing.T) {
	s := loadSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		w, scope := filtertest.DrawWorld(t, s, filtertest.Tables()), filtertest.Scope(t)
		scope.Related = w.Related(scope)
		g := filtertest.Group(t, s, s.Table("thing"), filtertest.Tables(), 3)
		if looksIntoMany(t, s, g) {
			g = filtertest.Group(t, s, s.Table("thing"), nil, 3)
		}
		for range rapid.IntRange(1, 4).Draw(t, "conditions on dates") {
			c := rapid.SampledFrom(ofDates(s)).Draw(t, "column")
			op := rapid.SampledFrom(filter.DateOperators()).Filter(func(op filter.Operator) bool {
				return slices.Contains(filter.Operators(c.Type), op)
			}).Draw(t, "operator")
			g = &filter.Group{Logic: rapid.SampledFrom([]filter.Logic{filter.And, filter.Or}).Draw(t, "logic"), Items: []filter.Node{filtertest.Condition(t, c, op), g}}
		}
		for _, row := range w.Tables["thing"] {
			for _, c := range ofDates(s) {
				if rapid.Bool().Draw(t, "near") {
					row.Values[c.Name] = drawDate(t, c, scope)
				}
			}
			checkNext(t, s, g, *scope, row, false)
		}
	})
}

// looksIntoMany reports whether a filter has a condition, relative to the time, on the rows
// of a relationship that has many.
func looksIntoMany(t *rapid.T, s *schema.Schema, g *filter.Group) bool {
	program, err := filter.Compile(s, "thing", g, filter.AsksAnything)
	if err != nil {
		t.Fatal(err)
	}
	var many func(p *filter.Program) bool
	var through func(lookups []filter.Follow) bool
	through = func(lookups []filter.Follow) bool {
		return slices.ContainsFunc(lookups, func(f filter.Follow) bool { return slices.ContainsFunc(f.Inner, many) || through(f.Lookups) })
	}
	many = func(p *filter.Program) bool {
		needs := p.Needs()
		return slices.ContainsFunc(needs.Related, func(r filter.Reach) bool { return r.Inner.Needs().Asks&filter.AsksNow != 0 }) || through(needs.Lookups)
	}
	return many(program)
}

// TestNext: moments that a person can check.
func TestNext(t *testing.T) {
	s := loadSchema(t)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	moment := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, test := range []struct {
		name  string
		where *filter.Group
		now   string
		want  string
	}{
		{"yesterday begins", and(condition("seenon", filter.Yesterday)), "2026-03-28T12:00:00Z", "2026-03-28T23:00:00Z"},
		{"and ends, a day of 23 hours later", and(condition("seenon", filter.Yesterday)), "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"and never comes back", and(condition("seenon", filter.Yesterday)), "2026-03-29T22:00:00Z", ""},
		{"a moment is past", and(condition("seenon", filter.LastXHours, schema.Int(2))), "2026-03-28T10:00:00Z", "2026-03-28T11:30:00Z"},
		{"two hours are over a second later", and(condition("seenon", filter.LastXHours, schema.Int(2))), "2026-03-28T12:00:00Z", "2026-03-28T13:30:01Z"},
		{"far away", and(condition("seenon", filter.OlderThanXYears, schema.Int(1000))), "2026-03-28T12:00:00Z", "3026-03-28T22:00:00Z"},
		{"beyond the end of time", and(condition("seenon", filter.OlderThanXYears, schema.Int(1_000_000))), "2026-03-28T12:00:00Z", ""},
		{"decided by another condition", and(condition("name", filter.Eq, schema.Text("b")), condition("seenon", filter.Yesterday)), "2026-03-28T12:00:00Z", ""},
		{"not decided by it", or(condition("name", filter.Eq, schema.Text("b")), condition("seenon", filter.Yesterday)), "2026-03-28T12:00:00Z", "2026-03-28T23:00:00Z"},
		{"nothing is relative", and(condition("name", filter.Eq, schema.Text("a"))), "2026-03-28T12:00:00Z", ""},
		{"null", and(condition("modifiedon", filter.Yesterday)), "2026-03-28T12:00:00Z", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			program, err := filter.Compile(s, "thing", test.where, filter.AsksAnything)
			if err != nil {
				t.Fatal(err)
			}
			row := filtertest.Entry{Table: "thing", Values: map[string]schema.Value{
				"name": schema.Text("a"), "seenon": schema.Time(moment("2026-03-28T11:30:00Z")),
			}}
			at, ok, err := program.Next(row, &filter.Scope{Now: moment(test.now), Zone: berlin})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if ok {
				got = at.UTC().Format(time.RFC3339)
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
