package uri

import (
	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/schema"
)

// Apply is what $apply asks for in place of rows: groups of those that a condition holds
// for, and values of each group.
type Apply struct {
	Filter *filter.Group // nil: every row
	By     []*schema.Column
	Values []Aggregate // none: the groups alone
}

// Aggregate is a value of a group.
type Aggregate struct {
	Column *schema.Column // nil: rows are counted
	Method string         // sum, average, min, max, countdistinct, or count without a column
	Alias  string
}

// MaxAggregates is how many columns to group by, and how many values of a group, $apply
// may have each.
const MaxAggregates = 20

// apply reads filter(…)/groupby((…),aggregate(…)), where each part may be left out but
// one of the last two.
func (p *parser) apply(t *schema.Table) (*Apply, error) {
	a := &Apply{}
	if p.word("filter") {
		p.advance()
		var err error
		if a.Filter, err = p.bracketedFilter(t); err != nil {
			return nil, err
		}
		// A slash is part of the name after it.
		if p.token.kind != wordToken || len(p.token.text) < 2 || p.token.text[0] != '/' {
			return nil, p.expected("'/groupby(…)' or '/aggregate(…)'")
		}
		p.token.text, p.token.at = p.token.text[1:], p.token.at+1
	}
	switch {
	case p.word("groupby"):
		p.advance()
		return a, p.groups(t, a)
	case p.word("aggregate"):
		p.advance()
		return a, p.aggregates(t, a)
	case p.token.kind == wordToken && p.token.called:
		return nil, p.unsupported(p.token.at, "the transformation '%s'", excerpt.Of(p.token.text))
	}
	return nil, p.expected("filter, groupby or aggregate")
}

func (p *parser) bracketedFilter(t *schema.Table) (*filter.Group, error) {
	if err := p.need(openToken, "'('"); err != nil {
		return nil, err
	}
	g, err := p.filter(t)
	if err != nil {
		return nil, err
	}
	return g, p.need(closeToken, "')'")
}

// groups reads ((column,…)) or ((column,…),aggregate(…)).
func (p *parser) groups(t *schema.Table, a *Apply) error {
	for range 2 {
		if err := p.need(openToken, "'('"); err != nil {
			return err
		}
	}
	for {
		name := p.token
		c := Column(t, name.text)
		switch {
		case name.kind != wordToken:
			return p.expected("a property")
		case c == nil:
			return p.errorf("%s", NoProperty(t, name.text))
		case c.Type == schema.DateTime:
			return p.errorf("rows cannot be grouped by the date-time '%s'", name.text)
		case len(a.By) == MaxAggregates:
			return p.errorf("rows are grouped by %d properties at most", MaxAggregates)
		}
		a.By = append(a.By, c)
		p.advance()
		if !p.take(commaToken) {
			break
		}
	}
	if err := p.need(closeToken, "',' or ')'"); err != nil {
		return err
	}
	if p.take(commaToken) {
		if !p.word("aggregate") {
			return p.expected("aggregate(…)")
		}
		p.advance()
		if err := p.aggregates(t, a); err != nil {
			return err
		}
	}
	return p.need(closeToken, "')'")
}

// aggregates reads (column with method as alias,…), where $count stands for the rows.
func (p *parser) aggregates(t *schema.Table, a *Apply) error {
	if err := p.need(openToken, "'('"); err != nil {
		return err
	}
	for {
		one, err := p.aggregate(t)
		if err != nil {
			return err
		}
		if len(a.Values) == MaxAggregates {
			return p.errorf("a group has %d values at most", MaxAggregates)
		}
		for _, other := range a.Values {
			if other.Alias == one.Alias {
				return p.errorf("the alias '%s' is used twice", excerpt.Of(one.Alias))
			}
		}
		a.Values = append(a.Values, one)
		if !p.take(commaToken) {
			return p.need(closeToken, "',' or ')'")
		}
	}
}

func (p *parser) aggregate(t *schema.Table) (Aggregate, error) {
	name := p.token
	if name.kind != wordToken {
		return Aggregate{}, p.expected("a property or $count")
	}
	one := Aggregate{Method: "count"}
	p.advance()
	if name.text != "$count" {
		if one.Column = Column(t, name.text); one.Column == nil {
			return one, p.errorAt(name.at, "%s", NoProperty(t, name.text))
		}
		if !p.word("with") {
			return one, p.expected("'with'")
		}
		p.advance()
		switch method := p.token; method.text {
		case "sum", "average", "min", "max", "countdistinct":
			one.Method = method.text
			p.advance()
		default:
			return one, p.expected("sum, average, min, max or countdistinct")
		}
	}
	if !p.word("as") {
		return one, p.expected("'as'")
	}
	p.advance()
	if p.token.kind != wordToken {
		return one, p.expected("a name")
	}
	one.Alias = p.token.text
	p.advance()
	return one, nil
}
