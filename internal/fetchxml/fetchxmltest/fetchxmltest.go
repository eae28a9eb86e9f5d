// Package fetchxmltest prints conditions as FetchXML, for tests that compare what a
// server or the parser makes of it with the tree that it was made from. Nothing else
// imports it.
package fetchxmltest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"segue/internal/filter"
	"segue/internal/schema"
)

// Filter prints a tree of conditions on rows of a table as a filter element that holds
// for the same rows; ok is false where the language has none: a filter follows no lookup,
// neither by a path nor as a relationship, and blanks around one of several values do not
// count.
func Filter(s *schema.Schema, tableName string, g *filter.Group) (text string, ok bool) {
	p := printer{schema: s}
	p.group(s.Table(tableName), g)
	return p.text.String(), !p.failed
}

type printer struct {
	schema *schema.Schema
	text   strings.Builder
	failed bool // something has no form
}

// attribute is a name and a value.
type attribute [2]string

func (p *printer) element(name string, attributes []attribute, inside func()) {
	p.text.WriteString("<" + name)
	for _, a := range attributes {
		fmt.Fprintf(&p.text, ` %s="%s"`, a[0], escaped(a[1]))
	}
	if inside == nil {
		p.text.WriteString("/>")
		return
	}
	p.text.WriteString(">")
	inside()
	p.text.WriteString("</" + name + ">")
}

func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes what it is given
	return b.String()
}

func (p *printer) group(t *schema.Table, g *filter.Group) {
	logic, items := g.Logic, g.Items
	if len(items) == 0 { // a filter with nothing inside is no condition: say what it means
		items = []filter.Node{&filter.Condition{Column: t.ID, Operator: filter.Null}, &filter.Condition{Column: t.ID, Operator: filter.NotNull}}
		logic = map[filter.Logic]filter.Logic{filter.And: filter.Or, filter.Or: filter.And}[logic]
	}
	p.element("filter", []attribute{{"type", string(logic)}}, func() {
		for _, item := range items {
			switch item := item.(type) {
			case *filter.Group:
				p.group(t, item)
			case *filter.Condition:
				p.condition(t, item)
			case *filter.Related:
				p.related(t, item)
			}
		}
	})
}

func (p *printer) related(t *schema.Table, r *filter.Related) {
	relation, ok := p.schema.Relation(t.Name, r.Relationship)
	if !ok || !relation.Many {
		p.failed = true
		return
	}
	kind := map[bool]string{true: "any", false: "not any"}[r.Contains]
	link := []attribute{{"name", relation.Table.Name}, {"from", relation.Column.Name}, {"to", t.ID}, {"link-type", kind}}
	p.element("link-entity", link, func() { p.group(relation.Table, r.Filter) })
}

func (p *printer) condition(t *schema.Table, c *filter.Condition) {
	if len(c.Path) > 0 {
		p.failed = true
		return
	}
	attributes := []attribute{{"attribute", c.Column}, {"operator", string(c.Operator)}}
	if c.Other != "" {
		p.element("condition", append(attributes, attribute{"valueof", c.Other}), nil)
		return
	}
	var texts []string
	for _, v := range c.Values {
		texts = append(texts, text(t.Column(c.Column), c.Operator, v))
	}
	if len(texts) < 2 && c.Operator != filter.In && c.Operator != filter.NotIn {
		for _, text := range texts {
			attributes = append(attributes, attribute{"value", text})
		}
		p.element("condition", attributes, nil)
		return
	}
	p.element("condition", attributes, func() {
		for _, text := range texts {
			p.failed = p.failed || strings.TrimSpace(text) != text
			p.element("value", nil, func() { p.text.WriteString(escaped(text)) })
		}
	})
}

func text(c *schema.Column, op filter.Operator, v schema.Value) string {
	if v.Kind() == schema.KindText {
		return v.String()
	}
	return filter.Operand(c, op).Text(v)
}
