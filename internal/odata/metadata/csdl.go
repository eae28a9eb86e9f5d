package metadata

import (
	"cmp"
	"slices"
	"strings"

	"segue/internal/odata"
	"segue/internal/odata/call"
	"segue/internal/odata/definition"
	"segue/internal/odata/uri"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Names of types that tables derive from.
const (
	entityBase   = "crmbaseentity"
	activityBase = "activitypointer"
	activityKey  = "activityid"
	principal    = "principal"
	principalKey = "ownerid"
)

// csdl makes $metadata, with annotations or without.
func (m *Model) csdl(annotations bool) []byte {
	w := &xmlWriter{}
	w.raw(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	w.open("edmx:Edmx", "Version", "4.0", "xmlns:edmx", "http://docs.oasis-open.org/odata/ns/edmx")
	if annotations {
		m.references(w)
	}
	w.open("edmx:DataServices")
	w.open("Schema", "Namespace", strings.TrimSuffix(odata.Namespace, "."), "Alias", strings.TrimSuffix(alias, "."), "xmlns", "http://docs.oasis-open.org/odata/ns/edm")
	d := document{m, w, annotations}
	d.bases()
	for _, t := range m.tables {
		d.entityType(t)
	}
	d.definitionTypes()
	d.operations()
	d.container()
	w.close() // Schema
	w.close() // DataServices
	w.close() // Edmx
	return w.bytes()
}

// references names the vocabularies that annotations use.
func (m *Model) references(w *xmlWriter) {
	for _, vocabulary := range [][3]string{
		{"http://vocabularies.odata.org/OData.Community.Keys.V1", "OData.Community.Keys.V1", "Keys"},
		{"https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Core.V1.xml", "Org.OData.Core.V1", "Core"},
		{"https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Capabilities.V1.xml", "Org.OData.Capabilities.V1", "Capabilities"},
	} {
		w.open("edmx:Reference", "Uri", vocabulary[0])
		w.leaf("edmx:Include", "Namespace", vocabulary[1], "Alias", vocabulary[2])
		w.close()
	}
}

// document is $metadata in the making.
type document struct {
	*Model
	w           *xmlWriter
	annotations bool
}

// bases writes the abstract types.
func (d document) bases() {
	d.w.leaf("EntityType", "Name", entityBase, "Abstract", "true")
	d.w.leaf("EntityType", "Name", "expando", "BaseType", alias+entityBase, "OpenType", "true")
	d.keyed(principal, principalKey)
	d.w.close()
	d.keyed(activityBase, activityKey)
	for _, c := range d.activityColumns() {
		d.column(c)
	}
	d.w.close()
}

// keyed opens an abstract type with its key.
func (d document) keyed(typeName, key string) {
	d.w.open("EntityType", "Name", typeName, "BaseType", alias+entityBase, "Abstract", "true")
	d.key(key)
	d.w.leaf("Property", "Name", key, "Type", edmGUID, "Nullable", "false")
}

func (d document) key(column string) {
	d.w.open("Key")
	d.w.leaf("PropertyRef", "Name", column)
	d.w.close()
}

// activityColumns is the columns that all activities have alike, lookups left out: they
// are what activitypointer has.
func (m *Model) activityColumns() []*schema.Column {
	var common []*schema.Column
	first := true
	for _, t := range m.tables {
		if !t.Is(name.ActivityTrait) {
			continue
		}
		if first {
			common = slices.DeleteFunc(visible(t), func(c *schema.Column) bool { return c.Type == schema.LookupTo || c.Name == t.ID })
			first = false
			continue
		}
		common = slices.DeleteFunc(common, func(c *schema.Column) bool {
			other := t.Column(c.Name)
			return other == nil || other.Write == schema.Hidden || other.Type != c.Type || other.MaxLength != c.MaxLength
		})
	}
	return common
}

// baseOf returns the type that a table's derives from, and what the table has from it.
func (m *Model) baseOf(t *schema.Table) (base string, has func(column string) bool) {
	switch {
	case t.Is(name.ActivityTrait):
		common := m.activityColumns()
		return activityBase, func(column string) bool {
			return column == activityKey || slices.ContainsFunc(common, func(c *schema.Column) bool { return c.Name == column })
		}
	case t.Name == name.User || t.Name == name.Team:
		return principal, func(column string) bool { return column == principalKey }
	}
	return entityBase, func(string) bool { return false }
}

// entityType writes the type of a table.
func (d document) entityType(t *schema.Table) {
	base, has := d.baseOf(t)
	d.w.open("EntityType", "Name", t.Name, "BaseType", alias+base)
	if base == entityBase {
		d.key(t.ID)
	}
	for _, c := range visible(t) {
		if !has(c.Name) {
			d.column(c)
		}
	}
	for _, n := range d.lookups(t) {
		d.lookup(n)
	}
	for _, back := range d.collections(t) {
		pairs := []string{"Name", back.name, "Type", "Collection(" + alias + back.table + ")"}
		if back.partner != "" {
			pairs = append(pairs, "Partner", back.partner)
		}
		d.w.leaf("NavigationProperty", pairs...)
	}
	d.alternateKeys(t)
	d.w.close()
}

// alternateKeys annotates a type with the keys by which a row may be named beside its
// primary key.
func (d document) alternateKeys(t *schema.Table) {
	if !d.annotations || len(t.Keys) == 0 {
		return
	}
	const keys = "OData.Community.Keys.V1."
	d.w.open("Annotation", "Term", keys+"AlternateKeys")
	d.w.open("Collection")
	for _, k := range t.Keys {
		d.w.open("Record", "Type", keys+"AlternateKey")
		d.w.open("PropertyValue", "Property", "Key")
		d.w.open("Collection")
		for _, column := range k.Columns {
			property := uri.NameOf(t.Column(column))
			d.w.open("Record", "Type", keys+"PropertyRef")
			d.w.leaf("PropertyValue", "Property", "Alias", "String", property)
			d.w.leaf("PropertyValue", "Property", "Name", "PropertyPath", property)
			d.w.close()
		}
		d.w.close() // Collection
		d.w.close() // PropertyValue
		d.w.close() // Record
	}
	d.w.close() // Collection
	d.w.close() // Annotation
}

// column writes the property of a column.
func (d document) column(c *schema.Column) {
	pairs := []string{"Name", uri.NameOf(c), "Type", edmType(c.Type)}
	switch c.Type {
	case schema.String, schema.Memo:
		if c.MaxLength > 0 {
			pairs = append(pairs, "MaxLength", decimalText(c.MaxLength))
		}
	case schema.Decimal:
		pairs = append(pairs, "Scale", "10")
	case schema.Money:
		pairs = append(pairs, "Scale", "4")
	default:
	}
	if c.Type == schema.GUID && c.Need == schema.System {
		pairs = append(pairs, "Nullable", "false")
	}
	if !d.annotations {
		d.w.leaf("Property", pairs...)
		return
	}
	d.w.open("Property", pairs...)
	d.w.leaf("Annotation", "Term", "Org.OData.Core.V1.Description", "String", c.Label)
	if c.Write == schema.Engine || c.Type == schema.LookupTo {
		d.w.open("Annotation", "Term", "Org.OData.Core.V1.Computed", "Bool", "true")
		d.w.close()
	}
	d.w.close()
}

// edmType returns the type of a column's values on the wire.
func edmType(t schema.Type) string {
	switch t {
	case schema.Integer, schema.Choice, schema.State, schema.Status:
		return edmInt32
	case schema.BigInt:
		return edmInt64
	case schema.Decimal, schema.Money:
		return edmDecimal
	case schema.Double:
		return edmDouble
	case schema.Boolean:
		return edmBoolean
	case schema.DateTime:
		return edmDateTime
	case schema.Date:
		return edmDate
	case schema.GUID, schema.LookupTo:
		return edmGUID
	case schema.String, schema.Memo:
	}
	return edmString
}

// toOne is a navigation property to one row.
type toOne struct {
	name, table, key string // table: the type; key: its key
	column           *schema.Column
	partner          string
}

// lookups returns the navigation properties of a table's lookups. One that leads to rows
// of several tables is of the type that these have in common.
func (m *Model) lookups(t *schema.Table) []toOne {
	var list []toOne
	for _, c := range visible(t) {
		byName := map[string][]schema.Target{}
		var names []string
		for _, target := range c.Targets {
			if !m.onWire(target.Table) {
				continue
			}
			if byName[target.Nav] == nil {
				names = append(names, target.Nav)
			}
			byName[target.Nav] = append(byName[target.Nav], target)
		}
		for _, nav := range names {
			list = append(list, m.toOne(c, nav, byName[nav]))
		}
	}
	return list
}

// toOne returns the navigation property of a name that leads to these targets.
func (m *Model) toOne(c *schema.Column, nav string, targets []schema.Target) toOne {
	n := toOne{name: nav, column: c}
	if len(targets) == 1 {
		to := m.schema.Table(targets[0].Table)
		n.table, n.partner = to.Name, targets[0].Collection
		if base, _ := m.baseOf(to); base == entityBase {
			n.key = to.ID
		} else {
			n.key = cmp.Or(map[string]string{activityBase: activityKey, principal: principalKey}[base], to.ID)
		}
		return n
	}
	n.table = entityBase
	if !slices.ContainsFunc(targets, func(t schema.Target) bool { return t.Table != name.User && t.Table != name.Team }) {
		n.table, n.key = principal, principalKey
	}
	return n
}

// lookup writes a navigation property to one row.
func (d document) lookup(n toOne) {
	pairs := []string{"Name", n.name, "Type", alias + n.table}
	if n.partner != "" {
		pairs = append(pairs, "Partner", n.partner)
	}
	if n.key == "" {
		d.w.leaf("NavigationProperty", pairs...)
		return
	}
	d.w.open("NavigationProperty", pairs...)
	d.w.leaf("ReferentialConstraint", "Property", uri.NameOf(n.column), "ReferencedProperty", n.key)
	d.w.close()
}

// toMany is a navigation property to many rows.
type toMany struct{ name, table, set, partner string }

// collections returns the navigation properties that lead from the rows of a table to
// those that point at them.
func (m *Model) collections(t *schema.Table) []toMany {
	var list []toMany
	for _, other := range m.tables {
		for _, n := range m.lookups(other) {
			for _, target := range n.column.Targets {
				if target.Table != t.Name || target.Nav != n.name || target.Collection == "" {
					continue
				}
				back := toMany{name: target.Collection, table: other.Name, set: other.Set}
				if n.partner != "" {
					back.partner = n.name
				}
				list = append(list, back)
			}
		}
	}
	return list
}

// container writes the sets, and what is called on the service.
func (d document) container() {
	d.w.open("EntityContainer", "Name", "System")
	for _, t := range d.tables {
		d.set(t)
	}
	for _, set := range definition.Sets() {
		d.w.leaf("EntitySet", "Name", set.Name, "EntityType", odata.Namespace+set.Type)
	}
	for _, o := range d.Model.operations {
		if o.Binding == call.Unbound {
			d.w.leaf(string(o.Kind)+"Import", "Name", o.Name, string(o.Kind), odata.Namespace+o.Name)
		}
	}
	d.w.close()
}

// set writes the entity set of a table.
func (d document) set(t *schema.Table) {
	d.w.open("EntitySet", "Name", t.Set, "EntityType", odata.Namespace+t.Name)
	for _, n := range d.lookups(t) {
		if to := d.schema.Table(n.table); to != nil {
			d.w.leaf("NavigationPropertyBinding", "Path", n.name, "Target", to.Set)
		}
	}
	for _, back := range d.collections(t) {
		d.w.leaf("NavigationPropertyBinding", "Path", back.name, "Target", back.set)
	}
	d.w.close()
}

// operations writes the functions and actions with the types of their results.
func (d document) operations() {
	types := typesOf(d.Model.operations)
	for _, e := range types.enums {
		d.enum(e.Name, e.Members, e.Flags)
	}
	for _, c := range types.complex {
		d.w.open("ComplexType", "Name", c.Name)
		for _, p := range c.Properties {
			pairs := []string{"Name", p.Name, "Type", many(typeOf(p), p.Many)}
			if !p.Nullable {
				pairs = append(pairs, "Nullable", "false")
			}
			d.w.leaf("Property", pairs...)
		}
		d.w.close()
	}
	for _, o := range d.Model.operations {
		if o.Binding == call.Unbound {
			d.operation(o, "")
			continue
		}
		bound := o.Tables
		if bound == nil {
			bound = []string{entityBase}
		}
		for _, table := range bound {
			d.operation(o, many(alias+table, o.Binding == call.ToSet))
		}
	}
}

// operation writes a function or an action; on is the type that it is bound to.
func (d document) operation(o call.Signature, on string) {
	pairs := []string{"Name", o.Name}
	if on != "" {
		pairs = append(pairs, "IsBound", "true")
	}
	d.w.open(string(o.Kind), pairs...)
	if on != "" {
		d.w.leaf("Parameter", "Name", "entity", "Type", on, "Nullable", "false")
	}
	for _, p := range o.Parameters {
		pairs := []string{"Name", p.Name, "Type", many(parameterType(p), p.Many)}
		if p.Required {
			pairs = append(pairs, "Nullable", "false")
		}
		d.w.leaf("Parameter", pairs...)
	}
	switch {
	case o.Returns.Rows:
		d.w.leaf("ReturnType", "Type", many(alias+entityBase, true), "Nullable", "false")
	case o.Returns.Type != nil:
		pairs := []string{"Type", alias + o.Returns.Type.Name}
		if !o.Returns.Optional {
			pairs = append(pairs, "Nullable", "false")
		}
		d.w.leaf("ReturnType", pairs...)
	}
	d.w.close()
}

// many returns the type of one value or of a list of them.
func many(typ string, list bool) string {
	if list {
		return "Collection(" + typ + ")"
	}
	return typ
}

// typeOf returns the type of a property of a result.
func typeOf(p call.Property) string {
	switch {
	case p.Of != nil:
		return alias + p.Of.Name
	case p.Enum != nil:
		return alias + p.Enum.Name
	}
	return edmType(p.Type)
}

// parameterType returns the type of a parameter.
func parameterType(p call.Parameter) string {
	switch {
	case p.Enum != nil:
		return alias + p.Enum.Name
	case !p.Row && p.Type != schema.LookupTo:
		return edmType(p.Type)
	case len(p.Tables) == 1:
		return alias + p.Tables[0]
	}
	return alias + entityBase
}

// types is the complex types and enumerations of operations, each once.
type types struct {
	complex []*call.Complex
	enums   []*call.Enum
}

func typesOf(operations call.Registry) types {
	var t types
	for _, o := range operations {
		for _, p := range o.Parameters {
			t.addEnum(p.Enum)
		}
		t.add(o.Returns.Type)
	}
	return t
}

// add adds a type and those of its properties.
func (t *types) add(c *call.Complex) {
	if c == nil || slices.ContainsFunc(t.complex, func(other *call.Complex) bool { return other.Name == c.Name }) {
		return
	}
	t.complex = append(t.complex, c)
	for _, p := range c.Properties {
		t.addEnum(p.Enum)
		t.add(p.Of)
	}
}

func (t *types) addEnum(e *call.Enum) {
	if e != nil && !slices.ContainsFunc(t.enums, func(other *call.Enum) bool { return other.Name == e.Name }) {
		t.enums = append(t.enums, e)
	}
}
