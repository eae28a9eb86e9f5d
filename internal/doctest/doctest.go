// Package doctest keeps parts of a Markdown document equal to what the code
// says, such as a table of limits or of keys. A part is a marked block:
//
//	<!-- generated: limits -->
//	| what | limit |
//	…
//	<!-- end -->
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
	"strings"
	"testing"
)

// The flag that makes [Block] write. A test package that imports this one must
// not define a flag of that name; it asks [Update].
var update = flag.Bool("update", false, "write the generated blocks of documents") //nolint:gochecknoglobals // flags of a test binary are global

// Update reports whether the test was started with -update.
func Update() bool { return *update }

const end = "<!-- end -->"

// Block fails the test when the block called name in a Markdown file does not
// hold want, or with -update writes it. The file is relative to the folder of
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
	fresh, err := replace(string(text), name, want)
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

// replace returns the document with another text in a block.
func replace(text, name, want string) (string, error) {
	begin := "<!-- generated: " + name + " -->"
	before, rest, found := strings.Cut(text, begin)
	if !found {
		return "", fmt.Errorf("there is no block %q: put %s and %s where it belongs", name, begin, end)
	}
	if strings.Contains(rest, begin) {
		return "", fmt.Errorf("the block %q occurs twice", name)
	}
	old, after, closed := strings.Cut(rest, end)
	if !closed || strings.Contains(old, "<!-- generated: ") {
		return "", fmt.Errorf("the block %q does not end: %s is missing", name, end)
	}
	return before + begin + "\n" + strings.Trim(want, "\n") + "\n" + end + after, nil
}
