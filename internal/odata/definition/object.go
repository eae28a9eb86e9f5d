package definition

import (
	"encoding/json"
	"slices"
	"strconv"

	"segue/internal/odata"
)

// object is an entity or a complex value of the definitions.
type object struct {
	layers []layer // the type of the object, after the types that it derives from
}

// layer is what one type adds to those that it derives from.
type layer struct {
	kind       string // name of the type
	abstract   bool
	properties []property
	navs       []nav
}

// property is a property with its type: Edm.String, mscrm.Label, Collection(…).
type property struct {
	name, typ string
	value     any // nil, string, bool, int64, json.Number, member, []string, *object, []*object
}

// member is a value of an enumeration.
type member string

// nav is a navigation property. Its rows are made when they are asked for.
type nav struct {
	name string
	many bool
	get  func() collection // of a property to one: of one item, or none
}

// collection is a set of objects of one type.
type collection struct {
	kind  string  // type of the items, or what their types derive from
	key   string  // property by which an item is found beside its MetadataId
	shape *object // what an item looks like, for checks where there is none
	items []*object
}

const (
	edmString  = "Edm.String"
	edmGUID    = "Edm.Guid"
	edmBoolean = "Edm.Boolean"
	edmInt32   = "Edm.Int32"
	edmInt64   = "Edm.Int64"
	edmDecimal = "Edm.Decimal"
	edmDouble  = "Edm.Double"

	alias = "mscrm."
)

func text(name, value string) property      { return property{name, edmString, value} }
func id(name, value string) property        { return property{name, edmGUID, value} }
func boolean(name string, is bool) property { return property{name, edmBoolean, is} }
func null(name, typ string) property        { return property{name, typ, nil} }

func number(name string, n int) property { return property{name, edmInt32, int64(n)} }

// choice is a value of an enumeration.
func choice(name, enum, value string) property {
	return property{name, alias + enum, member(value)}
}

// inner is a complex value.
func inner(name string, o *object) property { return property{name, alias + o.kind(), o} }

// complexOf returns a value of a complex type.
func complexOf(kind string, properties ...property) *object {
	return &object{layers: []layer{{kind: kind, properties: properties}}}
}

// valued is a value of a complex type that has nothing but a value.
func valued(name, kind, value string) property {
	return inner(name, complexOf(kind, text("Value", value)))
}

// kind is the name of the object's type.
func (o *object) kind() string { return o.layers[len(o.layers)-1].kind }

// is reports whether the object's type is of that name or derives from it.
func (o *object) is(kind string) bool {
	return slices.ContainsFunc(o.layers, func(l layer) bool { return l.kind == kind })
}

// as returns the object as its type of that name sees it, nil when it has none.
func (o *object) as(kind string) *object {
	i := slices.IndexFunc(o.layers, func(l layer) bool { return l.kind == kind })
	if i < 0 {
		return nil
	}
	return &object{layers: o.layers[:i+1]}
}

// property returns a property by name, nil when there is none.
func (o *object) property(name string) *property {
	for _, l := range o.layers {
		for i := range l.properties {
			if l.properties[i].name == name {
				return &l.properties[i]
			}
		}
	}
	return nil
}

// nav returns a navigation property by name, nil when there is none.
func (o *object) nav(name string) *nav {
	for _, l := range o.layers {
		for i := range l.navs {
			if l.navs[i].name == name {
				return &l.navs[i]
			}
		}
	}
	return nil
}

// text returns a property that is a text or an id, "" when it is neither.
func (o *object) text(name string) string {
	if p := o.property(name); p != nil {
		v, _ := p.value.(string)
		return v
	}
	return ""
}

// Key is the key of every definition.
const Key = "MetadataId"

// appendJSON appends the value of a property.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case json.Number:
		return append(b, v...)
	case string:
		return appendText(b, v)
	case member:
		return appendText(b, string(v))
	case *object:
		if v == nil {
			return append(b, "null"...)
		}
		return v.appendJSON(b)
	case []string:
		return appendList(b, v, appendText)
	case []*object:
		return appendList(b, v, func(b []byte, o *object) []byte { return o.appendJSON(b) })
	}
	return b
}

func appendList[T any](b []byte, list []T, one func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, v)
	}
	return append(b, ']')
}

func appendText(b []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // a text always can
	return append(b, quoted...)
}

// appendJSON appends a complex value, its type with it where it derives from another.
func (o *object) appendJSON(b []byte) []byte {
	b = append(b, '{')
	if len(o.layers) > 1 {
		b = appendText(appendName(b, "@odata.type"), "#"+odata.Namespace+o.kind())
	}
	for _, l := range o.layers {
		for _, p := range l.properties {
			b = appendJSON(appendName(b, p.name), p.value)
		}
	}
	return append(b, '}')
}

// appendName appends the name of a member of an object that is open.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(appendText(b, name), ':')
}
