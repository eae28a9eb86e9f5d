package filter_test

import (
	"slices"
	"time"
	_ "time/tzdata" // the zones of the tests, wherever they run

	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/filter/calendar"
	"segue/internal/schema"
)

// world is a few rows that point at each other. It is what a filter is evaluated in.
type world struct {
	tables map[string][]entry
}

type entry struct {
	table  string
	id     string
	values map[string]schema.Value
}

// Value implements filter.Row.
func (e entry) Value(column string) (schema.Value, error) { return e.values[column], nil }

// One implements filter.RelatedRows.
func (w world) One(row filter.Row, nav schema.Nav) (filter.Row, error) {
	v, err := row.Value(nav.Column.Name)
	to, ok := v.Ref()
	if err != nil || !ok || to.Table != nav.Target.Table {
		return nil, err
	}
	for _, e := range w.tables[to.Table] {
		if e.id == to.ID {
			return e, nil
		}
	}
	return nil, nil
}

// scoped is a world with the scope that inner programs are evaluated in.
type scoped struct {
	world
	scope *filter.Scope
}

// Any implements filter.RelatedRows.
func (w scoped) Any(row filter.Row, r schema.Relation, inner *filter.Program) (bool, error) {
	for _, e := range w.tables[r.Table.Name] {
		to, _ := e.values[r.Column.Name].Ref()
		if at := row.(entry); to.ID != at.id || to.Table != at.table {
			continue
		}
		if holds, err := inner.MatchIn(e, w.scope); holds || err != nil {
			return holds, err
		}
	}
	return false, nil
}

// drawWorld draws a few rows of thing and of part, whose ids are those of drawID.
func drawWorld(t *rapid.T, s *schema.Schema) world {
	w := world{tables: map[string][]entry{}}
	for _, table := range []string{"thing", "part"} {
		for _, id := range ids() {
			if rapid.IntRange(0, 4).Draw(t, "gone") == 0 {
				continue // what points at it points at nothing
			}
			w.tables[table] = append(w.tables[table], entry{table, id, drawRow(t, usable(s.Table(table)))})
		}
	}
	return w
}

func ids() []string {
	const start = "00000000-0000-0000-0000-00000000000"
	return []string{start + "1", start + "2", start + "a"}
}

// drawScope draws the time, near a change of the clocks, and a caller who may be one of
// the ids that rows have.
func drawScope(t *rapid.T) *filter.Scope {
	now, zone := drawMoment(t)
	caller := &filter.Caller{User: drawID(t), Unit: drawID(t)}
	for range rapid.IntRange(0, 2).Draw(t, "teams") {
		caller.Teams = append(caller.Teams, drawID(t))
	}
	return &filter.Scope{
		Now: now, Zone: zone, Week: time.Weekday(rapid.SampledFrom([]int{0, 0, 1, 6}).Draw(t, "week")),
		Fiscal: calendar.Fiscal{
			Month:   time.Month(rapid.IntRange(0, 12).Draw(t, "fiscal month")),
			Day:     rapid.SampledFrom([]int{0, 1, 6, 28}).Draw(t, "fiscal day"),
			Periods: rapid.SampledFrom([]int{0, 1, 2, 4, 12}).Draw(t, "periods"),
		},
		Caller: caller,
	}
}

// changes are moments at which the clocks of a zone change: by day and at midnight,
// forward and back, by an hour, by half of one and by a whole day.
func changes() map[string][]string {
	return map[string][]string{
		"UTC":               {"2026-01-01T00:00:00Z", "2024-02-29T12:00:00Z"},
		"Europe/Berlin":     {"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"},
		"America/New_York":  {"2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"},
		"America/Havana":    {"2026-03-08T05:00:00Z", "2026-11-01T05:00:00Z"},
		"Asia/Beirut":       {"2026-03-28T22:00:00Z", "2026-10-24T21:00:00Z"},
		"America/Sao_Paulo": {"2018-11-04T03:00:00Z", "2019-02-17T02:00:00Z"},
		"Australia/Lord_Howe": {
			"2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z",
		},
		"Pacific/Apia":   {"2011-12-30T10:00:00Z"},
		"Asia/Kathmandu": {"2026-06-30T18:15:00Z"},
	}
}

func drawMoment(t *rapid.T) (time.Time, *time.Location) {
	zones := make([]string, 0, len(changes()))
	for zone := range changes() {
		zones = append(zones, zone)
	}
	slices.Sort(zones)
	name := rapid.SampledFrom(zones).Draw(t, "zone")
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, rapid.SampledFrom(changes()[name]).Draw(t, "change"))
	if err != nil {
		t.Fatal(err)
	}
	return drawNear(t, at, zone), zone
}

// drawNear draws a moment around another one: near it, or near a midnight that is days,
// months or years away.
func drawNear(t *rapid.T, at time.Time, zone *time.Location) time.Time {
	seconds := time.Duration(rapid.IntRange(-2, 2).Draw(t, "seconds")) * time.Second
	switch rapid.IntRange(0, 3).Draw(t, "how far") {
	case 0:
		return at.Add(seconds)
	case 1:
		return at.Add(time.Duration(rapid.IntRange(-50, 50).Draw(t, "half hours"))*30*time.Minute + seconds)
	case 2:
		days := rapid.IntRange(-40, 40).Draw(t, "days")
		y, m, d := at.In(zone).Date()
		return time.Date(y, m, d+days, 0, 0, 0, 0, zone).Add(seconds)
	default:
		months := rapid.IntRange(-30, 30).Draw(t, "months")
		y, m, d := at.In(zone).Date()
		return time.Date(y, m+time.Month(months), d, 0, 0, 0, 0, zone).Add(seconds)
	}
}
