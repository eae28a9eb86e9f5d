package filtertest

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/filter/calendar"
	"segue/internal/schema"
)

// Value draws from few values of a column's type, so that they often meet.
// Values of rows and of conditions come from the same, patterns included.
func Value(t *rapid.T, c *schema.Column) schema.Value {
	switch c.Type {
	case schema.String, schema.Memo:
		letter := rapid.SampledFrom([]string{"a", "A", "b", "é", "É", "İ", "\u212a", "k", "😀", "\uFFFD", "\n", ".", " ", " ", "%", "%", "_"})
		return schema.Text(strings.Join(rapid.SliceOfN(letter, 0, 5).Draw(t, "text"), ""))
	case schema.Integer, schema.BigInt:
		return schema.Int(rapid.Int64Range(-2, 2).Draw(t, "number"))
	case schema.Decimal, schema.Money:
		return schema.Dec(drawDecimal(t))
	case schema.Double:
		return schema.Float(float64(rapid.IntRange(-3, 3).Draw(t, "halves")) / 2)
	case schema.Boolean:
		return schema.Bool(rapid.Bool().Draw(t, "truth"))
	case schema.Choice, schema.State, schema.Status:
		return schema.Int(rapid.SampledFrom(c.Options).Draw(t, "option").Value)
	case schema.DateTime:
		seconds := rapid.IntRange(-1, 1).Draw(t, "seconds")
		return schema.Time(time.Date(2026, 3, 29, 0, 0, seconds, 0, time.UTC))
	case schema.Date:
		return schema.Time(time.Date(2026, 3, rapid.IntRange(27, 29).Draw(t, "day"), 0, 0, 0, 0, time.UTC))
	case schema.GUID:
		return schema.Text(ID(t))
	case schema.LookupTo:
		return schema.Ref(schema.Lookup{Table: rapid.SampledFrom(c.Targets).Draw(t, "target").Table, ID: ID(t)})
	}
	t.Fatalf("no values of type %s", c.Type)
	return schema.Null()
}

// drawDecimal draws equal numbers of different exponents, and some that do not
// fit 64 bits.
func drawDecimal(t *rapid.T) decimal.Decimal {
	text := rapid.SampledFrom([]string{
		"-1", "0", "0.00", "1", "1.0", "1.0001", "10", "1e1", "-1e20",
		"100000000000000000000", "1e20", "9300000000000000000", "100000000000000000000.1", "9007199254740993", "9007199254740993.0",
	}).Draw(t, "decimal")
	return decimal.RequireFromString(text)
}

// ID draws one of [IDs].
func ID(t *rapid.T) string { return rapid.SampledFrom(IDs()).Draw(t, "id") }

// valuesOf is how many values an operator takes, as its name tells a person.
func valuesOf(t *rapid.T, op filter.Operator) int {
	name := string(op)
	switch {
	case op == filter.In || op == filter.NotIn:
		return rapid.IntRange(1, 3).Draw(t, "count")
	case op == filter.Between || op == filter.NotBetween || strings.HasSuffix(name, "-and-year"):
		return 2
	case strings.Contains(name, "-x-") || strings.HasPrefix(name, "in-fiscal"):
		return 1
	case strings.Contains(name, "null") || strings.Contains(name, "user") || strings.Contains(name, "business"):
		return 0
	}
	for _, relative := range []string{"today", "yesterday", "tomorrow", "last-", "this-", "next-"} {
		if strings.HasPrefix(name, relative) {
			return 0
		}
	}
	return 1
}

// drawOperand draws a value that an operator compares a column with.
func drawOperand(t *rapid.T, c *schema.Column, op filter.Operator, i int) schema.Value {
	name := string(op)
	switch {
	case strings.Contains(name, "-x-"):
		return schema.Int(int64(rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(4, 60)).Draw(t, "number")))
	case op == filter.InFiscalYear, strings.HasSuffix(name, "-and-year") && i == 1:
		return schema.Int(int64(rapid.IntRange(2024, 2028).Draw(t, "year")))
	case strings.HasPrefix(name, "in-"):
		return schema.Int(int64(rapid.IntRange(1, 13).Draw(t, "period")))
	case op == filter.On || op == filter.OnOrAfter || op == filter.OnOrBefore:
		at, zone := Moment(t)
		y, m, d := at.In(zone).Date()
		return schema.Time(time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
	}
	return Value(t, c)
}

// Condition draws a condition of a column and an operator.
func Condition(t *rapid.T, c *schema.Column, op filter.Operator) *filter.Condition {
	condition := &filter.Condition{Column: c.Name, Operator: op}
	for i := range valuesOf(t, op) {
		condition.Values = append(condition.Values, drawOperand(t, c, op, i))
	}
	return condition
}

// AnyCondition draws a condition of any kind on a row of a table. Paths lead to rows of
// the tables within.
func AnyCondition(t *rapid.T, s *schema.Schema, table *schema.Table, within []string) *filter.Condition {
	var path []string
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "path") {
		navs := navigations(table, within)
		if len(navs) == 0 {
			break
		}
		next := rapid.SampledFrom(navs).Draw(t, "lookup")
		path = append(path, next.Target.Nav)
		table = s.Table(next.Target.Table)
	}
	c := rapid.SampledFrom(Usable(table)).Draw(t, "column")
	if rapid.IntRange(0, 5).Draw(t, "with a column") == 0 {
		var others []string
		for _, other := range Usable(table) {
			if other.Type == c.Type {
				others = append(others, other.Name)
			}
		}
		op := rapid.SampledFrom(filter.Comparable()).Draw(t, "operator")
		if !slices.Contains(filter.Operators(c.Type), op) {
			op = filter.Ne
		}
		return &filter.Condition{Path: path, Column: c.Name, Operator: op, Other: rapid.SampledFrom(others).Draw(t, "other")}
	}
	operators := filter.Operators(c.Type)
	if len(path) == 0 {
		operators = filter.OperatorsOf(s, table, c)
	}
	if s.Hierarchy(table, c) != nil && len(path) == 0 && rapid.Bool().Draw(t, "in a hierarchy") {
		operators = filter.Hierarchical()
	}
	condition := Condition(t, c, rapid.SampledFrom(operators).Draw(t, "operator"))
	condition.Path = path
	return condition
}

// navigations are the lookups of a table that lead to one table each, of those within.
func navigations(table *schema.Table, within []string) []schema.Nav {
	var navs []schema.Nav
	for _, c := range Usable(table) {
		for _, target := range c.Targets {
			if found := table.Navs(target.Nav); len(found) == 1 && slices.Contains(within, target.Table) {
				navs = append(navs, found[0])
			}
		}
	}
	return navs
}

// relationships are those of a table with the tables within.
func relationships(s *schema.Schema, table *schema.Table, within []string) []string {
	var names []string
	for _, name := range within {
		for _, c := range Usable(s.Table(name)) {
			for _, target := range c.Targets {
				ours := name == table.Name && slices.Contains(within, target.Table) || target.Table == table.Name
				if ours && !slices.Contains(names, target.Relationship) {
					names = append(names, target.Relationship)
				}
			}
		}
	}
	return names
}

// Group draws a tree of conditions on rows of a table, with paths to and relationships
// with the tables within.
func Group(t *rapid.T, s *schema.Schema, table *schema.Table, within []string, depth int) *filter.Group {
	g := &filter.Group{Logic: rapid.SampledFrom([]filter.Logic{filter.And, filter.Or}).Draw(t, "logic")}
	for range rapid.IntRange(0, 4).Draw(t, "items") {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		switch names := relationships(s, table, within); {
		case depth > 1 && kind == 0:
			g.Items = append(g.Items, Group(t, s, table, within, depth-1))
		case depth > 1 && kind == 1 && len(names) > 0:
			name := rapid.SampledFrom(names).Draw(t, "relationship")
			r, _ := s.Relation(table.Name, name)
			g.Items = append(g.Items, &filter.Related{
				Relationship: name, Contains: rapid.Bool().Draw(t, "contains"), Filter: Group(t, s, r.Table, within, depth-2),
			})
		default:
			g.Items = append(g.Items, AnyCondition(t, s, table, within))
		}
	}
	return g
}

// DrawWorld draws a few rows of some tables, whose ids are [IDs].
func DrawWorld(t *rapid.T, s *schema.Schema, tables []string) World {
	w := World{Tables: map[string][]Entry{}}
	for _, name := range tables {
		for _, id := range IDs() {
			if rapid.IntRange(0, 4).Draw(t, "gone") == 0 {
				continue // what points at it points at nothing
			}
			values := Row(t, Usable(s.Table(name)))
			values[s.Table(name).ID] = schema.Text(id)
			w.Tables[name] = append(w.Tables[name], Entry{name, id, values})
		}
	}
	return w
}

// IDs are the ids that rows have and lookups and callers name, so that they often meet.
func IDs() []string {
	const start = "00000000-0000-0000-0000-00000000000"
	return []string{start + "1", start + "2", start + "a"}
}

// Scope draws the time, near a change of the clocks, and a caller who may be one of
// [IDs].
func Scope(t *rapid.T) *filter.Scope {
	now, zone := Moment(t)
	caller := &filter.Caller{User: ID(t), Unit: ID(t)}
	for range rapid.IntRange(0, 2).Draw(t, "teams") {
		caller.Teams = append(caller.Teams, ID(t))
	}
	return &filter.Scope{
		Now: now, Zone: zone, Week: time.Weekday(rapid.SampledFrom([]int{0, 0, 1, 6}).Draw(t, "week")),
		Fiscal: calendar.Fiscal{
			Month:   time.Month(rapid.IntRange(0, 12).Draw(t, "fiscal month")),
			Day:     rapid.SampledFrom([]int{0, 1, 6, 28}).Draw(t, "fiscal day"),
			Periods: rapid.SampledFrom([]int{0, 1, 2, 4, 12}).Draw(t, "periods"),
			ByEnd:   rapid.Bool().Draw(t, "by its end"),
		},
		Caller: caller,
	}
}

// Row draws for each column a value, a null or, for a text, bytes that are no UTF-8.
func Row(t *rapid.T, columns []*schema.Column) map[string]schema.Value {
	row := map[string]schema.Value{}
	for _, c := range columns {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		switch {
		case kind == 0:
			row[c.Name] = schema.Null()
		case kind == 1 && c.Type == schema.String:
			row[c.Name] = schema.Text("a\xff" + textOf(Value(t, c)))
		default:
			row[c.Name] = Value(t, c)
		}
	}
	return row
}

// Usable is the columns of a table that a filter may name.
func Usable(table *schema.Table) []*schema.Column {
	var all []*schema.Column
	for _, c := range table.Columns {
		if c.Write != schema.Hidden {
			all = append(all, c)
		}
	}
	return all
}
