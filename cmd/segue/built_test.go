package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// builtFolder is a folder as `sam build` leaves one, as far as the command goes by it.
func builtFolder(t *testing.T) (template string) {
	t.Helper()
	folder := t.TempDir()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template = filepath.Join(folder, "template.yaml")
	if err := os.WriteFile(template, []byte(strings.ReplaceAll(string(text), "CodeUri: functions/", "CodeUri: Built")), 0o600); err != nil {
		t.Fatal(err)
	}
	return template
}

// What a build says and what its functions read are the same files; a later build without
// them is refused for the stack that has them.
func TestBuilt(t *testing.T) {
	p := &program{Data: t.TempDir(), Table: "segue"}
	with, without := builtFolder(t), builtFolder(t)
	columns := leadColumns(t, `{"name":"new_visits","label":"Visits","type":"integer"}`)
	if err := (&builtCommand{Template: with, Schema: columns}).Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(columns, "tables/lead.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, function := range []string{"connect", "disconnect", "action", "data", "evaluate", "advance", "job"} {
		got, err := os.ReadFile(filepath.Join(filepath.Dir(with), "Built"+function, "schema/tables/lead.json"))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s has %s, error %v", function, got, err)
		}
	}
	if err := (&builtCommand{Template: with, Schema: columns}).Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "build it again") {
		t.Errorf("a second time: %v", err)
	}
	if err := (&builtCommand{Template: with, Deployed: without}).Run(t.Context(), p); err != nil {
		t.Errorf("a column more: %v", err)
	}
	if err := (&builtCommand{Template: without, Deployed: with}).Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "lead.new_visits") || !strings.Contains(err.Error(), "segue schema") {
		t.Errorf("a build that forgets the column: %v", err)
	}
	if err := (&builtCommand{Template: without, Deployed: with, Drop: []string{"lead.new_visits"}}).Run(t.Context(), p); err != nil {
		t.Errorf("a column that may go: %v", err)
	}
	if err := (&builtCommand{Template: without, Deployed: with, Drop: []string{" lead.new_visits", " ", ""}}).Run(t.Context(), p); err != nil {
		t.Errorf("a column that may go, in a list with spaces and a comma too many: %v", err)
	}
	if err := (&builtCommand{Template: without, Drop: []string{"lead.new_visits"}}).Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "--deployed") {
		t.Errorf("a column that may go, of no stack: %v", err)
	}
	if err := (&builtCommand{Template: without, Schema: t.TempDir()}).Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "no tables/*.json") {
		t.Errorf("an empty folder: %v", err)
	}
}
