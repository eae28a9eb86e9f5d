package query_test

import (
	"testing"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// Rows are counted up to a number, with and without an index, whatever the page, and the
// pages after the first read none to count again.
func TestCount(t *testing.T) {
	v := newVisits(t)
	all := make([]values, query.MaxCount+1)
	for i := range all {
		all[i] = values{"kind": schema.Int(1)}
		if i%10 == 0 {
			all[i] = values{"roomid": schema.Text(rowstest.ID("room", 1)), "name": schema.Text("a")}
		}
	}
	v.put(all...)
	room, named := eq(values{"roomid": schema.Text(rowstest.ID("room", 1))}), eq(values{"name": schema.Text("A")})
	for name, test := range map[string]struct {
		q        query.Query
		want     int
		exceeded bool
	}{
		"all":               {query.Query{Limit: 1}, query.MaxCount, true},
		"all, ordered":      {query.Query{Limit: 1, Order: by("name")}, query.MaxCount, true},
		"all, merged":       {query.Query{Limit: 1, Order: by("visitid desc")}, query.MaxCount, true},
		"most":              {query.Query{Where: eq(values{"kind": schema.Int(1)}), Limit: 5000}, 4500, false},
		"an index":          {query.Query{Where: room, Limit: 1}, 501, false},
		"an index, ordered": {query.Query{Where: room, Limit: 1, Order: by("startedon desc")}, 501, false},
		"an index, sorted":  {query.Query{Where: room, Limit: 1, Order: by("name")}, 501, false},
		"a condition":       {query.Query{Where: named, Limit: 1}, 501, false},
		"none":              {query.Query{Where: eq(values{"name": schema.Text("b")}), Limit: 1}, 0, false},
		"one row":           {query.Query{Where: eq(values{"visitid": schema.Text(rowstest.ID("visit", 3))}), Limit: 1}, 1, false},
	} {
		q := test.q
		q.Table, q.Count = v.table, true
		page, err := v.Select(t.Context(), q)
		if err != nil || page.Count != test.want || page.Exceeded != test.exceeded {
			t.Errorf("%s: %d, %t, %v, want %d, %t", name, page.Count, page.Exceeded, err, test.want, test.exceeded)
		}
		n, more, err := v.Count(t.Context(), q)
		if err != nil || n != test.want || more != test.exceeded {
			t.Errorf("%s alone: %d, %t, %v, want %d, %t", name, n, more, err, test.want, test.exceeded)
		}
		if q.Token = page.Token; q.Token == "" {
			continue
		}
		explained, err := v.Explain(q)
		if err != nil {
			t.Fatal(err)
		}
		if !explained.Sorted { // it reads all rows anyway
			q.Budget = v.Budget()
			v.Bound(2 * 200) // what one page may look at
			q.Budget, q.Limit = v.Budget(), 2
			v.Bound(query.MaxExamined)
		}
		next, err := v.Select(t.Context(), q)
		if err != nil || next.Count != test.want || next.Exceeded != test.exceeded {
			t.Errorf("%s, the second page: %d, %t, %v, want %d, %t", name, next.Count, next.Exceeded, err, test.want, test.exceeded)
		}
	}
	// A token of a list that was not counted: the count is made then.
	q := query.Query{Table: v.table, Where: room, Limit: 3}
	page, err := v.Select(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	q.Token, q.Count = page.Token, true
	if page, err = v.Select(t.Context(), q); err != nil || page.Count != 501 {
		t.Errorf("counted on the second page: %d, %v", page.Count, err)
	}
}

// An "or" of nothing never holds, though it has no conditions: its list is empty, and is
// read in as few requests as any other that few rows belong to.
func TestOrOfNothing(t *testing.T) {
	f := newFixture(t)
	all := make([]values, 100) // as many as a transaction takes
	for i := range all {
		all[i] = values{"lastname": schema.Text("a")}
	}
	f.Put(t, "lead", all...)
	requests := func(where *filter.Group) int {
		f.Probe.Reset()
		page, err := f.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: where, Limit: 1})
		if err != nil || len(page.Rows) > 0 || page.Token != "" {
			t.Errorf("%s: %v, %v", where, page, err)
		}
		return f.Probe.Counts().Queries
	}
	never, none := requests(&filter.Group{Logic: filter.Or}), requests(eq(values{"lastname": schema.Text("b")}))
	if never != none {
		t.Errorf("%d requests, want %d", never, none)
	}
}
