package query_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"segue/internal/filter"
	"segue/internal/filter/calendar"
	"segue/internal/query"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// company is accounts below one another and visits to them, with the naive answers.
type company struct {
	visits
	accounts, made []values // as they were put; visits carry their id in "id"
}

// account returns a reference to account n.
func account(n int) schema.Value {
	return schema.Ref(schema.Lookup{Table: "account", ID: rowstest.ID("account", n)})
}

func newCompany(t *testing.T, random *rand.Rand) company {
	t.Helper()
	c := company{visits: newVisits(t)}
	for n := range 6 {
		row := values{"name": schema.Text([]string{"a", "A ", "b"}[random.IntN(3)])}
		if n > 0 && random.IntN(3) > 0 {
			row["parentaccountid"] = account(random.IntN(n))
		}
		c.accounts = append(c.accounts, row)
	}
	for range 12 {
		row := values{"name": schema.Text([]string{"x", "X", "y"}[random.IntN(3)]), "minutes": schema.Int(int64(random.IntN(3))), "day": day(40 * random.IntN(3))}
		if random.IntN(4) > 0 {
			row["accountid"] = account(random.IntN(7)) // the last is not there
		}
		if random.IntN(3) > 0 {
			row["price"] = schema.Dec(decimal.New(int64(random.IntN(500)), -2))
		}
		c.made = append(c.made, row)
	}
	c.make("account", c.accounts...)
	c.put(c.made...)
	return c
}

// text tells tuples apart.
func text(tuples []query.Tuple) []string {
	list := make([]string, len(tuples))
	for i, tuple := range tuples {
		ids := make([]string, len(tuple))
		for n, row := range tuple {
			ids[n] = "-"
			if row != nil {
				ids[n] = row.ID
			}
		}
		list[i] = strings.Join(ids, " ")
	}
	return list
}

func named(name string) *filter.Group { return eq(values{"name": schema.Text(name)}) }

func is(row values, name string) bool {
	got, _ := row["name"].Text()
	return strings.EqualFold(strings.TrimRight(got, " "), name)
}

// Each row is joined to each of its partners, as nested loops would do it.
func TestTuples(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 7))
		c := newCompany(t, random)
		accounts := c.Schema().Table("account")
		outer, where := random.IntN(2) == 0, random.IntN(2) == 0
		var filtered *filter.Group
		if where {
			filtered = named("a")
		}

		// From visits up to accounts and their parents.
		up := []query.Join{{Table: accounts, Lookup: c.table.Column("accountid"), Outer: outer, Where: filtered, Joins: []query.Join{
			{Table: accounts, Lookup: accounts.Column("parentaccountid"), Outer: true},
		}}}
		var want []string
		for v, visit := range c.made {
			at := -1
			for n, row := range c.accounts {
				if visit["accountid"] == account(n) && (!where || is(row, "a")) {
					at = n
				}
			}
			parent := "-"
			for n := range c.accounts {
				if at >= 0 && c.accounts[at]["parentaccountid"] == account(n) {
					parent = rowstest.ID("account", n)
				}
			}
			switch {
			case at >= 0:
				want = append(want, rowstest.ID("visit", v)+" "+rowstest.ID("account", at)+" "+parent)
			case outer:
				want = append(want, rowstest.ID("visit", v)+" - -")
			}
		}
		got, err := c.Tuples(t.Context(), query.Query{Table: c.table}, up, nil)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		if d := gocmp.Diff(want, text(got)); d != "" && len(want)+len(got) > 0 {
			t.Fatalf("seed %d, up (-want +got):\n%s", seed, d)
		}

		// From accounts down to their visits and to the accounts below.
		down := []query.Join{
			{Table: c.table, Lookup: c.table.Column("accountid"), Many: true, Outer: outer},
			{Table: accounts, Lookup: accounts.Column("parentaccountid"), Many: true, Outer: true, Where: filtered},
		}
		want = nil
		for n := range c.accounts {
			visits, below := []string{}, []string{}
			for v, visit := range c.made {
				if visit["accountid"] == account(n) {
					visits = append(visits, rowstest.ID("visit", v))
				}
			}
			for m, row := range c.accounts {
				if row["parentaccountid"] == account(n) && (!where || is(row, "a")) {
					below = append(below, rowstest.ID("account", m))
				}
			}
			if len(visits) == 0 && outer {
				visits = []string{"-"}
			}
			if len(below) == 0 {
				below = []string{"-"}
			}
			for _, v := range visits {
				for _, b := range below {
					want = append(want, rowstest.ID("account", n)+" "+v+" "+b)
				}
			}
		}
		if got, err = c.Tuples(t.Context(), query.Query{Table: accounts}, down, nil); err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		list := text(got)
		slices.Sort(list)
		if d := gocmp.Diff(want, list); d != "" && len(want)+len(list) > 0 {
			t.Fatalf("seed %d, down (-want +got):\n%s", seed, d)
		}
	}
}

func TestTuples_Order(t *testing.T) {
	c := newCompany(t, rand.New(rand.NewPCG(3, 3)))
	accounts := c.Schema().Table("account")
	joins := []query.Join{{Table: accounts, Lookup: c.table.Column("accountid"), Outer: true}}
	order := []query.FieldOrder{
		{Field: query.Field{At: 1, Table: accounts, Column: accounts.Column("name")}, Descending: true},
		{Field: query.Field{Table: c.table, Column: c.table.Column("minutes")}},
	}
	got, err := c.Tuples(t.Context(), query.Query{Table: c.table}, joins, order)
	if err != nil {
		t.Fatal(err)
	}
	key := func(tuple query.Tuple) string {
		name := "" // null comes last, for the order descends
		if tuple[1] != nil {
			name = filter.Folded(tuple[1].Text("name"))
		}
		return fmt.Sprintf("%-2s%d%s", strings.Map(func(r rune) rune { return 'z' - r + 'a' }, name)+"~", tuple[0].Int("minutes"), tuple[0].ID)
	}
	if len(got) != len(c.made) || !slices.IsSortedFunc(got, func(a, b query.Tuple) int { return strings.Compare(key(a), key(b)) }) {
		var keys []string
		for _, tuple := range got {
			keys = append(keys, key(tuple))
		}
		t.Errorf("%d tuples are not in order: %v", len(got), keys)
	}
}

// What would examine or make too much is refused, whatever the joins.
func TestTuples_Bound(t *testing.T) {
	c := newCompany(t, rand.New(rand.NewPCG(1, 1)))
	accounts := c.Schema().Table("account")
	c.Bound(len(c.made) + 1)
	_, err := c.Tuples(t.Context(), query.Query{Table: accounts}, []query.Join{{Table: c.table, Lookup: c.table.Column("accountid"), Many: true}}, nil)
	if _, ok := errors.AsType[*query.TooBroadError](err); !ok {
		t.Errorf("got %v, want it refused", err)
	}
}

// An aggregation is what a loop over all rows comes to.
func TestAggregate(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 9))
		c := newCompany(t, random)
		field := func(name string) query.Field { return query.Field{Table: c.table, Column: c.table.Column(name)} }
		a := query.Aggregation{
			By: []query.Key{{Field: field("name")}, {Field: field("day"), Part: query.Month}},
			Values: []query.Aggregate{
				{Method: query.Count}, {Method: query.Count, Field: field("price")}, {Method: query.CountDistinct, Field: field("minutes")},
				{Method: query.Sum, Field: field("price")}, {Method: query.Average, Field: field("minutes")},
				{Method: query.Least, Field: field("price")}, {Method: query.Greatest, Field: field("day")},
			},
		}
		if err := a.Check(); err != nil {
			t.Fatal(err)
		}
		got, err := c.Aggregate(t.Context(), query.Query{Table: c.table}, nil, a, calendar.Calendar{})
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for _, group := range got {
			var in []values
			for _, row := range c.made {
				at, _ := row["day"].Time()
				name, _ := row["name"].Text()
				key, _ := group.Keys[0].Text()
				month, _ := group.Keys[1].Int()
				if strings.EqualFold(name, key) && int64(at.Month()) == month {
					in = append(in, row)
				}
			}
			total += int64(len(in))
			if d := gocmp.Diff(aggregated(in), group.Values); d != "" {
				t.Fatalf("seed %d, group %v (-want +got):\n%s", seed, group.Keys, d)
			}
		}
		if total != int64(len(c.made)) {
			t.Errorf("seed %d: the groups have %d rows of %d", seed, total, len(c.made))
		}
	}
}

func aggregated(in []values) []schema.Value {
	prices, sum, least := int64(0), decimal.Zero, schema.Null()
	minutes, minuteSum := map[schema.Value]bool{}, int64(0)
	last := schema.Null()
	for _, row := range in {
		if d, ok := row["price"].Dec(); ok {
			prices++
			sum = sum.Add(d)
			if was, ok := least.Dec(); !ok || d.LessThan(was) {
				least = row["price"]
			}
		}
		minutes[row["minutes"]] = true
		n, _ := row["minutes"].Int()
		minuteSum += n
		at, _ := row["day"].Time()
		if was, ok := last.Time(); !ok || at.After(was) {
			last = row["day"]
		}
	}
	total := schema.Null()
	if prices > 0 {
		total = schema.Dec(sum)
	}
	return []schema.Value{
		schema.Int(int64(len(in))), schema.Int(prices), schema.Int(int64(len(minutes))), total,
		schema.Dec(decimal.NewFromInt(minuteSum).DivRound(decimal.NewFromInt(int64(len(in))), 10)), least, last,
	}
}

func TestAggregate_OfNothing(t *testing.T) {
	v := newVisits(t)
	a := query.Aggregation{Values: []query.Aggregate{{Method: query.Count}, {Method: query.Sum, Field: query.Field{Table: v.table, Column: v.table.Column("price")}}}}
	got, err := v.Aggregate(t.Context(), query.Query{Table: v.table}, nil, a, calendar.Calendar{})
	want := []query.Group{{Values: []schema.Value{schema.Int(0), schema.Null()}}}
	if d := gocmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	a.By = []query.Key{{Field: query.Field{Table: v.table, Column: v.table.Column("kind")}}}
	if got, err = v.Aggregate(t.Context(), query.Query{Table: v.table}, nil, a, calendar.Calendar{}); err != nil || len(got) != 0 {
		t.Errorf("groups of nothing: %v, %v", got, err)
	}
}

func TestAggregation_Check(t *testing.T) {
	v := newVisits(t)
	field := func(name string) query.Field { return query.Field{Table: v.table, Column: v.table.Column(name)} }
	for name, a := range map[string]query.Aggregation{
		"sum of text":         {Values: []query.Aggregate{{Method: query.Sum, Field: field("name")}}},
		"sum of days":         {Values: []query.Aggregate{{Method: query.Sum, Field: field("day")}}},
		"least text":          {Values: []query.Aggregate{{Method: query.Least, Field: field("name")}}},
		"average choice":      {Values: []query.Aggregate{{Method: query.Average, Field: field("kind")}}},
		"sum of nothing":      {Values: []query.Aggregate{{Method: query.Sum}}},
		"no such method":      {Values: []query.Aggregate{{Method: "median", Field: field("minutes")}}},
		"month of text":       {By: []query.Key{{Field: field("name"), Part: query.Month}}},
		"no such part of day": {By: []query.Key{{Field: field("day"), Part: "hour"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if a.Check() == nil {
				t.Error("not refused")
			}
		})
	}
}
