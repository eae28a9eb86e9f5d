package name_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ownName is what a table or column of Segue's or of the sales accelerator is
// called.
var ownName = regexp.MustCompile(`^"(msdyn|segue)_[a-z]`)

// generated reports whether a file is made from the schema's files, as the constants
// are.
func generated(path string) bool {
	return strings.HasSuffix(path, "schema/name/names.go") || strings.HasSuffix(path, "schema/ready.go")
}

// TestNoNameIsSpelledAsText finds the names that code spells as text where a
// constant of this package would not compile when it is wrong. Tests, and what
// only tests import, may spell them: they read like the wire.
func TestNoNameIsSpelledAsText(t *testing.T) {
	const root = "../../.."
	files := token.NewFileSet()
	read := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && path != root || strings.HasSuffix(entry.Name(), "test") || entry.Name() == "tests") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || generated(path) {
			return nil
		}
		tree, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		read++
		ast.Inspect(tree, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && ownName.MatchString(literal.Value) {
				t.Errorf("%s: %s stands as text; schema/name has it as a constant", files.Position(literal.Pos()), literal.Value)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 100 {
		t.Errorf("only %d files were read", read)
	}
}
