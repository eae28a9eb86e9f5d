package uri_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/odata/uri"
	"segue/internal/odata/uri/uritest"
	"segue/internal/schema"
)

// parse reads a $filter as a request has it.
func parse(s *schema.Schema, text string) (*filter.Group, error) {
	q, err := uri.ParseQuery(s, s.Table("thing"), "$filter="+url.QueryEscape(text))
	return q.Filter, err
}

// TestPrintedFilterMeansTheSame: any tree, printed as a $filter and parsed, holds for the
// rows for which the oracle says that the tree holds. No lookup points at nothing: there
// nav/key eq <guid> holds, which is a condition on the lookup, and the tree's path does
// not.
func TestPrintedFilterMeansTheSame(t *testing.T) {
	s := filtertest.Schema(t)
	says := func(table string, g *filter.Group) bool { _, ok := uritest.Filter(s, table, g); return ok }
	kept, taken := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g, k, n := filtertest.Prune(s, "thing", filtertest.Group(t, s, s.Table("thing"), filtertest.Tables(), 4), says)
		kept, taken = kept+k, taken+n
		text, ok := uritest.Filter(s, "thing", g)
		if !ok {
			t.Fatalf("%s has no form", g)
		}
		parsed, err := parse(s, text)
		if err != nil {
			t.Fatalf("parse %s: %v\nof %s", text, err, g)
		}
		program, err := filter.Compile(s, "thing", parsed, filter.AsksAnything)
		if err != nil {
			t.Fatalf("compile %s: %v", parsed, err)
		}
		w, scope := filtertest.DrawWorld(t, s, filtertest.Tables()).Whole(), filtertest.Scope(t)
		scope.Related = w.Related(scope)
		oracle := filtertest.Oracle{Schema: s, World: w, Scope: scope}
		for _, row := range w.Tables["thing"] {
			want := oracle.Holds(g, "thing", row)
			if got, err := program.MatchIn(row, scope); err != nil || got != want {
				t.Fatalf("%s\nholds: %v, %v; the oracle says %v\nof %s\nparsed as %s\nrow %q", text, got, err, want, g, parsed, row.Values)
			}
		}
	})
	if kept < 4*taken {
		t.Errorf("of %d conditions $filter has %d", kept+taken, kept)
	}
}

// TestParsePrintIdentity: a tree in the form that the parser makes, printed and parsed, is
// the same tree.
func TestParsePrintIdentity(t *testing.T) {
	s := filtertest.Schema(t)
	rapid.Check(t, func(t *rapid.T) {
		g := drawCanonical(t, s, s.Table("thing"), rapid.SampledFrom([]filter.Logic{filter.And, filter.Or}).Draw(t, "logic"), 3)
		text, ok := uritest.Filter(s, "thing", g)
		if !ok {
			t.Fatalf("%s has no form", g)
		}
		again, err := parse(s, text)
		if err != nil {
			t.Fatalf("parse %s: %v", text, err)
		}
		if diff := cmp.Diff(g, again); diff != "" {
			t.Fatalf("parse(print(x)) of %s (-x +got):\n%s", text, diff)
		}
	})
}

// drawCanonical draws a tree as the parser makes them: groups of two items or more whose
// logic is not that of the group around them, and no condition that has a shorter form.
func drawCanonical(t *rapid.T, s *schema.Schema, table *schema.Table, logic filter.Logic, depth int) *filter.Group {
	g := &filter.Group{Logic: logic}
	other := map[filter.Logic]filter.Logic{filter.And: filter.Or, filter.Or: filter.And}[logic]
	for range rapid.IntRange(2, 4).Draw(t, "items") {
		switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
		case kind == 0 && depth > 1:
			g.Items = append(g.Items, drawCanonical(t, s, table, other, depth-1))
		case kind == 1 && depth > 1 && table.Name == "thing":
			name := rapid.SampledFrom([]string{"thing_parts", "thing_about_thing"}).Draw(t, "relationship")
			r, _ := s.Relation(table.Name, name)
			g.Items = append(g.Items, &filter.Related{Relationship: name, Contains: rapid.Bool().Draw(t, "contains"), Filter: drawCanonical(t, s, r.Table, logic, depth-1)})
		default:
			g.Items = append(g.Items, drawCanonicalCondition(t, s, table))
		}
	}
	return g
}

func drawCanonicalCondition(t *rapid.T, s *schema.Schema, table *schema.Table) *filter.Condition {
	return rapid.Custom(func(t *rapid.T) *filter.Condition {
		return filtertest.AnyCondition(t, s, table, filtertest.Tables())
	}).Filter(func(c *filter.Condition) bool {
		end := table
		for _, nav := range c.Path {
			end = s.Table(end.Navs(nav)[0].Target.Table)
		}
		severalTables := len(end.Column(c.Column).Targets) > 1 && len(c.Values) > 0
		isKey := len(c.Path) > 0 && c.Column == end.ID && len(c.Values) > 0
		return !severalTables && !isKey && !slices.Contains([]filter.Operator{
			filter.Like, filter.NotLike, filter.NotContains, filter.NotBeginWith, filter.NotEndWith,
		}, c.Operator)
	}).Draw(t, "condition")
}
