package filter

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"segue/internal/excerpt"
	"segue/internal/schema"
)

// Check reports whether a tree that was built by code fits the table, as [Parse] does
// for a text: columns, operators, number and kinds of values, relationships, depth.
// The error is an *[Error]. Values are checked with [schema.Column.Check], except
// for length and range: a bound may lie outside of what the column can hold.
func Check(s *schema.Schema, tableName string, g *Group) error {
	verify := func(c *schema.Column, v *schema.Value) error { return c.Check(*v) }
	return checker{schema: s, value: verify}.root(tableName, g)
}

// checker walks a tree. It passes each value, with its column, to value, which may
// replace it, in the order of the tree. It changes nothing else, so several goroutines may
// check one tree.
type checker struct {
	schema *schema.Schema
	*scratch
	value func(c *schema.Column, v *schema.Value) error
}

// scratch is what a checker makes for one condition after another.
type scratch struct {
	operators []Operator
	operand   schema.Column
}

func (k checker) root(tableName string, g *Group) error {
	t := k.schema.Table(tableName)
	if t == nil {
		return errorAt(nil, "table %s does not exist", excerpt.Of(tableName))
	}
	const usual = 64 // operators of a date are the most
	k.scratch = &scratch{operators: make([]Operator, 0, usual)}
	return k.group(nil, t, g, 1)
}

func (k checker) group(path *place, t *schema.Table, g *Group, depth int) error {
	switch {
	case g == nil:
		return errorAt(path, "a group is missing")
	case depth > MaxDepth:
		return errorAt(path, "groups are nested deeper than %d", MaxDepth).exceeds("FilterDepth", MaxDepth, 0)
	case g.Logic != And && g.Logic != Or:
		return errorAt(path, "type %q is neither %q nor %q", excerpt.Of(string(g.Logic)), And, Or)
	}
	at := path.item(0)
	for i, item := range g.Items {
		at.number = i
		var err error
		switch item := item.(type) {
		case *Group:
			err = k.group(at, t, item, depth+1)
		case *Condition:
			err = k.condition(at, t, item)
		case *Related:
			err = k.related(at, t, item, depth)
		default:
			err = errorAt(at, "a node is missing")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k checker) related(path *place, t *schema.Table, r *Related, depth int) error {
	if r == nil {
		return errorAt(path, "a node is missing")
	}
	relation, ok := k.schema.Relation(t.Name, r.Relationship)
	if !ok {
		return errorAt(path, "table %s has no relationship %s", t.Name, excerpt.Of(r.Relationship))
	}
	return k.group(path.filter(), relation.Table, r.Filter, depth+1)
}

func (k checker) condition(path *place, t *schema.Table, c *Condition) error {
	if c == nil {
		return errorAt(path, "a node is missing")
	}
	_, t, err := k.follow(path, t, c.Path)
	if err != nil {
		return err
	}
	column, err := usable(path, t, c.Column)
	if err != nil {
		return err
	}
	if c.Other != "" {
		return checkOther(path, t, column, c)
	}
	if err := k.operator(path, t, column, c); err != nil {
		return err
	}
	setOperand(&k.operand, column, c.Operator)
	for i := range c.Values {
		at := path.value(i)
		if err := k.value(&k.operand, &c.Values[i]); err != nil {
			return errorAt(at, "%v", err)
		}
		if c.Values[i].IsNull() {
			return errorAt(at, "column %s is compared with null: use operator %s or %s", column.Name, Null, NotNull)
		}
	}
	return nil
}

// follow returns the lookups of a path and the table that it leads to.
func (k checker) follow(at *place, t *schema.Table, path []string) ([]schema.Nav, *schema.Table, error) {
	if len(path) > MaxPath {
		return nil, nil, errorAt(at, "the path has %d lookups, at most %d are followed", len(path), MaxPath).exceeds("PathLookups", MaxPath, len(path))
	}
	var navs []schema.Nav
	for _, name := range path {
		found := t.Navs(name)
		if len(found) == 0 || found[0].Column.Write == schema.Hidden {
			return nil, nil, errorAt(at, "table %s has no navigation property %s to one row", t.Name, excerpt.Of(name))
		}
		if len(found) > 1 {
			return nil, nil, errorAt(at, "navigation property %s of table %s may lead to rows of several tables; a path follows one that leads to one", excerpt.Of(name), t.Name)
		}
		navs = append(navs, found[0])
		t = k.schema.Table(found[0].Target.Table)
	}
	return navs, t, nil
}

// usable returns a column that conditions may use.
func usable(path *place, t *schema.Table, name string) (*schema.Column, error) {
	column := t.Column(name)
	if column == nil || column.Write == schema.Hidden {
		return nil, errorAt(path, "table %s has no column %s", t.Name, excerpt.Of(name))
	}
	if column.Shown {
		return nil, errorAt(path, "column %s of table %s is worked out when a row is read; no condition can use it", column.Name, t.Name)
	}
	return column, nil
}

// checkOther checks a comparison of two columns.
func checkOther(path *place, t *schema.Table, column *schema.Column, c *Condition) error {
	other, err := usable(path, t, c.Other)
	switch {
	case err != nil:
		return err
	case len(c.Values) > 0:
		return errorAt(path, "column %s is compared with column %s and with values; it can be one of them only", column.Name, other.Name)
	case other.Type != column.Type && !bothText(other.Type, column.Type):
		return errorAt(path, "column %s of type %s is compared with column %s of type %s; their types must be the same", column.Name, column.Type, other.Name, other.Type)
	}
	allowed := slices.DeleteFunc(Comparable(), func(o Operator) bool { return !slices.Contains(Operators(column.Type), o) })
	return checkAllowed(path, column, c.Operator, allowed)
}

func bothText(a, b schema.Type) bool {
	isText := func(t schema.Type) bool { return t == schema.String || t == schema.Memo }
	return isText(a) && isText(b)
}

func checkAllowed(path *place, column *schema.Column, operator Operator, allowed []Operator) error {
	if slices.Contains(allowed, operator) {
		return nil
	}
	var names []string
	for _, o := range allowed {
		if o.asks() == 0 { // the others are many, and their names say what they apply to
			names = append(names, string(o))
		}
	}
	return errorAt(path, "operator %q does not apply to column %s of type %s; allowed: %s",
		excerpt.Of(string(operator)), column.Name, column.Type, strings.Join(names, ", "))
}

func (k checker) operator(path *place, t *schema.Table, column *schema.Column, c *Condition) error {
	k.operators = appendOperatorsOf(k.operators[:0], k.schema, t, column)
	if err := checkAllowed(path, column, c.Operator, k.operators); err != nil {
		return err
	}
	if len(c.Path) > 0 && slices.Contains(Hierarchical(), c.Operator) {
		return errorAt(path, "operator %s does not stand at the end of a path; a lookup itself has it", c.Operator)
	}
	least, most := c.Operator.Arity()
	if n := len(c.Values); n < least || n > most {
		want := fmt.Sprint(least)
		if least != most {
			want = fmt.Sprintf("%d to %d", least, most)
		}
		err := errorAt(path, "operator %s on column %s: number of values must be %s, got %d", c.Operator, column.Name, want, n)
		if n > most && most == MaxValues {
			return err.exceeds("ListValues", most, n)
		}
		return err
	}
	return nil
}

// Operand returns what the values of an operator on a column are, as a column of their
// type: mostly the column itself, without the rules for what it stores, for a pattern
// may be longer than a text that fits it, and a bound out of range still orders.
func Operand(c *schema.Column, o Operator) *schema.Column {
	var free schema.Column
	setOperand(&free, c, o)
	return &free
}

func setOperand(free, c *schema.Column, o Operator) {
	*free = *c
	free.MaxLength, free.Min, free.Max = math.MaxInt32, nil, nil
	switch {
	case o.takesNumbers():
		free.Type, free.Options = schema.Integer, nil
		least, most := decimal.NewFromInt(1), decimal.NewFromInt(MaxUnits)
		free.Min, free.Max = &least, &most
	case o == On || o == OnOrAfter || o == OnOrBefore:
		free.Type = schema.Date
	}
}
