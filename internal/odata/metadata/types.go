package metadata

import (
	"strings"

	"segue/internal/odata/definition"
)

// enum writes an enumeration. The values of its members are flags, or their places.
func (d document) enum(name string, members []string, flags []int) {
	pairs := []string{"Name", name}
	if flags != nil {
		pairs = append(pairs, "IsFlags", "true")
	}
	d.w.open("EnumType", pairs...)
	for i, m := range members {
		value := i
		if flags != nil {
			value = flags[i]
		}
		d.w.leaf("Member", "Name", m, "Value", decimalText(value))
	}
	d.w.close()
}

// definitionTypes writes the types of the definitions.
func (d document) definitionTypes() {
	for _, e := range definition.Enums() {
		d.enum(e[0], e[1:], nil)
	}
	for _, t := range definition.Types() {
		if t.Complex {
			d.complexType(t)
		} else {
			d.definitionType(t)
		}
	}
}

// definitionType writes a type of definitions. Those without a base have the key.
func (d document) definitionType(t definition.Type) {
	base := t.Base
	if base == "" {
		base = entityBase
	}
	pairs := []string{"Name", t.Name, "BaseType", alias + base}
	if t.Abstract {
		pairs = append(pairs, "Abstract", "true")
	}
	d.w.open("EntityType", pairs...)
	if t.Base == "" {
		d.key(definition.Key)
	}
	d.properties(t)
	for _, n := range t.Navs {
		d.w.leaf("NavigationProperty", "Name", n.Name, "Type", many(alias+n.Type, n.Many), "ContainsTarget", "true")
	}
	d.w.close()
}

// complexType writes a type of values.
func (d document) complexType(t definition.Type) {
	pairs := []string{"Name", t.Name}
	if t.Base != "" {
		pairs = append(pairs, "BaseType", alias+t.Base)
	}
	d.w.open("ComplexType", pairs...)
	d.properties(t)
	d.w.close()
}

func (d document) properties(t definition.Type) {
	for _, p := range t.Properties {
		pairs := []string{"Name", p.Name, "Type", p.Type}
		key := p.Name == definition.Key && !t.Complex && t.Base == ""
		if key || strings.HasPrefix(p.Type, "Collection(") {
			pairs = append(pairs, "Nullable", "false")
		}
		if p.Type == edmDecimal {
			pairs = append(pairs, "Scale", "10")
		}
		d.w.leaf("Property", pairs...)
	}
}
