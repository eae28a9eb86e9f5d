package metadata_test

import (
	"encoding/json"
	"testing"

	"segue/internal/odata/definition"
)

// Definitions have the properties, types and enumerations that $metadata says.
func TestDefinitions_ConformToCSDL(t *testing.T) {
	m := definition.New(tables(t))
	c := readCSDL(t, model(t).CSDL(false))
	for set, typ := range map[string]string{"EntityDefinitions": "EntityMetadata", "RelationshipDefinitions": "RelationshipMetadataBase", "GlobalOptionSetDefinitions": "OptionSetMetadataBase"} {
		list := get(t, m, set, "")["value"]
		c.conforms(t, set, "Collection(mscrm."+typ+")", list)
		if c.sets[set] != typ {
			t.Errorf("%s is of %s in $metadata", set, c.sets[set])
		}
	}
	for _, table := range []string{"lead", "opportunity", "task", "systemuser", "msdyn_sequencetarget"} {
		at := "EntityDefinitions(LogicalName='" + table + "')"
		for nav, typ := range map[string]string{
			"Attributes": "AttributeMetadata", "ManyToOneRelationships": "OneToManyRelationshipMetadata", "OneToManyRelationships": "OneToManyRelationshipMetadata",
			"ManyToManyRelationships": "ManyToManyRelationshipMetadata", "Keys": "EntityKeyMetadata",
		} {
			c.conforms(t, at+"/"+nav, "Collection(mscrm."+typ+")", get(t, m, at+"/"+nav, "")["value"])
		}
		for _, kind := range []string{"Picklist", "State", "Status", "Boolean"} {
			list := get(t, m, at+"/Attributes/Microsoft.Dynamics.CRM."+kind+"AttributeMetadata", "$expand=OptionSet,GlobalOptionSet")["value"]
			c.conforms(t, at+" "+kind, "Collection(mscrm."+kind+"AttributeMetadata)", list)
		}
	}
}

// get reads definitions.
func get(t *testing.T, m *definition.Model, path, query string) map[string]any {
	t.Helper()
	response, err := m.Serve(base, path, query)
	if err != nil {
		t.Fatalf("%s?%s: %v", path, query, err)
	}
	var v map[string]any
	if err := json.Unmarshal(response.Body, &v); err != nil {
		t.Fatalf("%s?%s: %v in %.300s", path, query, err, response.Body)
	}
	return v
}
