package fetchxml

import (
	"strings"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/schema"
)

// addFilter reads a filter element into a group. One with nothing inside is no condition,
// whatever its type: query builders write it before anybody has given one.
func (p *parser) addFilter(to *filter.Group, t *schema.Table, e *element) error {
	g, err := p.filter(t, e)
	if err == nil && len(g.Items) > 0 {
		to.Items = append(to.Items, g)
	}
	return err
}

// filter reads a filter element.
func (p *parser) filter(t *schema.Table, e *element) (*filter.Group, error) {
	g := &filter.Group{Logic: filter.And}
	switch logic := e.value("type"); logic {
	case "", "and":
	case "or":
		g.Logic = filter.Or
	default:
		return nil, e.errorf(Malformed, "the type of a filter is %q; it must be and or or", excerpt.Of(logic))
	}
	e.ignore("isquickfindfields", "overridequickfindrecordlimitenabled", "hint")
	if err := e.finish(); err != nil {
		return nil, err
	}
	for _, child := range e.children {
		if err := p.addNode(g, t, child); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// addNode reads what a filter has inside.
func (p *parser) addNode(to *filter.Group, t *schema.Table, e *element) error {
	var node filter.Node
	var err error
	switch e.name {
	case "filter":
		return p.addFilter(to, t, e)
	case "condition":
		node, err = p.condition(t, e)
	case "link-entity":
		node, err = p.related(t, e)
	default:
		err = e.errorf(NotServed, "the element %s is not served in a filter", excerpt.Of(e.name))
	}
	if err == nil {
		to.Items = append(to.Items, node)
	}
	return err
}

// related reads a link of type any or not any, which is a condition on related rows.
func (p *parser) related(t *schema.Table, e *element) (filter.Node, error) {
	kind := e.value("link-type")
	if kind != "any" && kind != "not any" {
		return nil, e.errorf(NotServed, "the link-type %s is not served in a filter: use any or not any", excerpt.Of(kind))
	}
	relation, err := p.join(t, e)
	if err != nil {
		return nil, err
	}
	e.ignore("alias", "intersect")
	if err := e.finish(); err != nil {
		return nil, err
	}
	if !relation.Many {
		return nil, e.errorf(NotServed, "a link from a lookup in a filter is not served; use an inner link")
	}
	inner := &filter.Group{Logic: filter.And}
	for _, child := range e.children {
		if child.name != "filter" {
			return nil, child.errorf(NotServed, "the element %s is not served in a link inside a filter", excerpt.Of(child.name))
		}
		if err := p.addFilter(inner, relation.Table, child); err != nil {
			return nil, err
		}
	}
	return &filter.Related{Relationship: relation.Name, Contains: kind == "any", Filter: inner}, nil
}

func (p *parser) condition(t *schema.Table, e *element) (filter.Node, error) {
	if _, ok := e.attribute("entityname"); ok {
		return nil, e.errorf(NotServed, "the attribute entityname of a condition is not served: put the condition into a filter inside its link-entity")
	}
	c, err := p.column(t, e, "attribute")
	if err != nil {
		return nil, err
	}
	operator, err := e.need("operator")
	if err != nil {
		return nil, err
	}
	e.ignore("uiname", "uitype", "uihidden", "alias", "aggregate", "rowaggregate")
	condition := &filter.Condition{Column: c.Name, Operator: filter.Operator(operator)}
	switch operator {
	case "neq":
		condition.Operator = filter.Ne
	case "contain-values", "not-contain-values", "eq-useroruserhierarchy", "eq-useroruserhierarchyandteams", "eq-userlanguage":
		return nil, e.errorf(NotServed, "the operator %s is not served", operator)
	}
	if other, ok := e.attribute("valueof"); ok {
		condition.Other = other
	}
	texts, err := e.values()
	if err == nil {
		err = e.finish()
	}
	if err != nil {
		return nil, err
	}
	return condition, p.compare(condition, c, e, texts)
}

// values returns the texts that a condition compares with.
func (e *element) values() ([]string, error) {
	var texts []string
	if text, ok := e.attribute("value"); ok {
		texts = append(texts, text)
	}
	for _, child := range e.children {
		if child.name != "value" {
			return nil, child.errorf(NotServed, "the element %s is not served in a condition", excerpt.Of(child.name))
		}
		child.ignore("uiname", "uitype")
		if err := child.finish(); err != nil {
			return nil, err
		}
		texts = append(texts, strings.TrimSpace(child.text))
	}
	return texts, nil
}

// compare reads the texts into the values of a condition.
func (p *parser) compare(condition *filter.Condition, c *schema.Column, e *element, texts []string) error {
	for _, text := range texts {
		values, err := valuesOf(c, condition.Operator, text)
		if err != nil {
			return e.errorf(Malformed, "%v", err)
		}
		condition.Values = append(condition.Values, values...)
	}
	// A lookup with several targets equals an id in any of their tables.
	if len(texts) > 1 || len(condition.Values) < 2 {
		return nil
	}
	if condition.Operator == filter.Eq {
		condition.Operator = filter.In
	}
	if condition.Operator == filter.Ne {
		condition.Operator = filter.NotIn
	}
	return nil
}

// valuesOf reads one text: one value, or one for each table that a lookup may point at.
func valuesOf(c *schema.Column, operator filter.Operator, text string) ([]schema.Value, error) {
	bound := filter.Operand(c, operator)
	switch bound.Type {
	case schema.String, schema.Memo:
		return []schema.Value{schema.Text(text)}, nil // the empty one included
	case schema.Date: // of a moment its date counts
		text = strings.TrimSpace(text)
		if n := strings.IndexAny(text, "T "); n >= 0 {
			text = text[:n]
		}
	default:
	}
	if id, ok := guid.Parse(text); ok && c.Type == schema.LookupTo {
		var values []schema.Value
		for _, target := range c.Targets {
			values = append(values, schema.Ref(schema.Lookup{Table: target.Table, ID: id}))
		}
		return values, nil
	}
	v, err := bound.FromText(text)
	if err != nil {
		return nil, err
	}
	return []schema.Value{v}, nil
}
