package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"segue/internal/boot/rehearse"
	"segue/internal/schema/schematest"
)

// Each test has its line, and one that fails makes the command fail.
func TestTestCommand(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "call.test")
	for name, text := range map[string]string{
		"call.json": `{"table":"lead","steps":[{"type":"phonecall","name":"Call"}]}`,
		"call.test": "record lead {\"lastname\":\"Byron\"}\nconnect\ntest \"right\"\nexpect step \"Call\"\ntest \"wrong\"\nexpect ended completed\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	err := (&testCommand{Files: []string{path}, Trace: true}).run(t.Context(), &out, rehearse.House{Tables: schematest.Tables(t)})
	if err == nil || err.Error() != "1 of 2 tests failed" {
		t.Errorf("got error %v", err)
	}
	const step = "     opened 2026-01-05T09:00, due 2026-01-05T09:00, closed -                 open       Call\n"
	want := "ok   " + path + ":3: right\n" + step + "FAIL " + path + ":6: wrong: expected ended completed, got step \"Call\" due 2026-01-05T09:00\n" + step
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}
