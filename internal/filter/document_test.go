package filter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"segue/internal/doctest"
	"segue/internal/filter"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// columnsOfDocument are the types of columns that have the same operators.
func columnsOfDocument() []struct {
	name  string
	types []schema.Type
} {
	return []struct {
		name  string
		types []schema.Type
	}{
		{"string, memo", []schema.Type{schema.String, schema.Memo}},
		{"integer, bigint, decimal, money, double", []schema.Type{schema.Integer, schema.BigInt, schema.Decimal, schema.Money, schema.Double}},
		{"date", []schema.Type{schema.Date}},
		{"datetime", []schema.Type{schema.DateTime}},
		{"boolean, choice, state, status", []schema.Type{schema.Boolean, schema.Choice, schema.State, schema.Status}},
		{"guid", []schema.Type{schema.GUID}},
		{"lookup", []schema.Type{schema.LookupTo}},
	}
}

// TestOperators_Document writes docs/domain.md §9.2 from the code: each operator, on which
// types of columns it stands, how many values it takes, and whether it holds for a column
// without a value, which [TestDescribe] compares with the evaluator. Every type that a
// column of the schema has is in it.
func TestOperators_Document(t *testing.T) {
	documented := map[schema.Type]bool{}
	described := map[filter.Operator]filter.Description{}
	var order []filter.Operator
	on := map[filter.Operator]map[int]bool{}
	put := func(list []filter.Description, column int) {
		for _, d := range list {
			if on[d.Operator] == nil {
				on[d.Operator], described[d.Operator], order = map[int]bool{}, d, append(order, d.Operator)
			}
			on[d.Operator][column] = true
		}
	}
	columns := columnsOfDocument()
	head := "| operator | values | null |"
	for i, c := range columns {
		head += " " + c.name + " |"
		for _, typ := range c.types {
			documented[typ] = true
			if !slices.Equal(filter.Operators(typ), filter.Operators(c.types[0])) {
				t.Errorf("%s has other operators than %s", typ, c.types[0])
			}
		}
		put(filter.Describe(c.types[0]), i)
	}
	put(filter.DescribeHierarchical(), len(columns))
	head += " row of a hierarchy |\n" + strings.Repeat("|---", len(columns)+4) + "|\n"
	for _, table := range schematest.Tables(t).Tables() {
		for _, c := range table.Columns {
			if !documented[c.Type] {
				t.Errorf("columns of type %s are not in the table", c.Type)
			}
		}
	}
	var b strings.Builder
	b.WriteString(head)
	for _, o := range order {
		d := described[o]
		fmt.Fprintf(&b, "| `%s` | %s | %t |", o, operands(d), d.Null)
		for i := range len(columns) + 1 {
			if on[o][i] {
				b.WriteString(" yes |")
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteByte('\n')
	}
	doctest.Block(t, "../../docs/domain.md", "operators", b.String())
}

// operands says how many values an operator takes, and of which kind where that is not the
// type of the column.
func operands(d filter.Description) string {
	n := fmt.Sprint(d.Least)
	if d.Least != d.Most {
		n = fmt.Sprintf("%d to %d", d.Least, d.Most)
	}
	switch d.Operand {
	case filter.PatternOperand:
		return n + " pattern"
	case filter.NumberOperand:
		if d.Most > 1 {
			return n + " numbers"
		}
		return n + " number"
	case filter.NoOperand, filter.ColumnOperand:
	}
	return n
}
