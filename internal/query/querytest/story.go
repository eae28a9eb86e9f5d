// Package querytest draws lists that are read in pages while rows are added, and says what
// must come of them. The tests of lists use it, and those of every way to ask a server for
// one. Nothing else imports it.
package querytest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/query"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// Story is a list that is read in pages, and what is there meanwhile.
type Story struct {
	Rows  []filtertest.Entry   // at the start
	Later [][]filtertest.Entry // made after each page, as long as there are some
	Table string
	Where *filter.Group
	Order []query.Order
	Scope *filter.Scope
	Limit []int // of the pages, by turns
	Cut   []int
	Count bool
}

// Draw draws a story of the tables of [filtertest.Schema]. What is made later nobody
// points at.
func Draw(t *rapid.T, s *schema.Schema) Story {
	c := Story{
		Table: rapid.SampledFrom(filtertest.Tables()).Draw(t, "table"), Scope: filtertest.Scope(t), Count: rapid.Bool().Draw(t, "count"),
		Limit: rapid.SliceOfN(rapid.IntRange(1, 8), 1, 4).Draw(t, "limit"), Cut: rapid.SliceOfN(rapid.IntRange(1, 8), 1, 4).Draw(t, "cut"),
	}
	table := s.Table(c.Table)
	c.Where = filtertest.Group(t, s, table, filtertest.Tables(), 4)
	if rapid.Bool().Draw(t, "wide") { // most trees hold for few rows, and so their lists have one page
		c.Where = filtertest.Group(t, s, table, filtertest.Tables(), 2)
		c.Where.Logic, c.Where.Items = filter.And, c.Where.Items[:min(1, len(c.Where.Items))]
		c.Limit = []int{1, 2}
	}
	if rapid.Bool().Draw(t, "narrow") && c.Table == "thing" { // so that indexes are used
		for _, column := range []string{"token", "statecode", "parentid", "seenon"} {
			if rapid.IntRange(0, 2).Draw(t, "by "+column) == 0 {
				op := filter.Eq
				if column == "seenon" {
					op = filter.Le
				}
				c.Where = &filter.Group{Logic: filter.And, Items: []filter.Node{filtertest.Condition(t, table.Column(column), op), c.Where}}
			}
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "orders") {
		o := query.Order{Descending: rapid.Bool().Draw(t, "descending")}
		at := table
		if c.Table == "part" && rapid.IntRange(0, 3).Draw(t, "path") == 0 {
			o.Path, at = []string{"ofid"}, s.Table("thing")
		}
		o.Column = rapid.SampledFrom(filtertest.Usable(at)).Draw(t, "column").Name
		c.Order = append(c.Order, o)
	}
	for _, list := range filtertest.DrawWorld(t, s, filtertest.Tables()).Tables {
		c.Rows = append(c.Rows, list...)
	}
	more := func(n int, name string) (list []filtertest.Entry) {
		for i := range n {
			in := s.Table(rapid.SampledFrom(filtertest.Tables()).Draw(t, "in"))
			list = append(list, filtertest.Entry{Table: in.Name, ID: rowstest.ID(name, i), Values: filtertest.Row(t, filtertest.Usable(in))})
		}
		return list
	}
	c.Rows = append(c.Rows, more(rapid.IntRange(0, 12).Draw(t, "rows"), "row")...)
	for i := range rapid.IntRange(0, 3).Draw(t, "times") {
		c.Later = append(c.Later, more(rapid.IntRange(1, 3).Draw(t, "new"), fmt.Sprint("later ", i)))
	}
	return c
}

// Check says whether what was read of a list, page after page, is what a naive filter finds
// in the world as it was at the start and as it is in the end: each row that matches all
// the time, each once, in order, and no row that never does. counted is how many rows the
// first page said there are, where the story counts.
func (c Story) Check(s *schema.Schema, before, after filtertest.World, found []string, counted int) error {
	return judge{s, c, before, after}.check(found, counted)
}

// judge says what a story must come to.
type judge struct {
	schema        *schema.Schema
	story         Story
	before, after filtertest.World
}

// matches returns the ids of the rows that match all the time, those of all that may have
// matched at some time, and how many matched at the start.
func (j judge) matches() (always, ever []string, first int) {
	was, is := filtertest.Oracle{Schema: j.schema, World: j.before, Scope: j.story.Scope}, filtertest.Oracle{Schema: j.schema, World: j.after, Scope: j.story.Scope}
	old := map[string]bool{}
	for _, e := range j.before.Tables[j.story.Table] {
		old[e.ID] = true
		then, now := was.Holds(j.story.Where, j.story.Table, e), is.Holds(j.story.Where, j.story.Table, e)
		if then {
			first++
		}
		if then && now {
			always = append(always, e.ID)
		}
		if then || now {
			ever = append(ever, e.ID)
		}
	}
	for _, e := range j.after.Tables[j.story.Table] {
		if !old[e.ID] {
			ever = append(ever, e.ID)
		}
	}
	slices.Sort(always)
	return always, ever, first
}

func (j judge) check(found []string, counted int) error {
	always, ever, first := j.matches()
	if j.story.Count && counted != first {
		return fmt.Errorf("%d rows are counted, want %d", counted, first)
	}
	entries := map[string]filtertest.Entry{}
	for _, e := range j.after.Tables[j.story.Table] {
		entries[e.ID] = e
	}
	var got []string
	var last filtertest.Entry
	for _, id := range found {
		if !slices.Contains(ever, id) {
			return fmt.Errorf("%s never matched", id)
		}
		e := entries[id]
		if last.ID != "" && j.compare(last, e) > 0 {
			return fmt.Errorf("%s comes before %s", last.ID, id)
		}
		last = e
		if slices.Contains(always, id) {
			got = append(got, id)
		}
	}
	slices.Sort(got)
	if d := gocmp.Diff(always, got); d != "" {
		return fmt.Errorf("rows that match all the time (-want +got):\n%s", d)
	}
	return nil
}

// compare orders two rows as the package says, the slow way.
func (j judge) compare(a, b filtertest.Entry) int {
	for _, o := range j.story.Order {
		x, y := j.value(a, o), j.value(b, o)
		n := 0
		switch {
		case x.IsNull() || y.IsNull():
			n = cmp.Compare(btoi(!x.IsNull()), btoi(!y.IsNull()))
		case x.Kind() == schema.KindText:
			s, _ := x.Text()
			t, _ := y.Text()
			n = strings.Compare(strings.ToLower(strings.TrimRight(s, " ")), strings.ToLower(strings.TrimRight(t, " ")))
		default:
			n = x.Compare(y)
		}
		if o.Descending {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return 0
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// value finds what a row is ordered by.
func (j judge) value(e filtertest.Entry, o query.Order) schema.Value {
	for _, column := range o.Path {
		e = j.pointed(e.Values[column])
	}
	v := e.Values[o.Column]
	if to, ok := v.Ref(); ok {
		end := j.pointed(v)
		if end.ID == "" {
			return schema.Null()
		}
		return end.Values[j.schema.Table(to.Table).PrimaryName]
	}
	return v
}

func (j judge) pointed(v schema.Value) filtertest.Entry {
	to, _ := v.Ref()
	for _, e := range j.after.Tables[to.Table] {
		if e.ID == to.ID {
			return e
		}
	}
	return filtertest.Entry{}
}
