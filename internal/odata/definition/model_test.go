package definition_test

import (
	"encoding/json"
	"testing"

	"segue/internal/odata/definition"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

const base = "http://host/api/data/v9.2/"

func tables(t testing.TB) *schema.Schema {
	t.Helper()
	return schematest.Tables(t)
}

func model(t testing.TB) *definition.Model {
	t.Helper()
	return definition.New(tables(t))
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
