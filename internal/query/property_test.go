package query_test

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/clock"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/store"
)

// story is a list that is read in pages, and what is there meanwhile.
type story struct {
	rows  []filtertest.Entry   // at the start
	later [][]filtertest.Entry // made after each page, as long as there are some
	table string
	where *filter.Group
	order []query.Order
	scope *filter.Scope
	limit []int // of the pages, by turns
	cut   []int
	count bool
}

// drawStory draws a story. What is made later nobody points at.
func drawStory(t *rapid.T, s *schema.Schema) story {
	c := story{
		table: rapid.SampledFrom(filtertest.Tables()).Draw(t, "table"), scope: filtertest.Scope(t), count: rapid.Bool().Draw(t, "count"),
		limit: rapid.SliceOfN(rapid.IntRange(1, 8), 1, 4).Draw(t, "limit"), cut: rapid.SliceOfN(rapid.IntRange(1, 8), 1, 4).Draw(t, "cut"),
	}
	table := s.Table(c.table)
	c.where = filtertest.Group(t, s, table, filtertest.Tables(), 4)
	if rapid.Bool().Draw(t, "narrow") && c.table == "thing" { // so that indexes are used
		for _, column := range []string{"token", "statecode", "parentid", "seenon"} {
			if rapid.IntRange(0, 2).Draw(t, "by "+column) == 0 {
				op := filter.Eq
				if column == "seenon" {
					op = filter.Le
				}
				c.where = &filter.Group{Logic: filter.And, Items: []filter.Node{filtertest.Condition(t, table.Column(column), op), c.where}}
			}
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "orders") {
		o := query.Order{Descending: rapid.Bool().Draw(t, "descending")}
		at := table
		if c.table == "part" && rapid.IntRange(0, 3).Draw(t, "path") == 0 {
			o.Path, at = []string{"ofid"}, s.Table("thing")
		}
		o.Column = rapid.SampledFrom(filtertest.Usable(at)).Draw(t, "column").Name
		c.order = append(c.order, o)
	}
	for _, list := range filtertest.DrawWorld(t, s, filtertest.Tables()).Tables {
		c.rows = append(c.rows, list...)
	}
	more := func(n int, name string) (list []filtertest.Entry) {
		for i := range n {
			in := s.Table(rapid.SampledFrom(filtertest.Tables()).Draw(t, "in"))
			list = append(list, filtertest.Entry{Table: in.Name, ID: rowstest.ID(name, i), Values: filtertest.Row(t, filtertest.Usable(in))})
		}
		return list
	}
	c.rows = append(c.rows, more(rapid.IntRange(0, 12).Draw(t, "rows"), "row")...)
	for i := range rapid.IntRange(0, 3).Draw(t, "times") {
		c.later = append(c.later, more(rapid.IntRange(1, 3).Draw(t, "new"), fmt.Sprint("later ", i)))
	}
	return c
}

// stage is a store on which stories are played, one after the other.
type stage struct {
	db    *rows.DB
	there []rows.Ref
}

// make makes rows, as they can be stored.
func (p *stage) make(ctx context.Context, list []filtertest.Entry) error {
	tx := p.db.Begin("")
	for _, e := range list {
		values := map[string]schema.Value{}
		t := p.db.Schema().Table(e.Table)
		for column, v := range e.Values {
			if text, ok := v.Text(); ok && t.Column(column).Type != schema.GUID {
				v = schema.Text(strings.ToValidUTF8(text, "?"))
			}
			if column != t.ID && column != rows.Version {
				values[column] = v
			}
		}
		p.there = append(p.there, tx.Create(t, e.ID, values).Ref())
	}
	return tx.Commit(ctx)
}

// clear takes all rows away.
func (p *stage) clear(ctx context.Context) error {
	tx := p.db.Begin("")
	found, err := tx.Load(ctx, p.there...)
	if err != nil {
		return err
	}
	for _, row := range found {
		tx.Delete(row)
	}
	p.there = nil
	return tx.Commit(ctx)
}

// world is all rows, as they are.
func (p *stage) world(ctx context.Context) (filtertest.World, error) {
	w := filtertest.World{Tables: map[string][]filtertest.Entry{}}
	found, err := p.db.Get(ctx, p.there...)
	for _, row := range found {
		values := row.Values()
		values[row.Table.ID], values[rows.Version] = schema.Text(row.ID), schema.Int(row.Version)
		w.Tables[row.Table.Name] = append(w.Tables[row.Table.Name], filtertest.Entry{Table: row.Table.Name, ID: row.ID, Values: values})
	}
	return w, err
}

// play reads the list of a story and compares it with what the oracle says of all rows.
func (p *stage) play(ctx context.Context, c story) error {
	defer func() { _ = p.clear(ctx) }()
	if err := p.make(ctx, c.rows); err != nil {
		return err
	}
	s := p.db.Schema()
	before, err := p.world(ctx)
	if err != nil {
		return err
	}
	q := query.Query{Table: s.Table(c.table), Where: c.where, Order: c.order, Scope: c.scope, Count: c.count}
	var found []string
	counted := 0
	for page := 0; ; page++ {
		q.Limit = c.limit[page%len(c.limit)]
		list, err := query.New(p.db).Select(ctx, q)
		if err != nil {
			return err
		}
		if page == 0 {
			counted = list.Count
		}
		list.Cut(c.cut[page%len(c.cut)])
		for _, row := range list.Rows {
			found = append(found, row.ID)
		}
		if q.Token = list.Token; q.Token == "" {
			break
		}
		if page < len(c.later) {
			if err := p.make(ctx, c.later[page]); err != nil {
				return err
			}
		}
	}
	after, err := p.world(ctx)
	if err != nil {
		return err
	}
	return judge{s, c, before, after}.check(found, counted)
}

// judge says what a story must come to.
type judge struct {
	schema        *schema.Schema
	story         story
	before, after filtertest.World
}

func (j judge) check(found []string, counted int) error {
	was, is := filtertest.Oracle{Schema: j.schema, World: j.before, Scope: j.story.scope}, filtertest.Oracle{Schema: j.schema, World: j.after, Scope: j.story.scope}
	var always, ever []filtertest.Entry
	at := 0 // matched at the start
	for _, e := range j.before.Tables[j.story.table] {
		then, now := was.Holds(j.story.where, j.story.table, e), is.Holds(j.story.where, j.story.table, e)
		if then {
			at++
		}
		if then && now {
			always = append(always, e)
		}
		if then || now {
			ever = append(ever, e)
		}
	}
	for _, e := range j.after.Tables[j.story.table] {
		if !slices.ContainsFunc(j.before.Tables[j.story.table], func(old filtertest.Entry) bool { return old.ID == e.ID }) {
			ever = append(ever, e)
		}
	}
	if j.story.count && counted != at {
		return fmt.Errorf("%d rows are counted, want %d", counted, at)
	}
	var want, got []string
	for _, e := range always {
		want = append(want, e.ID)
	}
	var last filtertest.Entry
	for _, id := range found {
		if !slices.ContainsFunc(ever, func(e filtertest.Entry) bool { return e.ID == id }) {
			return fmt.Errorf("%s never matched", id)
		}
		e := j.after.Tables[j.story.table][slices.IndexFunc(j.after.Tables[j.story.table], func(e filtertest.Entry) bool { return e.ID == id })]
		if last.ID != "" && j.compare(last, e) > 0 {
			return fmt.Errorf("%s comes before %s", last.ID, id)
		}
		last = e
		if slices.Contains(want, id) {
			got = append(got, id)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := gocmp.Diff(want, got); d != "" {
		return fmt.Errorf("rows that match all the time (-want +got):\n%s", d)
	}
	return nil
}

// compare orders two rows as the package says, the slow way.
func (j judge) compare(a, b filtertest.Entry) int {
	for _, o := range j.story.order {
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

// TestLists: whatever the condition, the order and the pages, a list has the rows that a
// naive filter finds among all rows, each once and in order, while others are made.
func TestLists(t *testing.T) {
	s := filtertest.Schema(t)
	open := func(in store.Store) *stage {
		return &stage{db: rows.New(in, s, clock.Of(rowstest.Clock))}
	}
	t.Run("embedded", func(t *testing.T) {
		p := open(rowstest.Open(t, filepath.Join(t.TempDir(), "rows.db")))
		rapid.Check(t, func(rt *rapid.T) {
			c := drawStory(rt, s)
			if err := p.play(t.Context(), c); err != nil {
				explained, _ := query.New(p.db).Explain(query.Query{Table: s.Table(c.table), Where: c.where, Order: c.order, Scope: c.scope})
				rt.Fatalf("%s of %s by %v, %+v: %v", c.where, c.table, c.order, explained, err)
			}
		})
	})
	t.Run("DynamoDB", func(t *testing.T) {
		p := open(dynamotest.Open(t, rows.Indexes()))
		stories := rapid.Custom(func(rt *rapid.T) story { return drawStory(rt, s) })
		for seed := range 12 {
			c := stories.Example(seed)
			if err := p.play(t.Context(), c); err != nil {
				t.Fatalf("seed %d: %s of %s by %v: %v", seed, c.where, c.table, c.order, err)
			}
		}
	})
}
