// Package docs_test keeps the documents true: what code, scripts and documents
// cite exists, and the folders of the code stay within their size.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the root of the repository, seen from this folder.
const root = ".."

// TestCitations checks every citation in the repository: a section of
// docs/domain.md or docs/webapi.md, a decision, a document, a link between
// documents, and the section in the name of a test.
func TestCitations(t *testing.T) {
	b := openBook(t)
	citations := 0
	for _, name := range textFiles(t) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cited(name, string(text)) {
			citations++
			if why := b.missing(c); why != "" {
				t.Errorf("%s:%d: %q: %s", c.file, c.line, c.text, why)
			}
		}
	}
	t.Logf("%d citations", citations)
	if citations < 100 { // the scanner has gone blind
		t.Errorf("found %d citations in the whole repository", citations)
	}
}

// TestCitationsAreFound tries the scanner and the resolver on single texts.
func TestCitationsAreFound(t *testing.T) {
	b := openBook(t)
	for _, test := range []struct {
		name, file, text string
		want             []string // what is cited, in order; "!" before what does not resolve
	}{
		{"section", "a.go", "// Rules (docs/domain.md §8.4).", []string{"docs/domain.md", "domain.md §8.4"}},
		{"without the folder", "a.go", "// Rules (domain.md §8.4).", []string{"domain.md", "domain.md §8.4"}},
		{"without the sign", "a.txtar", "-- the shape of domain.md 9.1 --", []string{"domain.md", "domain.md §9.1"}},
		{"over two lines", "a.go", "// Rules (docs/webapi.md\n\t// §7).", []string{"docs/webapi.md", "webapi.md §7"}},
		{"list", "a.go", "// webapi.md §5, §6, domain.md §18", []string{"webapi.md", "webapi.md §5", "webapi.md §6", "domain.md", "domain.md §18"}},
		{"double sign", "a.go", "// domain.md §§5.1, 5.2 and 5.3", []string{"domain.md", "domain.md §5.1", "domain.md §5.2", "domain.md §5.3"}},
		{"range", "a.go", "// domain.md §8.1–8.99", []string{"domain.md", "domain.md §8.1", "!domain.md §8.99"}},
		{"a number after a comma is not cited", "a.go", "// §8.4, 3 times", []string{"domain.md §8.4"}},
		{"numbered rule", "a.go", `{"renumbers (§17.6)", 1},`, []string{"domain.md §17.6"}},
		{"numbered rule that is not there", "a.go", "// §17.99", []string{"!domain.md §17.99"}},
		{"no such section", "a.go", "// docs/domain.md §3", []string{"docs/domain.md", "!domain.md §3"}},
		{"another standard", "a.go", "// RFC 7517 §5: ignore", nil},
		{"a document that is not here", "a.go", "// the budget (design.md §4)", []string{"!design.md", "!design.md §4"}},
		{"in a document, its own sections", "docs/webapi.md", "| `If-Match` | §10 |", []string{"webapi.md §10"}},
		{"decisions", "a.md", "See decisions 0001 and 0003, docs/decisions/0002.", []string{"decision 0001", "decision 0003", "decision 0002"}},
		{"no such decision", "a.go", "// decision 9999", []string{"!decision 9999"}},
		{"file of a decision", "a.md", "[0003](docs/decisions/0003-freshness.md)", []string{"docs/decisions/0003-freshness.md", "link docs/decisions/0003-freshness.md"}},
		{"broken link", "a.md", "[x](docs/none.txt)", []string{"!link docs/none.txt"}},
		{"link to a heading", "a.md", "[x](README.md#run-it) [y](https://example.com/a)", []string{"README.md", "link README.md"}},
		{"name of a test", "a_test.go", "func TestConnect_7_1_3_LeadMustBeNew(t *testing.T) {", []string{"domain.md §7.1.3"}},
		{"name of a test with a count", "a_test.go", "func TestSegment_2_250Active(t *testing.T) {", []string{"domain.md §2"}},
		{"name of a test of the wire", "a_test.go", "func TestConditions_webapi_10(t *testing.T) {", []string{"webapi.md §10"}},
		{"name of a test without a section", "a_test.go", "func TestSegment_3_Old(t *testing.T) {", []string{"!domain.md §3"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, c := range cited(test.file, test.text) {
				mark := ""
				if b.missing(c) != "" {
					mark = "!"
				}
				got = append(got, mark+c.text)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestSectionsAscend keeps the numbering of the two documents in order.
func TestSectionsAscend(t *testing.T) {
	for name, sections := range openBook(t).sections {
		if len(sections.order) == 0 {
			t.Errorf("%s has no numbered section", name)
		}
		if !slices.IsSortedFunc(sections.order, slices.Compare) {
			t.Errorf("%s: the sections are not in order: %v", name, sections.order)
		}
	}
}

// sections are the places that can be cited in a document.
type sections struct {
	order  [][]int         // numbers of the headings as they come
	places map[string]bool // "8", "8.4", and rows of tables whose first column is "#": "17.5"
}

var (
	heading = regexp.MustCompile(`^#{2,3} (\d+(?:\.\d+)?)\.? \S`)
	ruleRow = regexp.MustCompile(`^\| (\d+) \|`)
)

func parseSections(text string) sections {
	s := sections{places: map[string]bool{}}
	current, numbered := "", false
	for line := range strings.Lines(text) {
		if m := heading.FindStringSubmatch(line); m != nil {
			current, numbered = m[1], false
			s.places[current] = true
			s.order = append(s.order, numbers(current))
		}
		if m := ruleRow.FindStringSubmatch(line); m != nil && numbered {
			s.places[current+"."+m[1]] = true
		}
		numbered = numbered && strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| # |")
	}
	return s
}

func numbers(section string) []int {
	var list []int
	for part := range strings.SplitSeq(section, ".") {
		n, _ := strconv.Atoi(part) // the patterns allow digits only
		list = append(list, n)
	}
	return list
}

// book is what can be cited.
type book struct {
	sections  map[string]sections // by "domain.md", "webapi.md"
	decisions map[string]int      // number to how many files have it
}

func openBook(t *testing.T) book {
	t.Helper()
	b := book{sections: map[string]sections{}, decisions: map[string]int{}}
	for _, name := range []string{"domain.md", "webapi.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b.sections[name] = parseSections(string(text))
	}
	files, err := filepath.Glob("decisions/[0-9][0-9][0-9][0-9]-*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b.decisions[filepath.Base(file)[:4]]++
	}
	return b
}

// missing says why a citation does not resolve, "" when it does.
func (b book) missing(c citation) string {
	switch c.kind {
	case sectionKind:
		s, ok := b.sections[c.doc]
		if !ok {
			return "sections of docs/domain.md and docs/webapi.md can be cited, not of " + c.doc
		}
		if !s.places[c.place] {
			return "docs/" + c.doc + " has no §" + c.place
		}
	case decisionKind:
		if n := b.decisions[c.place]; n != 1 {
			return strconv.Itoa(n) + " files docs/decisions/" + c.place + "-*.md"
		}
	case documentKind, linkKind:
		folders := []string{filepath.Dir(c.file)}
		if c.kind == documentKind { // in prose a path may also begin at the root or in docs
			folders = append(folders, ".", "docs")
		}
		here := func(folder string) bool {
			_, err := os.Stat(filepath.Join(root, folder, c.place))
			return err == nil
		}
		if !slices.ContainsFunc(folders, here) {
			return "is not in the repository"
		}
	}
	return ""
}

// textFiles are the files whose citations count, relative to the root.
func textFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path) // both begin with root
		base := entry.Name()
		if entry.IsDir() {
			if name == "." || base == ".ci" {
				return nil
			}
			if strings.HasPrefix(base, ".") || base == "node_modules" || name == "data" {
				return fs.SkipDir
			}
			return nil
		}
		known := slices.Contains([]string{".go", ".md", ".txtar", ".txt", ".sh", ".yml", ".yaml"}, filepath.Ext(base))
		script := base == "Makefile" || strings.HasPrefix(name, ".ci"+string(filepath.Separator))
		if (known || script) && name != filepath.Join("docs", "docs_test.go") {
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
