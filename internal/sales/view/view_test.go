package view_test

import (
	"testing"

	"segue/internal/fetchxml"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/sales/view"
	"segue/internal/schema/name"
)

// A fresh store has the shipped views of each record type, without a write, and where
// open unconnected records have an index, their view is read by it, in its order.
func TestGive(t *testing.T) {
	f := rowstest.New(t)
	f.Probe.Reset()
	if err := view.Give(f.DB); err != nil {
		t.Fatal(err)
	}
	views := 0
	for _, table := range f.Schema().Tables() {
		if !table.Is(name.RecordTrait) {
			continue
		}
		views++
		found, err := f.Get(t.Context(), rows.RefTo(name.View, view.WithoutSequences(table)))
		if err != nil || found[0] == nil {
			t.Fatalf("the view of %s: %v, %v", table.Name, found, err)
		}
		fetch, err := fetchxml.Parse(f.Schema(), found[0].Text(name.Fetchxml))
		if err != nil {
			t.Fatal(err)
		}
		how, err := query.New(f.DB).Explain(query.Query{Table: table, Where: fetch.Where})
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if table.Is(name.PoolTrait) {
			want = "free"
		}
		if how.Index != want || how.Sorted || len(fetch.Order) > 0 {
			t.Errorf("the view of %s is read by %+v, want index %q and no order", table.Name, how, want)
		}
	}
	if views != 4 {
		t.Errorf("%d views, want those of account, contact, lead and opportunity", views)
	}
	if n := f.Probe.Counts().Writes; n != 0 {
		t.Errorf("%d writes", n)
	}
}
