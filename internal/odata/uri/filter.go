package uri

import (
	"errors"

	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/schema"
)

// frame is the rows that an expression is about: those of the request, or, inside any
// and all, those of a relationship.
type frame struct {
	table    *schema.Table
	variable string // that stands for the row; "" for the rows of the request
}

// operand is what an operator stands between: a predicate, a property or a literal.
type operand struct {
	at        int
	predicate predicate
	property  *property
	literal   token // a word, a string or an array, where the others are nil
}

func (o operand) isNull() bool { return o.literal.kind == wordToken && o.literal.text == "null" }

// filter reads an expression on rows of t and stops at the first token after it.
func (p *parser) filter(t *schema.Table) (*filter.Group, error) {
	whole, err := p.condition(&frame{table: t})
	if err != nil {
		return nil, err
	}
	node, err := whole.node(isTrue)
	if err != nil {
		return nil, err
	}
	g := rooted(node)
	if err := filter.Check(p.schema, t.Name, g); err != nil {
		if wrong, ok := errors.AsType[*filter.Error](err); ok { // of all that it checks, the depth alone is left
			return nil, p.errorAt(-1, "%s", wrong.Detail)
		}
		return nil, err
	}
	return g, nil
}

// condition reads an expression that is a predicate.
func (p *parser) condition(f *frame) (predicate, error) {
	o, err := p.expression(f, 0)
	if err != nil {
		return nil, err
	}
	return p.needPredicate(o, p.token.at)
}

// needPredicate returns an operand as a predicate, which a property that is true or false
// is by itself, or says what is missing from it, at the place after it.
func (p *parser) needPredicate(o operand, after int) (predicate, error) {
	switch {
	case o.predicate != nil:
		return o.predicate, nil
	case o.property != nil && o.property.column.Type == schema.Boolean:
		c, err := p.operatorOn(*o.property, filter.Eq, token{text: "eq", at: o.at})
		return truthOf{c}, err
	case o.property != nil:
		return nil, p.errorAt(after, "an operator expected")
	}
	return nil, p.errorAt(o.at, "a condition expected")
}

// comparing is how strongly the operators of comparisons bind.
const comparing = 3

// precedence returns how strongly an operator binds, 0 for what is none. That of not,
// which stands before its operand, is higher than all.
func precedence(operator string) int {
	switch operator {
	case "or":
		return 1
	case "and":
		return 2
	case "eq", "ne", "gt", "ge", "lt", "le", "in", "has":
		return comparing
	case "add", "sub", "mul", "div", "divby", "mod":
		return comparing + 1
	}
	return 0
}

// expression reads operands joined by operators that bind at least as strongly as least
// (precedence climbing). Comparisons do not follow each other, so the operand to the right of
// one binds more strongly.
func (p *parser) expression(f *frame, least int) (operand, error) {
	left, err := p.unary(f)
	if err != nil {
		return operand{}, err
	}
	for p.token.kind == wordToken {
		operator := p.token
		strength := precedence(operator.text)
		if strength == 0 || strength < least {
			return left, nil
		}
		p.advance()
		if left, err = p.binary(f, left, operator, strength); err != nil {
			return operand{}, err
		}
	}
	return left, nil
}

func (p *parser) binary(f *frame, left operand, operator token, strength int) (operand, error) {
	switch operator.text {
	case "has", "add", "sub", "mul", "div", "divby", "mod":
		return operand{}, p.unsupported(operator.at, "operator '%s'", operator.text)
	case "in":
		return p.in(f, left, operator)
	}
	if operator.text == "and" || operator.text == "or" {
		return p.join(f, left, operator, strength)
	}
	right, err := p.expression(f, strength+1)
	if err != nil {
		return operand{}, err
	}
	condition, err := p.compare(left, operator, right)
	return operand{at: left.at, predicate: condition}, err
}

// join reads what and or or joins to a predicate.
func (p *parser) join(f *frame, left operand, operator token, strength int) (operand, error) {
	first, err := p.needPredicate(left, operator.at)
	if err != nil {
		return operand{}, err
	}
	right, err := p.expression(f, strength+1)
	if err != nil {
		return operand{}, err
	}
	second, err := p.needPredicate(right, p.token.at)
	if err != nil {
		return operand{}, err
	}
	logic := filter.Logic(operator.text)
	if all, ok := first.(joined); ok && all.logic == logic { // a long chain stays flat
		all.items = append(all.items, second)
		return operand{at: left.at, predicate: all}, nil
	}
	return operand{at: left.at, predicate: joined{logic, []predicate{first, second}}}, nil
}

// unary reads an operand with what stands before it.
func (p *parser) unary(f *frame) (operand, error) {
	if !p.word("not") {
		return p.primary(f)
	}
	if err := p.nest(); err != nil {
		return operand{}, err
	}
	defer func() { p.nesting-- }()
	at := p.token.at
	p.advance()
	of, err := p.unary(f)
	if err != nil {
		return operand{}, err
	}
	if of.predicate == nil && (of.property == nil || of.property.column.Type != schema.Boolean || precedence(p.token.text) == comparing) {
		return operand{}, p.errorAt(of.at, "a condition in brackets expected after 'not'")
	}
	inner, err := p.needPredicate(of, p.token.at)
	return operand{at: at, predicate: negation{inner}}, err
}

func (p *parser) primary(f *frame) (operand, error) {
	first := p.token
	switch first.kind {
	case openToken:
		return p.bracketed(f)
	case stringToken, arrayToken:
		p.advance()
		return operand{at: first.at, literal: first}, nil
	case wordToken:
	default:
		return operand{}, p.expected("a property or a value")
	}
	switch {
	case first.called:
		return p.call(f)
	case first.text[0] == '@':
		return p.alias(f)
	case isLiteral(first.text):
		p.advance()
		return operand{at: first.at, literal: first}, nil
	}
	found, err := p.property(f, first)
	if err != nil {
		return operand{}, err
	}
	p.advance()
	return operand{at: first.at, property: found}, nil
}

// isLiteral reports whether a word is a value and cannot be the name of a property.
func isLiteral(word string) bool {
	switch word {
	case "null", "true", "false":
		return true
	}
	if c := word[0]; '0' <= c && c <= '9' || c == '+' || c == '-' || c == '{' {
		return true
	}
	_, ok := guid.Parse(word)
	return ok
}

func (p *parser) bracketed(f *frame) (operand, error) {
	if err := p.nest(); err != nil {
		return operand{}, err
	}
	defer func() { p.nesting-- }()
	p.advance()
	inner, err := p.expression(f, 0)
	if err != nil {
		return operand{}, err
	}
	return inner, p.need(closeToken, "'and', 'or' or ')'")
}

// alias reads a parameter alias: what its text says, which is a literal or the name of a
// property. One that is not given is null.
func (p *parser) alias(f *frame) (operand, error) {
	name := p.token
	text, given, err := p.aliasText(name)
	if err != nil {
		return operand{}, err
	}
	p.advance()
	if !given {
		return operand{at: name.at, literal: token{kind: wordToken, text: "null", at: name.at}}, nil
	}
	inner := newParser(p.schema, name.text, text, nil)
	value := inner.token
	if value.kind != stringToken && value.kind != arrayToken && value.kind != wordToken || value.called || value.text != "" && value.text[0] == '@' {
		return operand{}, inner.expected("a literal or a property")
	}
	o, err := inner.primary(f)
	if err == nil && inner.token.kind != endToken {
		err = inner.expected("the end")
	}
	o.at, o.literal.at = name.at, name.at // what is wrong with its type is wrong at the place where it is used
	return o, err
}
