package query_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"segue/internal/clock"
	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// calls is a table with an index of each kind that may have an order.
func calls(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.Load(schema.Files(), fstest.MapFS{"tables/visit.json": {Data: []byte(`{
		"name": "visit", "set": "visits", "label": "Visit", "id": "visitid", "primaryName": "name",
		"states": [{"value": 0, "label": "Planned", "statuses": [{"value": 1, "label": "Planned"}]},
			{"value": 1, "label": "Done", "statuses": [{"value": 2, "label": "Done"}]}],
		"indexes": [
			{"name": "planned", "serves": "planned visits by date", "on": "gsi1", "partition": ["{table}"], "shards": true, "sort": ["day", "minutes"], "when": {"statecode": 0}},
			{"name": "room", "serves": "visits in a room", "on": "gsi3", "partition": ["roomid"], "sort": ["startedon"]}],
		"columns": [
			{"name": "name", "label": "Name", "type": "string", "maxLength": 2000},
			{"name": "day", "label": "Day", "type": "date"},
			{"name": "minutes", "label": "Minutes", "type": "integer", "min": 0, "max": 1440},
			{"name": "startedon", "label": "Started", "type": "datetime"},
			{"name": "kind", "label": "Kind", "type": "choice", "options": [{"value": 1, "label": "Talk"}, {"value": 7, "label": "Tour"}]},
			{"name": "paid", "label": "Paid", "type": "boolean"},
			{"name": "price", "label": "Price", "type": "money"},
			{"name": "weight", "label": "Weight", "type": "double"},
			{"name": "roomid", "label": "Room", "type": "guid"},
			{"name": "shown", "label": "Shown", "type": "string", "maxLength": 10, "write": "engine", "shown": true},
			{"name": "accountid", "label": "Account", "type": "lookup", "targets": [{"table": "account"}]},
			{"name": "ownerid", "label": "Owner", "type": "lookup", "targets": [{"table": "systemuser", "nav": "ownerid"}, {"table": "team", "nav": "ownerid"}]}
		]}`)}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// visits is rows of that table in a store of its own.
type visits struct {
	*rows.DB
	*query.Reader
	t     testing.TB
	table *schema.Table
}

func newVisits(t testing.TB) visits {
	t.Helper()
	s := calls(t)
	db := rows.New(rowstest.Open(t, filepath.Join(t.TempDir(), "visits.db")), s, clock.Of(rowstest.Clock))
	return visits{db, query.New(db), t, s.Table("visit")}
}

// put makes visits.
func (v visits) put(all ...values) {
	v.t.Helper()
	v.make("visit", all...)
}

func (v visits) make(table string, all ...values) {
	v.t.Helper()
	for start := 0; start < len(all); start += 100 {
		tx := v.Begin("")
		for i := start; i < min(start+100, len(all)); i++ {
			tx.Create(v.Schema().Table(table), rowstest.ID(table, i), all[i])
		}
		if err := tx.Commit(v.t.Context()); err != nil {
			v.t.Fatal(err)
		}
	}
}

func (v visits) list(q query.Query) []string {
	v.t.Helper()
	q.Table = v.table
	var found []string
	for {
		page, err := v.Select(v.t.Context(), q)
		if err != nil {
			v.t.Fatal(err)
		}
		for _, row := range page.Rows {
			found = append(found, row.ID)
		}
		if q.Token = page.Token; q.Token == "" {
			return found
		}
		if strings.Trim(q.Token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			v.t.Fatalf("the token %q is not safe in a URL", q.Token)
		}
	}
}

func day(n int) schema.Value {
	return schema.Time(time.Date(2026, 3, 1+n, 0, 0, 0, 0, time.UTC))
}

func by(columns ...string) (order []query.Order) {
	for _, c := range columns {
		name, descending := strings.CutSuffix(c, " desc")
		order = append(order, query.Order{Column: name, Descending: descending})
	}
	return order
}

// Null comes first, text as it is compared, numbers by size, a choice by its number, a
// lookup by the name of what it points at.
func TestOrder(t *testing.T) {
	v := newVisits(t)
	ref := func(table string, n int) schema.Value { return schema.Ref(link(table, n)) }
	v.make("account", values{"name": schema.Text("zebra")}, values{"name": schema.Text("Apple")}, values{})
	v.make("systemuser", values{"fullname": schema.Text("Zoe")})
	v.make("team", values{"name": schema.Text("alpha")})
	dec := func(text string) schema.Value { return schema.Dec(decimal.RequireFromString(text)) }
	v.put(
		values{"name": schema.Text("b"), "kind": schema.Int(7), "paid": schema.Bool(true), "price": dec("10"), "weight": schema.Float(-1), "accountid": ref("account", 0), "ownerid": ref("systemuser", 0), "day": day(1)},
		values{"name": schema.Text("Á"), "kind": schema.Int(1), "paid": schema.Bool(false), "price": dec("9.5"), "weight": schema.Float(1e30), "accountid": ref("account", 1), "ownerid": ref("team", 0), "day": day(0)},
		values{"name": schema.Text("A "), "price": dec("-1000000000000.0001"), "accountid": ref("account", 2), "day": day(1), "minutes": schema.Int(5)},
		values{"name": schema.Text("a"), "accountid": ref("account", 9), "day": day(1), "minutes": schema.Int(40)})
	ids := []string{rowstest.ID("visit", 0), rowstest.ID("visit", 1), rowstest.ID("visit", 2), rowstest.ID("visit", 3)}
	inOrder := func(numbers ...int) []int { // of those with the same place by id
		slices.SortFunc(numbers, func(a, b int) int { return cmp.Compare(ids[a], ids[b]) })
		return numbers
	}
	two, three := inOrder(2, 3), inOrder(0, 1, 2, 3)
	for order, want := range map[string][]int{
		"name":                 {two[0], two[1], 0, 1},
		"name desc":            {1, 0, two[1], two[0]},
		"kind":                 {two[0], two[1], 1, 0},
		"paid":                 {two[0], two[1], 1, 0},
		"price":                {3, 2, 1, 0},
		"weight desc":          {1, 0, two[1], two[0]},
		"accountid":            {two[0], two[1], 1, 0},
		"ownerid":              {two[0], two[1], 1, 0},
		"day desc,minutes":     {0, 2, 3, 1},
		"day,minutes desc":     {1, 3, 2, 0},
		"day,minutes":          {1, 0, 2, 3},
		"visitid":              three,
		"accountid/name desc":  {0, 1, two[1], two[0]},
		"ownerid/name desc":    append([]int{1}, reversed(inOrder(0, 2, 3))...), // users have no such column
		"startedon":            three,
		"kind desc,price desc": {0, 1, 2, 3},
	} {
		var by []query.Order
		for part := range strings.SplitSeq(order, ",") {
			name, descending := strings.CutSuffix(part, " desc")
			path := strings.Split(name, "/")
			by = append(by, query.Order{Path: path[:len(path)-1], Column: path[len(path)-1], Descending: descending})
		}
		for limit := 1; limit <= 5; limit++ {
			var got []int
			for _, id := range v.list(query.Query{Order: by, Limit: limit}) {
				got = append(got, slices.Index(ids, id))
			}
			if d := gocmp.Diff(want, got); d != "" {
				t.Errorf("by %s, pages of %d:\n%s", order, limit, d)
			}
		}
	}
}

func reversed(list []int) []int { slices.Reverse(list); return list }

// An index that begins with the columns of an order serves it, in both directions.
func TestExplain(t *testing.T) {
	v := newVisits(t)
	room := values{"roomid": schema.Text(rowstest.ID("room", 1))}
	planned := values{"statecode": schema.Int(0)}
	and := func(eq *filter.Group, c ...filter.Node) *filter.Group { eq.Items = append(eq.Items, c...); return eq }
	where := func(column string, op filter.Operator, v ...schema.Value) filter.Node {
		return &filter.Condition{Column: column, Operator: op, Values: v}
	}
	start := schema.Time(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	for name, test := range map[string]struct {
		where *filter.Group
		order []query.Order
		want  query.Explanation
	}{
		"everything":                   {nil, nil, query.Explanation{Partitions: schema.Shards}},
		"everything by id":             {nil, by("visitid desc"), query.Explanation{Partitions: schema.Shards, Merged: true}},
		"everything by a column":       {nil, by("name"), query.Explanation{Partitions: schema.Shards, Sorted: true}},
		"one row":                      {eq(values{"visitid": schema.Text(rowstest.ID("visit", 1))}), by("name"), query.Explanation{Pushed: []string{"visitid"}}},
		"one partition":                {eq(room), nil, query.Explanation{Index: "room", Partitions: 1, Pushed: []string{"roomid"}}},
		"its order":                    {eq(room), by("startedon"), query.Explanation{Index: "room", Partitions: 1, Pushed: []string{"roomid"}}},
		"its order backwards":          {eq(room), by("startedon desc", "visitid desc"), query.Explanation{Index: "room", Partitions: 1, Pushed: []string{"roomid"}}},
		"two directions":               {eq(room), by("startedon desc", "visitid"), query.Explanation{Index: "room", Partitions: 1, Pushed: []string{"roomid"}, Sorted: true}},
		"more than its order":          {eq(room), by("startedon", "name"), query.Explanation{Index: "room", Partitions: 1, Pushed: []string{"roomid"}, Sorted: true}},
		"another order":                {eq(room), by("name"), query.Explanation{Index: "room", Partitions: 1, Pushed: []string{"roomid"}, Sorted: true}},
		"a column that is fixed":       {eq(room), by("roomid desc", "startedon"), query.Explanation{Index: "room", Partitions: 1, Pushed: []string{"roomid"}}},
		"partitions merged":            {eq(planned), by("day", "minutes", "visitid"), query.Explanation{Index: "planned", Partitions: schema.Shards, Pushed: []string{"statecode"}, Merged: true}},
		"the first of its columns":     {eq(planned), by("day desc"), query.Explanation{Index: "planned", Partitions: schema.Shards, Pushed: []string{"statecode"}, Merged: true}},
		"the second of its columns":    {eq(planned), by("minutes"), query.Explanation{Index: "planned", Partitions: schema.Shards, Pushed: []string{"statecode"}, Sorted: true}},
		"its first column fixed":       {and(eq(planned), where("day", filter.Eq, day(1))), by("minutes"), query.Explanation{Index: "planned", Partitions: schema.Shards, Pushed: []string{"statecode", "day"}, Merged: true}},
		"a range":                      {and(eq(room), where("startedon", filter.Le, start)), by("startedon"), query.Explanation{Index: "room", Partitions: 1, Pushed: []string{"roomid", "startedon"}}},
		"a range of the second column": {and(eq(planned), where("minutes", filter.Le, schema.Int(5))), nil, query.Explanation{Index: "planned", Partitions: schema.Shards, Pushed: []string{"statecode"}}},
		"most columns of its own":      {and(eq(planned), eq(room)), by("day"), query.Explanation{Index: "room", Partitions: 1, Pushed: []string{"roomid"}, Sorted: true}},
	} {
		got, err := v.Explain(query.Query{Table: v.table, Where: test.where, Order: test.order})
		if err != nil {
			t.Fatal(err)
		}
		if d := gocmp.Diff(test.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestOrderIsRefused(t *testing.T) {
	v := newVisits(t)
	for _, o := range []query.Order{{Column: "colour"}, {Column: "shown"}, {Path: []string{"shop"}, Column: "name"}, {Path: []string{"accountid"}, Column: "colour"}, {Path: []string{"accountid", "visitid"}, Column: "name"}} {
		_, err := v.Select(t.Context(), query.Query{Table: v.table, Order: []query.Order{o}, Limit: 1})
		if _, ok := errors.AsType[*query.OrderError](err); !ok {
			t.Errorf("%v: got %v, want an *OrderError", o, err)
		}
	}
	for n, want := range map[int]bool{query.MaxNames: true, query.MaxNames + 1: false} {
		v := newVisits(t)
		accounts, visits := make([]values, n), make([]values, n)
		for i := range n {
			accounts[i] = values{"name": schema.Text(fmt.Sprintf("%05d", n-i))}
			visits[i] = values{"accountid": schema.Ref(link("account", i))}
		}
		v.make("account", accounts...)
		v.put(visits...)
		page, err := v.Select(t.Context(), query.Query{Table: v.table, Order: by("accountid"), Limit: 1})
		if want && (err != nil || page.Rows[0].ID != rowstest.ID("visit", n-1)) {
			t.Errorf("names of %d rows: %v, %v", n, numbers(page), err)
		}
		if _, ok := errors.AsType[*query.OrderError](err); ok == want {
			t.Errorf("names of %d rows: %v", n, err)
		}
	}
}

// A row is in a range of an index in exactly the cases in which the condition holds.
func TestRanges(t *testing.T) {
	v := newVisits(t)
	room := schema.Text(rowstest.ID("room", 1))
	at := func(n int) schema.Value { return schema.Time(time.Date(2026, 3, 1, 0, 0, n, 0, time.UTC)) }
	all := []values{{"roomid": room}}
	for n := range 6 {
		all = append(all, values{"roomid": room, "startedon": at(n)}, values{"day": day(1), "minutes": schema.Int(int64(10 * n))}, values{"day": day(n)})
	}
	v.put(all...)
	rapid.Check(t, func(rt *rapid.T) {
		ops := []filter.Operator{filter.Gt, filter.Ge, filter.Lt, filter.Le, filter.Eq, filter.Between}
		where, column, value := eq(values{"roomid": room}), "startedon", func() schema.Value { return at(rapid.IntRange(-1, 7).Draw(rt, "n")) }
		switch rapid.IntRange(0, 2).Draw(rt, "index") {
		case 0:
			where, column, value = eq(values{"statecode": schema.Int(0), "day": day(1)}), "minutes", func() schema.Value { return schema.Int(rapid.Int64Range(-5, 99999).Draw(rt, "n")) }
		case 1:
			where, column, value = eq(values{"statecode": schema.Int(0)}), "day", func() schema.Value { return day(rapid.IntRange(-1, 7).Draw(rt, "n")) }
		}
		for range rapid.IntRange(1, 3).Draw(rt, "conditions") {
			c := &filter.Condition{Column: column, Operator: rapid.SampledFrom(ops).Draw(rt, "op"), Values: []schema.Value{value()}}
			if c.Operator == filter.Between {
				c.Values = append(c.Values, value())
			}
			where.Items = append(where.Items, c)
		}
		program, err := filter.Compile(v.Schema(), "visit", where)
		if err != nil {
			rt.Fatal(err)
		}
		var want []string
		for row, err := range v.Each(t.Context(), query.Query{Table: v.table}) {
			if err != nil {
				rt.Fatal(err)
			}
			if ok, err := program.Match(row); err != nil {
				rt.Fatal(err)
			} else if ok {
				want = append(want, row.ID)
			}
		}
		got := v.list(query.Query{Where: where, Limit: 4, Order: by(column)})
		slices.Sort(want)
		slices.Sort(got)
		if d := gocmp.Diff(want, got); d != "" {
			rt.Errorf("%s:\n%s", where, d)
		}
	})
}

// Whatever the order, the access path and the size of the pages, rows that are there all
// the time come once, in their order, while others come and go.
func TestOrderedPagesWhileRowsComeAndGo(t *testing.T) {
	v := newVisits(t)
	table, next := v.table, 0
	orders := [][]query.Order{
		nil, by("name"), by("name desc"), by("day"), by("day desc"), by("day", "minutes"), by("day desc", "minutes desc"), by("day", "minutes desc"),
		by("startedon"), by("startedon desc"), by("visitid"), by("visitid desc"), by("kind", "name desc"), by("roomid", "startedon"),
	}
	wheres := []*filter.Group{
		nil, eq(values{"roomid": schema.Text(rowstest.ID("room", 1))}), eq(values{"statecode": schema.Int(0)}), eq(values{"kind": schema.Int(7)}),
		eq(values{"statecode": schema.Int(0), "day": day(1)}),
	}
	some := func(random *rand.Rand) values {
		row := values{}
		for column, v := range map[string]schema.Value{
			"name": schema.Text([]string{"a", "A", "b", "B ", "ä"}[random.IntN(5)]), "day": day(random.IntN(3)), "minutes": schema.Int(int64(random.IntN(3))),
			"startedon": day(random.IntN(3)), "kind": schema.Int([]int64{1, 7}[random.IntN(2)]), "roomid": schema.Text(rowstest.ID("room", random.IntN(2))),
			"statecode": schema.Int(int64(random.IntN(2))),
		} {
			if random.IntN(4) > 0 {
				row[column] = v
			}
		}
		return row
	}
	for seed := range uint64(80) {
		random := rand.New(rand.NewPCG(seed, 1))
		var there, passing []rows.Ref
		add := func(n int) (made []rows.Ref) {
			tx := v.Begin("")
			for range n {
				next++
				made = append(made, tx.Create(table, rowstest.ID("visit", next), some(random)).Ref())
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			return made
		}
		remove := func(refs []rows.Ref) {
			tx := v.Begin("")
			found, err := tx.Load(t.Context(), refs...)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range found {
				tx.Delete(row)
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		there = add(20)
		q := query.Query{Table: table, Where: wheres[random.IntN(len(wheres))], Order: orders[random.IntN(len(orders))], Count: random.IntN(2) == 0}
		var want []string
		first, err := v.Select(t.Context(), query.Query{Table: table, Where: q.Where, Order: q.Order, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range first.Rows {
			want = append(want, row.ID)
		}
		checkOrder(t, first.Rows, q.Order)
		var found []*rows.Row
		for {
			q.Limit = 1 + random.IntN(7)
			page, err := v.Select(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if q.Count && q.Token == "" && page.Count != len(want) {
				t.Errorf("seed %d: %d rows are counted, want %d", seed, page.Count, len(want))
			}
			if page.Token != "" && random.IntN(2) == 0 {
				page.Cut(1 + random.IntN(q.Limit))
			}
			found = append(found, page.Rows...)
			if q.Token = page.Token; q.Token == "" {
				break
			}
			remove(passing)
			passing = add(random.IntN(4))
		}
		checkOrder(t, found, q.Order)
		var got []string
		for _, row := range found {
			if slices.Contains(there, row.Ref()) {
				got = append(got, row.ID)
			}
		}
		if d := gocmp.Diff(want, got); d != "" {
			explain, _ := v.Explain(q)
			t.Fatalf("seed %d, by %v, %+v (-want +got):\n%s", seed, q.Order, explain, d)
		}
		remove(append(there, passing...))
	}
}

// checkOrder compares neighbors by the plain meaning of an order.
func checkOrder(t *testing.T, list []*rows.Row, order []query.Order) {
	t.Helper()
	for i := 1; i < len(list); i++ {
		for _, o := range order {
			a, _ := list[i-1].Value(o.Column)
			b, _ := list[i].Value(o.Column)
			n := cmp.Compare(plain(a), plain(b))
			if o.Descending {
				n = -n
			}
			if n > 0 {
				t.Fatalf("by %v: %v comes before %v", order, a, b)
			}
			if n < 0 {
				break
			}
		}
	}
}

// plain is a text that is ordered as a value is.
func plain(v schema.Value) string {
	if n, ok := v.Int(); ok {
		return fmt.Sprintf("%09d", n)
	}
	if v.IsNull() {
		return ""
	}
	return strings.ToLower(strings.TrimRight(v.String(), " "))
}

// What decides the place of a long text is cut, and no row is lost by it.
func TestOrderOfLongTexts(t *testing.T) {
	v := newVisits(t)
	long := strings.Repeat("é", 900)
	v.put(values{"name": schema.Text(long + "b")}, values{"name": schema.Text(long + "a")}, values{"name": schema.Text("z")}, values{"name": schema.Text(long)})
	got := v.list(query.Query{Order: by("name"), Limit: 1})
	if len(got) != 4 || got[0] != rowstest.ID("visit", 2) {
		t.Errorf("%v", got)
	}
}
