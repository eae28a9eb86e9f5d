package filter_test

import (
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

func drawID(t *rapid.T) string {
	return "00000000-0000-0000-0000-00000000000" + rapid.SampledFrom([]string{"1", "2", "a"}).Draw(t, "id")
}

func drawCondition(t *rapid.T, c *schema.Column, op filter.Operator) *filter.Condition {
	values := 1
	switch op {
	case filter.Null, filter.NotNull:
		values = 0
	case filter.Between, filter.NotBetween:
		values = 2
	case filter.In, filter.NotIn:
		values = rapid.IntRange(1, 3).Draw(t, "count")
	default:
	}
	condition := &filter.Condition{Column: c.Name, Operator: op}
	for range values {
		condition.Values = append(condition.Values, drawValue(t, c))
	}
	return condition
}

func drawGroup(t *rapid.T, columns []*schema.Column, depth int) *filter.Group {
	g := &filter.Group{Logic: rapid.SampledFrom([]filter.Logic{filter.And, filter.Or}).Draw(t, "logic")}
	for range rapid.IntRange(0, 4).Draw(t, "items") {
		if depth > 1 && rapid.IntRange(0, 2).Draw(t, "inner") == 0 {
			g.Items = append(g.Items, drawGroup(t, columns, depth-1))
			continue
		}
		c := rapid.SampledFrom(columns).Draw(t, "column")
		op := rapid.SampledFrom(filter.Operators(c.Type)).Draw(t, "operator")
		g.Items = append(g.Items, drawCondition(t, c, op))
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
func columns(s *schema.Schema) []*schema.Column {
	var all []*schema.Column
	for _, c := range s.Table("thing").Columns {
		if c.Write != schema.Hidden {
			all = append(all, c)
		}
	}
	return all
}

func TestMatchAgreesWithOracle(t *testing.T) {
	s := loadSchema(t)
	all := columns(s)
	rapid.Check(t, func(t *rapid.T) {
		g := drawGroup(t, all, 4)
		program, err := filter.Compile(s, "thing", g)
		if err != nil {
			t.Fatalf("compile %s: %v", g, err)
		}
		for range 4 {
			row := drawRow(t, all)
			want := oracle(g, row)
			got, err := program.Match(mapRow{values: row})
			if err != nil || got != want {
				t.Fatalf("Match = %v, %v; the oracle says %v\nfilter %s\nrow %q", got, err, want, g, row)
			}
			verdict, err := program.Explain(mapRow{values: row})
			if err != nil || verdict.Holds != want {
				t.Fatalf("Explain = %+v, %v; the oracle says %v\nfilter %s\nrow %q", verdict, err, want, g, row)
			}
		}
	})
}

// TestConditionAgreesWithOracle gives every operator of every column its share.
func TestConditionAgreesWithOracle(t *testing.T) {
	s := loadSchema(t)
	for _, c := range columns(s) {
		for _, op := range filter.Operators(c.Type) {
			t.Run(c.Name+" "+string(op), rapid.MakeCheck(func(t *rapid.T) {
				condition := drawCondition(t, c, op)
				row := drawRow(t, []*schema.Column{c})
				program, err := filter.Compile(s, "thing", and(condition))
				if err != nil {
					t.Fatal(err)
				}
				want := oracle(condition, row)
				got, err := program.Match(mapRow{values: row})
				if err != nil || got != want {
					t.Fatalf("%s on %q: got %v, %v; the oracle says %v", condition, row[c.Name], got, err, want)
				}
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
		))
		if err != nil {
			t.Fatal(err)
		}
		row := drawRow(t, []*schema.Column{c})
		verdict, err := program.Explain(mapRow{values: row})
		if err != nil || verdict.Items[0].Holds || !verdict.Items[1].Holds {
			t.Fatalf("%s and its negation on %q: %+v, %v", positive, row[c.Name], verdict, err)
		}
	})
}

func TestParsePrintIdentity(t *testing.T) {
	s := loadSchema(t)
	all := columns(s)
	rapid.Check(t, func(t *rapid.T) {
		g := drawGroup(t, all, 4)
		if rapid.Bool().Draw(t, "related") {
			related := &filter.Related{Relationship: "thing_parts", Contains: rapid.Bool().Draw(t, "contains")}
			related.Filter = drawGroup(t, s.Table("part").Columns, 2)
			g.Items = append(g.Items, related)
		}
		again, err := filter.Parse(s, "thing", g.String())
		if err != nil {
			t.Fatalf("parse %s: %v", g, err)
		}
		if diff := cmp.Diff(g, again); diff != "" {
			t.Fatalf("parse(print(x)) (-x +got):\n%s", diff)
		}
	})
}
