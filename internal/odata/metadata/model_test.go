package metadata_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"segue/internal/api/operation"
	"segue/internal/odata/metadata"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

const base = "http://host/api/data/v9.2/"

func tables(t testing.TB) *schema.Schema {
	t.Helper()
	return schematest.Tables(t)
}

func model(t testing.TB) *metadata.Model {
	t.Helper()
	return metadata.New(tables(t), operation.Registry())
}

// csdl is $metadata as this test reads it: by element and attribute, so that nothing is
// taken for granted.
type csdl struct {
	types      map[string]*csdlType // entity and complex types
	enums      map[string][]string
	sets       map[string]string // entity set → type
	operations []csdlElement
	imports    []csdlElement
	bindings   map[string]map[string]string // set → path → target
}

type csdlType struct {
	name, base string
	entity     bool
	key        []string
	properties map[string]csdlElement
	navs       map[string]csdlElement
}

// csdlElement is an element with its attributes and its children.
type csdlElement struct {
	XMLName  xml.Name
	Attrs    []xml.Attr    `xml:",any,attr"`
	Children []csdlElement `xml:",any"`
}

func (e csdlElement) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// readCSDL parses $metadata and checks its frame.
func readCSDL(t *testing.T, text []byte) *csdl {
	t.Helper()
	var edmx csdlElement
	if err := xml.Unmarshal(text, &edmx); err != nil {
		t.Fatal(err)
	}
	services := edmx.Children[len(edmx.Children)-1]
	if edmx.XMLName.Local != "Edmx" || edmx.attr("Version") != "4.0" || services.XMLName.Local != "DataServices" || len(services.Children) != 1 {
		t.Fatalf("the frame is %v %v", edmx.XMLName, services.XMLName)
	}
	s := services.Children[0]
	if s.attr("Namespace") != "Microsoft.Dynamics.CRM" || s.attr("Alias") != "mscrm" {
		t.Fatalf("the schema is %v", s.Attrs)
	}
	c := &csdl{types: map[string]*csdlType{}, enums: map[string][]string{}, sets: map[string]string{}, bindings: map[string]map[string]string{}}
	seen := map[string]bool{}
	for _, e := range s.Children {
		kind, name := e.XMLName.Local, e.attr("Name")
		if bound := e.attr("IsBound"); bound != "" { // one for each type that it is bound to
			name += " of " + e.Children[0].attr("Type")
		}
		if seen[name] {
			t.Errorf("%s %s is declared twice", kind, name)
		}
		seen[name] = true
		switch kind {
		case "EntityType", "ComplexType":
			c.types[name] = readType(t, e)
		case "EnumType":
			for _, m := range e.Children {
				c.enums[name] = append(c.enums[name], m.attr("Name"))
			}
		case "Function", "Action":
			c.operations = append(c.operations, e)
		case "EntityContainer":
			c.readContainer(e)
		default:
			t.Errorf("there is a %s", kind)
		}
	}
	return c
}

func readType(t *testing.T, e csdlElement) *csdlType {
	t.Helper()
	typ := &csdlType{
		name: e.attr("Name"), base: strings.TrimPrefix(e.attr("BaseType"), "mscrm."), entity: e.XMLName.Local == "EntityType",
		properties: map[string]csdlElement{}, navs: map[string]csdlElement{},
	}
	for _, child := range e.Children {
		name := child.attr("Name")
		into := typ.properties
		switch child.XMLName.Local {
		case "Key":
			for _, ref := range child.Children {
				typ.key = append(typ.key, ref.attr("Name"))
			}
			continue
		case "Annotation":
			continue
		case "NavigationProperty":
			into = typ.navs
		}
		if _, again := typ.properties[name]; again {
			t.Errorf("%s has %s twice", typ.name, name)
		}
		if _, again := typ.navs[name]; again {
			t.Errorf("%s has %s twice", typ.name, name)
		}
		into[name] = child
	}
	return typ
}

func (c *csdl) readContainer(e csdlElement) {
	for _, child := range e.Children {
		if child.XMLName.Local != "EntitySet" {
			c.imports = append(c.imports, child)
			continue
		}
		set := child.attr("Name")
		c.sets[set] = strings.TrimPrefix(child.attr("EntityType"), "Microsoft.Dynamics.CRM.")
		c.bindings[set] = map[string]string{}
		for _, b := range child.Children {
			c.bindings[set][b.attr("Path")] = b.attr("Target")
		}
	}
}

// chain is a type and those that it derives from.
func (c *csdl) chain(name string) (list []*csdlType) {
	for typ := c.types[name]; typ != nil; typ = c.types[typ.base] {
		list = append(list, typ)
	}
	return list
}

func (c *csdl) property(typ, name string) (csdlElement, bool) {
	for _, t := range c.chain(typ) {
		if e, ok := t.properties[name]; ok {
			return e, true
		}
	}
	return csdlElement{}, false
}

func (c *csdl) nav(typ, name string) (csdlElement, bool) {
	for _, t := range c.chain(typ) {
		if e, ok := t.navs[name]; ok {
			return e, true
		}
	}
	return csdlElement{}, false
}

// is reports whether a type is another one or derives from it.
func (c *csdl) is(typ, base string) bool {
	for _, t := range c.chain(typ) {
		if t.name == base {
			return true
		}
	}
	return false
}

// element is the type of the items of a collection, or the type itself.
func element(typ string) (name string, many bool) {
	inner, many := strings.CutPrefix(typ, "Collection(")
	return strings.TrimPrefix(strings.TrimSuffix(inner, ")"), "mscrm."), many
}

// conforms checks that a JSON value is of a type, with everything inside.
func (c *csdl) conforms(t *testing.T, at, typ string, v any) {
	t.Helper()
	name, many := element(typ)
	if many {
		list, ok := v.([]any)
		if !ok {
			t.Errorf("%s is %T, not a list", at, v)
		}
		for _, one := range list {
			c.conforms(t, at+"[]", strings.TrimSuffix(strings.TrimPrefix(typ, "Collection("), ")"), one)
		}
		return
	}
	if v == nil {
		return
	}
	if members, ok := c.enums[name]; ok {
		text, _ := v.(string)
		if !contains(members, text) {
			t.Errorf("%s is %v, not one of %v", at, v, members)
		}
		return
	}
	if c.types[name] != nil {
		c.object(t, at, name, v)
		return
	}
	ok := false
	switch name {
	case "Edm.String", "Edm.Guid":
		_, ok = v.(string)
	case "Edm.Boolean":
		_, ok = v.(bool)
	case "Edm.Int32", "Edm.Int64", "Edm.Decimal", "Edm.Double":
		_, ok = v.(float64)
	}
	if !ok {
		t.Errorf("%s is %v (%T), not of type %s", at, v, v, typ)
	}
}

// object checks the members of an object against its type, or the one that it says it is
// of, and that it has all properties of that.
func (c *csdl) object(t *testing.T, at, typ string, v any) {
	t.Helper()
	o, ok := v.(map[string]any)
	if !ok {
		t.Errorf("%s is %T, not an object", at, v)
		return
	}
	if said, ok := o["@odata.type"].(string); ok {
		actual := strings.TrimPrefix(said, "#Microsoft.Dynamics.CRM.")
		if !c.is(actual, typ) {
			t.Errorf("%s is a %s, not a %s", at, said, typ)
		}
		typ = actual
	}
	for name, value := range o {
		if strings.Contains(name, "@") {
			continue
		}
		e, ok := c.property(typ, name)
		if !ok {
			if e, ok = c.nav(typ, name); !ok {
				t.Errorf("%s: type %s has no property %s", at, typ, name)
				continue
			}
		}
		c.conforms(t, at+"/"+name, e.attr("Type"), value)
	}
	for _, layer := range c.chain(typ) {
		for name := range layer.properties {
			if _, ok := o[name]; !ok {
				t.Errorf("%s, a %s, lacks %s", at, typ, name)
			}
		}
	}
}

func contains(list []string, text string) bool {
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}
