package metadata_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"segue/internal/api/operation"
	"segue/internal/odata/call"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Everything that $metadata names is there, and of the kind that its place asks for.
// tests/clients checks the same document against the OASIS XML schema.
func TestCSDL_Sound(t *testing.T) {
	for _, annotated := range []bool{false, true} {
		t.Run(fmt.Sprint("annotations ", annotated), func(t *testing.T) {
			text := model(t).CSDL(annotated)
			if got := strings.Contains(string(text), "<Annotation "); got != annotated {
				t.Errorf("it has annotations: %v", got)
			}
			c := readCSDL(t, text)
			for _, typ := range c.types {
				c.checkType(t, typ)
			}
			for set, typ := range c.sets {
				if c.types[typ] == nil || !c.types[typ].entity {
					t.Errorf("set %s is of %s", set, typ)
				}
				for path, target := range c.bindings[set] {
					e, ok := c.nav(typ, path)
					if to, _ := element(e.attr("Type")); !ok || !c.is(c.sets[target], to) {
						t.Errorf("set %s binds %s to %s, of %s", set, path, target, e.attr("Type"))
					}
				}
			}
			c.checkOperations(t)
		})
	}
}

func (c *csdl) known(typ string) bool {
	name, _ := element(typ)
	return strings.HasPrefix(name, "Edm.") || c.types[name] != nil || c.enums[name] != nil
}

func (c *csdl) checkType(t *testing.T, typ *csdlType) {
	t.Helper()
	if typ.base != "" && c.types[typ.base] == nil {
		t.Errorf("%s derives from %s, which is not there", typ.name, typ.base)
	}
	keys := 0
	for _, layer := range c.chain(typ.name) {
		if len(layer.key) > 0 {
			keys++
		}
		if layer == typ {
			continue
		}
		for property := range layer.properties {
			if _, again := typ.properties[property]; again {
				t.Errorf("%s has %s again, which %s has", typ.name, property, layer.name)
			}
		}
	}
	if frame := typ.name == "crmbaseentity" || typ.name == "expando"; typ.entity && !frame && keys != 1 {
		t.Errorf("%s has %d keys", typ.name, keys)
	}
	for _, key := range typ.key {
		if e, ok := typ.properties[key]; !ok || e.attr("Nullable") != "false" {
			t.Errorf("the key %s of %s is %v", key, typ.name, e.Attrs)
		}
	}
	for property, e := range typ.properties {
		if !c.known(e.attr("Type")) {
			t.Errorf("%s/%s is of %s", typ.name, property, e.attr("Type"))
		}
	}
	for name, e := range typ.navs {
		c.checkNav(t, typ, name, e)
	}
}

// checkNav checks a navigation property: its type, its partner, which leads back, and
// the properties that make it.
func (c *csdl) checkNav(t *testing.T, typ *csdlType, name string, e csdlElement) {
	t.Helper()
	at := typ.name + "/" + name
	to, many := element(e.attr("Type"))
	if c.types[to] == nil || !c.types[to].entity {
		t.Errorf("%s leads to %s", at, e.attr("Type"))
	}
	if partner := e.attr("Partner"); partner != "" {
		back, ok := c.nav(to, partner)
		from, backMany := element(back.attr("Type"))
		if !ok || from != typ.name || many == backMany || back.attr("Partner") != name {
			t.Errorf("%s has the partner %s, which is %v", at, partner, back.Attrs)
		}
	}
	for _, child := range e.Children {
		if child.XMLName.Local != "ReferentialConstraint" {
			continue
		}
		own, ok := c.property(typ.name, child.attr("Property"))
		other, ok2 := c.property(to, child.attr("ReferencedProperty"))
		if !ok || !ok2 || own.attr("Type") != other.attr("Type") {
			t.Errorf("%s: constraint %v", at, child.Attrs)
		}
	}
}

func (c *csdl) checkOperations(t *testing.T) {
	t.Helper()
	names := map[string]bool{}
	for _, o := range c.operations {
		names[o.attr("Name")] = o.attr("IsBound") != "true"
		for _, child := range o.Children {
			if !c.known(child.attr("Type")) {
				t.Errorf("%s: %s of %s", o.attr("Name"), child.XMLName.Local, child.attr("Type"))
			}
		}
	}
	imported := map[string]bool{}
	for _, e := range c.imports {
		imported[e.attr("Name")] = true
	}
	for _, s := range operation.Registry() {
		unbound, there := names[s.Name]
		if !there || unbound != (s.Binding == call.Unbound) || unbound != imported[s.Name] {
			t.Errorf("%s: there %v, unbound %v, imported %v", s.Name, there, unbound, imported[s.Name])
		}
	}
}

// What is on the wire is described, and nothing else.
func TestCSDL_Tables(t *testing.T) {
	c := readCSDL(t, model(t).CSDL(false))
	for _, table := range tables(t).Tables() {
		typ, described := c.types[table.Name]
		if described != (table.Set != "") || described && c.sets[table.Set] != table.Name {
			t.Errorf("%s, set %q, is described: %v", table.Name, table.Set, described)
			continue
		}
		if !described {
			continue
		}
		for _, column := range table.Columns {
			wire := column.Name
			if column.Type == schema.LookupTo {
				wire = "_" + column.Name + "_value"
			}
			if _, ok := c.property(table.Name, wire); ok != (column.Write != schema.Hidden) {
				t.Errorf("%s/%s is described: %v", table.Name, wire, ok)
			}
		}
		want := "crmbaseentity"
		switch {
		case table.Is(name.ActivityTrait):
			want = "activitypointer"
		case table.Name == name.User || table.Name == name.Team:
			want = "principal"
		}
		if typ.base != want {
			t.Errorf("%s derives from %s, want %s", table.Name, typ.base, want)
		}
	}
	lead := c.types["lead"]
	nav := lead.navs["parentaccountid"]
	if nav.attr("Type") != "mscrm.account" || nav.attr("Partner") != "lead_parent_account" || len(nav.Children) != 1 {
		t.Errorf("parentaccountid is %v %v", nav.Attrs, nav.Children)
	}
	if back := c.types["account"].navs["lead_parent_account"]; back.attr("Type") != "Collection(mscrm.lead)" {
		t.Errorf("lead_parent_account is %v", back.Attrs)
	}
	if owner := lead.navs["ownerid"]; owner.attr("Type") != "mscrm.principal" {
		t.Errorf("ownerid is %v", owner.Attrs)
	}
	if regarding := c.types["task"].navs["regardingobjectid_lead_task"]; regarding.attr("Type") != "mscrm.lead" {
		t.Errorf("regardingobjectid_lead_task is %v", regarding.Attrs)
	}
	if types := []string{lead.properties["subject"].attr("Type"), lead.properties["revenue"].attr("Type"), lead.properties["estimatedclosedate"].attr("Type")}; !slices.Equal(types, []string{"Edm.String", "Edm.Decimal", "Edm.Date"}) {
		t.Errorf("types %v", types)
	}
}

// Names and parameters of functions and actions, as a client of another language reads
// them.
func TestCSDL_Operations(t *testing.T) {
	text := string(model(t).CSDL(false))
	for _, want := range []string{
		`<Function Name="WhoAmI"><ReturnType Type="mscrm.WhoAmIResponse" Nullable="false"/></Function>`,
		`<ComplexType Name="WhoAmIResponse"><Property Name="BusinessUnitId" Type="Edm.Guid" Nullable="false"/>`,
		`<Action Name="msdyn_ConnectSequence"><Parameter Name="RegardingEntityId" Type="Edm.Guid" Nullable="false"/>`,
		`<Parameter Name="AccessType" Type="mscrm.EndpointAccessType" Nullable="false"/>`,
		`<FunctionImport Name="WhoAmI" Function="Microsoft.Dynamics.CRM.WhoAmI"/>`,
		`<ActionImport Name="msdyn_ConnectSequence" Action="Microsoft.Dynamics.CRM.msdyn_ConnectSequence"/>`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("$metadata has no %s", want)
		}
	}
}

func TestServiceDocument(t *testing.T) {
	var got struct {
		Context string `json:"@odata.context"`
		Value   []struct{ Name, Kind, URL string }
	}
	m := model(t)
	if err := json.Unmarshal(m.ServiceDocument(base), &got); err != nil {
		t.Fatal(err)
	}
	if want := base + "$metadata"; got.Context != want {
		t.Errorf("context = %q, want %q", got.Context, want)
	}
	c := readCSDL(t, m.CSDL(false))
	for _, set := range got.Value {
		if _, ok := c.sets[set.Name]; !ok || set.Kind != "EntitySet" || set.URL != set.Name {
			t.Errorf("%+v is no set of $metadata", set)
		}
	}
	if len(got.Value) != len(c.sets) {
		t.Errorf("%d sets, $metadata has %d", len(got.Value), len(c.sets))
	}
}
