package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	p := parser{at: map[string]int{}, raw: map[string]any{}}
	g, err := p.group("", root)
	if err == nil {
		err = checker{schema: s, value: p.typed}.root(tableName, g)
	}
	if wrong := (*Error)(nil); errors.As(err, &wrong) {
		wrong.Offset = p.at[wrong.Node]
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// parser turns JSON into nodes. Their values stay null until the checker, which knows
// the column of each, calls typed to read them from raw.
type parser struct {
	at  map[string]int // where each node and value began, by path
	raw map[string]any // values as JSON has them, by path: string, json.Number, bool, nil or schema.Lookup
}

func (p parser) node(path string, v jsonValue) (Node, error) {
	if _, ok := v.member("attribute"); ok {
		return p.condition(path, v)
	}
	if _, ok := v.member("relationship"); ok {
		return p.related(path, v)
	}
	if _, ok := v.member("type"); ok {
		return p.group(path, v)
	}
	p.at[path] = v.offset
	return nil, errorAt(path, `expected an object with "type", "attribute" or "relationship"`)
}

func (p parser) group(path string, v jsonValue) (*Group, error) {
	if err := p.object(path, v, "type", "items"); err != nil {
		return nil, err
	}
	logic, err := p.text(path, v, "type")
	if err != nil {
		return nil, err
	}
	items, ok := v.member("items")
	if !ok || items.kind != jsonArray {
		return nil, errorAt(path, `member "items" must be an array`)
	}
	g := &Group{Logic: Logic(logic)}
	for i, item := range items.items {
		node, err := p.node(itemPath(path, i), item)
		if err != nil {
			return nil, err
		}
		g.Items = append(g.Items, node)
	}
	return g, nil
}

func (p parser) condition(path string, v jsonValue) (*Condition, error) {
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
	if _, ok := v.member("other"); ok {
		if c.Other, err = p.text(path, v, "other"); err != nil {
			return nil, err
		}
	}
	values, ok := v.member("values")
	if ok && values.kind != jsonArray {
		return nil, errorAt(path, `member "values" must be an array`)
	}
	for i, item := range values.items {
		if err := p.value(valuePath(path, i), item); err != nil {
			return nil, err
		}
		c.Values = append(c.Values, schema.Null())
	}
	return c, nil
}

// path reads the navigation properties of a condition.
func (p parser) path(at string, v jsonValue) ([]string, error) {
	member, ok := v.member("path")
	if !ok {
		return nil, nil
	}
	if member.kind != jsonArray || len(member.items) == 0 {
		return nil, errorAt(at, `member "path" must be an array of navigation properties`)
	}
	var path []string
	for _, item := range member.items {
		nav, ok := item.scalar.(string)
		if !ok {
			return nil, errorAt(at, `member "path" must be an array of navigation properties`)
		}
		path = append(path, nav)
	}
	return path, nil
}

func (p parser) related(path string, v jsonValue) (*Related, error) {
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
	p.at[join(path, "filter")] = v.offset
	if inner, ok := v.member("filter"); ok {
		r.Filter, err = p.group(join(path, "filter"), inner)
	}
	return r, err
}

// value keeps a scalar as it is, or a lookup in its object form, for typed.
func (p parser) value(path string, v jsonValue) error {
	p.at[path] = v.offset
	if v.kind == jsonScalar {
		p.raw[path] = v.scalar
		return nil
	}
	if err := p.object(path, v, "table", "id"); err != nil {
		return err
	}
	table, err := p.text(path, v, "table")
	if err != nil {
		return err
	}
	id, err := p.text(path, v, "id")
	if err != nil {
		return err
	}
	p.raw[path] = schema.Lookup{Table: table, ID: id}
	return nil
}

// object records where v began and refuses anything but an object with the allowed
// members.
func (p parser) object(path string, v jsonValue, allowed ...string) error {
	p.at[path] = v.offset
	expected := `"` + strings.Join(allowed, `", "`) + `"`
	if v.kind != jsonObject {
		return errorAt(path, "expected an object with %s", expected)
	}
	for _, m := range v.members {
		if !slices.Contains(allowed, m.name) {
			return errorAt(path, "member %q is not one of %s", excerpt.Of(m.name), expected)
		}
	}
	return nil
}

func (p parser) text(path string, v jsonValue, name string) (string, error) {
	member, _ := v.member(name)
	text, ok := member.scalar.(string)
	if !ok {
		return "", errorAt(path, "member %q must be a text", name)
	}
	return text, nil
}

// typed sets v to the value at path, read as a value of its column.
func (p parser) typed(path string, c *schema.Column, v *schema.Value) (err error) {
	lookup := c.Type == schema.LookupTo
	switch raw := p.raw[path].(type) {
	case schema.Lookup:
		if !lookup {
			return fmt.Errorf("column %s is not a lookup: expected a value of type %s", c.Name, c.Type)
		}
		*v, err = c.FromText(raw.String())
	case string:
		bareDate := c.Type == schema.DateTime && len(raw) == len(time.DateOnly)
		if lookup || bareDate {
			*v, err = c.FromText(raw)
		} else {
			*v, err = c.FromJSON(raw)
		}
	case json.Number, bool:
		if lookup {
			return fmt.Errorf(`column %s is a lookup: expected "table:guid"`, c.Name)
		}
		*v, err = c.FromJSON(raw)
	}
	return err // nil for a JSON null, which the checker refuses
}

func valuePath(path string, i int) string { return join(path, "values["+strconv.Itoa(i)+"]") }
