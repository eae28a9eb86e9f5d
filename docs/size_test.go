package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// How many lines of code a folder may have without a reason, and one of the
// domain.
const (
	maxLines       = 1500
	maxDomainLines = 1000
	domain         = "internal/sales"
)

// TestLinesPerFolder logs how large each folder is. One over its limit says why
// in its package comment, in a sentence that begins with "Size:".
func TestLinesPerFolder(t *testing.T) {
	folders := measure(t)
	t.Logf("without tests and generated files:\n%s", sizeTable(folders))
	for _, f := range folders {
		if f.lines > f.limit() && f.reason == "" {
			t.Errorf(`%s has %d lines, more than %d: split it, or say in the package comment "Size: …" why it is one folder`, f.name, f.lines, f.limit())
		}
	}
}

// folder is the size of a folder's code.
type folder struct {
	name     string // relative to the root
	lines    int
	exported int // names: constants, variables, types, functions, methods of exported types
	reason   string
}

func (f folder) limit() int {
	if f.name == domain || strings.HasPrefix(f.name, domain+"/") {
		return maxDomainLines
	}
	return maxLines
}

// sizeTable is the folders as a Markdown table.
func sizeTable(folders []folder) string {
	var b strings.Builder
	b.WriteString("| folder | lines | exported names | of at most |\n|---|---|---|---|\n")
	lines, exported := 0, 0
	for _, f := range folders {
		most := fmt.Sprint(f.limit())
		if f.lines > f.limit() && f.reason != "" {
			most += "; " + f.reason
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s |\n", f.name, f.lines, f.exported, most)
		lines, exported = lines+f.lines, exported+f.exported
	}
	fmt.Fprintf(&b, "| all | %d | %d | |\n", lines, exported)
	return b.String()
}

// measure is every folder with code, by name.
func measure(t *testing.T) []folder {
	t.Helper()
	byName := map[string]*folder{}
	for _, name := range goFiles(t) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if ast.IsGenerated(file) {
			continue
		}
		in := path.Dir(name)
		if byName[in] == nil {
			byName[in] = &folder{name: in}
		}
		f := byName[in]
		f.lines += strings.Count(string(text), "\n")
		f.exported += exportedNames(file)
		if why := sizeReason(file.Doc.Text()); why != "" {
			f.reason = why
		}
	}
	var folders []folder
	for _, f := range byName {
		folders = append(folders, *f)
	}
	slices.SortFunc(folders, func(a, b folder) int { return strings.Compare(a.name, b.name) })
	return folders
}

// goFiles are the Go files that are not tests, relative to the root.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, name := range textFiles(t) {
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			files = append(files, name)
		}
	}
	return files
}

// sentence is a reason in a package comment, up to its end.
var sentence = regexp.MustCompile(`(?:^|[.:]\s+|\n)Size: ((?:[^.]|\.\S)+)`)

func sizeReason(comment string) string {
	m := sentence.FindStringSubmatch(comment)
	if m == nil {
		return ""
	}
	return strings.Join(strings.Fields(m[1]), " ")
}

func exportedNames(file *ast.File) int {
	n := 0
	count := func(names ...*ast.Ident) {
		for _, name := range names {
			if name.IsExported() {
				n++
			}
		}
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil || receiver(decl.Recv.List[0].Type).IsExported() {
				count(decl.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					count(spec.Name)
				case *ast.ValueSpec:
					count(spec.Names...)
				}
			}
		}
	}
	return n
}

// receiver is the name of a method's type.
func receiver(expr ast.Expr) *ast.Ident {
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e
		default:
			return ast.NewIdent("_")
		}
	}
}

func TestSizeReason(t *testing.T) {
	for _, test := range []struct{ name, comment, want string }{
		{"none", "Package a does things. The size: it is small.\n", ""},
		{"of its own line", "Package a does things.\n\nSize: one table is one\nfile, v1.2 too. More.\n", "one table is one file, v1.2 too"},
		{"in a paragraph", "Package a does things. Size: it is one machine.\n", "it is one machine"},
		{"without a text", "Package a.\nSize:\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := sizeReason(test.comment); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestExportedNames(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "a.go", `package a

const A, b = 1, 2

var C int

type D[T any] struct{ E int }

type f struct{}

func G() {}

func (D[T]) H() {}

func (*f) I() {}

func j() {}
`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := exportedNames(file); got != 5 { // A C D G H
		t.Errorf("got %d, want 5", got)
	}
}
