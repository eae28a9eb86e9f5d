package filter

import (
	"bytes"
	"fmt"
	"slices"

	"segue/internal/schema"
)

// beyond is a condition that looks at more than one column of the row.
type beyond interface {
	// decide evaluates the condition and also returns the value that it read, null
	// where that is not one value.
	decide(row Row, scope *Scope) (value schema.Value, holds bool, err error)
	// bind returns the condition with what it asks of the time and of the caller
	// settled.
	bind(of *step, scope *Scope) (*step, error)
}

// twoColumns compares two columns of the row.
type twoColumns struct {
	left, right *step
	op          Operator // a positive one
}

func (c twoColumns) decide(row Row, _ *Scope) (value schema.Value, holds bool, err error) {
	value, err = c.left.read(row)
	if err != nil {
		return schema.Null(), false, err
	}
	other, err := c.right.read(row)
	if err != nil {
		return schema.Null(), false, err
	}
	switch {
	case value.IsNull() || other.IsNull():
		return value, c.left.negate, nil // nothing equals null, null included, or is in an order with it
	case value.Kind() != c.left.kind:
		return schema.Null(), false, c.left.wrongKind(value)
	case other.Kind() != c.right.kind:
		return schema.Null(), false, c.right.wrongKind(other)
	}
	holds = inOrder(c.op, 1, func(int) int { return c.compare(value, other) })
	return value, holds != c.left.negate, nil
}

func (c twoColumns) compare(v, w schema.Value) int {
	if !isText(c.left.column.Type) {
		return v.Compare(w)
	}
	s, _ := v.Text()
	t, _ := w.Text()
	return bytes.Compare(appendFolded(nil, trimmed(s)), appendFolded(nil, trimmed(t)))
}

func isText(t schema.Type) bool { return t == schema.String || t == schema.Memo }

func (c twoColumns) bind(of *step, _ *Scope) (*step, error) { return of, nil }

// pathTo is a condition on a row that lookups lead to.
type pathTo struct {
	navs    []schema.Nav
	last    *step    // the condition on the row at the end
	columns []string // that it reads there
}

func (c pathTo) decide(row Row, scope *Scope) (value schema.Value, holds bool, err error) {
	there, err := c.follow(row, scope)
	if err != nil {
		return schema.Null(), false, err
	}
	return c.last.answer(there, scope)
}

// follow returns the row at the end of the path.
func (c pathTo) follow(row Row, scope *Scope) (there Row, err error) {
	if scope == nil || scope.Related == nil {
		return nil, fmt.Errorf("filter at %s: %w", c.last.path, errNoRows)
	}
	for _, nav := range c.navs {
		row, err = scope.Related.One(row, nav)
		if err != nil {
			return nil, fmt.Errorf("filter at %s: follow %s: %w", c.last.path, nav.Target.Nav, err)
		}
		if row == nil {
			return nothing{}, nil
		}
	}
	return row, nil
}

// nothing is the row that a path which leads nowhere ends at.
type nothing struct{}

// Value implements [Row].
func (nothing) Value(string) (schema.Value, error) { return schema.Null(), nil }

func (c pathTo) bind(of *step, scope *Scope) (*step, error) {
	last, err := c.last.bind(scope)
	if err != nil {
		return nil, err
	}
	c.last = last
	bound := *of
	bound.setBeyond(c)
	return &bound, nil
}

// relatedTo is a condition on the rows of a relationship.
type relatedTo struct {
	relation schema.Relation
	nav      schema.Nav // where the row holds the lookup
	inner    *Program
	negate   bool
}

func (c relatedTo) decide(row Row, scope *Scope) (value schema.Value, holds bool, err error) {
	if scope == nil || scope.Related == nil {
		return schema.Null(), false, fmt.Errorf("filter: relationship %s: %w", c.relation.Name, errNoRows)
	}
	if c.relation.Many {
		holds, err = scope.Related.Any(row, c.relation, c.inner)
	} else {
		holds, err = c.one(row, scope)
	}
	if err != nil {
		return schema.Null(), false, fmt.Errorf("relationship %s: %w", c.relation.Name, err)
	}
	return schema.Null(), holds != c.negate, nil
}

// one reports whether there is a row that the lookup points at and inner holds for it.
func (c relatedTo) one(row Row, scope *Scope) (bool, error) {
	there, err := scope.Related.One(row, c.nav)
	if err != nil || there == nil {
		return false, err
	}
	return c.inner.MatchIn(there, scope)
}

func (c relatedTo) bind(of *step, scope *Scope) (*step, error) {
	inner, err := c.inner.Bind(scope)
	if err != nil {
		return nil, err
	}
	c.inner = inner
	bound := *of
	bound.setBeyond(c)
	return &bound, nil
}

// Bind returns the program with the time, the zone and the caller of a scope settled,
// for an evaluation of many rows in that scope: a condition such as today is then one
// comparison. Related rows are not settled.
func (p *Program) Bind(scope *Scope) (*Program, error) {
	if p.asks&(AsksZone|AsksNow|AsksCaller) == 0 {
		return p, nil
	}
	root, err := p.root.bind(scope)
	if err != nil {
		return nil, err
	}
	return &Program{root: root, columns: p.columns, asks: p.asks & AsksRows}, nil
}

func (s *step) bind(scope *Scope) (*step, error) {
	switch {
	case s.test != nil:
		return s, nil
	case s.asks:
		return s.beyond.bind(s, scope)
	}
	group := *s
	group.items = make([]*step, len(s.items))
	for i, item := range s.items {
		bound, err := item.bind(scope)
		if err != nil {
			return nil, err
		}
		group.items[i] = bound
	}
	return &group, nil
}

// Needs is what a program asks beyond the columns of the row.
type Needs struct {
	Asks    Asks
	Lookups []Follow // lookups of the row, each once
	Related []Reach  // relationships, in the order of the conditions
	Climbs  []Climb  // hierarchies, in the order of the conditions
}

// Follow is a lookup whose row is read.
type Follow struct {
	Nav     schema.Nav
	Columns []string   // of that row, sorted, lookups that are followed from there included
	Lookups []Follow   // of that row
	Inner   []*Program // conditions on that row which ask for more than its columns by themselves
}

// Reach is a relationship of which it is asked whether any row of it meets a condition.
type Reach struct {
	Relation schema.Relation // its Many is true
	Inner    *Program
}

// Needs returns what the program asks beyond the columns of the row. A bound program has
// needs of its own: its inner programs are bound too.
func (p *Program) Needs() Needs {
	n := Needs{Asks: p.asks}
	p.root.need(&n)
	return n
}

func (s *step) need(n *Needs) {
	switch c := s.beyond.(type) {
	case pathTo:
		follow(&n.Lookups, c.navs, c.columns)
	case relatedTo:
		if c.relation.Many {
			n.Related = append(n.Related, Reach{c.relation, c.inner})
			return
		}
		at := follow(&n.Lookups, []schema.Nav{c.nav}, c.inner.columns)
		at.Inner = append(at.Inner, c.inner)
	case inHierarchy:
		n.Climbs = append(n.Climbs, Climb{c})
	}
	for _, item := range s.items {
		item.need(n)
	}
}

// follow adds a path to a tree of lookups and returns its last one.
func follow(lookups *[]Follow, navs []schema.Nav, columns []string) *Follow {
	at := slices.IndexFunc(*lookups, func(f Follow) bool {
		return f.Nav.Column == navs[0].Column && f.Nav.Target.Table == navs[0].Target.Table
	})
	if at < 0 {
		at = len(*lookups)
		*lookups = append(*lookups, Follow{Nav: navs[0]})
	}
	here := &(*lookups)[at]
	read := columns
	if len(navs) > 1 {
		read = []string{sourceOf(navs[1].Column)}
	}
	for _, column := range read {
		if i, found := slices.BinarySearch(here.Columns, column); !found {
			here.Columns = slices.Insert(here.Columns, i, column)
		}
	}
	if len(navs) == 1 {
		return here
	}
	return follow(&here.Lookups, navs[1:], columns)
}

// Local returns a program that holds on every row on which p may hold, and asks for no
// related rows: a reader leaves out the rows on which it does not hold before it reads
// what is related to the others.
func (p *Program) Local() *Program {
	if p.asks&AsksRows == 0 {
		return p
	}
	return &Program{root: p.root.local(), columns: p.columns, asks: p.asks &^ AsksRows}
}

// local replaces the conditions on related rows by one that always holds. No node
// negates another, so that the whole holds on more rows and never on fewer.
func (s *step) local() *step {
	switch s.beyond.(type) {
	case pathTo, relatedTo, inHierarchy:
		return &step{label: &label{path: s.path, node: s.node}}
	}
	if len(s.items) == 0 {
		return s
	}
	group := *s
	group.items = make([]*step, len(s.items))
	for i, item := range s.items {
		group.items[i] = item.local()
	}
	return &group
}
