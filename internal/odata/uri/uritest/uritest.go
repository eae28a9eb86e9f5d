// Package uritest prints conditions as $filter texts, for tests that compare what a
// server or a parser makes of them with the tree that they were made from. Nothing else
// imports it.
package uritest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"segue/internal/filter"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// Filter prints a tree of conditions on rows of a table as the text of a $filter that
// holds for the same rows; ok is false where the language has none: it has no patterns,
// and no related row that a lookup leads to with conditions on more of its relationships.
func Filter(s *schema.Schema, tableName string, g *filter.Group) (text string, ok bool) {
	p := printer{schema: s}
	t := s.Table(tableName)
	text = p.group(t, "", g)
	return text, !p.failed
}

// Conditions without an operator of their own.
const (
	nothing    = " eq null and %s ne null"
	everything = " eq null or %s ne null"
)

type printer struct {
	schema *schema.Schema
	failed bool // something has no form
	inside int  // any that are open, whose variables are x1, x2, …
}

// group prints a group. start is what properties begin with: nothing, or the variable of
// a lambda and a slash.
func (p *printer) group(t *schema.Table, start string, g *filter.Group) string {
	if len(g.Items) == 0 {
		form := map[filter.Logic]string{filter.And: everything, filter.Or: nothing}[g.Logic]
		return start + t.ID + fmt.Sprintf(form, start+t.ID)
	}
	var parts []string
	for _, item := range g.Items {
		switch item := item.(type) {
		case *filter.Group:
			parts = append(parts, "("+p.group(t, start, item)+")")
		case *filter.Condition:
			parts = append(parts, p.condition(t, start, item))
		case *filter.Related:
			parts = append(parts, p.related(t, start, item))
		}
	}
	return strings.Join(parts, " "+string(g.Logic)+" ")
}

func (p *printer) related(t *schema.Table, start string, r *filter.Related) string {
	relation, ok := p.schema.Relation(t.Name, r.Relationship)
	if !ok || !relation.Many {
		p.failed = true
		return ""
	}
	collection := ""
	for _, target := range relation.Column.Targets {
		if target.Relationship == relation.Name {
			collection = target.Collection
		}
	}
	not := "not "
	if r.Contains {
		not = ""
	}
	if r.Filter.Logic == filter.And && len(r.Filter.Items) == 0 {
		return not + start + collection + "/any()"
	}
	p.inside++
	variable := fmt.Sprintf("x%d", p.inside)
	inner := p.group(relation.Table, variable+"/", r.Filter)
	p.inside--
	return not + start + collection + "/any(" + variable + ":" + inner + ")"
}

func (p *printer) condition(t *schema.Table, start string, c *filter.Condition) string {
	path := strings.Join(c.Path, "/")
	if path != "" {
		path += "/"
	}
	for _, nav := range c.Path {
		t = p.schema.Table(t.Navs(nav)[0].Target.Table)
	}
	column := t.Column(c.Column)
	name := start + path + uri.NameOf(column)
	if c.Other != "" {
		return name + " " + string(c.Operator) + " " + start + path + uri.NameOf(t.Column(c.Other))
	}
	switch c.Operator {
	case filter.Eq, filter.Ne, filter.In, filter.NotIn:
		return p.equal(column, name, start+path, c)
	case filter.Gt, filter.Ge, filter.Lt, filter.Le:
		return name + " " + string(c.Operator) + " " + literal(column, c.Values[0])
	case filter.Null:
		return name + " eq null"
	case filter.NotNull:
		return name + " ne null"
	case filter.Contains, filter.BeginsWith, filter.EndsWith, filter.NotContains, filter.NotBeginWith, filter.NotEndWith:
		return textFunction(column, name, c)
	case filter.Like, filter.NotLike:
		p.failed = true
		return ""
	default:
		return call(column, path, c)
	}
}

// equal prints eq, ne, in and not-in. One table's row of a lookup that may point at
// several is named by its key.
func (p *printer) equal(column *schema.Column, name, start string, c *filter.Condition) string {
	negated := c.Operator == filter.Ne || c.Operator == filter.NotIn
	if len(column.Targets) > 1 && !allTargets(column, c.Values) {
		var parts []string
		for _, v := range c.Values {
			to, _ := v.Ref()
			for _, target := range column.Targets {
				if target.Table == to.Table {
					parts = append(parts, start+target.Nav+"/"+p.schema.Table(to.Table).ID+" eq "+to.ID)
				}
			}
		}
		text := "(" + strings.Join(parts, " or ") + ")"
		if negated {
			text = "not " + text
		}
		return text
	}
	values := c.Values
	if len(column.Targets) > 1 {
		values = values[:1]
	}
	if len(values) == 1 && (c.Operator == filter.Eq || c.Operator == filter.Ne || len(column.Targets) > 1) {
		return name + map[bool]string{true: " ne ", false: " eq "}[negated] + literal(column, values[0])
	}
	var all []string
	for _, v := range values {
		all = append(all, literal(column, v))
	}
	text := name + " in (" + strings.Join(all, ",") + ")"
	if negated {
		text = "not (" + text + ")"
	}
	return text
}

// allTargets reports whether values are one id in each table that a lookup may point at.
func allTargets(column *schema.Column, values []schema.Value) bool {
	var tables, ids []string
	for _, v := range values {
		to, _ := v.Ref()
		tables, ids = append(tables, to.Table), append(ids, to.ID)
	}
	var want []string
	for _, target := range column.Targets {
		want = append(want, target.Table)
	}
	return slices.Equal(tables, want) && len(slices.Compact(ids)) == 1
}

// textFunction prints contains and the like. Their negation leaves out null, the
// operators do not.
func textFunction(column *schema.Column, name string, c *filter.Condition) string {
	functions := map[filter.Operator]string{
		filter.Contains: "contains", filter.BeginsWith: "startswith", filter.EndsWith: "endswith",
		filter.NotContains: "contains", filter.NotBeginWith: "startswith", filter.NotEndWith: "endswith",
	}
	text := functions[c.Operator] + "(" + name + "," + literal(column, c.Values[0]) + ")"
	if c.Operator == filter.Contains || c.Operator == filter.BeginsWith || c.Operator == filter.EndsWith {
		return text
	}
	return "(not " + text + " or " + name + " eq null)"
}

// call prints a function of Dataverse, with values in quotes as clients send them.
func call(column *schema.Column, path string, c *filter.Condition) string {
	bound := filter.Operand(column, c.Operator)
	var texts []string
	for _, v := range c.Values {
		texts = append(texts, strings.Trim(literal(bound, v), "'"))
		if s, ok := v.Text(); ok {
			texts[len(texts)-1] = s
		}
	}
	arguments := "PropertyName='" + path + column.Name + "'"
	if path != "" {
		arguments = "PropertyName='" + path + uri.NameOf(column) + "'"
	}
	switch least, _ := c.Operator.Arity(); {
	case c.Operator == filter.Between || c.Operator == filter.NotBetween:
		list, _ := json.Marshal(texts) // texts always marshal
		arguments += ",PropertyValues=" + string(list)
	case least == 2:
		arguments += ",PropertyValue1=" + texts[0] + ",PropertyValue2=" + texts[1]
	case least == 1:
		arguments += ",PropertyValue='" + texts[0] + "'"
	}
	return uri.Namespace + uri.FunctionOf(c.Operator) + "(" + arguments + ")"
}

func literal(c *schema.Column, v schema.Value) string {
	switch v.Kind() {
	case schema.KindText:
		if c.Type == schema.GUID {
			return v.String()
		}
		return "'" + strings.ReplaceAll(v.String(), "'", "''") + "'"
	case schema.KindRef:
		to, _ := v.Ref()
		return to.ID
	default:
		return c.Text(v)
	}
}
