package operation_test

import (
	"testing"

	"segue/internal/api/operation"
	"segue/internal/odata/call"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// Each operation has a name of its own under its binding, says what it does, and takes
// and returns what can be read and written.
func TestRegistry(t *testing.T) {
	tables := schematest.Tables(t)
	readable := []schema.Type{schema.String, schema.GUID, schema.Boolean, schema.Integer, schema.BigInt, schema.Double, schema.DateTime, schema.LookupTo}
	seen := map[string]bool{}
	for _, s := range operation.Registry() {
		key := string(s.Binding) + " " + s.Name
		if seen[key] || tables.BySet(s.Name) != nil || tables.Table(s.Name) != nil {
			t.Errorf("%s: the name is taken", key)
		}
		seen[key] = true
		if s.About == "" || s.Kind == call.Function && s.Returns.Nothing() || s.Returns.Type != nil && s.Returns.Rows {
			t.Errorf("%s: it says %q and returns %+v", s.Name, s.About, s.Returns)
		}
		for _, p := range s.Parameters {
			if !p.Row && !has(readable, p.Type) || p.Enum != nil && p.Type != schema.String {
				t.Errorf("%s: parameter %s is of type %s", s.Name, p.Name, p.Type)
			}
			for _, table := range p.Tables {
				if found := tables.Table(table); found == nil || found.Set == "" {
					t.Errorf("%s: parameter %s takes rows of %s", s.Name, p.Name, table)
				}
			}
		}
		for _, table := range s.Tables {
			if found := tables.Table(table); found == nil || found.Set == "" {
				t.Errorf("%s is bound to %s", s.Name, table)
			}
		}
	}
	if len(operation.Actions()) == 0 {
		t.Error("there are no actions")
	}
}

func has[T comparable](list []T, v T) bool {
	for _, one := range list {
		if one == v {
			return true
		}
	}
	return false
}
