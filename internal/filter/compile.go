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
	asks    Asks
	table   *schema.Table
	tree    *Group // nil of a program that is made of another one
}

// step is a compiled node: a group when test is nil and beyond not set, else a condition.
// It is small, because a catalogue has thousands and a row is matched with all of them.
type step struct {
	items  []*step
	column *schema.Column
	source string // column that it reads, another one where the column is derived
	test   test
	*label

	kind   schema.Kind // of the column's values
	or     bool        // of a group: one item that holds is enough
	isNull bool        // the result for null before negation
	negate bool
	asks   bool // beyond is what to evaluate
	rows   bool // it, or a condition in it, asks for related rows
}

// label is what a step is for people, and what most of them have no use for.
type label struct {
	path   *place
	node   Node
	beyond beyond // a condition that looks at more than one column of the row
}

// text returns what the step is to people, which most are never asked for.
func (l *label) text() string {
	switch n := l.node.(type) {
	case *Condition:
		return n.String()
	case *Related:
		return n.String()
	case *Group:
		return string(n.Logic)
	}
	return ""
}

// setBeyond makes a step a condition that looks at more than one column.
func (s *step) setBeyond(b beyond) {
	of := *s.label
	of.beyond = b
	s.label, s.asks = &of, true
}

// test reports whether a positive operator holds for a value of the column's kind.
type test func(v schema.Value) bool

// Compile checks g as [Check] does and compiles it. Conditions that ask for more than
// may, which is nothing but the row where it is left out, are refused: a result that
// left them out would be wrong.
func Compile(s *schema.Schema, tableName string, g *Group, may ...Asks) (*Program, error) {
	if err := Check(s, tableName, g); err != nil {
		return nil, err
	}
	var all Asks
	for _, asks := range may {
		all |= asks
	}
	if err := g.CheckAsks(all); err != nil {
		return nil, err
	}
	return compiler{schema: s, columns: map[string]bool{}}.program(s.Table(tableName), nil, g)
}

// Columns returns the columns of the row that the program may read, sorted, each once,
// lookups that it follows included. A change of any other column cannot change its
// result, unless it asks for more than the row ([Program.Needs]). The caller must not
// change the slice.
func (p *Program) Columns() []string { return p.columns }

// Tree returns the table and the tree that the program was compiled from, which the
// caller must not change; nil for a program that was made of another one ([Program.Bind],
// [Program.Local]).
func (p *Program) Tree() (*schema.Table, *Group) { return p.table, p.tree }

// compiler compiles the conditions on rows of one table.
type compiler struct {
	schema  *schema.Schema
	columns map[string]bool // that the conditions read
}

func (k compiler) program(t *schema.Table, path *place, g *Group) (*Program, error) {
	root, err := k.group(t, path, g)
	if err != nil {
		return nil, err
	}
	return &Program{root: root, columns: slices.Sorted(maps.Keys(k.columns)), asks: g.Asks(), table: t, tree: g}, nil
}

func (k compiler) group(t *schema.Table, path *place, g *Group) (*step, error) {
	group := &step{label: &label{path: path, node: g}, or: g.Logic == Or}
	for i, item := range g.Items {
		var inner *step
		var err error
		switch path := path.item(i); item := item.(type) {
		case *Group:
			inner, err = k.group(t, path, item)
		case *Condition:
			inner, err = k.condition(t, path, item)
		case *Related:
			inner, err = k.related(t, path, item)
		}
		if err != nil {
			return nil, err
		}
		group.items = append(group.items, inner)
		group.rows = group.rows || inner.rows
	}
	return group, nil
}

// reads notes the columns of which the value of a column is made.
func (k compiler) reads(column *schema.Column) {
	k.columns[sourceOf(column)] = true
	for _, source := range column.Sources() {
		k.columns[source] = true
	}
}

// sourceOf returns the column that holds the value of a column.
func sourceOf(column *schema.Column) string { return cmp.Or(column.Derived, column.Name) }

// condition compiles a condition on a column of the row itself, or at the end of a path.
func (k compiler) condition(t *schema.Table, path *place, c *Condition) (*step, error) {
	if len(c.Path) > 0 {
		return k.followed(t, path, c)
	}
	column := t.Column(c.Column)
	k.reads(column)
	op, negated := c.Operator.Positive()
	s := &step{
		label:  &label{path: path, node: c},
		column: column,
		source: sourceOf(column),
		kind:   column.Type.Kind(),
		isNull: op == Null,
		negate: negated,
	}
	switch {
	case c.Other != "":
		other := t.Column(c.Other)
		k.reads(other)
		s.setBeyond(twoColumns{left: s, right: &step{label: s.label, column: other, source: sourceOf(other), kind: s.kind}, op: op})
	case c.Operator.asks() == AsksRows:
		s.rows = true
		s.setBeyond(inHierarchy{of: s, table: k.schema.Hierarchy(t, column), op: op, id: idOf(c.Values[0])})
	case c.Operator.asks() != 0:
		s.setBeyond(relative{of: s, op: op, numbers: numbers(c.Values), date: date(c.Values)})
	default:
		s.test = newTest(column.Type, op, c.Values)
	}
	return s, nil
}

// followed compiles a condition at the end of a path: a program of its own for the row
// there.
func (k compiler) followed(t *schema.Table, path *place, c *Condition) (*step, error) {
	navs, end, err := checker{schema: k.schema}.follow(path, t, c.Path)
	if err != nil {
		return nil, err
	}
	k.columns[sourceOf(navs[0].Column)] = true
	there := compiler{schema: k.schema, columns: map[string]bool{}}
	ownColumn := *c
	ownColumn.Path = nil
	last, err := there.condition(end, path, &ownColumn)
	if err != nil {
		return nil, err
	}
	s := &step{label: &label{path: path, node: c}, column: last.column, rows: true}
	s.setBeyond(pathTo{navs: navs, last: last, columns: slices.Sorted(maps.Keys(there.columns))})
	return s, nil
}

// related compiles a condition on related rows: a program of its own for them.
func (k compiler) related(t *schema.Table, path *place, r *Related) (*step, error) {
	relation, _ := k.schema.Relation(t.Name, r.Relationship) // Check has found it
	there := compiler{schema: k.schema, columns: map[string]bool{}}
	inner, err := there.program(relation.Table, path.filter(), r.Filter)
	if err != nil {
		return nil, err
	}
	node := relatedTo{relation: relation, inner: inner, negate: !r.Contains}
	if !relation.Many {
		k.columns[sourceOf(relation.Column)] = true
		node.nav = navOf(t, relation)
	}
	s := &step{label: &label{path: path, node: r}, rows: true}
	s.setBeyond(node)
	return s, nil
}

// navOf returns the lookup of a table that makes a relationship.
func navOf(t *schema.Table, r schema.Relation) schema.Nav {
	for _, nav := range t.Navs(r.Column.Name) {
		if nav.Target.Relationship == r.Name {
			return nav
		}
	}
	return schema.Nav{} // no relationship is without its lookup
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
