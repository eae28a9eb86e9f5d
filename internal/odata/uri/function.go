package uri

import (
	"encoding/json"
	"slices"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/schema"
)

// call reads a function, or any or all over a collection.
func (p *parser) call(f *frame) (operand, error) {
	name := p.token
	path, last := "", name.text
	if slash := strings.LastIndexByte(last, '/'); slash >= 0 {
		path, last = last[:slash], last[slash+1:]
	}
	if err := p.nest(); err != nil {
		return operand{}, err
	}
	defer func() { p.nesting-- }()
	var of predicate
	var err error
	dataverse, isDataverse := strings.CutPrefix(last, Namespace)
	switch {
	case path != "" && (last == "any" || last == "all"):
		of, err = p.lambda(f, name, path, last == "all")
	case isDataverse && (path == "" || path == f.variable):
		of, err = p.dataverse(f, name, dataverse)
	case last == "contains" || last == "startswith" || last == "endswith":
		of, err = p.textFunction(f, name)
	case isFunction(last):
		err = p.unsupported(name.at, "function '%s'", last)
	default:
		err = p.errorAt(name.at, "unknown function '%s'; a function or an operator expected", excerpt.Of(name.text))
	}
	return operand{at: name.at, predicate: of}, err
}

// isFunction reports whether OData knows a function that the dialect of Dataverse does
// not.
func isFunction(name string) bool {
	return slices.Contains([]string{
		"length", "indexof", "substring", "tolower", "toupper", "trim", "concat", "matchesPattern", "hassubset", "hassubsequence",
		"year", "month", "day", "hour", "minute", "second", "fractionalseconds", "totalseconds", "date", "time",
		"totaloffsetminutes", "mindatetime", "maxdatetime", "now", "round", "floor", "ceiling", "cast", "isof", "case",
		"geo.distance", "geo.intersects", "geo.length", "$count", "$filter",
	}, name)
}

// textFunction reads contains, startswith and endswith. Their text is literal: no
// character of it is a wildcard.
func (p *parser) textFunction(f *frame, name token) (predicate, error) {
	operators := map[string]filter.Operator{"contains": filter.Contains, "startswith": filter.BeginsWith, "endswith": filter.EndsWith}
	op, ok := operators[name.text]
	if !ok {
		return nil, p.errorAt(name.at, "unknown function '%s'; a function or an operator expected", excerpt.Of(name.text))
	}
	p.advance()
	p.advance() // the bracket, which made it a call
	of, err := p.primary(f)
	if err != nil {
		return nil, err
	}
	if of.property == nil {
		return nil, p.errorAt(of.at, "a property expected")
	}
	if err := p.need(commaToken, "','"); err != nil {
		return nil, err
	}
	with, err := p.primary(f)
	if err != nil {
		return nil, err
	}
	if with.literal.kind != stringToken {
		return nil, p.errorAt(with.at, "a string in quotes expected")
	}
	c, err := p.operatorOn(*of.property, op, name)
	if err != nil {
		return nil, err
	}
	if c.Values, err = p.values(of.property.column, op, with.literal); err != nil {
		return nil, err
	}
	return textMatch{c}, p.need(closeToken, "')'")
}

// lambda reads any or all over a relationship.
func (p *parser) lambda(f *frame, name token, path string, all bool) (predicate, error) {
	relation, err := p.collection(f, path, name.at)
	if err != nil {
		return nil, err
	}
	if err := p.count(name.at); err != nil {
		return nil, err
	}
	p.advance()
	p.advance() // the bracket, which made it a call
	if !all && p.take(closeToken) {
		return related{relationship: relation.Name, some: true}, nil
	}
	variable := p.token
	if variable.kind != wordToken || strings.ContainsAny(variable.text, "/@$") {
		return nil, p.expected("a variable such as x in x:x/…")
	}
	p.advance()
	if err := p.need(colonToken, "':' after the variable"); err != nil {
		return nil, err
	}
	inner, err := p.condition(&frame{table: relation.Table, variable: variable.text})
	if err != nil {
		return nil, err
	}
	of := related{relationship: relation.Name, some: true, inner: inner, outcome: isTrue}
	if all { // there is no row for which it is not true
		of.some, of.outcome = false, notTrue
	}
	return of, p.need(closeToken, "'and', 'or' or ')'")
}

// collection returns the relationship of a navigation property to many rows.
func (p *parser) collection(f *frame, path string, at int) (schema.Relation, error) {
	if f.variable != "" {
		rest, ok := strings.CutPrefix(path, f.variable+"/")
		if !ok {
			return schema.Relation{}, p.errorAt(at, "a collection of '%s' expected: '%s/' and its name", f.variable, f.variable)
		}
		path = rest
	}
	path = strings.TrimPrefix(path, "$it/")
	if first, _, below := strings.Cut(path, "/"); below {
		return schema.Relation{}, p.errorAt(at, "any and all must begin at the row itself, not after '%s'", excerpt.Of(first))
	}
	relation, ok := Collection(p.schema, f.table, path)
	switch {
	case ok:
		return relation, nil
	case Navs(f.table, path) != nil:
		return schema.Relation{}, p.errorAt(at, "'%s' leads to one row, but any and all need a collection; use %s/ and a property", path, path)
	}
	return schema.Relation{}, p.errorAt(at, "%s", NoProperty(f.table, path))
}

// dataverse reads a function of Dataverse, such as LastXDays, with its named parameters.
func (p *parser) dataverse(f *frame, name token, function string) (predicate, error) {
	op, known := operatorOf(function)
	switch {
	case known:
	case slices.Contains([]string{
		"EqualUserLanguage", "EqualUserOrUserHierarchy", "EqualUserOrUserHierarchyAndTeams",
	}, function):
		return nil, p.unsupported(name.at, "function '%s'", function)
	case function == "ContainValues" || function == "DoesNotContainValues":
		return nil, p.errorAt(name.at, "function '%s' applies to multi-select choice columns, and no table has one", function)
	default:
		return nil, p.errorAt(name.at, "unknown function '%s'; a function or an operator expected", excerpt.Of(name.text))
	}
	p.advance()
	p.advance() // the bracket, which made it a call
	given, err := p.arguments(true)
	if err != nil {
		return nil, err
	}
	if err := p.need(closeToken, "',' or ')'"); err != nil {
		return nil, err
	}
	want := parameters(op)
	for _, a := range given {
		if !slices.Contains(want, a.Name) {
			return nil, p.errorAt(a.at, "function '%s' has no parameter '%s'; its parameters are %s", function, excerpt.Of(a.Name), strings.Join(want, ", "))
		}
	}
	if len(given) < len(want) {
		return nil, p.errorAt(name.at, "function '%s' is called with %d parameters; it takes %s", function, len(given), strings.Join(want, ", "))
	}
	slices.SortFunc(given, func(a, b Argument) int { return slices.Index(want, a.Name) - slices.Index(want, b.Name) })
	of, err := p.named(f, given[0])
	if err != nil {
		return nil, err
	}
	c, err := p.operatorOn(*of, op, token{text: function, at: name.at})
	if err != nil {
		return nil, err
	}
	if err := p.operands(&c.Condition, of.column, given[1:]); err != nil {
		return nil, err
	}
	refused := p.errorAt(name.at, "Not operator along with the Custom Named Condition operators is not allowed")
	return named{c, refused}, nil
}

// parameters returns the names of the parameters of a function in their order.
func parameters(op filter.Operator) []string {
	names := []string{"PropertyName"}
	switch least, most := op.Arity(); {
	case most == 0:
		return names
	case op == filter.Between || op == filter.NotBetween || most > 2:
		return append(names, "PropertyValues")
	case least == 2:
		return append(names, "PropertyValue1", "PropertyValue2")
	}
	return append(names, "PropertyValue")
}

// named resolves the property that a PropertyName names: by its name on the wire or that
// of its column, with or without the variable of a lambda before it.
func (p *parser) named(f *frame, a Argument) (*property, error) {
	word := token{kind: wordToken, text: strings.TrimPrefix(a.Text, f.variable+"/"), at: a.at}
	if slash := strings.LastIndexByte(word.text, '/'); slash < 0 {
		if c := f.table.Column(word.text); c != nil && c.Write != schema.Hidden {
			word.text = NameOf(c)
		}
	}
	return p.property(&frame{table: f.table}, word)
}

// operands sets the values of a condition from the arguments of a function.
func (p *parser) operands(c *filter.Condition, column *schema.Column, given []Argument) error {
	bound := filter.Operand(column, c.Operator)
	for _, a := range given {
		items := []token{a.token()}
		if a.Name == "PropertyValues" {
			list, problem := listOf(a)
			if problem != "" {
				return p.errorAt(a.at, "%s", problem)
			}
			items = list
		}
		for _, item := range items {
			values, problem := valuesOf(bound, c.Operator, looseLiteral(bound, item))
			if problem != "" {
				return p.errorAt(a.at, "%s: %s", a.Name, problem)
			}
			c.Values = append(c.Values, values...)
		}
	}
	if least, most := c.Operator.Arity(); len(c.Values) < least || len(c.Values) > most {
		return p.errorAt(given[0].at, "%d values given, the function takes %d to %d", len(c.Values), least, most)
	}
	return nil
}

// looseLiteral returns a literal as the functions of Dataverse take it: whatever is in
// quotes may be a number, a boolean or a date with a time of which only the date counts.
func looseLiteral(c *schema.Column, literal token) token {
	switch c.Type {
	case schema.String, schema.Memo:
		literal.kind = stringToken
	case schema.Date:
		if date, _, timed := strings.Cut(literal.text, "T"); timed {
			literal.text = date
		}
	default:
		literal.kind = wordToken
	}
	return literal
}

// listOf reads a JSON array of strings, in double or single quotes, and numbers.
func listOf(a Argument) (items []token, problem string) {
	if !a.Array {
		return nil, a.Name + ": an array such as [\"a\",\"b\"] expected"
	}
	rest := strings.TrimSpace(a.Text[1 : len(a.Text)-1])
	for rest != "" {
		if len(items) == filter.MaxValues {
			return nil, "a list has too many values"
		}
		item, after, problem := itemOf(rest)
		if problem != "" {
			return nil, a.Name + ": " + problem
		}
		items = append(items, item)
		after = strings.TrimSpace(after)
		rest = strings.TrimSpace(strings.TrimPrefix(after, ","))
		if after != "" && (after[0] != ',' || rest == "") {
			return nil, a.Name + ": Invalid JSON. A comma and another value, or ']', expected"
		}
	}
	return items, ""
}

// itemOf reads the first value of a list and returns what is after it.
func itemOf(text string) (item token, after, problem string) {
	switch text[0] {
	case '\'':
		l := lexer{text: text}
		if item = l.next(); item.kind != stringToken {
			return item, "", "a quote is not closed"
		}
		return item, text[l.pos:], ""
	case '"':
		d := json.NewDecoder(strings.NewReader(text))
		var s string
		if err := d.Decode(&s); err != nil {
			return item, "", "a JSON string expected"
		}
		return token{kind: stringToken, text: s}, text[d.InputOffset():], ""
	}
	n := length(text, ", \t")
	return token{kind: wordToken, text: text[:n]}, text[n:], ""
}
