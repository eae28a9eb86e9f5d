package segment

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// drawTimed is a tree with conditions on what is in the row, some of which are relative to
// the time.
func drawTimed(t *rapid.T, s *schema.Schema) *filter.Group {
	g := drawOwn(t, s)
	for range rapid.IntRange(0, 3).Draw(t, "conditions on time") {
		op := rapid.SampledFrom([]filter.Operator{
			filter.Today, filter.Yesterday, filter.NextXHours, filter.LastXHours, filter.OlderThanXHours, filter.LastXDays, filter.NextXDays, filter.ThisWeek,
		}).Draw(t, "operator")
		c := s.Table("thing").Column(rapid.SampledFrom([]string{"seenon", "createdon"}).Draw(t, "column"))
		logic := rapid.SampledFrom([]filter.Logic{filter.And, filter.Or}).Draw(t, "logic")
		g = &filter.Group{Logic: logic, Items: []filter.Node{filtertest.Condition(t, c, op), g}}
		if rapid.Bool().Draw(t, "alone") {
			g.Items = g.Items[:1]
		}
	}
	return g
}

// TestNextAgreesWithBruteForce: a record that is at rest stays where it is until the moment
// of Next, whenever it is decided on, and is somewhere else then.
func TestNextAgreesWithBruteForce(t *testing.T) {
	s := filtertest.Schema(t)
	changed := 0
	rapid.Check(t, func(t *rapid.T) {
		var order []name.SegmentID
		var segments []Entry
		for n := range rapid.IntRange(1, 5).Draw(t, "segments") {
			p, err := filter.Compile(s, "thing", drawTimed(t, s), filter.AsksNow)
			if err != nil {
				t.Fatal(err)
			}
			id := name.SegmentID(fmt.Sprint(n))
			order = append(order, id)
			segments = append(segments, Entry{ID: id, Name: "segment", Program: p, Takes: rapid.Bool().Draw(t, "takes"), Leaves: rapid.Bool().Draw(t, "leaves")})
		}
		c := NewCatalogue("thing", order, segments, nil)
		scope := filtertest.Scope(t)
		record := row(filtertest.Row(t, filtertest.Usable(s.Table("thing"))))
		for _, column := range []string{"seenon", "createdon"} {
			record[column] = schema.Time(filtertest.Near(t, scope.Now, scope.Zone))
		}
		present := rapid.SampledFrom(append(order, "", "gone")).Draw(t, "present")
		for crossing := range 40 {
			present = rest(t, c, record, present, *scope)
			at, ok, err := c.Next(record, present, scope)
			if err != nil || ok && !at.After(scope.Now) {
				t.Fatalf("Next = %v, %v, %v at %v", at, ok, err, scope.Now)
			}
			end := at.Add(-time.Second)
			if !ok {
				end = scope.Now.AddDate(0, 0, 70)
			}
			stays(t, c, record, present, *scope, end)
			if !ok {
				break
			}
			scope.Now = at
			decision, err := c.Decide(record, present, scope)
			if err != nil || !decision.Changes() {
				t.Fatalf("crossing %d: nothing changes at %v: %+v, %v", crossing, at, decision, err)
			}
			changed++
		}
	})
	if changed == 0 {
		t.Error("no membership ever changed")
	}
}

// rest is the segment that a record is in once it is decided on.
func rest(t *rapid.T, c *Catalogue, record row, present name.SegmentID, scope filter.Scope) name.SegmentID {
	for range 2 { // the second decision changes nothing
		decision, err := c.Decide(record, present, &scope)
		if err != nil {
			t.Fatal(err)
		}
		if !decision.Changes() {
			return present
		}
		present = ""
		if decision.Segment != nil {
			present = decision.Segment.ID
		}
	}
	if decision, err := c.Decide(record, present, &scope); err != nil || decision.Changes() {
		t.Fatalf("decided again: %+v, %v", decision, err)
	}
	return present
}

// stays checks at moments up to the end that a decision changes nothing.
func stays(t *rapid.T, c *Catalogue, record row, present name.SegmentID, scope filter.Scope, end time.Time) {
	begin := scope.Now
	step := max(end.Sub(begin)/50, time.Second)
	for at := begin; ; at = at.Add(step) {
		if at.After(end) {
			at = end
		}
		scope.Now = at.Truncate(time.Second)
		if decision, err := c.Decide(record, present, &scope); err != nil || decision.Changes() {
			t.Fatalf("at %v, which is after %v and not after %v: %+v, %v", scope.Now, begin, end, decision, err)
		}
		if !at.Before(end) {
			return
		}
	}
}
