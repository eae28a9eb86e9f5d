package definition

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/odata"
)

// predicate reports whether an object is one of those that a filter asks for; nil takes
// every object.
type predicate func(*object) bool

// maxBrackets is how deep brackets in a $filter may be nested.
const maxBrackets = 32

// filterParser reads a $filter by precedence, one token ahead:
//
//	or   = and { "or" and }
//	and  = not { "and" not }
//	not  = [ "not" ] ( "(" or ")" | function "(" path "," text ")" | path comparison )
type filterParser struct {
	shape *object
	text  string
	pos   int
	depth int
}

func parseFilter(shape *object, text string) (predicate, error) {
	p := &filterParser{shape: shape, text: text}
	is, err := p.or()
	if err == nil && p.peek() != "" {
		err = p.expected("'and', 'or' or the end")
	}
	return is, err
}

// peek returns the next token without reading it, "" at the end: a word, a quoted text,
// an enumeration's member, a bracket or a comma.
func (p *filterParser) peek() string {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t') {
		p.pos++
	}
	end := p.pos
	for end < len(p.text) && !strings.ContainsRune(" \t(),'", rune(p.text[end])) {
		end++
	}
	if end < len(p.text) && p.text[end] == '\'' { // a text, with the type of an enumeration before it
		for end++; end < len(p.text); end++ {
			if p.text[end] != '\'' {
				continue
			}
			if end+1 == len(p.text) || p.text[end+1] != '\'' {
				return p.text[p.pos : end+1]
			}
			end++
		}
		return p.text[p.pos:]
	}
	if end == p.pos && end < len(p.text) {
		end++
	}
	return p.text[p.pos:end]
}

func (p *filterParser) next() string {
	token := p.peek()
	p.pos += len(token)
	return token
}

// take reads the next token if it is this one.
func (p *filterParser) take(token string) bool {
	if p.peek() != token {
		return false
	}
	p.next()
	return true
}

func (p *filterParser) expected(what string) error {
	return odata.Errorf(odata.BadRequest, "$filter: %s expected at position %d in '%s'", what, p.pos, excerpt.Of(p.text))
}

func (p *filterParser) or() (predicate, error) {
	return p.joined("or", p.and, func(left, right predicate) predicate {
		return func(o *object) bool { return left(o) || right(o) }
	})
}

func (p *filterParser) and() (predicate, error) {
	return p.joined("and", p.not, func(left, right predicate) predicate {
		return func(o *object) bool { return left(o) && right(o) }
	})
}

// joined reads parts with a word between them.
func (p *filterParser) joined(word string, part func() (predicate, error), join func(left, right predicate) predicate) (predicate, error) {
	left, err := part()
	for err == nil && p.take(word) {
		var right predicate
		if right, err = part(); err == nil {
			left = join(left, right)
		}
	}
	return left, err
}

func (p *filterParser) not() (predicate, error) {
	if p.depth++; p.depth > maxBrackets {
		return nil, odata.Errorf(odata.BadRequest, "$filter: brackets are nested deeper than %d", maxBrackets)
	}
	defer func() { p.depth-- }()
	if p.take("not") {
		is, err := p.not()
		return func(o *object) bool { return !is(o) }, err
	}
	if !p.take("(") {
		return p.condition()
	}
	is, err := p.or()
	if err == nil && !p.take(")") {
		err = p.expected("')'")
	}
	return is, err
}

// condition reads a function or a comparison.
func (p *filterParser) condition() (predicate, error) {
	name := p.next()
	for function, has := range map[string]func(text, part string) bool{
		"contains": strings.Contains, "startswith": strings.HasPrefix, "endswith": strings.HasSuffix,
	} {
		if name == function && p.take("(") {
			return p.function(has)
		}
	}
	value, err := p.path(name)
	if err != nil {
		return nil, err
	}
	operator := p.next()
	if operator == "in" {
		return p.in(value)
	}
	if !slices.Contains([]string{"eq", "ne", "gt", "ge", "lt", "le"}, operator) {
		p.pos -= len(operator)
		return nil, p.expected("an operator")
	}
	literal, err := p.literal(value)
	if err != nil {
		return nil, err
	}
	return func(o *object) bool { return compare(operator, value.of(o), literal) }, nil
}

// function reads the rest of a function of a text and a part of it.
func (p *filterParser) function(has func(text, part string) bool) (predicate, error) {
	value, err := p.path(p.next())
	if err != nil {
		return nil, err
	}
	if !p.take(",") {
		return nil, p.expected("','")
	}
	literal, err := p.literal(value)
	if err != nil {
		return nil, err
	}
	part, ok := literal.(string)
	if !ok || !p.take(")") {
		return nil, p.expected("a text and ')'")
	}
	return func(o *object) bool {
		text, ok := value.of(o).(string)
		return ok && has(strings.ToLower(text), strings.ToLower(part))
	}, nil
}

// in reads the rest of a comparison with several values.
func (p *filterParser) in(value path) (predicate, error) {
	if !p.take("(") {
		return nil, p.expected("'('")
	}
	var literals []any
	for {
		literal, err := p.literal(value)
		if err != nil {
			return nil, err
		}
		literals = append(literals, literal)
		if p.take(")") {
			return func(o *object) bool {
				v := value.of(o)
				return slices.ContainsFunc(literals, func(literal any) bool { return compare("eq", v, literal) })
			}, nil
		}
		if !p.take(",") {
			return nil, p.expected("',' or ')'")
		}
	}
}

// path is a property, or one of a complex value.
type path struct {
	names []string
	typ   string // of the last
}

// path reads a property of the shape.
func (p *filterParser) path(text string) (path, error) {
	if text == "" || strings.ContainsAny(text, "('),") {
		p.pos -= len(text)
		return path{}, p.expected("a property")
	}
	value := path{names: strings.Split(text, "/")}
	at := p.shape
	for i, name := range value.names {
		found := (*property)(nil)
		if at != nil {
			found = at.property(name)
		}
		if found == nil {
			shape := p.shape
			if at != nil {
				shape = at
			}
			return path{}, noProperty(shape, name)
		}
		value.typ = found.typ
		next, isObject := found.value.(*object)
		if at = next; i == len(value.names)-1 && (isObject || strings.HasPrefix(found.typ, "Collection(")) {
			return path{}, odata.Errorf(odata.BadRequest, "$filter: '%s' is of type %s, which cannot be compared; name a property of it", excerpt.Of(text), found.typ)
		}
	}
	return value, nil
}

// of returns the value in an object, nil where it or what leads to it is null.
func (v path) of(o *object) any {
	var value any = o
	for _, name := range v.names {
		at, _ := value.(*object)
		if at == nil {
			return nil
		}
		found := at.property(name)
		if found == nil {
			return nil
		}
		value = found.value
	}
	return value
}

// literal reads a value that a property is compared with, of the property's type.
func (p *filterParser) literal(of path) (any, error) {
	token := p.next()
	if token == "null" {
		return nil, nil //nolint:nilnil // null is a literal
	}
	enum, quoted, isText := strings.Cut(token, "'")
	inner := strings.ReplaceAll(strings.TrimSuffix(quoted, "'"), "''", "'")
	if isText && (len(quoted) == 0 || !strings.HasSuffix(quoted, "'")) {
		return nil, p.expected("the end of a quote")
	}
	switch of.typ {
	case edmString:
		if isText && enum == "" {
			return inner, nil
		}
	case edmGUID:
		if id, ok := guid.Parse(strings.Trim(token, "'")); ok {
			return id, nil
		}
	case edmBoolean:
		if token == "true" || token == "false" {
			return token == "true", nil
		}
	case edmInt32, edmInt64, edmDecimal, edmDouble:
		if _, err := strconv.ParseFloat(token, 64); err == nil {
			return json.Number(token), nil
		}
	default:
		if name, ok := strings.CutPrefix(of.typ, alias); ok && isText && enum == odata.Namespace+name {
			return member(inner), nil
		}
	}
	p.pos -= len(token)
	return nil, p.expected("a value of type " + strings.Replace(of.typ, alias, odata.Namespace, 1))
}

// compare compares a value with a literal of its type. Null equals null alone.
func compare(operator string, value, literal any) bool {
	if value == nil || literal == nil {
		return (operator == "eq") == (value == nil && literal == nil) && (operator == "eq" || operator == "ne")
	}
	order := 0
	switch v := value.(type) {
	case string:
		text, _ := literal.(string)
		order = strings.Compare(v, text)
	case member:
		name, _ := literal.(member)
		order = strings.Compare(string(v), string(name))
	case bool:
		if v != literal {
			order = 1
		}
	case int64:
		order = compareNumbers(strconv.FormatInt(v, 10), literal)
	case json.Number:
		order = compareNumbers(string(v), literal)
	}
	switch operator {
	case "eq":
		return order == 0
	case "ne":
		return order != 0
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	case "lt":
		return order < 0
	}
	return order <= 0
}

func compareNumbers(text string, literal any) int {
	number, _ := literal.(json.Number)
	a, _ := strconv.ParseFloat(text, 64)
	b, _ := number.Float64()
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
