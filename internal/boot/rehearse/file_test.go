package rehearse_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"segue/internal/boot/rehearse"
	"segue/internal/schema/schematest"
)

// The examples are carried out, so that they stay true; so are the tests of the sequences
// that are shipped.
func TestExamples(t *testing.T) {
	house := rehearse.House{Tables: schematest.Tables(t)}
	for _, folder := range []string{"../../../examples/sequences", "../../sales/sequence/shipped/definitions"} {
		sequences, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil || len(sequences) == 0 {
			t.Fatalf("%s: %d sequences, %v", folder, len(sequences), err)
		}
		for _, sequence := range sequences {
			t.Run(strings.TrimSuffix(filepath.Base(sequence), ".json"), func(t *testing.T) {
				t.Parallel()
				results, err := house.File(t.Context(), strings.TrimSuffix(sequence, ".json")+rehearse.Suffix)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range results {
					if !r.Passed {
						t.Errorf("line %d: %s: expected %s, got %s", r.Line, r.Name, r.Expected, r.Got)
					}
				}
			})
		}
	}
}

// A file that cannot be carried out is told by its name.
func TestFileRefuses(t *testing.T) {
	house := rehearse.House{Tables: schematest.Tables(t)}
	for _, test := range []struct{ name, file, text, sequence, want string }{
		{"other name", "a.txt", "", "", "a.txt: the tests of the sequence in NAME.json are in NAME.test"},
		{"no file", "a.test", "", "", "a.test"},
		{"line", "a.test", "dance", "{}", `a.test: line 1: at "dance"`},
		{"no sequence", "a.test", `test "T"`, "", "a.json"},
		{"no steps", "a.test", `test "T"`, `{"title":"A"}`, "it is not a sequence like"},
		{"other member", "a.test", `test "T"`, `{"name":"A"}`, `"name"`},
		{"too large", "a.test", strings.Repeat(" ", 300<<10), "", "more than 256 KB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			for name, text := range map[string]string{test.file: test.text, "a.json": test.sequence} {
				if text == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := house.File(t.Context(), filepath.Join(folder, test.file))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
