package filter

import (
	"cmp"
	"maps"
	"slices"

	"segue/internal/schema"
)

// Program is a filter that is compiled for the rows of its table. It is immutable
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
	source string      // column that it reads, another one where the column is derived
	kind   schema.Kind // of the column's values
	isNull bool        // the result for null before negation
	negate bool
	test   test
}

// test reports whether a positive operator holds for a value of the column's kind.
type test func(v schema.Value) bool

// Compile checks g as [Check] does and compiles it. A [Related] is refused: related
// rows are not evaluated, and a result that left them out would be wrong.
func Compile(s *schema.Schema, tableName string, g *Group) (*Program, error) {
	if err := Check(s, tableName, g); err != nil {
		return nil, err
	}
	columns := map[string]bool{}
	root, err := compileGroup(s.Table(tableName), "", g, columns)
	if err != nil {
		return nil, err
	}
	return &Program{root: root, columns: slices.Sorted(maps.Keys(columns))}, nil
}

// Columns returns the columns that the program may read, sorted, each once. A
// change of any other column cannot change its result. The caller must not change
// the slice.
func (p *Program) Columns() []string { return p.columns }

// compileGroup compiles a group and adds the columns that it reads to columns.
func compileGroup(t *schema.Table, path string, g *Group, columns map[string]bool) (*step, error) {
	group := &step{path: path, text: string(g.Logic), logic: g.Logic}
	for i, item := range g.Items {
		path := itemPath(path, i)
		switch item := item.(type) {
		case *Group:
			inner, err := compileGroup(t, path, item, columns)
			if err != nil {
				return nil, err
			}
			group.items = append(group.items, inner)
		case *Condition:
			condition := compileCondition(t.Column(item.Column), path, item)
			columns[condition.source] = true
			for _, source := range condition.column.Sources() {
				columns[source] = true
			}
			group.items = append(group.items, condition)
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
		source: cmp.Or(column.Derived, column.Name),
		kind:   column.Type.Kind(),
		isNull: op == Null,
		negate: negated,
		test:   newTest(column.Type, op, c.Values),
	}
}

// newTest returns the comparison for the column's type. The values are of its kind:
// [Check] has seen to that. Strings and memos are folded; a GUID, although its
// values are texts too, is compared as it is stored.
func newTest(t schema.Type, op Operator, values []schema.Value) test {
	if t == schema.String || t == schema.Memo {
		return newTextTest(op, values).holds
	}
	return func(v schema.Value) bool {
		return inOrder(op, len(values), func(i int) int { return v.Compare(values[i]) })
	}
}

// inOrder evaluates the operators that need only an order; compare compares what was
// read with value i of n. Null has no values, so it holds for nothing that is read.
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
	default: // Eq, In, Null
		for i := range n {
			if compare(i) == 0 {
				return true
			}
		}
		return false
	}
}
