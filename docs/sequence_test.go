package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"segue/internal/sales/sequence/check"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// examples returns the definitions that domain.md §6 shows.
func examples(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "domain.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## 6. ")
	section, _, _ = strings.Cut(section, "\n## 7. ")
	var found []string
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(section, -1) {
		found = append(found, block[1])
	}
	if len(found) < 3 {
		t.Fatalf("§6 shows %d definitions", len(found))
	}
	return found
}

// TestExamplesMeetTheSchema: what §6 shows is what the published schema describes.
func TestExamplesMeetTheSchema(t *testing.T) {
	compiled, err := jsonschema.NewCompiler().Compile(filepath.Join(root, "docs", "sequence.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range examples(t) {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err == nil {
			err = compiled.Validate(doc)
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestDefinitionsOfDomain: what §6 shows can be activated as it is, once what it names is
// there.
func TestDefinitionsOfDomain(t *testing.T) {
	tables, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range examples(t) {
		def, err := language.Parse(tables, "5e900000-0000-4000-8000-000000000001", 1, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		world := check.World{Schema: tables, Table: name.Lead, Templates: map[string]check.Template{}, Sequences: map[name.SequenceID]check.Sequence{}}
		for _, id := range check.Templates(def) {
			world.Templates[id] = check.Template{Table: name.Lead}
		}
		for _, id := range check.Advances(def) {
			world.Sequences[id] = check.Sequence{Table: name.Lead, Active: true}
		}
		for _, fault := range check.Definition(def, world) {
			t.Errorf("%s: %v", text, fault)
		}
	}
}
