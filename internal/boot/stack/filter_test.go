package stack_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"segue/internal/boot"
	"segue/internal/boot/stack"
	"segue/internal/clock"
	"segue/internal/doctest"
	"segue/internal/dynamo"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/store"
	"segue/internal/storetest"
)

// eventNames are the kinds of change as a stream names them.
func eventNames() map[store.ChangeKind]string {
	return map[store.ChangeKind]string{store.Insert: "INSERT", store.Modify: "MODIFY", store.Remove: "REMOVE"}
}

// matches reports whether a change passes a pattern, as Lambda goes by it: the name is one of those listed, and the key
// begins with one of the prefixes.
func matches(p stack.Pattern, eventName, pk string) bool {
	return slices.Contains(p.EventName, eventName) &&
		slices.ContainsFunc(p.DynamoDB.Keys.PK.S, func(x stack.Prefix) bool { return strings.HasPrefix(pk, x.Prefix) })
}

// product is the product as boot puts it together, with the tables of a schema folder.
func product(t *testing.T, folder schema.Folder) *boot.Parts {
	t.Helper()
	tables, err := folder.Schema()
	if err != nil {
		t.Fatal(err)
	}
	return boot.Assemble(rows.New(storetest.NewModel(nil), tables, clock.System()), boot.Options{})
}

// TestFilters keeps the filters of template.yaml what follows from the reactions. A
// table or a reaction more changes them:
//
//	go test ./internal/boot/stack -run TestFilters -update
func TestFilters(t *testing.T) {
	const indent = "                "
	filters, err := stack.Filters(product(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	var block strings.Builder
	for _, pattern := range filters {
		fmt.Fprintf(&block, "%s- Pattern: '%s'\n", indent, pattern)
	}
	doctest.Block(t, "../../../template.yaml", "filters", block.String())
}

// templateYAML is template.yaml.
func templateYAML(t *testing.T) *stack.Template {
	t.Helper()
	text, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)
}

func parse(t *testing.T, text []byte) *stack.Template {
	t.Helper()
	template, err := stack.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// filtersOf are the filters of the mapping in a template.
func filtersOf(t *testing.T, template *stack.Template) []stack.Pattern {
	t.Helper()
	text, err := template.Text()
	if err != nil {
		t.Fatal(err)
	}
	var whole struct {
		Resources struct {
			EvaluateFunction struct {
				Properties struct {
					Events struct {
						Changes struct {
							Properties struct {
								FilterCriteria struct {
									Filters []struct {
										Pattern string `yaml:"Pattern"`
									} `yaml:"Filters"`
								} `yaml:"FilterCriteria"`
							} `yaml:"Properties"`
						} `yaml:"Changes"`
					} `yaml:"Events"`
				} `yaml:"Properties"`
			} `yaml:"EvaluateFunction"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	var list []stack.Pattern
	for _, f := range whole.Resources.EvaluateFunction.Properties.Events.Changes.Properties.FilterCriteria.Filters {
		var p stack.Pattern
		if err := json.Unmarshal([]byte(f.Pattern), &p); err != nil {
			t.Fatalf("%v in %s", err, f.Pattern)
		}
		list = append(list, p)
	}
	return list
}

// Whatever row changes in whatever way: its change passes the deployed filters if a
// reaction follows it, and only then. With own tables the build has put them there.
func TestFiltersLetThroughWhatReactionsFollow(t *testing.T) {
	t.Run("template.yaml", func(t *testing.T) { letThrough(t, product(t, nil), templateYAML(t)) })
	t.Run("own tables", func(t *testing.T) {
		template := templateYAML(t)
		if err := template.Add(plants()); err != nil {
			t.Fatal(err)
		}
		parts := product(t, plants())
		plant := parts.DB.Schema().Table("new_plant")
		if !parts.Reactions.Follows(plant, store.Insert) || !parts.Reactions.Follows(plant, store.Modify) {
			t.Fatal("no reaction follows a record of an own table: this tests nothing")
		}
		letThrough(t, parts, template)
	})
}

// letThrough checks every kind of change of every table.
func letThrough(t *testing.T, parts *boot.Parts, template *stack.Template) {
	t.Helper()
	deployed := filtersOf(t, template)
	passed, followed := map[bool]int{}, map[store.ChangeKind]int{}
	for _, table := range parts.DB.Schema().Tables() {
		for _, kind := range []store.ChangeKind{store.Insert, store.Modify, store.Remove} {
			for shard := range schema.Shards {
				change := streamed(t, fmt.Sprintf("%s%d", rows.KeyPrefix(table), shard), kind)
				follows := parts.Reactions.Follows(table, kind)
				passes := slices.ContainsFunc(deployed, func(p stack.Pattern) bool { return matches(p, eventNames()[kind], change.Key.PK) })
				if passes != follows {
					t.Fatalf("a change %s of %s passes: %v; a reaction follows it: %v", eventNames()[kind], change.Key.PK, passes, follows)
				}
				passed[passes]++
				if follows {
					followed[kind]++
				}
			}
		}
	}
	if passed[true] == 0 || passed[false] == 0 || len(followed) != 3 {
		t.Errorf("changes by whether they pass: %v, followed by kind: %v; want all of them", passed, followed)
	}
}

// More tables than a filter has room for are refused before Lambda does.
func TestFiltersOfTooManyTables(t *testing.T) {
	folder := schema.Folder{}
	for n := range 60 {
		name := fmt.Sprintf("new_%s%d", strings.Repeat("plant", 14), n)
		folder["tables/"+name+".json"] = []byte(strings.ReplaceAll(plant, "new_plant", name))
	}
	err := templateYAML(t).Add(folder)
	if err == nil || !strings.Contains(err.Error(), "Lambda takes 4096") {
		t.Errorf("60 tables with long names: %v", err)
	}
}

// streamed is a change of a row as the function decodes it from the stream's event.
func streamed(t *testing.T, pk string, kind store.ChangeKind) store.Change {
	t.Helper()
	keys := fmt.Sprintf(`{"pk":{"S":%q},"sk":{"S":"1ead0000-0000-4000-8000-000000000001"}}`, pk)
	images := `,"NewImage":` + keys
	switch kind {
	case store.Insert:
	case store.Modify:
		images += `,"OldImage":` + keys
	case store.Remove:
		images = `,"OldImage":` + keys
	}
	changes, err := dynamo.DecodeEvent(json.RawMessage(`{"Records":[{"eventName":"` + eventNames()[kind] + `","dynamodb":{"Keys":` + keys + images + `}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) != 1 || changes[0].Kind != kind {
		t.Fatalf("decoded %+v", changes)
	}
	return changes[0]
}
