package language

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"segue/internal/sales/sequence"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
)

// published compiles the schema that docs/ publishes.
func published(t testing.TB) *jsonschema.Schema {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile("../../../../docs/sequence.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// bySchema returns what the published schema has against a text.
func bySchema(t rapid.TB, s *jsonschema.Schema, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s.Validate(doc)
}

type object = map[string]any

// steps draws a list of steps that can be read.
func steps(t *rapid.T, depth int) []any {
	list := []any{}
	for range rapid.IntRange(0, 3).Draw(t, "steps") {
		list = append(list, step(t, depth))
	}
	return list
}

// step draws a step that can be read.
func step(t *rapid.T, depth int) object {
	kinds := []any{"phonecall", "task", 4210, 4212, "email", "automatedemail", "textmessage", "automatedtext", 4202, 3, 4213, 6, "linkedin", 5, "wait", 0, "updatefield", "advance"}
	if depth > 0 {
		kinds = append(kinds, "condition", 1, "abtest", 7)
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "type")
	s := object{"type": kind}
	some := func(member string, value any) {
		if rapid.Bool().Draw(t, member) {
			s[member] = value
		}
	}
	some("name", "A")
	some("description", "B")
	some("id", rapid.SampledFrom([]any{stepID, "", "{" + stepID + "}", strings.ReplaceAll(stepID, "-", "")}).Draw(t, "id"))
	duration := func() object {
		d := object{}
		if rapid.Bool().Draw(t, "days") {
			d["days"] = rapid.IntRange(0, 20).Draw(t, "days")
		}
		if rapid.Bool().Draw(t, "hours") {
			d["hours"] = rapid.IntRange(0, 240).Draw(t, "hours")
		}
		return d
	}
	switch kind {
	case "email", "automatedemail", "textmessage", "automatedtext", 4202, 3, 4213, 6:
		some("template", stepID)
	case "linkedin", 5:
		some("subtype", rapid.SampledFrom([]any{"research", "introduced", "connect", "inmail"}).Draw(t, "subtype"))
	case "wait", 0:
		s["wait"] = duration()
	case "updatefield":
		s["set"] = object{"leadqualitycode": rapid.SampledFrom([]any{1, true, "x", nil}).Draw(t, "value")}
	case "advance":
		s["sequence"] = stepID
	case "condition", 1:
		s["if"] = rapid.SampledFrom([]any{
			object{"email": []any{"opened", "replied"}}, object{"email": []any{"clicked"}, "all": true},
			object{"call": []any{2, "Received"}}, object{"filter": "f"}, object{"filter": object{}},
			object{"process": stepID, "stages": []any{stepID}},
		}).Draw(t, "if")
		if _, call := s["if"].(object)["call"]; !call {
			some("within", duration())
		}
		some("early", rapid.Bool().Draw(t, "early"))
		some("yes", steps(t, depth-1))
		some("no", steps(t, depth-1))
	case "abtest", 7:
		s["metric"] = rapid.SampledFrom([]any{"opened", "clicked", "replied", "completed"}).Draw(t, "metric")
		some("split", rapid.IntRange(10, 90).Draw(t, "split"))
		some("until", "2026-12-31")
		some("default", rapid.SampledFrom([]any{"a", "b"}).Draw(t, "default"))
		some("a", steps(t, depth-1))
		some("b", steps(t, depth-1))
	}
	return s
}

// spoil changes one member of a step, or of a question, in a way that need not be wrong.
func spoil(t *rapid.T, s object) {
	if question, ok := s["if"].(object); ok && rapid.Bool().Draw(t, "in the question") {
		s["if"] = maps.Clone(question)
		s = s["if"].(object)
	}
	members := slices.Sorted(maps.Keys(s))
	others := []string{
		"type", "id", "name", "description", "wait", "subtype", "template", "set", "sequence", "if", "within", "early", "yes", "no", "split",
		"metric", "until", "default", "a", "b", "email", "all", "call", "filter", "process", "stages", "color",
	}
	values := []any{
		true, 5, 99, "x", stepID, object{}, object{"days": 1}, object{"days": 31}, object{"days": "x"}, object{"leadqualitycode": 1}, object{"a": 1, "b": 2},
		[]any{}, []any{"opened"}, []any{"x"}, []any{stepID}, []any{object{"type": "task"}}, []any{object{"type": "fax"}}, "opened", "task", "updatefield", "condition",
	}
	if len(members) > 0 && rapid.Bool().Draw(t, "take away") {
		delete(s, rapid.SampledFrom(members).Draw(t, "member"))
		return
	}
	s[rapid.SampledFrom(append(members, others...)).Draw(t, "member")] = rapid.SampledFrom(values).Draw(t, "value")
}

// TestPublishedSchema: the published schema and the reader accept the same definitions, and
// refuse the same.
func TestPublishedSchema(t *testing.T) {
	compiled, s := published(t), tables(t)
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		list := steps(t, 2)
		for _, one := range list {
			if rapid.IntRange(0, 3).Draw(t, "spoil") == 0 {
				spoil(t, one.(object))
			}
		}
		var whole any = list
		if rapid.Bool().Draw(t, "whole") {
			whole = object{"segue": 1, "steps": list}
		}
		text, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		def, reader := Parse(s, "s", 1, string(text))
		written := bySchema(t, compiled, string(text))
		if (reader == nil) != (written == nil) {
			t.Fatalf("%s\nreader: %v\nschema: %v", text, reader, written)
		}
		if reader == nil {
			rereads(t, s, def)
			accepted++
		} else {
			refused++
		}
	})
	if accepted < 10 || refused < 10 {
		t.Errorf("%d texts are accepted and %d refused: the test says nothing", accepted, refused)
	}
}

// rereads demands that a definition is the same once it is printed and read again.
func rereads(t rapid.TB, s *schema.Schema, def sequence.Definition) {
	printed, err := Print(def)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(s, "another", 1, printed) // whose ids would be others, if it had to make them
	if err != nil {
		t.Fatalf("%s: %v", printed, err)
	}
	again.Sequence = def.Sequence
	if d := cmp.Diff(def, again, cmp.Comparer(func(a, b worktime.Wait) bool { return a == b })); d != "" {
		t.Fatalf("%s (-read +read again):\n%s", printed, d)
	}
}

// TestPublishedSchema_Differences: where the two differ, as docs/decisions/0039 lists it.
func TestPublishedSchema_Differences(t *testing.T) {
	compiled := published(t)
	deep := strings.Repeat(`[{"type":"condition","if":{"filter":"f"},"yes":`, 22) + "[]" + strings.Repeat("}]", 22)
	for _, test := range []struct {
		name, text     string
		reader, schema bool // whether it accepts the text
	}{
		{"names in other case", `[{"type":"Task"}]`, true, false},
		{"members in other case", `[{"Type":"task"}]`, true, false},
		{"null for a member", `[{"type":"task","name":null}]`, true, false},
		{"an empty member that the type does not have", `[{"type":"task","template":"","early":false}]`, true, false},
		{"an empty question beside the one", `[{"type":"condition","if":{"filter":"f","email":[]}}]`, true, false},
		{"a GUID as a URN", `[{"type":"task","id":"urn:uuid:` + stepID + `"}]`, true, false},
		{"names are measured in bytes", `[{"type":"task","name":"` + strings.Repeat("é", 60) + `"}]`, false, true},
		{"days and hours together", `[{"type":"wait","wait":{"days":30,"hours":1}}]`, false, true},
		{"a result that calls do not have", `[{"type":"condition","if":{"call":[99]}}]`, false, true},
		{"a day that there is not", `[{"type":"abtest","metric":"opened","until":"2026-02-30"}]`, false, true},
		{"a whole number with a fraction", `[{"type":4212.0}]`, false, true},
		{"branches too deep", deep, false, true},
		{"more steps than 400, over branches", `[` + strings.Repeat(`{"type":"task"},`, 399) + `{"type":"condition","if":{"filter":"f"},"yes":[{"type":"task"}]}]`, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, reader := parse(t, "s", 1, test.text)
			if schema := bySchema(t, compiled, test.text); (reader == nil) != test.reader || (schema == nil) != test.schema {
				t.Errorf("%s\nreader: %v\nschema: %v", test.text, reader, schema)
			}
		})
	}
}
