package query_test

import (
	"testing"

	"segue/internal/clock"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// TestNewIndex: an index is declared while rows are stored that have no keys of it. No
// list lacks them, before they have some and after.
func TestNewIndex(t *testing.T) {
	const index = `{"name": "room", "serves": "visits in a room", "on": "gsi3", "partition": ["room"], "sort": []`
	f := newFixture(t)
	room := schema.Text(rowstest.ID("room", 1))
	as := func(indexes string) *rows.DB {
		t.Helper()
		tables, err := reviewTables(t, indexes)
		if err != nil {
			t.Fatal(err)
		}
		return rows.New(f.Probe, tables, clock.Of(rowstest.Clock))
	}
	write := func(db *rows.DB, n int) {
		t.Helper()
		if err := db.Do(t.Context(), "", func(tx *rows.Tx) error {
			tx.Create(db.Schema().Table("visit"), rowstest.ID("visit", n), values{"room": room})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	listed := func(what string, db *rows.DB, want, reads int) {
		t.Helper()
		f.Probe.Reset()
		page, err := query.New(db).Select(t.Context(), query.Query{Table: db.Schema().Table("visit"), Where: eq(values{"room": room}), Limit: 10})
		if err != nil || len(page.Rows) != want {
			t.Errorf("%s: %d rows, %v, want %d", what, len(page.Rows), err, want)
		}
		partitions := map[string]bool{}
		for _, call := range f.Probe.Calls() {
			partitions[call.Query.Partition] = true
		}
		if delete(partitions, ""); len(partitions) != reads {
			t.Errorf("%s: %d partitions were read, want %d", what, len(partitions), reads)
		}
	}
	before, building, built := as(`[]`), as(`[`+index+`, "building": true}]`), as(`[`+index+`}]`)
	write(before, 1)
	write(building, 2)
	listed("while it is built", building, 2, schema.Shards)
	all, err := query.New(building).Select(t.Context(), query.Query{Table: building.Schema().Table("visit"), Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	stale := 0
	for _, row := range all.Rows {
		if err := building.Do(t.Context(), "", func(tx *rows.Tx) error {
			found, err := tx.Load(t.Context(), row.Ref())
			if err == nil && found[0].Reindex() {
				stale++
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if stale != 1 {
		t.Errorf("%d rows were without its keys, want 1", stale)
	}
	listed("when it is built", built, 2, 1)
}
