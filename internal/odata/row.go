package odata

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// bindSuffix follows the name of a navigation property in a body that sets it to a
// row.
const bindSuffix = "@odata.bind"

// Input is a row as a client wrote it.
type Input struct {
	ID     string                  // the primary key in the body, "" when it was left out
	Values map[string]schema.Value // what is to be set, by logical name; null clears
	Binds  map[string]Reference    // lookups that are set to rows by their alternate keys
	Nested []Nested                // rows that are made with it, or related to it
	URL    string                  // @odata.id, of a target of UpdateMultiple or UpsertMultiple
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

// Targets reads the body of an action that writes rows together, {"Targets":[…]}: rows of t,
// each with the type in @odata.type. There may be no more than most.
func (b Bodies) Targets(t *schema.Table, action string, body []byte, most int) ([]Input, error) {
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
			return nil, Errorf(InvalidArgument, "%s has no parameter '%s'; it takes Targets", action, excerpt.Of(m.name))
		}
	}
	if len(targets) == 0 || len(targets) > most {
		return nil, Errorf(InvalidArgument, "Targets has %d rows; it may have 1 to %d", len(targets), most).Exceeds("Targets", most, len(targets))
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

// Key returns the key of the row that a target is about: its @odata.id, else its primary
// key.
func (b Bodies) Key(t *schema.Table, target Input) (Key, error) {
	if target.URL == "" && target.ID == "" {
		return Key{}, Errorf(InvalidArgument, "the row must have '%s' or '@odata.id'", t.ID)
	}
	if target.URL == "" {
		return Key{ID: target.ID}, nil
	}
	to, err := b.Resolve(target.URL)
	switch {
	case err != nil:
		return Key{}, err
	case to.Table != t:
		return Key{}, Errorf(InvalidArgument, "'@odata.id' must refer to a row of %s, not of %s", t.Name, to.Table.Name)
	case target.ID != "" && to.ID != "" && target.ID != to.ID:
		return Key{}, Errorf(InvalidArgument, "'@odata.id' and '%s' name different rows", t.ID)
	}
	return to.Key, nil
}

// InTarget says in which target of an action the error is.
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
	return r.read(members)
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
	row, err := b.members(t, []member{{uri.NameOf(c), members[0].value}})
	return row.Values[c.Name], err
}

// annotation reports whether a member is about the body or a property, not a
// property itself.
func annotation(name string) bool { return strings.Contains(name, "@") }

type rowReader struct {
	bodies Bodies
	table  *schema.Table
	row    Input
	depth  int // how many rows it is nested in
}

func (r *rowReader) read(members []member) (Input, error) {
	for _, m := range members {
		if err := r.member(m); err != nil {
			return Input{}, err
		}
	}
	return r.row, nil
}

// member reads one member of the body into the row.
func (r *rowReader) member(m member) error {
	nav, bind := strings.CutSuffix(m.name, bindSuffix)
	switch {
	case bind:
		return r.bind(nav, m)
	case m.name == "@odata.type":
		return r.checkType(m)
	case m.name == "@odata.id":
		_ = json.Unmarshal(m.value, &r.row.URL) // what is no text is no URL, for who needs one
		return nil
	case annotation(m.name):
		return nil
	}
	if navs := navsOf(r.table, m.name); navs != nil {
		return r.nested(m, navs)
	}
	if relation, ok := uri.Collection(r.bodies.Schema, r.table, m.name); ok {
		return r.collection(m, relation, false)
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

// bind sets a lookup to the row that the member refers to.
func (r *rowReader) bind(nav string, m member) error {
	navs := navsOf(r.table, nav)
	if relation, ok := uri.Collection(r.bodies.Schema, r.table, nav); ok && navs == nil {
		return r.collection(m, relation, true)
	}
	if navs == nil {
		return r.refuse("navigation property '%s' does not exist on type '%s%s'", excerpt.Of(nav), Namespace, r.table.Name)
	}
	v, scalar := m.scalar()
	text, isText := v.(string)
	switch {
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
			return r.bindTo(n.Column, to)
		}
		allowed = append(allowed, n.Target.Table)
	}
	return r.refuse("'%s' must refer to a row of %s, not of %s", m.name, strings.Join(allowed, ", "), to.Table.Name)
}

// bindTo sets a lookup to the row of a reference.
func (r *rowReader) bindTo(column *schema.Column, to Reference) error {
	if to.Alternate == nil {
		return r.setLookup(column, schema.RefTo(to.Table.Name, to.ID))
	}
	_, bound := r.row.Binds[column.Name]
	if old := r.row.Values[column.Name]; bound || r.made(column) || !old.IsNull() {
		return r.refuse("lookup '%s' is bound to two rows", column.Name)
	}
	delete(r.row.Values, column.Name) // a null, through the property for another table
	if r.row.Binds == nil {
		r.row.Binds = map[string]Reference{}
	}
	r.row.Binds[column.Name] = to
	return nil
}

// setLookup sets a lookup or clears it. A body may set it through one navigation property
// and clear it through those for the other tables; it may not set it to two
// rows.
func (r *rowReader) setLookup(column *schema.Column, v schema.Value) error {
	old := r.row.Values[column.Name]
	_, bound := r.row.Binds[column.Name]
	switch {
	case (bound || r.made(column)) && v.IsNull():
	case bound || r.made(column):
		return r.refuse("lookup '%s' is bound to two rows", column.Name)
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
