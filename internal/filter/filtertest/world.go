package filtertest

import (
	"slices"
	"time"
	_ "time/tzdata" // the zones of the tests, wherever they run

	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/schema"
)

// World is a few rows that point at each other, by table. It is what a filter is
// evaluated in.
type World struct{ Tables map[string][]Entry }

// Entry is a row of a table. It implements [filter.Row].
type Entry struct {
	Table, ID string
	Values    map[string]schema.Value
}

// Value returns the value of a column.
func (e Entry) Value(column string) (schema.Value, error) { return e.Values[column], nil }

// Whole empties the lookups that point at rows which are not there.
func (w World) Whole() World {
	for _, entries := range w.Tables {
		for _, e := range entries {
			for column, v := range e.Values {
				to, ok := v.Ref()
				if ok && !slices.ContainsFunc(w.Tables[to.Table], func(other Entry) bool { return other.ID == to.ID }) {
					e.Values[column] = schema.Null()
				}
			}
		}
	}
	return w
}

// Related returns the rows of the world as a program asks for them, which evaluates
// conditions on them in a scope.
func (w World) Related(scope *filter.Scope) filter.RelatedRows { return related{w, scope} }

type related struct {
	world World
	scope *filter.Scope
}

// One implements [filter.RelatedRows].
func (r related) One(row filter.Row, nav schema.Nav) (filter.Row, error) {
	v, err := row.Value(nav.Column.Name)
	to, ok := v.Ref()
	if err != nil || !ok || to.Table != nav.Target.Table {
		return nil, err
	}
	for _, e := range r.world.Tables[to.Table] {
		if e.ID == to.ID {
			return e, nil
		}
	}
	return nil, nil //nolint:nilnil // there is no such row
}

// Any implements [filter.RelatedRows].
func (r related) Any(row filter.Row, relation schema.Relation, inner *filter.Program) (bool, error) {
	at, _ := row.(Entry)
	for _, e := range r.world.Tables[relation.Table.Name] {
		if to, _ := e.Values[relation.Column.Name].Ref(); to.ID != at.ID || to.Table != at.Table {
			continue
		}
		if holds, err := inner.MatchIn(e, r.scope); holds || err != nil {
			return holds, err
		}
	}
	return false, nil
}

// Above implements [filter.RelatedRows].
func (r related) Above(t *schema.Table, id string) ([]string, error) {
	var ids []string
	for at := id; len(ids) < filter.MaxLevels; {
		i := slices.IndexFunc(r.world.Tables[t.Name], func(e Entry) bool { return e.ID == at })
		if i < 0 {
			break
		}
		to, ok := r.world.Tables[t.Name][i].Values[t.Parent().Name].Ref()
		if !ok || to.ID == id || slices.Contains(ids, to.ID) {
			break
		}
		ids, at = append(ids, to.ID), to.ID
	}
	return ids, nil
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

// Moment draws a moment near a change of the clocks of a zone.
func Moment(t *rapid.T) (time.Time, *time.Location) {
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
	return Near(t, at, zone), zone
}

// Near draws a moment around another one: near it, or near a midnight that is days,
// months or years away.
func Near(t *rapid.T, at time.Time, zone *time.Location) time.Time {
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
