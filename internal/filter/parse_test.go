package filter_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"segue/internal/doctest"
	"segue/internal/filter"
)

// TestLanguage runs testdata/*.txtar. After each file of an archive, an input
// for Parse, comes a file "want": the canonical text and the number of
// conditions, or the error. go test -update rewrites the latter.
func TestLanguage(t *testing.T) {
	s := loadSchema(t)
	for _, path := range archives(t) {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(archive.Files); i += 2 {
			input, want := archive.Files[i], &archive.Files[i+1]
			t.Run(filepath.Base(path)+"/"+input.Name, func(t *testing.T) {
				got := ""
				if g, err := filter.Parse(s, "thing", string(input.Data)); err != nil {
					got = err.Error() + "\n"
				} else {
					got = fmt.Sprintf("%s\n%d\n", g, g.Conditions())
				}
				if doctest.Update() {
					want.Data = []byte(got)
				} else if diff := cmp.Diff(string(want.Data), got); diff != "" {
					t.Errorf("Parse (-want +got):\n%s", diff)
				}
			})
		}
		if doctest.Update() {
			if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func archives(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives in testdata: %v", err)
	}
	return paths
}

// Inputs too long or too odd for a text file.
func TestParseRefuses(t *testing.T) {
	s := loadSchema(t)
	manyValues := strings.TrimSuffix(strings.Repeat(`"a",`, filter.MaxValues+1), ",")
	tests := map[string]struct{ input, want string }{
		"text of more than 1 MB": {strings.Repeat(" ", filter.MaxText+1), "filter (offset 1048576): the text is longer than 1 MB"},
		"not UTF-8":              {"{\"type\":\"\xff\"}", "filter (offset 9): the text is not UTF-8"},
		"nested without end":     {strings.Repeat("[", 1000), "filter (offset 41): JSON is nested deeper than 40 levels"},
		"too many values": {
			`{"type":"and","items":[{"attribute":"name","operator":"in","values":[` + manyValues + `]}]}`,
			"filter at items[0] (offset 23): operator in on column name: number of values must be 1 to 100, got 101",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := filter.Parse(s, "thing", tt.input); err == nil || err.Error() != tt.want {
				t.Errorf("Parse: got error %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := filter.Parse(s, "nothing", `{"type":"and","items":[]}`); err == nil {
		t.Error("Parse knows a table nothing")
	}
}

// FuzzParse: what Parse reads prints to a text that reads as the same tree, and
// an error says where in the text it is.
func FuzzParse(f *testing.F) {
	s := loadSchema(f)
	for _, path := range archives(f) {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for i := 0; i < len(archive.Files); i += 2 {
			f.Add(string(archive.Files[i].Data))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := filter.Parse(s, "thing", text)
		if err != nil {
			var where *filter.Error
			if !errors.As(err, &where) || where.Offset < 0 || where.Offset > len(text) {
				t.Fatalf("error without a place: %#v", err)
			}
			return
		}
		again, err := filter.Parse(s, "thing", g.String())
		if err != nil {
			t.Fatalf("Parse refuses what String printed: %v\n%s", err, g)
		}
		if diff := cmp.Diff(g, again); diff != "" {
			t.Errorf("parse(print(x)) (-x +got):\n%s", diff)
		}
		if g.String() != again.String() {
			t.Errorf("print is not canonical:\n%s\n%s", g, again)
		}
	})
}
