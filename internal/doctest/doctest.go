// Package doctest keeps parts of a Markdown document, or of a YAML file, equal to what
// the code says, such as a table of limits or of keys. A part is a marked block:
//
//	<!-- generated: limits -->
//	| what | limit |
//	…
//	<!-- end -->
//
// In YAML the marks are comments, "# generated: limits" and "# end". They may be
// indented; the text between them is then to be indented by whoever makes it.
//
// A test makes the text and calls [Block], which fails when the block is stale.
// Run with -update, it writes the block instead:
//
//	go test ./internal/sales -run TestBudgets -update
//
// Blocks of one document that tests of several packages own are to be updated
// one package after the other (go test -p 1), because each writes the whole
// document.
package doctest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The flag that makes [Block] write. A test package that imports this one must
// not define a flag of that name; it asks [Update].
var update = flag.Bool("update", false, "write the generated blocks of documents") //nolint:gochecknoglobals // flags of a test binary are global

// Update reports whether the test was started with -update.
func Update() bool { return *update }

// Block fails the test when the block called name in a file does not hold want, or with -update writes it. The file is relative to the folder of
// the test. Blank lines around want are ignored. A file without such a block,
// or with two, fails in either case.
func Block(t testing.TB, file, name, want string) {
	t.Helper()
	block(t, file, name, want, Update())
}

func block(t testing.TB, file, name, want string, write bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("block %q: %v", name, err)
	}
	fresh, err := replace(string(text), marksOf(file), name, want)
	switch {
	case err != nil:
		t.Fatalf("%s: %v", file, err)
	case fresh == string(text):
	case write:
		if err := os.WriteFile(file, []byte(fresh), 0o644); err != nil { //nolint:gosec // a document that everybody may read
			t.Fatalf("block %q: %v", name, err)
		}
	default:
		t.Errorf("%s: block %q is stale; run this test with -update. It should be:\n%s", file, name, strings.TrimSpace(want))
	}
}

// marks begin and end a block.
type marks struct {
	begin func(name string) string
	any   string // what every begin begins with
	end   string
}

func marksOf(file string) marks {
	if filepath.Ext(file) == ".yaml" {
		return marks{func(name string) string { return "# generated: " + name + "\n" }, "# generated: ", "# end\n"}
	}
	return marks{func(name string) string { return "<!-- generated: " + name + " -->\n" }, "<!-- generated: ", "<!-- end -->"}
}

// replace returns the document with another text in a block.
func replace(text string, marks marks, name, want string) (string, error) {
	begin := marks.begin(name)
	before, rest, found := strings.Cut(text, begin)
	if !found {
		return "", fmt.Errorf("there is no block %q: put %s and %s where it belongs", name, strings.TrimSpace(begin), strings.TrimSpace(marks.end))
	}
	if strings.Contains(rest, begin) {
		return "", fmt.Errorf("the block %q occurs twice", name)
	}
	old, after, closed := strings.Cut(rest, marks.end)
	if !closed || strings.Contains(old, marks.any) {
		return "", fmt.Errorf("the block %q does not end: %s is missing", name, strings.TrimSpace(marks.end))
	}
	indent := before[strings.LastIndexByte(before, '\n')+1:]
	return before + begin + strings.Trim(want, "\n") + "\n" + indent + marks.end + after, nil
}
