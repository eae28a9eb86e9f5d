package filter

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/schema"
)

// Program is a filter made ready for many rows of its table. It is immutable
// and safe for concurrent use.
type Program struct {
	root    *step
	columns []string
}

// step is a compiled node: a group when test is nil, else a condition.
type step struct {
	path, text string
	logic      Logic
	items      []*step

	column *schema.Column
	isNull bool // the answer for null before negation
	negate bool
	test   test
}

// test decides a positive operator for a value that is not null; typed is false
// for one of another Go type than the column's.
type test func(v schema.Value) (holds, typed bool)

// Compile checks g as Check does and makes a program of it. A Related is
// refused: related rows are not evaluated, and an answer that left them out
// would be wrong.
func Compile(s *schema.Schema, tableName string, g *Group) (*Program, error) {
	if err := Check(s, tableName, g); err != nil {
		return nil, err
	}
	read := map[string]bool{}
	root, err := compileGroup(s.Table(tableName), "", g, read)
	if err != nil {
		return nil, err
	}
	return &Program{root: root, columns: slices.Sorted(maps.Keys(read))}, nil
}

// Columns is the columns that the program may read, sorted, each once. A change
// of any other column cannot change its answer. Not to be changed.
func (p *Program) Columns() []string { return p.columns }

func compileGroup(t *schema.Table, path string, g *Group, read map[string]bool) (*step, error) {
	group := &step{path: path, text: string(g.Logic), logic: g.Logic}
	for i, item := range g.Items {
		path := itemPath(path, i)
		switch item := item.(type) {
		case *Group:
			inner, err := compileGroup(t, path, item, read)
			if err != nil {
				return nil, err
			}
			group.items = append(group.items, inner)
		case *Condition:
			read[item.Column] = true
			group.items = append(group.items, compileCondition(t.Column(item.Column), path, item))
		case *Related:
			return nil, errorAt(path, "conditions on related rows (%s) cannot be evaluated", item.Relationship)
		}
	}
	return group, nil
}

func compileCondition(column *schema.Column, path string, c *Condition) *step {
	op, negated := c.Operator.positive()
	return &step{
		path:   path,
		text:   c.String(),
		column: column,
		isNull: op == Null,
		negate: negated,
		test:   newTest(column.Type, op, c.Values),
	}
}

// newTest picks the comparison of the column's type. The values are of its Go
// type: Check has seen them.
func newTest(t schema.Type, op Operator, values []schema.Value) test {
	switch t {
	case schema.String, schema.Memo:
		return of(newTextTest(op, values).holds)
	case schema.Decimal, schema.Money:
		return compared(op, values, compareDecimals)
	case schema.Double:
		return compared(op, values, cmp.Compare[float64])
	case schema.Boolean:
		return compared(op, values, equal[bool])
	case schema.DateTime, schema.Date:
		return compared(op, values, time.Time.Compare)
	case schema.GUID:
		return compared(op, values, strings.Compare)
	case schema.LookupTo:
		return compared(op, values, equal[schema.Lookup])
	}
	return compared(op, values, cmp.Compare[int64]) // numbers and choices
}

// of makes a test of a predicate on the column's Go type.
func of[T any](holds func(T) bool) test {
	return func(v schema.Value) (bool, bool) {
		t, typed := v.(T)
		return typed && holds(t), typed
	}
}

func compared[T any](op Operator, values []schema.Value, compare func(a, b T) int) test {
	want := make([]T, len(values))
	for i, v := range values {
		want[i], _ = v.(T)
	}
	return of(func(v T) bool {
		return inOrder(op, len(want), func(i int) int { return compare(v, want[i]) })
	})
}

// inOrder decides the operators that need no more than an order; compare
// compares what was read with value i of n. Null has no values, so it is In of
// nothing.
func inOrder(op Operator, n int, compare func(i int) int) bool {
	switch op {
	case Gt:
		return compare(0) > 0
	case Ge:
		return compare(0) >= 0
	case Lt:
		return compare(0) < 0
	case Le:
		return compare(0) <= 0
	case Between:
		return compare(0) >= 0 && compare(1) <= 0
	}
	for i := range n { // Eq, In, Null
		if compare(i) == 0 {
			return true
		}
	}
	return false
}

// equal is a comparison of values without order.
func equal[T comparable](a, b T) int {
	if a == b {
		return 0
	}
	return 1
}

// compareDecimals is Decimal.Cmp, which allocates when the exponents differ;
// numbers of 18 digits at the finer exponent do without.
func compareDecimals(a, b decimal.Decimal) int {
	exponent := min(a.Exponent(), b.Exponent())
	x, okX := scaled(a, exponent)
	y, okY := scaled(b, exponent)
	if okX && okY {
		return cmp.Compare(x, y)
	}
	return a.Cmp(b)
}

// scaled is d in units of ten to the exponent, when that fits.
func scaled(d decimal.Decimal, exponent int32) (int64, bool) {
	shift := int(d.Exponent()) - int(exponent)
	if d.NumDigits()+shift > 18 {
		return 0, false
	}
	n := d.CoefficientInt64()
	for range shift {
		n *= 10
	}
	return n, true
}
