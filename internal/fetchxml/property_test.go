package fetchxml_test

import (
	"testing"

	"pgregory.net/rapid"

	"segue/internal/fetchxml"
	"segue/internal/fetchxml/fetchxmltest"
	"segue/internal/filter"
	"segue/internal/filter/filtertest"
)

// TestPrintedFilterMeansTheSame: any tree, printed as FetchXML and parsed, holds for the
// rows for which the oracle says that the tree holds.
func TestPrintedFilterMeansTheSame(t *testing.T) {
	s := filtertest.Schema(t)
	says := func(table string, g *filter.Group) bool { _, ok := fetchxmltest.Filter(s, table, g); return ok }
	kept, taken := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g, k, n := filtertest.Prune(s, "thing", filtertest.Group(t, s, s.Table("thing"), filtertest.Tables(), 4), says)
		kept, taken = kept+k, taken+n
		text, ok := fetchxmltest.Filter(s, "thing", g)
		if !ok {
			t.Fatalf("%s has no form", g)
		}
		parsed, err := fetchxml.Parse(s, `<fetch><entity name="thing">`+text+`</entity></fetch>`)
		if err != nil {
			t.Fatalf("parse %s: %v\nof %s", text, err, g)
		}
		program, err := filter.Compile(s, "thing", parsed.Where, filter.AsksAnything)
		if err != nil {
			t.Fatalf("compile %s: %v", parsed.Where, err)
		}
		w, scope := filtertest.DrawWorld(t, s, filtertest.Tables()), filtertest.Scope(t)
		scope.Related = w.Related(scope)
		oracle := filtertest.Oracle{Schema: s, World: w, Scope: scope}
		for _, row := range w.Tables["thing"] {
			want := oracle.Holds(g, "thing", row)
			if got, err := program.MatchIn(row, scope); err != nil || got != want {
				t.Fatalf("%s\nholds: %v, %v; the oracle says %v\nof %s\nparsed as %s\nrow %q", text, got, err, want, g, parsed.Where, row.Values)
			}
		}
	})
	if 3*kept < 2*taken {
		t.Errorf("of %d conditions FetchXML has %d", kept+taken, kept)
	}
}
