package uri

import (
	"strings"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/schema"
)

// Argument is one of the arguments in the brackets of a key or a function:
// name=value, or a value alone. A parameter alias is replaced by what it stands for.
type Argument struct {
	Name   string // "" for a value alone
	Text   string // without the quotes, if it was in some
	Quoted bool
	Array  bool // Text is a JSON array
	Object bool // Text is a JSON object

	at int
}

// IsNull reports whether the argument is null, which an alias is that is not given.
func (a Argument) IsNull() bool { return a.Text == "null" && !a.Quoted }

func (a Argument) token() token {
	t := token{kind: wordToken, text: a.Text, at: a.at}
	if a.Quoted {
		t.kind = stringToken
	}
	if a.Array {
		t.kind = arrayToken
	}
	return t
}

// ParseArguments reads the text in the brackets of a key or a function of a path. part
// names it in errors. No alias stands for another one.
func ParseArguments(part, text string, aliases map[string]string) ([]Argument, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if aliases == nil {
		aliases = map[string]string{}
	}
	p := newParser(nil, part, text, aliases)
	list, err := p.arguments(false)
	if err == nil && p.token.kind != endToken {
		err = p.expected("',' or the end")
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}

// arguments reads arguments up to the first token that is none.
func (p *parser) arguments(named bool) ([]Argument, error) {
	var list []Argument
	seen := map[string]bool{}
	for {
		a, err := p.argument()
		switch {
		case err != nil:
			return nil, err
		case a.Name == "" && (named || len(list) > 0):
			return nil, p.errorAt(a.at, "name=value expected")
		case seen[a.Name]:
			return nil, p.errorAt(a.at, "'%s' is given twice", excerpt.Of(a.Name))
		case len(list) == MaxArguments:
			return nil, p.errorAt(a.at, "more than %d arguments", MaxArguments)
		}
		seen[a.Name] = true
		list = append(list, a)
		if !p.take(commaToken) {
			return list, nil
		}
		if a.Name == "" {
			return nil, p.errorAt(a.at, "name=value expected")
		}
	}
}

func (p *parser) argument() (Argument, error) {
	first := p.token
	switch first.kind {
	case stringToken, arrayToken:
	case wordToken:
		if p.advance(); p.token.kind != equalsToken {
			return p.value(first, "")
		}
		p.advance()
		value := p.token
		switch value.kind {
		case wordToken, stringToken, arrayToken:
			p.advance()
			a, err := p.value(value, first.text)
			a.at = first.at
			return a, err
		default:
			return Argument{}, p.expected("a value")
		}
	default:
		return Argument{}, p.expected("name=value")
	}
	p.advance()
	return p.value(first, "")
}

// value returns the argument of a token, which may be an alias.
func (p *parser) value(t token, name string) (Argument, error) {
	a := Argument{Name: name, Text: t.text, Quoted: t.kind == stringToken, Array: t.kind == arrayToken, at: t.at}
	a.Object = t.kind == wordToken && isObject(t.text)
	if t.kind != wordToken || t.text[0] != '@' {
		return a, nil
	}
	text, given, err := p.aliasText(t)
	if err != nil {
		return a, err
	}
	if !given {
		a.Text = "null"
		return a, nil
	}
	if text = strings.TrimSpace(text); isObject(text) {
		a.Text, a.Object = text, true
		return a, nil
	}
	inner := newParser(nil, t.text, text, nil)
	of := inner.token
	switch of.kind {
	case wordToken, stringToken, arrayToken:
		inner.advance()
	default:
		return a, inner.expected("a literal")
	}
	if inner.token.kind != endToken {
		return a, inner.expected("the end")
	}
	a, err = inner.value(of, name)
	a.at = t.at
	return a, err
}

// isObject tells a JSON object from a GUID in braces.
func isObject(text string) bool { return strings.HasPrefix(text, "{") && strings.Contains(text, `"`) }

// KeyPart is a column of a key with its value.
type KeyPart struct {
	Column *schema.Column
	// Values is one value, or, of a lookup that may point at several tables, one for each
	// of them, all with the same id.
	Values []schema.Value
}

// ParseKey reads the text in the brackets after a set's name: the primary key as a GUID,
// bare or in quotes, alone or after its name, or the columns of an alternate key, by
// their names on the wire and in the order of the text. Whether the table has such a key
// is not asked.
func ParseKey(t *schema.Table, text string, aliases map[string]string) ([]KeyPart, error) {
	part := "key of " + t.Set
	list, err := ParseArguments(part, text, aliases)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errorf("the key '' of '%s' is not a GUID", t.Set)
	}
	var key []KeyPart
	for _, a := range list {
		column := t.Column(t.ID)
		if a.Name != "" {
			column = Column(t, a.Name)
		}
		if column == nil {
			return nil, errorf("%s", NoProperty(t, a.Name))
		}
		if column.Name == t.ID && !a.Array {
			if _, ok := guid.Parse(a.Text); !ok {
				return nil, errorf("the key '%s' of '%s' is not a GUID", excerpt.Of(a.Text), t.Set)
			}
		}
		values, problem := valuesOf(column, filter.Eq, a.token()) // a row may be made of it: all rules of the column hold
		switch {
		case a.IsNull() || a.Quoted && a.Text == "": // rows keep the empty text as null
			problem = "a key has no null and no empty text"
		case problem == "":
			key = append(key, KeyPart{column, values})
			continue
		}
		return nil, &Error{Part: part, Text: text, Position: a.at, Detail: NameOf(column) + ": " + problem}
	}
	return key, nil
}
