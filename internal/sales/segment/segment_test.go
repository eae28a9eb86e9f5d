package segment

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// ids are segments by their ids.
func ids(list ...string) []name.SegmentID {
	var found []name.SegmentID
	for _, id := range list {
		found = append(found, name.SegmentID(id))
	}
	return found
}

// row is a record as a decision sees it.
type row map[string]schema.Value

func (r row) Value(column string) (schema.Value, error) { return r[column], nil }

// compile compiles the items of a root on leads.
func compile(t *testing.T, items string) *filter.Program {
	t.Helper()
	tables := schematest.Tables(t)
	group, err := filter.Parse(tables, "lead", `{"type":"and","items":[`+items+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	program, err := filter.Compile(tables, "lead", group)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// program matches a record that has at least this many employees, any record
// for 0.
func program(t *testing.T, atLeast int) *filter.Program {
	t.Helper()
	if atLeast == 0 {
		return compile(t, "")
	}
	return compile(t, fmt.Sprintf(`{"attribute":"numberofemployees","operator":"ge","values":[%d]}`, atLeast))
}

func employees(n int64) row { return row{"numberofemployees": schema.Int(n)} }

// verdict is a Decision without its text, which people read.
type verdict struct {
	Status  Status
	Segment string
	Moved   bool
	Left    string
}

// verdictOf is what a decision says, and what people are told.
func verdictOf(d Decision) verdict {
	v := verdict{Status: d.Status, Moved: d.Moved}
	if d.Segment != nil {
		v.Segment = string(d.Segment.ID)
	}
	if d.Left != nil {
		v.Left = string(d.Left.ID)
	}
	return v
}

func decide(t *testing.T, c *Catalogue, r row, present string) verdict {
	t.Helper()
	d, err := c.Decide(r, name.SegmentID(present), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.Because() == "" {
		t.Error("a decision without a reason")
	}
	return verdictOf(d)
}

func TestDecide_8_4(t *testing.T) {
	big := Entry{ID: "big", Name: "Big", Program: program(t, 1000)}
	bigTakes := big
	bigTakes.Takes = true
	bigLeaves, bigBoth := big, bigTakes
	bigLeaves.Leaves, bigBoth.Leaves = true, true
	middle := Entry{ID: "middle", Name: "Middle", Program: program(t, 100)}
	rest := Entry{ID: "rest", Name: "Default segment", Program: program(t, 0), Default: true}
	for _, test := range []struct {
		name     string
		order    []string
		segments []Entry
		record   row
		present  string
		want     verdict
	}{
		{"no segments", nil, nil, employees(5), "", verdict{Status: NoMatch}},
		{"nobody matches", []string{"big"}, []Entry{big}, employees(5), "", verdict{Status: NoMatch}},
		{"nobody matches a null", []string{"big"}, []Entry{big}, row{}, "", verdict{Status: NoMatch}},
		{"first of two that match", []string{"middle", "big"}, []Entry{big, middle}, employees(2000), "", verdict{Status: Segmented, Segment: "middle"}},
		{"second matches", []string{"big", "middle"}, []Entry{big, middle}, employees(200), "", verdict{Status: Segmented, Segment: "middle"}},
		{"inactive ones are ignored (§17.5)", []string{"big", "middle"}, []Entry{middle}, employees(2000), "", verdict{Status: Segmented, Segment: "middle"}},
		{"default last though first in the order (§17.6)", []string{"rest", "big"}, []Entry{rest, big}, employees(2000), "", verdict{Status: Segmented, Segment: "big"}},
		{"default takes the rest", []string{"big", "rest"}, []Entry{big, rest}, employees(5), "", verdict{Status: Segmented, Segment: "rest"}},
		{"still matches its own", []string{"big", "middle"}, []Entry{big, middle}, employees(200), "middle", verdict{Status: Unchanged, Segment: "middle"}},
		{"sticky: a higher one may not take it (§17.7)", []string{"big", "middle"}, []Entry{big, middle}, employees(2000), "middle", verdict{Status: Unchanged, Segment: "middle"}},
		{"a higher one takes it (§17.7)", []string{"big", "middle"}, []Entry{bigTakes, middle}, employees(2000), "middle", verdict{Status: Segmented, Segment: "big", Moved: true}},
		{"a lower one that takes loses to its own", []string{"middle", "big"}, []Entry{bigTakes, middle}, employees(2000), "middle", verdict{Status: Unchanged, Segment: "middle"}},
		{"matches its own no more, a lower one takes it", []string{"middle", "big"}, []Entry{bigTakes, {ID: "middle", Name: "Middle", Program: program(t, 5000)}}, employees(2000), "middle", verdict{Status: Segmented, Segment: "big", Moved: true}},
		{"matches its own no more, others may not take it", []string{"big", "middle"}, []Entry{big, middle}, employees(200), "big", verdict{Status: NotAllowed}},
		{"matches nothing any more: stays", []string{"big"}, []Entry{big}, employees(5), "big", verdict{Status: NoMatch}},
		{"its own is inactive: stays", []string{"big", "middle"}, []Entry{middle}, employees(2000), "big", verdict{Status: NotAllowed}},
		{"its own was deleted: enters again", []string{"middle"}, []Entry{middle}, employees(2000), "gone", verdict{Status: Segmented, Segment: "middle"}},
		{"left, and nobody matches", []string{"big"}, []Entry{bigLeaves}, employees(5), "big", verdict{Status: NoMatch, Left: "big"}},
		{"left for one that takes none", []string{"big", "middle"}, []Entry{bigLeaves, middle}, employees(200), "big", verdict{Status: Segmented, Segment: "middle", Moved: true, Left: "big"}},
		{"still matches the one that members leave", []string{"middle", "big"}, []Entry{bigLeaves, middle}, employees(2000), "big", verdict{Status: Unchanged, Segment: "big"}},
		{"taken from the one that it still matches", []string{"big", "middle"}, []Entry{bigBoth, {ID: "middle", Name: "Middle", Program: program(t, 100), Leaves: true}}, employees(2000), "middle", verdict{Status: Segmented, Segment: "big", Moved: true}},
		{"nobody leaves an inactive one", []string{"big", "middle"}, []Entry{{ID: "middle", Name: "Middle", Program: program(t, 100), Leaves: true}}, employees(5), "big", verdict{Status: NoMatch}},
		{"its own was deleted and nobody matches", []string{"middle"}, []Entry{middle}, employees(5), "gone", verdict{Status: NoMatch}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := NewCatalogue("lead", ids(test.order...), test.segments, nil)
			if d := cmp.Diff(test.want, decide(t, c, test.record, test.present)); d != "" {
				t.Error(d)
			}
		})
	}
}

// broken is a record whose columns cannot be read.
type broken struct{}

func (broken) Value(column string) (schema.Value, error) {
	return schema.Null(), fmt.Errorf("no %s", column)
}

func TestDecideNamesTheSegmentThatFails(t *testing.T) {
	c := NewCatalogue("lead", ids("big"), []Entry{{ID: "big", Name: "Big", Program: program(t, 1)}}, nil)
	_, err := c.Decide(broken{}, "", nil)
	if err == nil || !strings.HasPrefix(err.Error(), "segment Big (big): ") {
		t.Errorf("got %v", err)
	}
}

func TestCatalogueColumns(t *testing.T) {
	c := NewCatalogue("lead", ids("a", "b"), []Entry{
		{ID: "a", Program: compile(t, `{"attribute":"subject","operator":"not-null"},{"attribute":"modifiedon","operator":"not-null"}`)},
		{ID: "b", Program: compile(t, `{"attribute":"subject","operator":"null"},{"attribute":"companyname","operator":"null"}`)},
	}, []string{"modifiedon"})
	if d := cmp.Diff([]string{"companyname", "subject"}, c.Columns); d != "" {
		t.Error(d)
	}
}

// oracle is §8.4 as its pseudo code has it, on thresholds in place of programs.
func oracle(order []string, active map[string]model, count int, present string) verdict {
	if s, ok := active[present]; ok && s.leaves && count < s.atLeast && slices.Contains(order, present) {
		left := oracle(order, active, count, "") // as if it had been in none
		left.Moved, left.Left = left.Status == Segmented, present
		return left
	}
	known := slices.Contains(order, present)
	var candidates []string // active ones by priority, default last
	for _, last := range []bool{false, true} {
		for _, id := range order {
			if s, ok := active[id]; ok && s.isDefault == last {
				candidates = append(candidates, id)
			}
		}
	}
	better := false
	for _, id := range candidates {
		s := active[id]
		if count < s.atLeast {
			continue
		}
		if !known {
			return verdict{Status: Segmented, Segment: id}
		}
		if id == present {
			return verdict{Status: Unchanged, Segment: id}
		}
		if s.takes {
			return verdict{Status: Segmented, Segment: id, Moved: true}
		}
		better = true
	}
	if better {
		return verdict{Status: NotAllowed}
	}
	return verdict{Status: NoMatch}
}

type model struct {
	atLeast          int
	takes, isDefault bool
	leaves           bool
}

func TestDecideAgreesWithTheOracle(t *testing.T) {
	var programs []*filter.Program
	for n := range 6 {
		programs = append(programs, program(t, n))
	}
	rapid.Check(t, func(t *rapid.T) {
		var order []string
		active := map[string]model{}
		var segments []Entry
		for n := range rapid.IntRange(0, 7).Draw(t, "segments") {
			id := fmt.Sprint("s", n)
			order = append(order, id)
			if !rapid.Bool().Draw(t, "active") {
				continue
			}
			m := model{rapid.IntRange(0, 5).Draw(t, "at least"), rapid.Bool().Draw(t, "takes"), n == 0, rapid.Bool().Draw(t, "leaves")}
			active[id] = m
			segments = append(segments, Entry{ID: name.SegmentID(id), Name: id, Program: programs[m.atLeast], Takes: m.takes, Leaves: m.leaves, Default: m.isDefault})
		}
		order = rapid.Permutation(order).Draw(t, "order")
		present := rapid.SampledFrom(append([]string{"", "deleted"}, order...)).Draw(t, "present")
		count := rapid.IntRange(0, 6).Draw(t, "employees")

		d, err := NewCatalogue("lead", ids(order...), segments, nil).Decide(employees(int64(count)), name.SegmentID(present), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := verdictOf(d)
		if diff := cmp.Diff(oracle(order, active, count, present), got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestPlace_8_2(t *testing.T) {
	for _, test := range []struct {
		name     string
		order    []string
		id       string
		position int
		want     []string
	}{
		{"into nothing", nil, "a", 1, []string{"a"}},
		{"in the middle renumbers (§17.6)", []string{"a", "b", "last"}, "x", 2, []string{"a", "x", "b", "last"}},
		{"at the top", []string{"a", "last"}, "x", 1, []string{"x", "a", "last"}},
		{"0 is the end", []string{"a", "last"}, "x", 0, []string{"a", "x", "last"}},
		{"beyond the end", []string{"a", "last"}, "x", 99, []string{"a", "x", "last"}},
		{"up", []string{"a", "b", "c", "last"}, "c", 1, []string{"c", "a", "b", "last"}},
		{"down", []string{"a", "b", "c", "last"}, "a", 3, []string{"b", "c", "a", "last"}},
		{"the default never moves up", []string{"a", "last"}, "last", 1, []string{"a", "last"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if d := cmp.Diff(ids(test.want...), Place(ids(test.order...), name.SegmentID(test.id), test.position, "last")); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestPlaceKeepsTheOrder: a placed order is the old one plus id, with id where
// it was asked for, the others as they stood and the default segment last.
func TestPlaceKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-h]`), 0, 8, rapid.ID[string]).Draw(t, "ids")
		order := ids(append(given, "last")...)
		id := rapid.SampledFrom([]string{"a", "b", "new"}).Draw(t, "id")
		position := rapid.IntRange(0, 12).Draw(t, "position")
		before := slices.Clone(order)

		placed := Place(order, name.SegmentID(id), position, "last")
		if d := cmp.Diff(before, order); d != "" {
			t.Fatalf("the given order changed:\n%s", d)
		}
		others := Remove(order, name.SegmentID(id))
		if d := cmp.Diff(others, Remove(placed, name.SegmentID(id))); d != "" {
			t.Fatalf("the others moved:\n%s", d)
		}
		want := len(placed) - 1
		if position > 0 {
			want = min(position, want)
		}
		if got := slices.Index(placed, name.SegmentID(id)) + 1; got != want {
			t.Fatalf("%s is at %d of %q, want %d", id, got, placed, want)
		}
		if placed[len(placed)-1] != "last" {
			t.Fatalf("%q does not end with the default segment", placed)
		}
		if gone := Remove(placed, name.SegmentID(id)); slices.Contains(gone, name.SegmentID(id)) {
			t.Fatalf("%s is still in %q", id, gone)
		}
	})
}

// decideOneByOne is the rule of §8.4 as it is written, asking one program after another.
func decideOneByOne(t *rapid.T, c *Catalogue, record filter.Row, present name.SegmentID) verdict {
	if !c.Known[present] {
		present = ""
	}
	if at := slices.IndexFunc(c.Segments, func(e Entry) bool { return e.ID == present && e.Leaves }); at >= 0 {
		if matches, err := c.Segments[at].Program.Match(record); err != nil {
			t.Fatal(err)
		} else if !matches {
			left := decideOneByOne(t, c, record, "")
			left.Moved, left.Left = left.Status == Segmented, string(present)
			return left
		}
	}
	refused := false
	for _, s := range c.Segments {
		matches, err := s.Program.Match(record)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case !matches:
		case present == "":
			return verdict{Status: Segmented, Segment: string(s.ID)}
		case s.ID == present:
			return verdict{Status: Unchanged, Segment: string(s.ID)}
		case s.Takes:
			return verdict{Status: Segmented, Segment: string(s.ID), Moved: true}
		default:
			refused = true
		}
	}
	if refused {
		return verdict{Status: NotAllowed}
	}
	return verdict{Status: NoMatch}
}

// TestDecideAgreesWithPrograms draws catalogues and records.
func TestDecideAgreesWithPrograms(t *testing.T) {
	s := filtertest.Schema(t)
	rapid.Check(t, func(t *rapid.T) {
		var order []name.SegmentID
		var segments []Entry
		for n := range rapid.IntRange(0, 6).Draw(t, "segments") {
			id := name.SegmentID(fmt.Sprint(n))
			order = append(order, id)
			if rapid.IntRange(0, 4).Draw(t, "inactive") == 0 {
				continue
			}
			p, err := filter.Compile(s, "thing", drawOwn(t, s))
			if err != nil {
				t.Fatal(err)
			}
			segments = append(segments, Entry{ID: id, Name: "segment", Program: p, Takes: rapid.Bool().Draw(t, "takes"), Leaves: rapid.Bool().Draw(t, "leaves"), Default: n == 5})
		}
		order = rapid.Permutation(order).Draw(t, "order")
		c := NewCatalogue("thing", order, segments, nil)
		record := row(filtertest.Row(t, filtertest.Usable(s.Table("thing"))))
		present := rapid.SampledFrom(append(order, "", "gone")).Draw(t, "present")
		d, err := c.Decide(record, present, nil)
		got := verdictOf(d)
		if want := decideOneByOne(t, c, record, present); err != nil || got != want || d.Because() == "" {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
		checkAgain(t, c, record, present, d)
	})
}

// checkAgain decides again on the membership that a decision leaves: nothing changes.
func checkAgain(t *rapid.T, c *Catalogue, record filter.Row, present name.SegmentID, d Decision) {
	want := d
	if d.Segment != nil {
		present, want = d.Segment.ID, Decision{Status: Unchanged, Segment: d.Segment}
	}
	if again, err := c.Decide(record, present, nil); err != nil || again != want {
		t.Fatalf("decided %+v, and again %+v, %v", d, again, err)
	}
}

// drawOwn draws a tree whose conditions ask for nothing but the row.
func drawOwn(t *rapid.T, s *schema.Schema) *filter.Group {
	for {
		g := filtertest.Group(t, s, s.Table("thing"), nil, 3)
		if g.Asks() == 0 {
			return g
		}
	}
}
