package filter

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/schema"
)

// Check reports whether a tree that was built by code fits the table, as [Parse] does
// for a text: columns, operators, number and kinds of values, relationships, depth.
// The error is an *[Error]. Values are checked with [schema.Column.Check], except
// for length and range: a bound may lie outside of what the column can hold.
func Check(s *schema.Schema, tableName string, g *Group) error {
	verify := func(_ string, c *schema.Column, v *schema.Value) error { return c.Check(*v) }
	return checker{schema: s, value: verify}.root(tableName, g)
}

// checker walks a tree. It passes each value, with its path and its column, to
// value, which may replace it. It changes nothing else, so several goroutines may
// check one tree.
type checker struct {
	schema *schema.Schema
	value  func(path string, c *schema.Column, v *schema.Value) error
}

func (k checker) root(tableName string, g *Group) error {
	t := k.schema.Table(tableName)
	if t == nil {
		return errorAt("", "there is no table %s", excerpt.Of(tableName))
	}
	return k.group("", t, g, 1)
}

func (k checker) group(path string, t *schema.Table, g *Group, depth int) error {
	switch {
	case g == nil:
		return errorAt(path, "a group is missing")
	case depth > MaxDepth:
		return errorAt(path, "groups are nested deeper than %d", MaxDepth)
	case g.Logic != And && g.Logic != Or:
		return errorAt(path, "type %q is neither %q nor %q", excerpt.Of(string(g.Logic)), And, Or)
	}
	for i, item := range g.Items {
		var err error
		switch path := itemPath(path, i); item := item.(type) {
		case *Group:
			err = k.group(path, t, item, depth+1)
		case *Condition:
			err = k.condition(path, t, item)
		case *Related:
			err = k.related(path, t, item, depth)
		default:
			err = errorAt(path, "a node is missing")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k checker) related(path string, t *schema.Table, r *Related, depth int) error {
	if r == nil {
		return errorAt(path, "a node is missing")
	}
	relation, ok := k.schema.Relation(t.Name, r.Relationship)
	if !ok {
		return errorAt(path, "table %s has no relationship %s", t.Name, excerpt.Of(r.Relationship))
	}
	return k.group(join(path, "filter"), relation.Table, r.Filter, depth+1)
}

func (k checker) condition(path string, t *schema.Table, c *Condition) error {
	if c == nil {
		return errorAt(path, "a node is missing")
	}
	column := t.Column(c.Column)
	if column == nil || column.Write == schema.Hidden {
		return errorAt(path, "table %s has no column %s", t.Name, excerpt.Of(c.Column))
	}
	if column.Shown {
		return errorAt(path, "column %s of table %s is worked out when a row is read; no condition can use it", column.Name, t.Name)
	}
	if err := checkOperator(path, column, c); err != nil {
		return err
	}
	bound := operand(column)
	for i := range c.Values {
		at := valuePath(path, i)
		if err := k.value(at, bound, &c.Values[i]); err != nil {
			return errorAt(at, "%v", err)
		}
		if c.Values[i].IsNull() {
			return errorAt(at, "column %s is compared with null: use operator %s or %s", column.Name, Null, NotNull)
		}
	}
	return nil
}

func checkOperator(path string, column *schema.Column, c *Condition) error {
	allowed := Operators(column.Type)
	if !slices.Contains(allowed, c.Operator) {
		names := make([]string, len(allowed))
		for i, o := range allowed {
			names[i] = string(o)
		}
		return errorAt(path, "operator %q does not apply to column %s of type %s; allowed: %s",
			excerpt.Of(string(c.Operator)), column.Name, column.Type, strings.Join(names, ", "))
	}
	least, most := c.Operator.arity()
	if n := len(c.Values); n < least || n > most {
		want := fmt.Sprint(least)
		if least != most {
			want = fmt.Sprintf("%d to %d", least, most)
		}
		return errorAt(path, "operator %s on column %s: number of values must be %s, got %d", c.Operator, column.Name, want, n)
	}
	return nil
}

// operand returns the column without the rules for what it stores: a pattern may be
// longer than a text that fits it, and a bound out of range still orders.
func operand(c *schema.Column) *schema.Column {
	free := *c
	free.MaxLength, free.Min, free.Max = math.MaxInt32, nil, nil
	return &free
}
