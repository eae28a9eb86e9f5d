package uri_test

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"segue/internal/odata/uri"
	"segue/internal/schema"
)

var update = flag.Bool("update", false, "write the expectations of testdata/*.txtar")

func tables(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLanguage runs testdata/*.txtar. After each file of an archive, the options of a
// request on leads, one a line and not encoded, comes a file "want": what is read, or
// the error. A name of three words or more that begins with a table's is on that table.
// go test -update rewrites the latter.
func TestLanguage(t *testing.T) {
	s := tables(t)
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives in testdata: %v", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(archive.Files); i += 2 {
			input, want := archive.Files[i], &archive.Files[i+1]
			t.Run(filepath.Base(path)+"/"+input.Name, func(t *testing.T) {
				got := read(s, tableOf(s, input.Name), encoded(string(input.Data)))
				if *update {
					want.Data = []byte(got)
				} else if diff := cmp.Diff(string(want.Data), got); diff != "" {
					t.Errorf("ParseQuery (-want +got):\n%s", diff)
				}
			})
		}
		if *update {
			if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// tableOf returns the table that a case names first, else leads.
func tableOf(s *schema.Schema, name string) *schema.Table {
	set, _, _ := strings.Cut(name, ":")
	if t := s.BySet(set); t != nil {
		return t
	}
	return s.BySet("leads")
}

// encoded makes a query string of options, one a line.
func encoded(lines string) string {
	var pairs []string
	for line := range strings.SplitSeq(strings.TrimSuffix(lines, "\n"), "\n") {
		name, value, _ := strings.Cut(line, "=")
		pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	return strings.Join(pairs, "&")
}

// read prints what a query string says, one option a line.
func read(s *schema.Schema, t *schema.Table, query string) string {
	q, err := uri.ParseQuery(s, t, query)
	if err != nil {
		wrong, ok := err.(*uri.Error) //nolint:errorlint // errors of this package are not wrapped
		if !ok {
			return "an error that is no *uri.Error: " + err.Error() + "\n"
		}
		if wrong.Unsupported {
			return "not served: " + err.Error() + "\n"
		}
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	write(&b, "", q)
	return b.String()
}

func write(b *strings.Builder, indent string, q uri.Query) {
	line := func(format string, args ...any) { fmt.Fprintf(b, indent+format+"\n", args...) }
	if q.Select != nil {
		line("select %s", strings.Join(q.Select, " "))
	}
	if q.Filter != nil {
		line("filter %s", q.Filter)
	}
	for _, o := range q.Order {
		direction := "up"
		if o.Descending {
			direction = "down"
		}
		line("order by %s %s", strings.Join(append(o.Path, o.Column), "/"), direction)
	}
	if q.Top != nil {
		line("top %d", *q.Top)
	}
	if q.Count {
		line("count")
	}
	if a := q.Apply; a != nil {
		line("apply to %s", a.Filter)
		for _, c := range a.By {
			line("  by %s", c.Name)
		}
		for _, v := range a.Values {
			of := "rows"
			if v.Column != nil {
				of = v.Column.Name
			}
			line("  %s of %s as %s", v.Method, of, v.Alias)
		}
	}
	if q.SkipToken != "" {
		line("token %s", q.SkipToken)
	}
	for _, e := range q.Expand {
		to := "many " + e.Relation.Name
		if !e.Many() {
			var tables []string
			for _, nav := range e.Navs {
				tables = append(tables, nav.Target.Table)
			}
			to = "one " + strings.Join(tables, " ")
		}
		if e.Ref {
			to += " by reference"
		}
		line("expand %s: %s", e.Name, to)
		write(b, indent+"  ", e.Query)
	}
}
