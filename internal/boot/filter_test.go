package boot_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/doctest"
	"segue/internal/dynamo"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/store"
	"segue/internal/storetest"
)

// Lambda's limits of a mapping: how many filters it has without asking for more, and how
// long a pattern may be.
const (
	maxFilters = 5
	maxPattern = 4096
)

// eventNames are the kinds of change as a stream names them.
func eventNames() map[store.ChangeKind]string {
	return map[store.ChangeKind]string{store.Insert: "INSERT", store.Modify: "MODIFY", store.Remove: "REMOVE"}
}

// pattern is a filter of an event source mapping on a table's stream. It goes by the
// partition key, which an insert, a change and a removal all have.
type pattern struct {
	EventName []string `json:"eventName"`
	DynamoDB  struct {
		Keys struct {
			PK struct {
				S []prefix
			} `json:"pk"`
		}
	} `json:"dynamodb"`
}

type prefix struct {
	Prefix string `json:"prefix"`
}

// matches is what Lambda does by a pattern: the name is one of those listed, and the key
// begins with one of the prefixes.
func (p pattern) matches(eventName, pk string) bool {
	return slices.Contains(p.EventName, eventName) &&
		slices.ContainsFunc(p.DynamoDB.Keys.PK.S, func(x prefix) bool { return strings.HasPrefix(pk, x.Prefix) })
}

// product is the product as boot puts it together.
func product(t *testing.T) *boot.Parts {
	t.Helper()
	tables, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	return boot.Assemble(rows.New(storetest.NewModel(nil), tables, clock.System()), boot.Options{})
}

// patterns are the filters that let through what reactions are registered for: tables
// with the same kinds of change share one.
func patterns(parts *boot.Parts) []pattern {
	var list []pattern
	for _, t := range parts.DB.Schema().Tables() {
		var names []string
		for _, kind := range []store.ChangeKind{store.Insert, store.Modify, store.Remove} {
			if parts.Reactions.Follows(t, kind) {
				names = append(names, eventNames()[kind])
			}
		}
		if names == nil {
			continue
		}
		at := slices.IndexFunc(list, func(p pattern) bool { return slices.Equal(p.EventName, names) })
		if at < 0 {
			at, list = len(list), append(list, pattern{EventName: names})
		}
		s := &list[at].DynamoDB.Keys.PK.S
		*s = append(*s, prefix{rows.KeyPrefix(t)})
	}
	return list
}

// TestFilters keeps the filters of template.yaml what follows from the reactions. A
// table or a reaction more changes them:
//
//	go test ./internal/boot -run TestFilters -update
func TestFilters(t *testing.T) {
	const indent = "                "
	list := patterns(product(t))
	if len(list) == 0 || len(list) > maxFilters {
		t.Errorf("%d filters, want 1 to %d", len(list), maxFilters)
	}
	var block strings.Builder
	for _, p := range list {
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > maxPattern {
			t.Errorf("a pattern has %d characters, the limit is %d: %s", len(text), maxPattern, text)
		}
		fmt.Fprintf(&block, "%s- Pattern: '%s'\n", indent, text)
	}
	doctest.Block(t, "../../template.yaml", "filters", block.String())
}

// deployedPatterns are the filters of the mapping in template.yaml.
func deployedPatterns(t *testing.T) []pattern {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
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
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	var list []pattern
	for _, f := range template.Resources.EvaluateFunction.Properties.Events.Changes.Properties.FilterCriteria.Filters {
		var p pattern
		if err := json.Unmarshal([]byte(f.Pattern), &p); err != nil {
			t.Fatalf("%v in %s", err, f.Pattern)
		}
		list = append(list, p)
	}
	return list
}

// Whatever row changes in whatever way: its change passes the deployed filters if a
// reaction follows it, and only then.
func TestFiltersLetThroughWhatReactionsFollow(t *testing.T) {
	parts, deployed := product(t), deployedPatterns(t)
	tables := parts.DB.Schema().Tables()
	passed, followed := map[bool]int{}, map[store.ChangeKind]int{}
	rapid.Check(t, func(r *rapid.T) {
		table := rapid.SampledFrom(tables).Draw(r, "table")
		kind := rapid.SampledFrom([]store.ChangeKind{store.Insert, store.Modify, store.Remove}).Draw(r, "kind")
		shard := rapid.IntRange(0, schema.Shards-1).Draw(r, "shard")
		change := streamed(t, fmt.Sprintf("%s%d", rows.KeyPrefix(table), shard), kind)
		follows := parts.Reactions.Follows(table, kind)
		passes := slices.ContainsFunc(deployed, func(p pattern) bool { return p.matches(eventNames()[kind], change.Key.PK) })
		if passes != follows {
			r.Fatalf("a change %s of %s passes: %v; a reaction follows it: %v", eventNames()[kind], change.Key.PK, passes, follows)
		}
		passed[passes]++
		if follows {
			followed[kind]++
		}
	})
	if passed[true] == 0 || passed[false] == 0 || len(followed) != 3 {
		t.Errorf("changes by whether they pass: %v, followed by kind: %v; want all of them", passed, followed)
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
