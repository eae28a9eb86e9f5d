package query_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// The rows that point at others are those of a list for each of them, whether an index is
// asked or all are read, in any order and number.
func TestChildren(t *testing.T) {
	f := newFixture(t)
	related(t, f)
	for name, test := range map[string]struct{ parent, table, column string }{
		"an index":                           {"lead", "task", "regardingobjectid"},
		"a walk":                             {"account", "lead", "parentaccountid"},
		"a column that follows from another": {"account", "account", "parentaccountid"},
	} {
		for _, order := range [][]query.Order{nil, by("subject", "statecode desc"), by("subject desc")} {
			if test.table == "account" {
				order = nil
			}
			for _, limit := range []int{1, 2, 100} {
				q := query.Query{
					Table: f.Table(test.table), Order: order, Limit: limit, Budget: f.Budget(),
					Where: eq(values{"statecode": schema.Int(0)}),
				}
				var parents []rows.Ref
				var want [][]string
				for n := range 8 {
					parents = append(parents, rows.Ref{Table: test.parent, ID: rowstest.ID(test.parent, n)})
					one := q
					one.Where = &filter.Group{Logic: filter.And, Items: []filter.Node{eq(values{test.column: schema.Ref(link(test.parent, n)), "statecode": schema.Int(0)})}}
					page, err := f.Select(t.Context(), one)
					if err != nil {
						t.Fatal(err)
					}
					want = append(want, rowIDs(page.Rows, order == nil && limit == 100))
				}
				got, err := f.Related(f.Budget(), nil).Children(t.Context(), parents, test.column, q)
				if err != nil {
					t.Fatal(err)
				}
				for i := range parents {
					if order == nil && limit < 100 { // in no order: any of them
						if len(got[i]) != len(want[i]) {
							t.Errorf("%s: %d rows of %d, want %d", name, len(got[i]), i, len(want[i]))
						}
						continue
					}
					if d := cmp.Diff(want[i], rowIDs(got[i], order == nil)); d != "" {
						t.Errorf("%s, by %v, %d of %d:\n%s", name, order, limit, i, d)
					}
				}
			}
		}
	}
	f.Bound(20)
	_, err := f.Related(f.Budget(), nil).Children(t.Context(), []rows.Ref{{Table: "account", ID: rowstest.ID("account", 1)}}, "parentaccountid", query.Query{Table: f.Table("lead"), Limit: 1})
	if _, ok := errors.AsType[*query.TooBroadError](err); !ok {
		t.Errorf("24 leads within a budget of 20: %v", err)
	}
}

// An index that does not have the rows by what they point at is read once for all, and
// not once for each row that they may point at.
func TestChildren_OfAnotherIndex(t *testing.T) {
	f := newFixture(t)
	related(t, f)
	var parents []rows.Ref
	for n := range 8 {
		parents = append(parents, rows.Ref{Table: "account", ID: rowstest.ID("account", n)})
	}
	q := query.Query{Table: f.Table("lead"), Where: eq(values{"ownerid": schema.Ref(link("systemuser", 1))}), Limit: 5}
	f.Probe.Reset()
	if _, err := f.Related(f.Budget(), nil).Children(t.Context(), parents, "parentaccountid", q); err != nil {
		t.Fatal(err)
	}
	if n := f.Probe.Counts().Queries; n > schema.Shards {
		t.Errorf("%d requests, want one for each of %d shards", n, schema.Shards)
	}
}

func rowIDs(list []*rows.Row, sorted bool) []string {
	ids := []string{}
	for _, row := range list {
		ids = append(ids, row.ID)
	}
	if sorted {
		slices.Sort(ids)
	}
	return ids
}
