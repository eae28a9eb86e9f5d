package uri

import (
	"slices"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/schema"
)

// expand reads a comma list of navigation properties with their options in brackets. nested
// says that they are those of an expanded row.
func (p *parser) expand(t *schema.Table, nested bool) ([]Expand, error) {
	var list []Expand
	for {
		at := p.token.at
		e, err := p.expanded(t, nested)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list, func(other Expand) bool { return other.Name == e.Name }) {
			return nil, p.errorAt(at, "'%s' is expanded twice", e.Name)
		}
		list = append(list, e)
		if !p.take(commaToken) {
			return list, nil
		}
	}
}

func (p *parser) expanded(t *schema.Table, nested bool) (Expand, error) {
	word := p.token
	if word.kind != wordToken {
		return Expand{}, p.expected("a navigation property")
	}
	if p.expands++; p.expands > MaxExpand {
		return Expand{}, p.exceeded("ExpandedProperties", MaxExpand, 0, p.token.at, "more than %d navigation properties are expanded", MaxExpand)
	}
	name, after, hasMore := strings.Cut(word.text, "/")
	e := Expand{Name: name, Ref: hasMore && after == "$ref"}
	relation, many := Collection(p.schema, t, name)
	e.Navs = Navs(t, name)
	switch {
	case many:
		e.Relation, e.Navs, e.Tables = relation, nil, []*schema.Table{relation.Table}
	case e.Navs == nil:
		return Expand{}, p.errorf("%s", NoProperty(t, name))
	}
	for _, nav := range e.Navs {
		e.Tables = append(e.Tables, p.schema.Table(nav.Target.Table))
	}
	switch {
	case e.Ref && many:
		return Expand{}, p.errorf("Expand with $ref is only supported on lookup type navigation property.")
	case hasMore && !e.Ref:
		return Expand{}, p.errorf("'/%s' after '%s' cannot be expanded; options in brackets expected", excerpt.Of(after), name)
	}
	p.advance()
	if e.Ref || !p.take(openToken) {
		return e, nil
	}
	if err := p.nest(); err != nil {
		return Expand{}, err
	}
	defer func() { p.nesting-- }()
	begin := p.token.at
	if err := p.expandOptions(&e, nested); err != nil {
		return Expand{}, err
	}
	e.Options = p.tokens.text[begin:p.token.at]
	return e, p.need(closeToken, "',', ';' or ')'")
}

// expandOptions reads the options of a navigation property, with semicolons between.
func (p *parser) expandOptions(e *Expand, nested bool) error {
	seen := map[string]bool{}
	for p.token.kind != closeToken {
		option := p.token
		if option.kind != wordToken || !strings.HasPrefix(option.text, "$") {
			return p.expected("an option such as $select")
		}
		if seen[option.text] {
			return p.errorf("the query option '%s' is given twice", excerpt.Of(option.text))
		}
		seen[option.text] = true
		p.advance()
		if err := p.need(equalsToken, "'='"); err != nil {
			return err
		}
		if err := p.expandOption(e, option, nested); err != nil {
			return err
		}
		if !p.take(semicolonToken) {
			return nil
		}
	}
	return nil
}

func (p *parser) expandOption(e *Expand, option token, nested bool) (err error) {
	tables := e.Tables
	switch option.text {
	case "$select":
		return p.common(&e.Query, tables, option.text)
	case "$filter":
		if !e.Many() {
			return p.errorAt(option.at, "$filter can only be used on a collection, and '%s' leads to one row", e.Name)
		}
		e.Filter, err = p.filter(tables[0])
		return err
	case "$orderby", "$top":
		if nested || !e.Many() {
			return p.errorAt(option.at, "Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested one-to-many relationship.")
		}
		return p.common(&e.Query, tables, option.text)
	case "$expand":
		if len(tables) > 1 {
			return p.errorAt(option.at, "'%s' may lead to rows of several tables; $expand cannot be used inside it", e.Name)
		}
		e.Expand, err = p.expand(tables[0], true)
		return err
	}
	return p.errorAt(option.at, "the query option '%s' is not supported inside $expand", excerpt.Of(option.text))
}
