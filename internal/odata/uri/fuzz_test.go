package uri_test

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"segue/internal/filter"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// seeds are the options of testdata/*.txtar, encoded.
func seeds(f *testing.F) []string {
	f.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no archives in testdata: %v", err)
	}
	var all []string
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for i := 0; i < len(archive.Files); i += 2 {
			all = append(all, encoded(string(archive.Files[i].Data)))
		}
	}
	return all
}

// checkError demands an error of this package, with a place in its text.
func checkError(t *testing.T, err error) {
	t.Helper()
	wrong, ok := errors.AsType[*uri.Error](err)
	if !ok || wrong.Position < -1 || wrong.Position > len(wrong.Text) || len(err.Error()) > 2000 {
		t.Errorf("an error without a place, or of %d bytes: %#v", len(err.Error()), err)
	}
}

// FuzzParseQuery: whatever a query string says, it is read or refused, and what is read
// is bounded and valid.
func FuzzParseQuery(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	s := tables(f)
	f.Fuzz(func(t *testing.T, query string) {
		q, err := uri.ParseQuery(s, s.Table("lead"), query)
		if err != nil {
			checkError(t, err)
			return
		}
		if len(q.Order) > uri.MaxOrder {
			t.Errorf("%d properties of an order", len(q.Order))
		}
		checkFilter(t, s, "lead", q.Filter)
		if n := checkExpanded(t, s, q); n > uri.MaxExpand {
			t.Errorf("%d navigation properties", n)
		}
		if a := q.Apply; a != nil {
			checkFilter(t, s, "lead", a.Filter)
			if len(a.By) > uri.MaxAggregates || len(a.Values) > uri.MaxAggregates || len(a.By)+len(a.Values) == 0 {
				t.Errorf("groups by %d properties with %d values", len(a.By), len(a.Values))
			}
		}
	})
}

// checkFilter demands a condition that is bounded, and valid as segments understand it.
func checkFilter(t *testing.T, s *schema.Schema, table string, g *filter.Group) {
	t.Helper()
	if g == nil {
		return
	}
	if n := g.Conditions(); n > 3*uri.MaxConditions { // a negated order is two or three
		t.Errorf("%d conditions", n)
	}
	again, err := filter.Parse(s, table, g.String())
	if err != nil || again.String() != g.String() {
		t.Errorf("the filter does not print and parse: %v\n%s", err, g)
	}
}

// checkExpanded checks the rows that are expanded, and returns how many navigation
// properties lead to them.
func checkExpanded(t *testing.T, s *schema.Schema, q uri.Query) int {
	t.Helper()
	n := len(q.Expand)
	for _, e := range q.Expand {
		checkFilter(t, s, e.Tables[0].Name, e.Filter)
		n += checkExpanded(t, s, e.Query)
	}
	return n
}

// FuzzAliases: whatever an alias stands for, in each place where one may be.
func FuzzAliases(f *testing.F) {
	for _, seed := range []string{"'a'", "5", "null", "subject", `["a","b"]`, "['a'", "@p1", "subject eq 'a'", "{", "'", "2026-01-02", idI, `{"@odata.id":"leads(1)"}`, "parentaccountid/name", ""} {
		f.Add(seed)
	}
	s := tables(f)
	f.Fuzz(func(t *testing.T, text string) {
		alias := "&@p1=" + url.QueryEscape(text)
		for _, query := range []string{
			"$filter=subject eq @p1", "$filter=@p1 gt 5", "$filter=statecode in (@p1,1)", "$filter=contains(@p1,'a')", "$filter=contains(subject,@p1)",
			"$filter=" + uri.Namespace + "In(PropertyName='subject',PropertyValues=@p1)",
			"$filter=" + uri.Namespace + "LastXDays(PropertyName=@p1,PropertyValue=@p1)",
			"$filter=Lead_Tasks/any(t:t/subject eq @p1)", "$orderby=@p1 desc",
		} {
			if _, err := uri.ParseQuery(s, s.Table("lead"), query+alias); err != nil {
				checkError(t, err)
			}
		}
		if _, err := uri.ParseArguments("F", "A=@p1,B=@p1", map[string]string{"@p1": text}); err != nil {
			checkError(t, err)
		}
	})
}

// FuzzParseKey: whatever is in the brackets after a set, it is a key of valid values or
// refused.
func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{idI, "'" + idI + "'", "leadid=" + idI, "subject='O''B',statecode=0", "_parentaccountid_value=" + idI, "subject=@p1", "a='", "=", "=,", "subject=[", "createdon=2026-01-02T03:04:05Z", "revenue=1e9999999999"} {
		f.Add(seed)
	}
	s := tables(f)
	f.Fuzz(func(t *testing.T, text string) {
		key, err := uri.ParseKey(s.Table("lead"), text, map[string]string{"@p1": "'a'"})
		if err != nil {
			checkError(t, err)
			return
		}
		if len(key) == 0 || len(key) > uri.MaxArguments {
			t.Errorf("a key of %d parts", len(key))
		}
		for _, part := range key {
			if len(part.Values) == 0 {
				t.Errorf("no value of %s", part.Column.Name)
			}
			for _, v := range part.Values {
				if v.IsNull() || v.Kind() != part.Column.Type.Kind() {
					t.Errorf("%s is %s %s", part.Column.Name, v.Kind(), v)
				}
			}
		}
	})
}

// TestBounds: what is too much is refused, wherever it is.
func TestBounds(t *testing.T) {
	long := "'" + strings.Repeat("x", 10000) + "'"
	tests := []struct{ name, options, want string }{
		{"conditions", "$filter=" + strings.Repeat("statecode eq 0 or ", uri.MaxConditions) + "statecode eq 0", "error: $filter: more than 500 conditions"},
		{"conditions of expanded rows", "$expand=Lead_Tasks($filter=" + strings.Repeat("statecode eq 0 or ", 300) + "statecode eq 0),Lead_Emails($filter=" + strings.Repeat("statecode eq 0 or ", 300) + "statecode eq 0)", "error: $expand: more than 500 conditions"},
		{"values of a list", "$filter=statecode in (" + strings.Repeat("0,", filter.MaxValues) + "0)", "error: $filter: a list has at most 100 values"},
		{"values of a function", "$filter=" + uri.Namespace + "In(PropertyName='statecode',PropertyValues=[" + strings.Repeat("0,", filter.MaxValues) + "0])", "error: $filter: a list has too many values"},
		{"aliases", "$filter=subject in (" + strings.Repeat("@p1,", 20) + "@p1)\n@p1=" + long, "error: $filter: the parameter aliases stand for more than 131072 bytes"},
		{"lambdas", "$filter=" + strings.Repeat("lead_parent_account/any(x:x/", 40), "error: "},
	}
	s := tables(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := read(s, s.Table("lead"), encoded(test.options))
			if !strings.HasPrefix(got, test.want) || len(got) > 1000 {
				t.Errorf("got %.300s, want %s…", got, test.want)
			}
		})
	}
}
