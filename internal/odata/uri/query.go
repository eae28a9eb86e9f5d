package uri

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/schema"
)

// Query is the query options of a request, or those of a navigation property inside
// $expand.
type Query struct {
	Select     []string      // columns by logical name, in the order of the request; nil: all
	Filter     *filter.Group // nil: every row
	Order      []Order       // nil: in no order that the request asks for
	Top        *int          // rows at most, ≥ 0; nil: not given
	Count      bool          // of all rows that match, whatever the page
	Expand     []Expand
	Apply      *Apply // nil: rows are asked for, not groups of them
	SkipToken  string // where to go on, the token of the link that was followed; "": from the start
	DeltaToken string // from where on changes are asked for, the token of the link that was followed
}

// Order is what rows are ordered by: a column of the row, or one at the end of a path
// through lookups.
type Order struct {
	Path       []string // navigation properties to one row; nil: the row itself
	Column     string   // by logical name
	Descending bool
}

// Expand is a navigation property whose rows come with the row.
type Expand struct {
	Name     string          // as the request has it
	Navs     []schema.Nav    // to one row: the tables that it may be of; nil for many rows
	Relation schema.Relation // to many rows
	Tables   []*schema.Table // that the rows may be of
	Ref      bool            // only the URL of the row is asked for: /$ref
	Options  string          // those in brackets, decoded, as the request has them
	Query                    // Select names the columns of any table of Navs
}

// Many reports whether the navigation property leads to many rows.
func (e Expand) Many() bool { return e.Navs == nil }

// Option is one option of a query string, decoded.
type Option struct{ Name, Value string }

// SplitQuery decodes a query string: its options in their order, and the texts of the
// parameter aliases by their names. An option with a $ or an alias that comes twice is
// refused, other names may repeat.
func SplitQuery(rawQuery string) (options []Option, aliases map[string]string, err error) {
	aliases = map[string]string{}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if name, err = url.QueryUnescape(name); err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, nil, errorf("the query option '%s' is not percent-encoded correctly", excerpt.Of(pair))
		}
		if seen[name] && (strings.HasPrefix(name, "$") || strings.HasPrefix(name, "@")) {
			return nil, nil, errorf("the query option '%s' is given twice", excerpt.Of(name))
		}
		seen[name] = true
		if strings.HasPrefix(name, "@") {
			aliases[name] = value
			continue
		}
		options = append(options, Option{name, value})
	}
	return options, aliases, nil
}

// ParseQuery reads the query string of a request on rows of t, still encoded. Names with
// a $ are OData's and case-sensitive; other names are ignored, except those with a
// meaning that this version does not serve.
func ParseQuery(s *schema.Schema, t *schema.Table, rawQuery string) (Query, error) {
	options, aliases, err := SplitQuery(rawQuery)
	if err != nil {
		return Query{}, err
	}
	var q Query
	for _, option := range options {
		if err := q.option(s, t, option, aliases); err != nil {
			return Query{}, err
		}
	}
	return q, nil
}

// option reads one option into q.
func (q *Query) option(s *schema.Schema, t *schema.Table, option Option, aliases map[string]string) error {
	p := newParser(s, option.Name, option.Value, aliases)
	what := "',' or the end"
	var err error
	switch option.Name {
	case "$skiptoken": // some clients put a slash at the end of the whole link
		q.SkipToken = strings.TrimSuffix(option.Value, "/")
		return nil
	case "$deltatoken":
		q.DeltaToken = strings.TrimSuffix(option.Value, "/")
		return nil
	case "$count":
		q.Count = option.Value == "true"
		if !q.Count && option.Value != "false" {
			return errorf("$count must be true or false, not '%s'", excerpt.Of(option.Value))
		}
		return nil
	case "$filter":
		what = "'and', 'or' or the end"
		q.Filter, err = p.filter(t)
	case "$apply":
		what = "the end"
		q.Apply, err = p.apply(t)
	case "$expand":
		p.aliases = nil
		q.Expand, err = p.expand(t, false)
	case "$select", "$orderby", "$top":
		err = p.common(q, []*schema.Table{t}, option.Name)
	default:
		return refuseOption(option.Name)
	}
	if err == nil && p.token.kind != endToken {
		err = p.expected(what)
	}
	return err
}

// refuseOption returns the error of an option that is not read, nil for those
// that may be ignored.
func refuseOption(name string) error {
	switch name {
	case "fetchXml", "savedQuery", "userQuery", "sql":
		return NotServed("the query option", name)
	case "$skip":
		return errorf("Skip Clause is not supported in CRM")
	}
	if strings.HasPrefix(name, "$") {
		return errorf("the query option '%s' is not supported", excerpt.Of(name))
	}
	return nil
}

// common reads an option that means the same for the rows of a request and for expanded
// ones, which may be of one of several tables.
func (p *parser) common(q *Query, tables []*schema.Table, name string) (err error) {
	switch name {
	case "$select":
		q.Select, err = p.selected(tables)
	case "$orderby":
		q.Order, err = p.order(tables[0])
	case "$top":
		q.Top, err = p.top()
	}
	return err
}

// selected reads a comma list of columns; one that comes twice counts once, and a comma
// may be last.
func (p *parser) selected(tables []*schema.Table) ([]string, error) {
	columns := []string{}
	for {
		name := p.token
		if name.kind != wordToken && name.kind != endToken {
			return nil, p.expected("a property")
		}
		i := slices.IndexFunc(tables, func(t *schema.Table) bool { return Column(t, name.text) != nil })
		if i < 0 {
			return nil, p.errorAt(name.at, "%s", NoProperty(tables[0], name.text))
		}
		if column := Column(tables[i], name.text).Name; !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
		p.advance()
		if !p.take(commaToken) {
			return columns, nil
		}
		if kind := p.token.kind; kind == endToken || kind == closeToken || kind == semicolonToken {
			return columns, nil
		}
	}
}

// order reads a comma list of properties, each with a direction or without.
func (p *parser) order(t *schema.Table) ([]Order, error) {
	var list []Order
	for {
		of, err := p.primary(&frame{table: t})
		if err != nil {
			return nil, err
		}
		if of.property == nil && of.literal.kind == stringToken { // an alias of a property's name in quotes
			name := of.literal
			name.kind = wordToken
			if of.property, err = p.property(&frame{table: t}, name); err != nil {
				return nil, err
			}
		}
		if of.property == nil {
			return nil, p.errorAt(of.at, "a property expected")
		}
		by := Order{Path: of.property.path, Column: of.property.column.Name}
		switch {
		case p.word("desc"):
			by.Descending = true
			p.advance()
		case p.word("asc"):
			p.advance()
		}
		again := func(o Order) bool { return o.Column == by.Column && slices.Equal(o.Path, by.Path) }
		if !slices.ContainsFunc(list, again) { // the first one has decided
			list = append(list, by)
		}
		if len(list) > MaxOrder {
			return nil, p.exceeded("OrderProperties", MaxOrder, len(list), of.at, "rows are ordered by %d properties at most", MaxOrder)
		}
		if !p.take(commaToken) {
			return list, nil
		}
	}
}

// top reads a number of rows.
func (p *parser) top() (*int, error) {
	n, err := strconv.Atoi(p.token.text)
	if err != nil || n < 0 || p.token.kind != wordToken {
		return nil, errorf("$top must be a whole number of 0 or more, not '%s'", excerpt.Of(p.token.text))
	}
	p.advance()
	return &n, nil
}
