package language

import (
	"fmt"
	"strings"
	"testing"
)

func task(name string) string { return fmt.Sprintf(`{"type":"task","name":%q}`, name) }

func wait(days, hours int) string {
	return fmt.Sprintf(`{"type":"wait","name":"Pause","wait":{"days":%d,"hours":%d}}`, days, hours)
}

func list(steps ...string) string { return "[" + strings.Join(steps, ",") + "]" }

func repeat(n int, step string) []string {
	steps := make([]string, n)
	for i := range steps {
		steps[i] = step
	}
	return steps
}

func TestValidate_6_1_Accepts(t *testing.T) {
	for name, text := range map[string]string{
		"one task":                      list(task("t")),
		"40 tasks":                      list(repeat(40, task("t"))...),
		"40 tasks with waits between":   list(append(repeat(300, wait(0, 1)), repeat(40, task("t"))...)...),
		"400 steps with waits":          list(append(repeat(399, wait(0, 1)), task("t"))...),
		"wait of exactly 30 days (§17)": list(wait(30, 0), task("t")),
		"wait of an hour":               list(wait(0, 1), task("t")),
		"wait first":                    list(wait(0, 1), wait(0, 1), task("t")),
	} {
		t.Run(name, func(t *testing.T) {
			def, err := Parse("s", 1, text)
			if err == nil {
				err = Validate(def)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestValidate_6_1_Refuses(t *testing.T) {
	const twice = `{"type":"task","name":"t","id":"` + stepID + `"}`
	for _, test := range []struct{ name, text, path, detail string }{
		{"nothing", `[]`, "", "no step that is not a wait"},
		{"waits alone", list(wait(0, 1)), "1", "a wait may not be the last step"},
		{"41 tasks", list(repeat(41, task("t"))...), "", "has 41 steps that are not waits; the limit is 40"},
		{"trailing wait", list(task("t"), wait(0, 1)), "2", "a wait may not be the last step"},
		{"no name", list(task("t"), `{"type":"task"}`), "2", "has no name"},
		{"an id twice", list(twice, task("u"), twice), "3", "has the id " + stepID + " of an earlier step"},
		{"wait of nothing", list(wait(0, 0), task("t")), "1", "waits for nothing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			def, err := Parse("s", 1, test.text)
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, Validate(def), test.path, test.detail)
		})
	}
}
