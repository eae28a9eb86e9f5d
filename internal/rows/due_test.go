package rows_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// dueTables is the product's schema and two tables in the due list, each by a column
// of its own; an alarm only while it is set.
func dueTables(t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.Load(schema.Files(), fstest.MapFS{
		"tables/alarm.json": {Data: []byte(`{"name": "alarm", "label": "Alarm", "id": "alarmid", "primaryName": "name",
			"indexes": [{"name": "due", "serves": "alarms", "on": "gsi2", "shards": true, "sort": ["rings"], "when": {"set": true}}],
			"columns": [{"name": "name", "label": "Name", "type": "string", "maxLength": 50},
				{"name": "rings", "label": "Rings", "type": "datetime"}, {"name": "set", "label": "Set", "type": "boolean"}]}`)},
		"tables/bill.json": {Data: []byte(`{"name": "bill", "label": "Bill", "id": "billid", "primaryName": "name",
			"indexes": [{"name": "due", "serves": "bills", "on": "gsi2", "shards": true, "sort": ["payby"]}],
			"columns": [{"name": "name", "label": "Name", "type": "string", "maxLength": 50}, {"name": "payby", "label": "Pay by", "type": "datetime"}]}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// dueFixture is rows of these tables: their names, with what is due in seconds from
// the clock's time.
func dueFixture(t *testing.T) *rows.DB {
	t.Helper()
	db := rows.New(newFixture(t).Probe, dueTables(t), clock.Of(rowstest.Clock))
	tx := db.Begin("")
	in := func(seconds int) schema.Value {
		return schema.Time(rowstest.Clock().Truncate(time.Second).Add(time.Duration(seconds) * time.Second))
	}
	for name, row := range map[string]values{
		"alarm -1":      {"rings": in(-1), "set": schema.Bool(true)},
		"alarm 0":       {"rings": in(0), "set": schema.Bool(true)},
		"alarm 1":       {"rings": in(1), "set": schema.Bool(true)},
		"alarm not set": {"rings": in(-5), "set": schema.Bool(false)},
		"alarm never":   {"set": schema.Bool(true)},
		"bill -3600":    {"payby": in(-3600)},
		"bill never":    {},
	} {
		table, _, _ := strings.Cut(name, " ")
		row["name"] = schema.Text(name)
		tx.Create(db.Schema().Table(table), rowstest.ID(name, 0), row)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// due is the names of the rows in all shards of the due list, pages of one entry
// after the other, by key.
func due(t *testing.T, db *rows.DB, now time.Time) map[string]string {
	t.Helper()
	names := map[string]string{}
	for shard := range schema.Shards {
		for after := ""; ; {
			entries, next, err := db.ReadDue(t.Context(), shard, now, after, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range entries {
				found, err := db.Get(t.Context(), entry.Ref)
				if err != nil {
					t.Fatal(err)
				}
				names[entry.Key[:len("20060102150405")]] = found[0].Text("name")
			}
			if after = next; next == "" {
				break
			}
		}
	}
	return names
}

// TestDueList: rows of several tables, those whose time has come, in one list.
func TestDueList(t *testing.T) {
	db := dueFixture(t)
	want := map[string]string{"20260102020405": "bill -3600", "20260102030404": "alarm -1", "20260102030405": "alarm 0"}
	if d := cmp.Diff(want, due(t, db, rowstest.Clock())); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	want["20260102030406"] = "alarm 1"
	if d := cmp.Diff(want, due(t, db, rowstest.Clock().Add(time.Second))); d != "" {
		t.Errorf("a second later (-want +got):\n%s", d)
	}
}

// TestRowDue: a row says of itself what the list says of it.
func TestRowDue(t *testing.T) {
	db := dueFixture(t)
	for name, want := range map[string]bool{
		"alarm -1": true, "alarm 0": true, "alarm 1": false, "alarm not set": false, "alarm never": false, "bill -3600": true, "bill never": false,
	} {
		table, _, _ := strings.Cut(name, " ")
		found, err := db.Get(t.Context(), rows.Ref{Table: table, ID: rowstest.ID(name, 0)})
		if err != nil {
			t.Fatal(err)
		}
		if got := found[0].Due(rowstest.Clock()); got != want {
			t.Errorf("%s is due: %v, want %v", name, got, want)
		}
	}
}

// A row leaves the list when its due time is cleared, and moves when that changes.
func TestDueListFollows(t *testing.T) {
	db := dueFixture(t)
	err := db.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), rows.Ref{Table: "alarm", ID: rowstest.ID("alarm -1", 0)}, rows.Ref{Table: "bill", ID: rowstest.ID("bill -3600", 0)})
		if err != nil {
			return err
		}
		found[0].Set("rings", schema.Null())
		found[1].Set("payby", schema.Time(rowstest.Clock().Truncate(time.Second).Add(time.Hour)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"20260102030405": "alarm 0"}
	if d := cmp.Diff(want, due(t, db, rowstest.Clock())); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
