package filter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/schema"
)

// drawValue draws from few values of a column's type, so that they often meet.
// Values of rows and of conditions come from the same, patterns included.
func drawValue(t *rapid.T, c *schema.Column) schema.Value {
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
		return schema.Text(drawID(t))
	case schema.LookupTo:
		return schema.Ref(schema.Lookup{Table: rapid.SampledFrom(c.Targets).Draw(t, "target").Table, ID: drawID(t)})
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

func drawID(t *rapid.T) string { return rapid.SampledFrom(ids()).Draw(t, "id") }

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
		at, zone := drawMoment(t)
		y, m, d := at.In(zone).Date()
		return schema.Time(time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
	}
	return drawValue(t, c)
}

func drawCondition(t *rapid.T, c *schema.Column, op filter.Operator) *filter.Condition {
	condition := &filter.Condition{Column: c.Name, Operator: op}
	for i := range valuesOf(t, op) {
		condition.Values = append(condition.Values, drawOperand(t, c, op, i))
	}
	return condition
}

// drawAnyCondition draws a condition of any kind on a row of a table.
func drawAnyCondition(t *rapid.T, s *schema.Schema, table *schema.Table) *filter.Condition {
	var path []string
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "path") {
		next := rapid.SampledFrom(navigations(table)).Draw(t, "lookup")
		path = append(path, next.Target.Nav)
		table = s.Table(next.Target.Table)
	}
	c := rapid.SampledFrom(usable(table)).Draw(t, "column")
	if rapid.IntRange(0, 5).Draw(t, "with a column") == 0 {
		var others []string
		for _, other := range usable(table) {
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
	condition := drawCondition(t, c, rapid.SampledFrom(filter.Operators(c.Type)).Draw(t, "operator"))
	condition.Path = path
	return condition
}

// navigations are the lookups of a table that lead to one table each.
func navigations(table *schema.Table) []schema.Nav {
	var navs []schema.Nav
	for _, c := range usable(table) {
		for _, target := range c.Targets {
			if found := table.Navs(target.Nav); len(found) == 1 && target.Table != "systemuser" {
				navs = append(navs, found[0])
			}
		}
	}
	return navs
}

func drawGroup(t *rapid.T, s *schema.Schema, table *schema.Table, depth int) *filter.Group {
	g := &filter.Group{Logic: rapid.SampledFrom([]filter.Logic{filter.And, filter.Or}).Draw(t, "logic")}
	for range rapid.IntRange(0, 4).Draw(t, "items") {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		switch {
		case depth > 1 && kind == 0:
			g.Items = append(g.Items, drawGroup(t, s, table, depth-1))
		case depth > 1 && kind == 1:
			name := rapid.SampledFrom([]string{"thing_parts", "part_about_thing"}).Draw(t, "relationship")
			if table.Name == "thing" && rapid.Bool().Draw(t, "own") {
				name = rapid.SampledFrom([]string{"thing_parent", "thing_about_thing"}).Draw(t, "relationship")
			}
			r, ok := s.Relation(table.Name, name)
			if !ok {
				t.Fatalf("table %s has no relationship %s", table.Name, name)
			}
			g.Items = append(g.Items, &filter.Related{
				Relationship: name, Contains: rapid.Bool().Draw(t, "contains"), Filter: drawGroup(t, s, r.Table, depth-2),
			})
		default:
			g.Items = append(g.Items, drawAnyCondition(t, s, table))
		}
	}
	return g
}

// drawRow draws a value, a null or, for a text, bytes that are no UTF-8.
func drawRow(t *rapid.T, columns []*schema.Column) map[string]schema.Value {
	row := map[string]schema.Value{}
	for _, c := range columns {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		switch {
		case kind == 0:
			row[c.Name] = schema.Null()
		case kind == 1 && c.Type == schema.String:
			row[c.Name] = schema.Text("a\xff" + textOf(drawValue(t, c)))
		default:
			row[c.Name] = drawValue(t, c)
		}
	}
	return row
}

// columns is those of thing that a filter may name.
func columns(s *schema.Schema) []*schema.Column { return usable(s.Table("thing")) }

// usable is the columns of a table that a filter may name.
func usable(table *schema.Table) []*schema.Column {
	var all []*schema.Column
	for _, c := range table.Columns {
		if c.Write != schema.Hidden {
			all = append(all, c)
		}
	}
	return all
}

func TestMatchAgreesWithOracle(t *testing.T) {
	s := loadSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		g := drawGroup(t, s, s.Table("thing"), 4)
		program, err := filter.Compile(s, "thing", g, filter.AsksAnything)
		if err != nil {
			t.Fatalf("compile %s: %v", g, err)
		}
		w, scope := drawWorld(t, s), drawScope(t)
		scope.Related = scoped{w, scope}
		truth := oracle{schema: s, world: w, scope: scope}
		for _, row := range w.tables["thing"] {
			checkRow(t, program, scope, row, truth.holds(g, "thing", row), g)
		}
	})
}

// checkRow compares each way to evaluate a program with what the oracle says.
func checkRow(t *rapid.T, program *filter.Program, scope *filter.Scope, row entry, want bool, g fmt.Stringer) {
	got, err := program.MatchIn(row, scope)
	if err != nil || got != want {
		t.Fatalf("MatchIn = %v, %v; the oracle says %v\nfilter %s\nrow %q\nscope %+v", got, err, want, g, row.values, scope)
	}
	verdict, err := program.ExplainIn(row, scope)
	if err != nil || verdict.Holds != want {
		t.Fatalf("ExplainIn = %+v, %v; the oracle says %v\nfilter %s\nrow %q", verdict, err, want, g, row.values)
	}
	bound, err := program.Bind(scope)
	if err != nil {
		t.Fatalf("bind %s: %v", g, err)
	}
	if got, err := bound.MatchIn(row, &filter.Scope{Related: scope.Related}); err != nil || got != want {
		t.Fatalf("MatchIn of the bound program = %v, %v; the oracle says %v\nfilter %s\nrow %q\nscope %+v", got, err, want, g, row.values, scope)
	}
	local, err := bound.Local().Match(row)
	if err != nil || want && !local {
		t.Fatalf("Match of the local program = %v, %v where the whole one holds\nfilter %s\nrow %q", local, err, g, row.values)
	}
	if bound.Needs().Asks == 0 && local != want {
		t.Fatalf("the local program of one that asks for nothing = %v, want %v\nfilter %s\nrow %q", local, want, g, row.values)
	}
}

// TestConditionAgreesWithOracle gives every operator of every column its share.
func TestConditionAgreesWithOracle(t *testing.T) {
	s := loadSchema(t)
	for _, c := range columns(s) {
		for _, op := range filter.Operators(c.Type) {
			t.Run(c.Name+" "+string(op), rapid.MakeCheck(func(t *rapid.T) {
				condition := drawCondition(t, c, op)
				scope := drawScope(t)
				row := entry{"thing", "", drawRow(t, []*schema.Column{c})}
				if c.Type.Kind() == schema.KindTime && rapid.IntRange(0, 3).Draw(t, "near now") > 0 {
					at := drawNear(t, scope.Now, scope.Zone)
					if c.Type == schema.Date {
						y, m, d := at.In(scope.Zone).Date()
						at = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
					}
					row.values[c.Name] = schema.Time(at)
				}
				program, err := filter.Compile(s, "thing", and(condition), filter.AsksAnything)
				if err != nil {
					t.Fatal(err)
				}
				truth := oracle{schema: s, scope: scope}
				checkRow(t, program, scope, row, truth.holds(condition, "thing", row), condition)
			}))
		}
	}
}

// TestNegationSplitsRows: of an operator and its negation exactly one holds, on
// whatever value, null included (docs/domain.md §9.4).
func TestNegationSplitsRows(t *testing.T) {
	s := loadSchema(t)
	all := columns(s)
	negation := map[filter.Operator]filter.Operator{
		filter.Eq: filter.Ne, filter.In: filter.NotIn, filter.Between: filter.NotBetween,
		filter.Like: filter.NotLike, filter.Contains: filter.NotContains, filter.BeginsWith: filter.NotBeginWith,
		filter.EndsWith: filter.NotEndWith, filter.Null: filter.NotNull,
		filter.EqUserID: filter.NeUserID, filter.EqBusinessID: filter.NeBusinessID,
	}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(all).Draw(t, "column")
		op := rapid.SampledFrom(filter.Operators(c.Type)).Draw(t, "operator")
		opposite, ok := negation[op]
		if !ok {
			t.Skip("has no negation or is one")
		}
		positive := drawCondition(t, c, op)
		negative := &filter.Condition{Column: c.Name, Operator: opposite, Values: positive.Values}
		program, err := filter.Compile(s, "thing", or(
			and(positive, negative), // never both
			or(positive, negative),  // always one
		), filter.AsksCaller)
		if err != nil {
			t.Fatal(err)
		}
		row := drawRow(t, []*schema.Column{c})
		verdict, err := program.ExplainIn(mapRow{values: row}, drawScope(t))
		if err != nil || verdict.Items[0].Holds || !verdict.Items[1].Holds {
			t.Fatalf("%s and its negation on %q: %+v, %v", positive, row[c.Name], verdict, err)
		}
	})
}

func TestParsePrintIdentity(t *testing.T) {
	s := loadSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		g := drawGroup(t, s, s.Table("thing"), 4)
		again, err := filter.Parse(s, "thing", g.String())
		if err != nil {
			t.Fatalf("parse %s: %v", g, err)
		}
		if diff := cmp.Diff(g, again); diff != "" {
			t.Fatalf("parse(print(x)) (-x +got):\n%s", diff)
		}
	})
}
