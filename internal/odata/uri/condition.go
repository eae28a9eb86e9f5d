package uri

import (
	"slices"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/schema"
)

// compare returns the condition of a comparison.
func (p *parser) compare(left operand, operator token, right operand) (predicate, error) {
	op := filter.Operator(operator.text)
	switch {
	case left.predicate != nil:
		return p.isBoolean(left.predicate, op, operator, right)
	case right.predicate != nil:
		return p.isBoolean(right.predicate, op, operator, left)
	case left.property != nil && right.property != nil:
		return p.compareProperties(*left.property, op, operator, right)
	case right.property != nil: // 5 lt x is x gt 5
		left, right, op = right, left, mirrored(op)
	case left.property == nil:
		return nil, p.errorAt(left.at, "a property expected")
	}
	if right.isNull() {
		return p.isNull(*left.property, op, operator)
	}
	c, err := p.operatorOn(*left.property, op, operator)
	if err != nil {
		return nil, err
	}
	c.Values, err = p.values(left.property.column, op, right.literal)
	if err != nil {
		return nil, err
	}
	if len(c.Values) > 1 { // a lookup of several tables
		c.Operator = map[filter.Operator]filter.Operator{filter.Eq: filter.In, filter.Ne: filter.NotIn}[op]
	}
	return p.onLookup(*left.property, c), nil
}

// mirrored returns the operator for the operands in the other order.
func mirrored(o filter.Operator) filter.Operator {
	switch o {
	case filter.Gt:
		return filter.Lt
	case filter.Ge:
		return filter.Le
	case filter.Lt:
		return filter.Gt
	case filter.Le:
		return filter.Ge
	default:
		return o
	}
}

// isBoolean returns a predicate that is compared with true or false.
func (p *parser) isBoolean(of predicate, op filter.Operator, operator token, with operand) (predicate, error) {
	truth := with.literal.text == "true"
	switch {
	case with.predicate != nil, with.literal.kind != wordToken, !truth && with.literal.text != "false":
		return nil, p.errorAt(with.at, "true or false expected; a condition is compared with nothing else")
	case op != filter.Eq && op != filter.Ne:
		return nil, p.errorAt(operator.at, "a condition can only be compared with true and false, by eq and ne")
	case op == filter.Ne:
		return negation{equalTo{of, truth}}, nil
	}
	return equalTo{of, truth}, nil
}

// isNull returns a test of presence. No order has a place for null, so gt and the like
// hold for no row.
func (p *parser) isNull(of property, op filter.Operator, operator token) (predicate, error) {
	presence := map[filter.Operator]filter.Operator{filter.Eq: filter.Null, filter.Ne: filter.NotNull}[op]
	if presence == "" {
		return nil, p.errorAt(operator.at, "null can only be compared by eq and ne")
	}
	c, err := p.operatorOn(of, presence, operator)
	return c, err
}

// count counts a condition.
func (p *parser) count(at int) error {
	if p.conditions++; p.conditions > MaxConditions {
		return p.exceeded("FilterConditions", MaxConditions, 0, at, "more than %d conditions", MaxConditions)
	}
	return nil
}

// operatorOn returns a condition without values, if the operator applies to the property.
func (p *parser) operatorOn(of property, op filter.Operator, operator token) (comparison, error) {
	if err := p.count(operator.at); err != nil {
		return comparison{}, err
	}
	if !slices.Contains(filter.OperatorsOf(p.schema, of.table, of.column), op) {
		return comparison{}, p.errorAt(operator.at, "operator '%s' does not apply to property '%s' of type %s", excerpt.Of(operator.text), NameOf(of.column), of.column.Type)
	}
	return comparison{filter.Condition{Path: of.path, Column: of.column.Name, Operator: op}}, nil
}

// onLookup shortens a comparison of the key of a row that a lookup leads to: it is one
// of the lookup itself, for which that row need not be read.
func (p *parser) onLookup(of property, c comparison) predicate {
	if len(of.path) == 0 || of.column.Name != of.table.ID {
		return c
	}
	switch c.Operator {
	case filter.Eq, filter.Ne, filter.In, filter.NotIn:
	default:
		return c
	}
	c.Path, c.Column = slices.Clone(of.path[:len(of.path)-1]), of.last.Column.Name
	if len(c.Path) == 0 {
		c.Path = nil
	}
	ids := c.Values
	c.Values = nil
	for _, v := range ids {
		id, _ := v.Text()
		c.Values = append(c.Values, schema.Ref(schema.Lookup{Table: of.table.Name, ID: id}))
	}
	return c
}

// compareProperties returns the comparison of two properties of one row.
func (p *parser) compareProperties(left property, op filter.Operator, operator token, right operand) (predicate, error) {
	other := right.property
	switch {
	case !slices.Equal(left.path, other.path):
		return nil, p.errorAt(right.at, "both properties of a comparison must be those of the same row")
	case left.column.Type != other.column.Type:
		return nil, p.errorAt(right.at, "property '%s' is of type %s and '%s' of type %s; only properties of the same type can be compared",
			NameOf(left.column), left.column.Type, NameOf(other.column), other.column.Type)
	}
	c, err := p.operatorOn(left, op, operator)
	c.Other = other.column.Name
	return c, err
}

// in reads the list of values of an in.
func (p *parser) in(f *frame, left operand, operator token) (operand, error) {
	if left.property == nil {
		return operand{}, p.errorAt(left.at, "a property expected before 'in'")
	}
	c, err := p.operatorOn(*left.property, filter.In, operator)
	if err != nil {
		return operand{}, err
	}
	if err := p.need(openToken, "'(' and values"); err != nil {
		return operand{}, err
	}
	for {
		value, err := p.primary(f)
		if err != nil {
			return operand{}, err
		}
		if value.predicate != nil || value.property != nil {
			return operand{}, p.errorAt(value.at, "a value expected")
		}
		if value.isNull() {
			return operand{}, p.errorAt(value.at, "a value expected; to find null, use 'eq null'")
		}
		values, err := p.values(left.property.column, filter.In, value.literal)
		if err != nil {
			return operand{}, err
		}
		if c.Values = append(c.Values, values...); len(c.Values) > filter.MaxValues {
			return operand{}, p.exceeded("ListValues", filter.MaxValues, 0, value.at, "a list has at most %d values", filter.MaxValues)
		}
		if !p.take(commaToken) {
			break
		}
	}
	return operand{at: left.at, predicate: p.onLookup(*left.property, c)}, p.need(closeToken, "',' or ')'")
}
