package odata

import (
	"encoding/json"
	"fmt"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/schema"
)

// maxBrackets is how deep brackets in a $filter may be nested.
const maxBrackets = 32

// filterParser reads a $filter by recursive descent, one token ahead:
//
//	expression = term { "and" term }
//	term       = "(" expression ")" | property "eq" literal
//
// The rest of the language (or, not, the other comparisons, functions, paths,
// lambdas, aliases) is recognized and refused by name.
type filterParser struct {
	schema *schema.Schema
	table  *schema.Table
	tokens lexer
	token  token // the next one, not consumed
}

// parseFilter reads the text of a $filter on rows of t. Errors name the
// position of a token by its first byte, counted from 0 in the decoded text.
func parseFilter(s *schema.Schema, t *schema.Table, text string) (*filter.Group, error) {
	p := &filterParser{schema: s, table: t, tokens: lexer{text: text}}
	p.advance()
	group, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.token.kind != endToken {
		return nil, p.expected("'and' or the end")
	}
	if err := filter.Check(s, t.Name, group); err != nil {
		return nil, Errorf(BadRequest, "$filter: %v", err)
	}
	return group, nil
}

// expression reads terms joined by "and" and stops at the first token after them.
// Brackets around such terms have no effect, so their conditions join the group.
func (p *filterParser) expression(depth int) (*filter.Group, error) {
	if depth > maxBrackets {
		return nil, p.errorf(BadRequest, "brackets are nested deeper than %d", maxBrackets)
	}
	group := &filter.Group{Logic: filter.And}
	for {
		if p.token.kind == openToken {
			inner, err := p.bracketed(depth)
			if err != nil {
				return nil, err
			}
			group.Items = append(group.Items, inner.Items...)
		} else {
			condition, err := p.comparison()
			if err != nil {
				return nil, err
			}
			group.Items = append(group.Items, condition)
		}
		switch {
		case p.word("and"):
			p.advance()
		case p.word("or"):
			return nil, p.errorf(NotImplemented, "operator 'or' is not supported in this version")
		default:
			return group, nil
		}
	}
}

func (p *filterParser) bracketed(depth int) (*filter.Group, error) {
	p.advance()
	inner, err := p.expression(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.token.kind != closeToken {
		return nil, p.expected("'and' or ')'")
	}
	p.advance()
	return inner, nil
}

func (p *filterParser) comparison() (*filter.Condition, error) {
	column, err := p.property()
	if err != nil {
		return nil, err
	}
	switch operator := p.token; {
	case p.word("eq"):
		p.advance()
		return p.equals(column)
	case operator.kind == wordToken:
		switch operator.text {
		case "ne", "gt", "ge", "lt", "le", "in", "has", "add", "sub", "mul", "div", "mod":
			return nil, p.errorf(NotImplemented, "operator '%s' is not supported in this version", operator.text)
		}
	}
	return nil, p.expected("an operator")
}

// property reads the left side of a comparison.
func (p *filterParser) property() (*schema.Column, error) {
	name := p.token
	if name.kind != wordToken {
		return nil, p.expected("a property")
	}
	called := p.tokens.peek() == '('
	switch {
	case name.text == "not":
		return nil, p.errorf(NotImplemented, "operator 'not' is not supported in this version")
	case called:
		return nil, p.errorf(NotImplemented, "function '%s' is not supported in this version", excerpt.Of(name.text))
	case strings.ContainsAny(name.text, "/@"):
		return nil, p.errorf(NotImplemented, "a path or parameter alias ('%s') is not supported in this version", excerpt.Of(name.text))
	}
	column := columnOf(p.table, name.text)
	if column == nil {
		return nil, p.errorf(BadRequest, "%s", noProperty(p.table, name.text).Message)
	}
	p.advance()
	return column, nil
}

// equals reads the right side of an eq. A lookup that may point at several
// tables is equal to the GUID in any of them; ids are unique across tables.
func (p *filterParser) equals(column *schema.Column) (*filter.Condition, error) {
	if p.word("null") {
		p.advance()
		return &filter.Condition{Column: column.Name, Operator: filter.Null}, nil
	}
	if p.token.kind != wordToken && p.token.kind != stringToken {
		return nil, p.expected("a value")
	}
	values, err := p.literal(column)
	if err != nil {
		return nil, err
	}
	p.advance()
	operator := filter.Eq
	if len(values) > 1 {
		operator = filter.In
	}
	return &filter.Condition{Column: column.Name, Operator: operator, Values: values}, nil
}

// literal returns the values of the next token when it is compared with a column:
// one value, or one for each table that a lookup may point at.
func (p *filterParser) literal(column *schema.Column) ([]schema.Value, error) {
	text, quoted := p.token.text, p.token.kind == stringToken
	if !quoted {
		switch {
		case strings.HasPrefix(text, "@"):
			return nil, p.errorf(NotImplemented, "parameter alias '%s' is not supported in this version", excerpt.Of(text))
		case columnOf(p.table, text) != nil:
			return nil, p.errorf(NotImplemented, "comparing with another property ('%s') is not supported in this version", excerpt.Of(text))
		}
	}
	switch column.Type {
	case schema.GUID, schema.LookupTo:
		return p.guid(column)
	case schema.DateTime, schema.Date:
		if strings.TrimSpace(text) != "" {
			return p.value(column.FromText(text))
		}
		return nil, p.expected("a date")
	case schema.String, schema.Memo:
		if quoted {
			return []schema.Value{schema.Text(text)}, nil
		}
		return nil, p.expected("a string in quotes")
	case schema.Boolean:
		if !quoted && (text == "true" || text == "false") {
			return []schema.Value{schema.Bool(text == "true")}, nil
		}
		return nil, p.expected("true or false")
	case schema.Integer, schema.BigInt, schema.Decimal, schema.Money, schema.Double,
		schema.Choice, schema.State, schema.Status:
		if quoted {
			return nil, p.expected("a number")
		}
		free := *column // a number out of range is not an error: it equals no value
		free.Min, free.Max = nil, nil
		return p.value(free.FromJSON(json.Number(strings.TrimPrefix(text, "+"))))
	}
	return nil, p.errorf(BadRequest, "property '%s' cannot be compared", column.Name)
}

func (p *filterParser) guid(column *schema.Column) ([]schema.Value, error) {
	id, ok := guid.Parse(p.token.text)
	if !ok {
		return nil, p.expected("a GUID")
	}
	if column.Type == schema.GUID {
		return []schema.Value{schema.Text(id)}, nil
	}
	var values []schema.Value
	for _, target := range column.Targets {
		values = append(values, schema.Ref(schema.Lookup{Table: target.Table, ID: id}))
	}
	return values, nil
}

// value returns the value that a column parsed from the next token, or the error
// with its position.
func (p *filterParser) value(v schema.Value, err error) ([]schema.Value, error) {
	if err != nil {
		return nil, p.errorf(BadRequest, "%v", err)
	}
	return []schema.Value{v}, nil
}

func (p *filterParser) advance() { p.token = p.tokens.next() }

// word reports whether the next token is this word, not in quotes.
func (p *filterParser) word(text string) bool {
	return p.token.kind == wordToken && p.token.text == text
}

func (p *filterParser) expected(what string) error {
	if p.token.kind == badToken {
		return p.errorf(BadRequest, "quote not closed")
	}
	return p.errorf(BadRequest, "%s expected", what)
}

func (p *filterParser) errorf(code Code, format string, args ...any) error {
	return Errorf(code, "$filter: %s at position %d in '%s'", fmt.Sprintf(format, args...), p.token.at, excerpt.Of(p.tokens.text))
}
