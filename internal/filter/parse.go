package filter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/excerpt"
	"segue/internal/schema"
)

// Parse reads the JSON form of a filter on the rows of a table:
//
//	{"type":"and","items":[
//	  {"attribute":"leadsourcecode","operator":"eq","values":[8]},
//	  {"path":["parentaccountid"],"attribute":"name","operator":"not-null"},
//	  {"attribute":"createdon","operator":"lt","other":"modifiedon"},
//	  {"type":"or","items":[]},
//	  {"relationship":"lead_parent_account","mode":"contains","filter":{"type":"and","items":[]}}]}
//
// Members may come in any order; an unknown or repeated one is refused. Without
// "values" a condition has none, without "path" its column is the row's own, without "filter" a Related takes any row.
// Values are JSON scalars of the column's type; a moment is an RFC 3339 text or
// a date, a lookup is "table:guid", {"table":…,"id":…} or, where it has one
// target, "guid". Columns that nobody may read (schema.Hidden) are unknown here.
//
// The error is an *[Error] with the offset of the node that is wrong. A tree that
// Parse returns has passed [Check].
func Parse(s *schema.Schema, tableName, text string) (*Group, error) {
	root, err := readJSON(text)
	if err != nil {
		return nil, err
	}
	p := &parser{}
	g, err := p.group(nil, root)
	if err == nil {
		err = checker{schema: s, value: p.typed}.root(tableName, g)
	}
	if wrong := (*Error)(nil); errors.As(err, &wrong) {
		wrong.Offset = root.at(wrong.Node).offset
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// parser turns JSON into nodes. Their values stay null until the checker, which knows
// the column of each, calls typed to read them. Both go through a tree in the same order.
type parser struct {
	values []*jsonValue // scalars, and lookups in their object form; those that typed has not been called for
}

func (p *parser) node(path *place, v *jsonValue) (Node, error) {
	if v.member("attribute") != nil {
		return p.condition(path, v)
	}
	if v.member("relationship") != nil {
		return p.related(path, v)
	}
	if v.member("type") != nil {
		return p.group(path, v)
	}
	return nil, errorAt(path, `expected an object with "type", "attribute" or "relationship"`)
}

func (p *parser) group(path *place, v *jsonValue) (*Group, error) {
	if err := p.object(path, v, "type", "items"); err != nil {
		return nil, err
	}
	logic, err := p.text(path, v, "type")
	if err != nil {
		return nil, err
	}
	items := v.member("items")
	if items == nil || items.kind != jsonArray {
		return nil, errorAt(path, `member "items" must be an array`)
	}
	g := &Group{Logic: Logic(logic)}
	if n := items.size(); n > 0 {
		g.Items = make([]Node, 0, n)
	}
	at := path.item(0)
	for item := items.first; item != nil; item = item.next {
		at.number = len(g.Items)
		node, err := p.node(at, item)
		if err != nil {
			return nil, err
		}
		g.Items = append(g.Items, node)
	}
	return g, nil
}

func (p *parser) condition(path *place, v *jsonValue) (*Condition, error) {
	if err := p.object(path, v, "attribute", "operator", "values", "path", "other"); err != nil {
		return nil, err
	}
	column, err := p.text(path, v, "attribute")
	if err != nil {
		return nil, err
	}
	operator, err := p.text(path, v, "operator")
	if err != nil {
		return nil, err
	}
	if operator == "neq" {
		operator = string(Ne)
	}
	c := &Condition{Column: column, Operator: Operator(operator)}
	if c.Path, err = p.path(path, v); err != nil {
		return nil, err
	}
	if v.member("other") != nil {
		if c.Other, err = p.text(path, v, "other"); err != nil {
			return nil, err
		}
	}
	values := v.member("values")
	if values == nil {
		return c, nil
	}
	if values.kind != jsonArray {
		return nil, errorAt(path, `member "values" must be an array`)
	}
	if n := values.size(); n > 0 {
		c.Values = make([]schema.Value, 0, n)
	}
	for item := values.first; item != nil; item = item.next {
		if err := p.value(path.value(len(c.Values)), item); err != nil {
			return nil, err
		}
		c.Values = append(c.Values, schema.Null())
	}
	return c, nil
}

// path reads the navigation properties of a condition.
func (p *parser) path(at *place, v *jsonValue) ([]string, error) {
	member := v.member("path")
	if member == nil {
		return nil, nil
	}
	if member.kind != jsonArray || member.first == nil {
		return nil, errorAt(at, `member "path" must be an array of navigation properties`)
	}
	var path []string
	for item := member.first; item != nil; item = item.next {
		if item.kind != jsonText {
			return nil, errorAt(at, `member "path" must be an array of navigation properties`)
		}
		path = append(path, item.text)
	}
	return path, nil
}

func (p *parser) related(path *place, v *jsonValue) (*Related, error) {
	if err := p.object(path, v, "relationship", "mode", "filter"); err != nil {
		return nil, err
	}
	name, err := p.text(path, v, "relationship")
	if err != nil {
		return nil, err
	}
	mode, err := p.text(path, v, "mode")
	if err != nil {
		return nil, err
	}
	if mode != modeContains && mode != modeNotContains {
		return nil, errorAt(path, `mode %q is neither %q nor %q`, excerpt.Of(mode), modeContains, modeNotContains)
	}
	r := &Related{Relationship: name, Contains: mode == modeContains, Filter: &Group{Logic: And}}
	if inner := v.member("filter"); inner != nil {
		r.Filter, err = p.group(path.filter(), inner)
	}
	return r, err
}

// value keeps a scalar, or a lookup in its object form, for typed.
func (p *parser) value(path *place, v *jsonValue) error {
	p.values = append(p.values, v)
	if v.kind < jsonObject {
		return nil
	}
	if err := p.object(path, v, "table", "id"); err != nil {
		return err
	}
	for _, name := range [...]string{"table", "id"} {
		if _, err := p.text(path, v, name); err != nil {
			return err
		}
	}
	return nil
}

// object refuses anything but an object with the allowed members.
func (p *parser) object(path *place, v *jsonValue, allowed ...string) error {
	if v.kind != jsonObject {
		return errorAt(path, "expected an object with %s", listed(allowed))
	}
	for m := v.first; m != nil; m = m.next {
		if !slices.Contains(allowed, m.name) {
			return errorAt(path, "member %q is not one of %s", excerpt.Of(m.name), listed(allowed))
		}
	}
	return nil
}

func listed(members []string) string { return `"` + strings.Join(members, `", "`) + `"` }

func (p *parser) text(path *place, v *jsonValue, name string) (string, error) {
	member := v.member(name)
	if member == nil || member.kind != jsonText {
		return "", errorAt(path, "member %q must be a text", name)
	}
	return member.text, nil
}

// typed sets v to the next value, read as one of its column.
func (p *parser) typed(c *schema.Column, v *schema.Value) (err error) {
	raw := p.values[0]
	p.values = p.values[1:]
	lookup := c.Type == schema.LookupTo
	switch raw.kind {
	case jsonObject:
		if !lookup {
			return fmt.Errorf("column %s is not a lookup: expected a value of type %s", c.Name, c.Type)
		}
		*v, err = c.FromText(schema.Lookup{Table: raw.member("table").text, ID: raw.member("id").text}.String())
	case jsonText:
		bareDate := c.Type == schema.DateTime && len(raw.text) == len(time.DateOnly)
		if lookup || bareDate {
			*v, err = c.FromText(raw.text)
		} else {
			*v, err = c.FromJSON(raw.text)
		}
	case jsonNumber, jsonFalse, jsonTrue:
		if lookup {
			return fmt.Errorf(`column %s is a lookup: expected "table:guid"`, c.Name)
		}
		*v, err = c.FromJSON(raw.scalar())
	default: // a null, which the checker refuses; no value is an array
	}
	return err
}
