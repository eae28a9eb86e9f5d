package query_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"segue/internal/clock"
	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

func reviewTables(t *testing.T, indexes string) (*schema.Schema, error) {
	t.Helper()
	return schema.Load(schema.Files(), fstest.MapFS{"tables/visit.json": {Data: []byte(`{
		"name": "visit", "set": "visits", "label": "Visit", "id": "visitid", "primaryName": "name",
		"indexes": ` + indexes + `,
		"columns": [
			{"name": "name", "label": "Name", "type": "string", "maxLength": 50},
			{"name": "room", "label": "Room", "type": "guid"},
			{"name": "due", "label": "Due", "type": "datetime"}
		]}`)}})
}

func reviewCount(t *testing.T, tables *schema.Schema, put values, where values) int {
	t.Helper()
	f := newFixture(t)
	db := rows.New(f.Probe, tables, clock.Of(rowstest.Clock))
	if err := db.Do(t.Context(), "", func(tx *rows.Tx) error {
		tx.Create(tables.Table("visit"), rowstest.ID("visit", 0), put)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	page, err := query.New(db).Select(t.Context(), query.Query{Table: tables.Table("visit"), Where: eq(where), Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Rows)
}

// An index whose sort column may be null does not hold every row of its partition,
// so it must not serve the list of the partition.
func TestSelect_RowWithoutItsSortColumn(t *testing.T) {
	tables, err := reviewTables(t, `[{"name": "room", "serves": "visits in a room", "on": "gsi3", "partition": ["room"], "sort": ["due"]}]`)
	if err != nil {
		return // refused: fine
	}
	room := schema.Text(rowstest.ID("room", 1))
	if n := reviewCount(t, tables, values{"room": room}, values{"room": room}); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

// Text compares regardless of case and of blanks at the end; a key and a When do not.
func TestSelect_WhenOfText(t *testing.T) {
	tables, err := reviewTables(t, `[{"name": "vip", "serves": "visits of a kind", "on": "gsi3", "partition": ["{table}"], "sort": [], "when": {"name": "vip"}}]`)
	if err != nil {
		return // refused: fine
	}
	if n := reviewCount(t, tables, values{"name": schema.Text("VIP")}, values{"name": schema.Text("vip")}); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

// Rows of other tables in a shared partition cost reads too.
func TestSelect_ExaminesRowsOfOtherTables(t *testing.T) {
	f := newFixture(t)
	f.Bound(1000)
	about := values{"regardingobjectid": schema.Ref(link("lead", 0))}
	reviewPut(t, f, "phonecall", slices.Repeat([]values{about}, 1100))
	f.Probe.Reset()
	_, err := f.Select(t.Context(), query.Query{Table: f.Table("task"), Where: eq(values{"regardingobjectid": about["regardingobjectid"]}), Limit: 10})
	if err == nil || !strings.Contains(err.Error(), "examine") {
		t.Errorf("%v after %+v, want a refusal after %d rows", err, f.Probe.Counts(), 1000)
	}
}

var reviewNext int

func reviewPut(t *testing.T, f *fixture, table string, all []values) {
	t.Helper()
	for len(all) > 0 {
		tx := f.Begin("")
		for range min(100, len(all)) {
			tx.Create(f.Table(table), rowstest.ID(table, reviewNext), all[0])
			reviewNext++
			all = all[1:]
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

var _ = filter.And

// The due list lacks the rows that are never due, and has those of other tables: it
// serves no list of a table, and no error advises to filter by it.
func TestSelect_DueListServesNoList(t *testing.T) {
	tables, err := reviewTables(t, `[{"name": "due", "serves": "visits that are due", "on": "gsi2", "shards": true, "sort": ["due"]}]`)
	if err != nil {
		t.Fatal(err)
	}
	if n := reviewCount(t, tables, values{"room": schema.Text(rowstest.ID("room", 1))}, values{}); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	if text := (&query.TooBroadError{Table: tables.Table("visit")}).Error(); !strings.Contains(text, "filter by visitid eq <id>, or") {
		t.Errorf("%s", text)
	}
}
