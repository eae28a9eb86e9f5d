package odata

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/schema"
)

// bindSuffix follows the name of a navigation property in a body that sets it to a
// row.
const bindSuffix = "@odata.bind"

// Input is a row as a client wrote it.
type Input struct {
	ID     string                  // the primary key in the body, "" when it was left out
	Values map[string]schema.Value // what is to be set, by logical name; null clears
}

// Bodies reads the bodies of requests.
type Bodies struct {
	Schema     *schema.Schema
	References References
}

// Row reads the body of a create or update of a row of t. What depends on the
// row that is there is left to [schema.Table.CheckCreate] and
// [schema.Table.CheckUpdate]: columns that only a create or only Segue may set,
// columns that need a value, and whether state and status agree.
func (b Bodies) Row(t *schema.Table, body []byte) (Input, error) {
	members, err := readObject(body)
	if err != nil {
		return Input{}, err
	}
	return b.members(t, members)
}

// Targets reads the body of CreateMultiple, {"Targets":[…]}: rows of t, each with
// the type in @odata.type. There may be no more than most.
func (b Bodies) Targets(t *schema.Table, body []byte, most int) ([]Input, error) {
	members, err := readObject(body)
	if err != nil {
		return nil, err
	}
	var targets []json.RawMessage
	for _, m := range members {
		switch {
		case m.name == "Targets":
			if err := json.Unmarshal(m.value, &targets); err != nil {
				return nil, Errorf(InvalidArgument, "the parameter 'Targets' must be an array of rows")
			}
		case !annotation(m.name):
			return nil, Errorf(InvalidArgument, "%s has no parameter '%s'; it takes Targets", CreateMultiple, excerpt.Of(m.name))
		}
	}
	if len(targets) == 0 || len(targets) > most {
		return nil, Errorf(InvalidArgument, "Targets has %d rows; it may have 1 to %d", len(targets), most)
	}
	list := make([]Input, len(targets))
	for i, target := range targets {
		members, err := readObject(target)
		if err == nil && !slices.ContainsFunc(members, func(m member) bool { return m.name == "@odata.type" }) {
			err = Errorf(InvalidArgument, "must have the member '@odata.type': '%s%s'", Namespace, t.Name)
		}
		if err == nil {
			list[i], err = b.members(t, members)
		}
		if err != nil {
			return nil, InTarget(i, err)
		}
	}
	return list, nil
}

// InTarget says in which target of CreateMultiple the error is.
func InTarget(i int, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	at := *e
	at.Message = fmt.Sprintf("Targets[%d]: %s", i, e.Message)
	return &at
}

// members reads the members of a row.
func (b Bodies) members(t *schema.Table, members []member) (Input, error) {
	r := rowReader{bodies: b, table: t, row: Input{Values: map[string]schema.Value{}}}
	for _, m := range members {
		if err := r.member(m); err != nil {
			return Input{}, err
		}
	}
	return r.row, nil
}

// Value reads the body of a request that sets one column of a row, {"value":…}.
func (b Bodies) Value(t *schema.Table, c *schema.Column, body []byte) (schema.Value, error) {
	members, err := readObject(body)
	if err != nil {
		return schema.Null(), err
	}
	members = slices.DeleteFunc(members, func(m member) bool { return annotation(m.name) })
	if len(members) != 1 || members[0].name != "value" {
		return schema.Null(), Errorf(BadPayload, "the body must be like {\"value\":…}")
	}
	if c.Name == t.ID {
		return schema.Null(), Errorf(BadPayload, "the primary key '%s' never changes", c.Name)
	}
	row, err := b.members(t, []member{{wireName(c), members[0].value}})
	return row.Values[c.Name], err
}

// annotation reports whether a member is about the body or a property, not a
// property itself.
func annotation(name string) bool { return strings.Contains(name, "@") }

type rowReader struct {
	bodies Bodies
	table  *schema.Table
	row    Input
}

// member reads one member of the body into the row.
func (r *rowReader) member(m member) error {
	nav, bind := strings.CutSuffix(m.name, bindSuffix)
	switch {
	case bind:
		return r.bind(nav, m)
	case m.name == "@odata.type":
		return r.checkType(m)
	case annotation(m.name):
		return nil
	}
	if navs := navsOf(r.table, m.name); navs != nil {
		return r.nested(m, navs[0].Column)
	}
	column := columnOf(r.table, m.name)
	switch {
	case column == nil:
		return r.refuse("property '%s' does not exist on type '%s%s'", excerpt.Of(m.name), Namespace, r.table.Name)
	case column.Type == schema.LookupTo:
		return r.refuse("property '%s' is read-only: bind the row through '%s%s'", m.name, column.Targets[0].Nav, bindSuffix)
	}
	v, ok := m.scalar()
	if !ok {
		return r.refuse("property '%s' is a %s and cannot be an object or array", m.name, column.Type)
	}
	return r.set(column, v)
}

// set reads the value of a column that is not a lookup.
func (r *rowReader) set(column *schema.Column, v any) error {
	if column.Name == r.table.ID {
		text, _ := v.(string)
		id, ok := guid.Parse(text)
		if !ok {
			return r.refuse("the key '%s' must be a GUID, not '%s'", column.Name, excerpt.Of(text))
		}
		r.row.ID = id
		return nil
	}
	value, err := column.FromJSON(v)
	if err != nil {
		return asError(r.bodies.Schema, err)
	}
	r.row.Values[column.Name] = value
	return nil
}

// nested reads a navigation property without @odata.bind: null clears it, anything
// else would also create the related rows, which is not served.
func (r *rowReader) nested(m member, column *schema.Column) error {
	v, scalar := m.scalar()
	switch {
	case !scalar:
		return notServed("the creation of related rows", m.name)
	case v != nil:
		return r.refuse("property '%s' is a navigation property: bind a row through '%s%s'", m.name, m.name, bindSuffix)
	}
	return r.setLookup(column, schema.Null())
}

// bind sets a lookup to the row that the member refers to.
func (r *rowReader) bind(nav string, m member) error {
	navs := navsOf(r.table, nav)
	if navs == nil {
		return r.refuse("navigation property '%s' does not exist on type '%s%s'", excerpt.Of(nav), Namespace, r.table.Name)
	}
	v, scalar := m.scalar()
	text, isText := v.(string)
	switch {
	case !scalar && m.value[0] == '[':
		return notServed("binding a collection", m.name)
	case scalar && v == nil:
		return r.setLookup(navs[0].Column, schema.Null())
	case !isText:
		return r.refuse("'%s' must be a string like \"/accounts(<id>)\"", m.name)
	}
	to, err := r.bodies.Resolve(text)
	if err != nil {
		return r.about(m.name, err)
	}
	var allowed []string
	for _, n := range navs {
		if n.Target.Table == to.Table.Name {
			return r.setLookup(n.Column, schema.Ref(schema.Lookup{Table: to.Table.Name, ID: to.ID}))
		}
		allowed = append(allowed, n.Target.Table)
	}
	return r.refuse("'%s' must refer to a row of %s, not of %s", m.name, strings.Join(allowed, ", "), to.Table.Name)
}

// setLookup sets a lookup or clears it. A body may set it through one navigation property
// and clear it through those for the other tables; it may not set it to two
// rows.
func (r *rowReader) setLookup(column *schema.Column, v schema.Value) error {
	old := r.row.Values[column.Name]
	switch {
	case old.IsNull():
		r.row.Values[column.Name] = v
	case !v.IsNull() && v != old:
		return r.refuse("lookup '%s' is bound to two rows", column.Name)
	}
	return nil
}

// checkType refuses a body that claims to be a row of another table.
func (r *rowReader) checkType(m member) error {
	var name string
	want := Namespace + r.table.Name
	if err := json.Unmarshal(m.value, &name); err != nil || strings.TrimPrefix(name, "#") != want {
		return r.refuse("@odata.type must be '%s', not '%s'", want, excerpt.Of(name))
	}
	return nil
}

// about returns an error with the member that it is about.
func (r *rowReader) about(member string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Code == BadPayload {
		return r.refuse("'%s': %s", member, e.Message)
	}
	return err
}

// refuse returns the error of a body, with the prefix that Dataverse gives it.
func (r *rowReader) refuse(format string, args ...any) error {
	return Errorf(BadPayload, "Error identified in Payload provided by the user for Entity :'"+r.table.Set+"', "+format, args...)
}
