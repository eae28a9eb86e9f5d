package rows_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"segue/internal/rows"
	"segue/internal/store"
)

// TestIndexesAreThoseOfTheTemplate reads template.yaml as a tree of nodes, which
// leaves its tags (!Ref, !Sub) alone.
func TestIndexesAreThoseOfTheTemplate(t *testing.T) {
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	properties := at(t, root.Content[0], "Resources", "Table", "Properties")
	types := map[string]string{}
	for _, attribute := range at(t, properties, "AttributeDefinitions").Content {
		types[at(t, attribute, "AttributeName").Value] = at(t, attribute, "AttributeType").Value
	}
	pk, sk := keySchema(t, properties)
	want := map[string]string{store.PK: "S", store.SK: "S"}
	if pk != store.PK || sk != store.SK {
		t.Errorf("the table's keys are %s and %s", pk, sk)
	}
	var got []store.Index
	for _, index := range at(t, properties, "GlobalSecondaryIndexes").Content {
		pk, sk := keySchema(t, index)
		got = append(got, store.Index{Name: at(t, index, "IndexName").Value, PK: pk, SK: sk})
		want[pk], want[sk] = "S", "S"
		if kind := at(t, index, "Projection", "ProjectionType").Value; kind != "KEYS_ONLY" {
			t.Errorf("index %s projects %s; rows are read again, so keys are enough", got[len(got)-1].Name, kind)
		}
	}
	if d := cmp.Diff(rows.Indexes(), got); d != "" {
		t.Errorf("indexes (-rows +template):\n%s", d)
	}
	if d := cmp.Diff(want, types); d != "" {
		t.Errorf("attribute types (-rows +template):\n%s", d)
	}
}

// at follows keys of mappings.
func at(t *testing.T, node *yaml.Node, path ...string) *yaml.Node {
	t.Helper()
	for _, key := range path {
		next := (*yaml.Node)(nil)
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				next = node.Content[i+1]
			}
		}
		if next == nil {
			t.Fatalf("no %s of %q at line %d", key, path, node.Line)
		}
		node = next
	}
	return node
}

func keySchema(t *testing.T, node *yaml.Node) (pk, sk string) {
	t.Helper()
	for _, key := range at(t, node, "KeySchema").Content {
		switch name := at(t, key, "AttributeName").Value; at(t, key, "KeyType").Value {
		case "HASH":
			pk = name
		case "RANGE":
			sk = name
		}
	}
	return pk, sk
}
