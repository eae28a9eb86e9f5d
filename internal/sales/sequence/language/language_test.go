package language

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/sales/sequence"
	"segue/internal/sales/worktime"
	"segue/internal/schema/name"
)

const stepID = "11111111-2222-3333-4444-555555555555"

func TestParse(t *testing.T) {
	got, err := parse(t, "s", 7, `[
		{"type":"phonecall","name":"Call"},
		{"type":"wait","name":"Pause","wait":{"days":2,"hours":4}},
		{"type":4202,"name":"Mail","description":"Say hello","id":"`+strings.ToUpper(stepID)+`"}]`)
	if err != nil {
		t.Fatal(err)
	}
	w, err := worktime.NewWait(2, 4)
	if err != nil {
		t.Fatal(err)
	}
	want := sequence.Definition{Sequence: "s", Version: 7, Steps: []sequence.Step{
		{ID: got.Steps[0].ID, Type: sequence.PhoneCall, Name: "Call", Path: "1", Next: 1, Branches: [2]sequence.Place{1, 1}},
		{ID: got.Steps[1].ID, Type: sequence.Wait, Name: "Pause", Path: "2", Wait: w, Next: 2, Branches: [2]sequence.Place{2, 2}},
		{ID: stepID, Type: sequence.Email, Name: "Mail", Description: "Say hello", Path: "3", Next: sequence.PathEnd, Branches: [2]sequence.Place{sequence.PathEnd, sequence.PathEnd}},
	}}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b worktime.Wait) bool { return a == b })); d != "" {
		t.Error(d)
	}
	if got.Tasks() != 2 {
		t.Errorf("counts %d tasks, want 2: a wait is none", got.Tasks())
	}
}

func TestParseReadsEveryTypeByNameAndNumber(t *testing.T) {
	needs := map[string]string{
		"wait": `,"wait":{"hours":1}`, "condition": `,"if":{"filter":"f"}`, "abtest": `,"metric":"opened"`,
		"updatefield": `,"set":{"leadqualitycode":1}`, "advance": `,"sequence":"` + stepID + `"`,
	}
	for name, kind := range types() {
		wait := needs[name]
		for _, written := range []string{fmt.Sprintf("%q", name), fmt.Sprintf("%q", strings.ToUpper(name)), fmt.Sprint(int64(kind))} {
			got, err := parse(t, "s", 1, fmt.Sprintf(`[{"type":%s,"name":"n"%s}]`, written, wait))
			if err != nil || got.Steps[0].Type != kind {
				t.Errorf("type %s: got %+v, %v, want type %d", written, got.Steps, err, kind)
			}
		}
	}
}

func TestParseMakesTheSameIDsAgain(t *testing.T) {
	const text = `[{"type":"task","name":"A"},{"type":"task","name":"A"},{"type":"task","name":"B"}]`
	ids := func(sequence string, version int64) []string {
		def, err := parse(t, name.SequenceID(sequence), version, text)
		if err != nil {
			t.Fatal(err)
		}
		return []string{string(def.Steps[0].ID), string(def.Steps[1].ID), string(def.Steps[2].ID)}
	}
	first := ids("s", 1)
	if first[0] == first[1] || first[1] == first[2] {
		t.Errorf("steps share an id: %q", first)
	}
	if d := cmp.Diff(first, ids("s", 2)); d != "" {
		t.Errorf("the next version has other ids:\n%s", d)
	}
	if other := ids("other", 1); other[0] == first[0] {
		t.Error("two sequences share a step id")
	}
}

func TestParseTakesOneSpellingOfAGUID(t *testing.T) {
	def, err := parse(t, "s", 1, `[{"type":"task","name":"A","id":"{`+stepID+`}"},
		{"type":"task","name":"B","id":"`+strings.ReplaceAll(stepID, "-", "")+`"}]`)
	if err != nil {
		t.Fatal(err)
	}
	if def.Steps[0].ID != stepID || def.Steps[1].ID != stepID {
		t.Errorf("got %q and %q, want %q", def.Steps[0].ID, def.Steps[1].ID, stepID)
	}
}

func TestParseErrorsSayWhere(t *testing.T) {
	for _, test := range []struct {
		name, text, detail string
		step               string
	}{
		{"empty text", ``, "not a list of steps", ""},
		{"no JSON", `[{`, "not a list of steps", ""},
		{"no list", `{"type":"task"}`, "not a list of steps", ""},
		{"a step that is none", `[7]`, "cannot be read: the value cannot be a JSON number at byte 1 of it", "1"},
		{"unknown member", `[{"type":"task","name":"A","color":"red"}]`, `unknown member "color" at byte 40 of it`, "1"},
		{"text after it", `[] []`, "there is more text after the value", ""},
		{"unknown type", `[{"type":"task","name":"A"},{"type":"fax","name":"B"}]`, `has type "fax"`, "2"},
		{"unknown number", `[{"type":17,"name":"A"}]`, "has type 17", "1"},
		{"no type", `[{"name":"A"}]`, "has type missing", "1"},
		{"null type", `[{"type":null,"name":"A"}]`, "has type null", "1"},
		{"no GUID", `[{"type":"task","name":"A","id":"one"}]`, `has id "one", which is not a GUID`, "1"},
		{"long name", `[{"type":"task","name":"` + strings.Repeat("x", 101) + `"}]`, "name of more than 100", "1"},
		{"long description", `[{"type":"task","name":"A","description":"` + strings.Repeat("x", 2001) + `"}]`, "more than 2000 bytes", "1"},
		{"wait without wait", `[{"type":"wait","name":"A"}]`, `is a wait without "wait"`, "1"},
		{"task with wait", `[{"type":"task","name":"A","wait":{"days":1}}]`, "put a step of type wait before it", "1"},
		{"negative days", `[{"type":"wait","name":"A","wait":{"days":-1,"hours":30}}]`, "waits -1 days", "1"},
		{"negative hours", `[{"type":"wait","name":"A","wait":{"days":1,"hours":-1}}]`, "and -1 hours", "1"},
		{"31 days", `[{"type":"wait","name":"A","wait":{"days":31}}]`, "waits 31 days", "1"},
		{"721 hours", `[{"type":"wait","name":"A","wait":{"hours":721}}]`, "and 721 hours", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse(t, "s", 1, test.text)
			wantError(t, err, test.step, test.detail)
		})
	}
}

// wantError checks that err is a Error at a step.
func wantError(t *testing.T, err error, path, detail string) {
	t.Helper()
	wrong, ok := errors.AsType[*Error](err)
	if !ok || wrong.Path != path || !strings.Contains(wrong.Detail, detail) {
		t.Fatalf("got %v, want step %q … %s …", err, path, detail)
	}
	if place := fmt.Sprintf("step %s ", path); path != "" && !strings.Contains(err.Error(), place) {
		t.Errorf("%q does not name %s", err, place)
	}
	if !strings.HasPrefix(err.Error(), "msdyn_definition: ") {
		t.Errorf("%q does not name the column", err)
	}
}

// FuzzParse: whatever the text, Parse returns steps that are of a known type,
// or an error that is public.
func FuzzParse(f *testing.F) {
	f.Add(`[{"type":"wait","name":"w","wait":{"days":1}},{"type":4212,"name":"t"}]`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		def, err := parse(t, "s", 1, text)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("not a Error: %v", err)
			}
			return
		}
		for _, step := range def.Steps {
			if _, known := (written{Type: fmt.Append(nil, int64(step.Type))}).stepType(); !known || len(step.ID) != 36 {
				t.Fatalf("step %+v", step)
			}
		}
		printed, err := Print(def)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parse(t, "s", 1, printed); err != nil || len(again.Steps) != len(def.Steps) {
			t.Fatalf("printed as %s, it has %d steps in place of %d: %v", printed, len(again.Steps), len(def.Steps), err)
		}
	})
}
