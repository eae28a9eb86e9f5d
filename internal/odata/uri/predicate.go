package uri

import (
	"segue/internal/filter"
	"segue/internal/schema"
)

// An expression of OData is true, false or null, and a negation leaves null what it is.
// A tree of package filter holds or does not. outcome says of which rows a tree is made:
// those where the expression has that value, or where it has not.
type outcome uint8

const (
	isTrue outcome = iota
	isFalse
	notTrue
	notFalse
)

// negated returns the outcome of an expression by which its negation has outcome o.
func (o outcome) negated() outcome {
	return [...]outcome{isTrue: isFalse, isFalse: isTrue, notTrue: notFalse, notFalse: notTrue}[o]
}

// negative reports whether the outcome is that of an expression which does not hold.
func (o outcome) negative() bool { return o == isFalse || o == notTrue }

// predicate is an expression that is true, false or null.
type predicate interface {
	// node returns the conditions of the rows with an outcome.
	node(o outcome) (filter.Node, error)
}

// joined is predicates joined by and or or.
type joined struct {
	logic filter.Logic
	items []predicate
}

func (j joined) node(o outcome) (filter.Node, error) {
	g := &filter.Group{Logic: j.logic}
	if o.negative() { // de Morgan
		g.Logic = map[filter.Logic]filter.Logic{filter.And: filter.Or, filter.Or: filter.And}[j.logic]
	}
	for _, item := range j.items {
		n, err := item.node(o)
		if err != nil {
			return nil, err
		}
		if inner, ok := n.(*filter.Group); ok && inner.Logic == g.Logic {
			g.Items = append(g.Items, inner.Items...)
			continue
		}
		g.Items = append(g.Items, n)
	}
	return g, nil
}

// negation is the negation of a predicate.
type negation struct{ of predicate }

func (n negation) node(o outcome) (filter.Node, error) { return n.of.node(o.negated()) }

// equalTo is a predicate that is compared with true or false. Null is equal to neither.
type equalTo struct {
	of    predicate
	truth bool
}

func (e equalTo) node(o outcome) (filter.Node, error) {
	switch {
	case e.truth && o.negative():
		return e.of.node(notTrue)
	case e.truth:
		return e.of.node(isTrue)
	case o.negative():
		return e.of.node(notFalse)
	default:
		return e.of.node(isFalse)
	}
}

// truthOf is a property that is true, false or null.
type truthOf struct{ comparison }

func (p truthOf) node(o outcome) (filter.Node, error) {
	condition := p.Condition
	condition.Values = []schema.Value{schema.Bool(o == isTrue || o == notTrue)}
	if o == notTrue || o == notFalse {
		condition.Operator = filter.Ne
	}
	return &condition, nil
}

// comparison is a condition that is true or false for any value, null included.
type comparison struct{ filter.Condition }

func (c comparison) node(o outcome) (filter.Node, error) {
	condition := c.Condition
	if !o.negative() {
		return &condition, nil
	}
	opposite, exact := opposite(c.Operator)
	condition.Operator = opposite
	if exact {
		return &condition, nil
	}
	// An order is false where there is null, so that its negation is true.
	g := &filter.Group{Logic: filter.Or, Items: []filter.Node{&condition, c.null(c.Column, filter.Null)}}
	if c.Other != "" {
		g.Items = append(g.Items, c.null(c.Other, filter.Null))
	}
	return g, nil
}

// null returns a condition on the presence of a column of the same row.
func (c comparison) null(column string, operator filter.Operator) *filter.Condition {
	return &filter.Condition{Path: c.Path, Column: column, Operator: operator}
}

// opposite returns the operator that holds where another does not; exact is false where
// both do not hold for null.
func opposite(o filter.Operator) (op filter.Operator, exact bool) {
	switch o {
	case filter.Gt:
		return filter.Le, false
	case filter.Ge:
		return filter.Lt, false
	case filter.Lt:
		return filter.Ge, false
	case filter.Le:
		return filter.Gt, false
	default:
		return exactOpposite(o), true
	}
}

// exactOpposite returns the operator that holds exactly where another does not, "" where
// there is none.
func exactOpposite(o filter.Operator) filter.Operator {
	pairs := [...][2]filter.Operator{
		{filter.Eq, filter.Ne}, {filter.In, filter.NotIn}, {filter.Null, filter.NotNull}, {filter.Between, filter.NotBetween},
		{filter.Contains, filter.NotContains}, {filter.BeginsWith, filter.NotBeginWith}, {filter.EndsWith, filter.NotEndWith},
		{filter.EqUserID, filter.NeUserID}, {filter.EqBusinessID, filter.NeBusinessID},
		{filter.Under, filter.NotUnder},
	}
	for _, pair := range pairs {
		if o == pair[0] {
			return pair[1]
		}
		if o == pair[1] {
			return pair[0]
		}
	}
	return ""
}

// textMatch is contains, startswith or endswith, which are null for null.
type textMatch struct{ comparison }

func (m textMatch) node(o outcome) (filter.Node, error) {
	condition := m.Condition
	if o.negative() {
		condition.Operator = exactOpposite(m.Operator)
	}
	switch o {
	case isFalse:
		return &filter.Group{Logic: filter.And, Items: []filter.Node{&condition, m.null(m.Column, filter.NotNull)}}, nil
	case notFalse:
		return &filter.Group{Logic: filter.Or, Items: []filter.Node{&condition, m.null(m.Column, filter.Null)}}, nil
	default:
		return &condition, nil
	}
}

// named is a condition by a function of Dataverse, which "not" may not stand before.
type named struct {
	comparison
	refused error
}

func (n named) node(o outcome) (filter.Node, error) {
	condition := n.Condition
	switch o {
	case isTrue:
		return &condition, nil
	case notTrue: // all(…) asks for it, not "not"
		if opposite := exactOpposite(n.Operator); opposite != "" {
			condition.Operator = opposite
			return &condition, nil
		}
	default:
	}
	return nil, n.refused
}

// related is any or all over a relationship: some row must have the outcome, or none.
type related struct {
	relationship string
	some         bool
	inner        predicate // nil: any row
	outcome      outcome   // of inner
}

func (r related) node(o outcome) (filter.Node, error) {
	node := &filter.Related{Relationship: r.relationship, Contains: r.some != o.negative(), Filter: &filter.Group{Logic: filter.And}}
	if r.inner == nil {
		return node, nil
	}
	inner, err := r.inner.node(r.outcome)
	node.Filter = rooted(inner)
	return node, err
}

// rooted returns a node as the root of a tree.
func rooted(n filter.Node) *filter.Group {
	if g, ok := n.(*filter.Group); ok {
		return g
	}
	return &filter.Group{Logic: filter.And, Items: []filter.Node{n}}
}
