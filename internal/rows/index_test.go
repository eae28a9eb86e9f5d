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
	"segue/internal/store"
)

// visits is a table of which each kind of key part has an index: two uses of
// gsi1 that exclude each other, and one index each on gsi2 and gsi3.
func visits(t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.Load(schema.Files(), fstest.MapFS{"tables/visit.json": {Data: []byte(`{
		"name": "visit", "set": "visits", "label": "Visit", "id": "visitid", "primaryName": "name",
		"states": [{"value": 0, "label": "Planned", "statuses": [{"value": 1, "label": "Planned"}]},
			{"value": 1, "label": "Done", "statuses": [{"value": 2, "label": "Done"}]},
			{"value": 2, "label": "Dropped", "statuses": [{"value": 3, "label": "Dropped"}]}],
		"indexes": [
			{"name": "planned", "serves": "planned visits by date", "on": "gsi1", "partition": ["{table}"], "shards": true, "sort": ["day", "minutes"], "when": {"statecode": 0}},
			{"name": "done", "serves": "visits done at an account", "on": "gsi1", "partition": ["accountid", "kind"], "sort": ["startedon"], "when": {"statecode": 1}},
			{"name": "paid", "serves": "paid visits", "on": "gsi2", "partition": ["paid"], "when": {"kind": 7}},
			{"name": "room", "serves": "visits in a room", "on": "gsi3", "partition": ["roomid"]}],
		"columns": [
			{"name": "name", "label": "Name", "type": "string", "maxLength": 50},
			{"name": "day", "label": "Day", "type": "date"},
			{"name": "minutes", "label": "Minutes", "type": "integer", "min": 0, "max": 1440},
			{"name": "startedon", "label": "Started", "type": "datetime"},
			{"name": "kind", "label": "Kind", "type": "choice", "options": [{"value": 1, "label": "Talk"}, {"value": 7, "label": "Tour"}]},
			{"name": "paid", "label": "Paid", "type": "boolean"},
			{"name": "roomid", "label": "Room", "type": "guid"},
			{"name": "accountid", "label": "Account", "type": "lookup", "targets": [{"table": "account"}]}
		]}`)}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// visitFixture is rows of that schema, and the store below to look into.
func visitFixture(t *testing.T) (*rows.DB, *fixture) {
	t.Helper()
	f := newFixture(t)
	return rows.New(f.Probe, visits(t), clock.Of(rowstest.Clock)), f
}

// later is the same rows a second later, so that a patch has a version of its own.
func later(db *rows.DB, f *fixture) *rows.DB {
	return rows.New(f.Probe, db.Schema(), clock.Of(func() time.Time { return rowstest.Clock().Add(time.Second) }))
}

// indexKeys are the index attributes of a stored row, "attribute=key".
func indexKeys(t *testing.T, f *fixture, ref rows.Ref) []string {
	t.Helper()
	item := rowstest.Stored(t, f.Store, ref)
	if item == nil {
		t.Fatalf("there is no item of %v", ref)
	}
	var keys []string
	for _, x := range rows.Indexes() {
		for _, attribute := range []string{x.PK, x.SK} {
			if v := item[attribute]; v.Kind() != store.Absent {
				keys = append(keys, attribute+"="+v.Text())
			}
		}
	}
	return keys
}

// TestIndexKeys spells the keys out: stored rows depend on them.
func TestIndexKeys(t *testing.T) {
	account, room := rowstest.ID("account", 1), rowstest.ID("room", 1)
	day := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	start := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, test := range []struct {
		name   string
		values values
		want   []string // ID stands for the row's id, N for its shard
	}{
		{"no index column", values{"name": schema.Text("A")}, nil},
		{"a null sort column comes first", values{"statecode": schema.Int(0), "day": schema.Time(day)},
			[]string{"g1pk=planned#visit#N", "g1sk=20260304##ID"}},
		{"shards, date and number", values{"statecode": schema.Int(0), "day": schema.Time(day), "minutes": schema.Int(45)},
			[]string{"g1pk=planned#visit#N", "g1sk=20260304#0045#ID"}},
		{"two partition columns and a time", values{"statecode": schema.Int(1), "accountid": schema.Ref(schema.Lookup{Table: "account", ID: account}), "kind": schema.Int(1), "startedon": schema.Time(start)},
			[]string{"g1pk=done#" + account + "#1", "g1sk=20260304050607#ID"}},
		{"when of another value", values{"statecode": schema.Int(2), "day": schema.Time(day), "minutes": schema.Int(1)}, nil},
		{"a boolean, and no sort column", values{"kind": schema.Int(7), "paid": schema.Bool(false)}, []string{"g2pk=paid#false", "g2sk=ID"}},
		{"without when", values{"roomid": schema.Text(room)}, []string{"g3pk=room#" + room, "g3sk=ID"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			db, f := visitFixture(t)
			tx := db.Begin("")
			row := tx.Create(db.Schema().Table("visit"), rowstest.ID("visit", 1), test.values)
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := indexKeys(t, f, row.Ref())
			for i, key := range got {
				key = strings.ReplaceAll(key, row.ID, "ID")
				if attribute, pk, sharded := strings.Cut(key, "visit#"); sharded && pk != "" {
					key = attribute + "visit#N"
				}
				got[i] = key
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestPatchOfAnIndex: a patch never leaves keys that are not the row's.
func TestPatchOfAnIndex(t *testing.T) {
	day := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	planned := values{"statecode": schema.Int(0), "day": schema.Time(day), "minutes": schema.Int(45), "kind": schema.Int(7), "paid": schema.Bool(true), "roomid": schema.Text(rowstest.ID("room", 1))}
	for _, test := range []struct {
		name    string
		set     values
		when    values
		refused string   // part of the error, "" when the patch is applied
		left    []string // prefixes of the index attributes that stay
	}{
		{"no index column", values{"name": schema.Text("B")}, nil, "", []string{"g1pk", "g1sk", "g2pk", "g2sk", "g3pk", "g3sk"}},
		{"a sort column", values{"minutes": schema.Int(50)}, nil, "minutes is part of the keys of index planned", nil},
		{"a partition column", values{"roomid": schema.Text(rowstest.ID("room", 2))}, nil, "roomid is part of the keys of index room", nil},
		{"a partition column to null", values{"roomid": schema.Null()}, nil, "roomid is part of the keys of index room", nil},
		{"out of every use of gsi1", values{"statecode": schema.Int(2)}, values{"statecode": schema.Int(0)}, "", []string{"g2pk", "g2sk", "g3pk", "g3sk"}},
		{"out of it, in whichever it is", values{"statecode": schema.Int(2)}, nil, "the row would leave gsi1", nil},
		{"out of it, in another", values{"statecode": schema.Int(2)}, values{"statecode": schema.Int(3)}, "the row would leave gsi1", nil},
		{"into another use of gsi1", values{"statecode": schema.Int(1)}, nil, "the row may enter index done", nil},
		{"into the one it is in", values{"statecode": schema.Int(0)}, nil, "the row may enter index planned", nil},
		{"when and partition column at once", values{"kind": schema.Int(1)}, nil, "kind is part of the keys of index done", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			db, f := visitFixture(t)
			visit := db.Schema().Table("visit")
			tx := db.Begin("")
			ref := tx.Create(visit, rowstest.ID("visit", 1), planned).Ref()
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			tx = later(db, f).Begin("")
			tx.Patch(visit, ref.ID, test.set, test.when)
			err := tx.Commit(t.Context())
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Errorf("got %v, want an error with %q", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var left []string
			for _, key := range indexKeys(t, f, ref) {
				attribute, _, _ := strings.Cut(key, "=")
				left = append(left, attribute)
			}
			if d := cmp.Diff(test.left, left); d != "" {
				t.Errorf("index attributes (-want +got):\n%s", d)
			}
		})
	}
}

// A null in a patch clears the column.
func TestPatchClearsAColumn(t *testing.T) {
	db, f := visitFixture(t)
	visit := db.Schema().Table("visit")
	tx := db.Begin("")
	ref := tx.Create(visit, rowstest.ID("visit", 1), values{"name": schema.Text("A"), "statecode": schema.Int(0)}).Ref()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	tx = later(db, f).Begin("")
	tx.Patch(visit, ref.ID, values{"name": schema.Null()}, nil)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := rows.New(f.Probe, db.Schema(), clock.Of(rowstest.Clock)).Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if got := found[0].Text("name"); got != "" {
		t.Errorf("name is %q", got)
	}
}

// Packed keys are spelled out too, and sort as what they stand for.
func TestPackedKeys(t *testing.T) {
	s, err := schema.Load(schema.Files(), fstest.MapFS{"tables/visit.json": {Data: []byte(`{
		"name": "visit", "set": "visits", "label": "Visit", "id": "visitid", "primaryName": "name",
		"indexes": [
			{"name": "room", "serves": "visits in a room", "on": "gsi3", "partition": ["{table}", "roomid"], "shards": true, "sort": ["startedon", "guide"], "packed": true},
			{"name": "guide", "serves": "visits of a guide", "on": "gsi4", "partition": ["guide"], "packed": true}],
		"columns": [
			{"name": "name", "label": "Name", "type": "string", "maxLength": 50},
			{"name": "startedon", "label": "Started", "type": "datetime"},
			{"name": "guide", "label": "Guide", "type": "guid"},
			{"name": "roomid", "label": "Room", "type": "guid"}
		]}`)}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	db := rows.New(f.Probe, s, clock.Of(rowstest.Clock))
	at := func(year int) schema.Value { return schema.Time(time.Date(year, 3, 4, 5, 6, 7, 0, time.UTC)) }
	room, guide := schema.Text(rowstest.ID("room", 1)), schema.Text("00000000-0000-4000-8000-00000000000f")
	put := func(id string, v values) []string {
		t.Helper()
		tx := db.Begin("")
		row := tx.Create(s.Table("visit"), id, v)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		return indexKeys(t, f, row.Ref())
	}
	got := put("ffffffff-ffff-4fff-bfff-ffffffffffff", values{"roomid": room, "guide": guide, "startedon": at(2026)})
	want := []string{"g3pk=room#9brz_iK", "g3sk=-vWDQHz#--------F-1---------2k#zzzzzzzzIzyzzzzzzzzzzk", "g4pk=guide#PgS9P1S", "g4sk=zzzzzzzzIzyzzzzzzzzzzk"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var before string
	for i, v := range []values{
		{"roomid": room}, {"roomid": room, "guide": guide}, {"roomid": room, "startedon": at(1753)}, {"roomid": room, "startedon": at(1970)},
		{"roomid": room, "startedon": at(2026)}, {"roomid": room, "startedon": at(2026), "guide": guide}, {"roomid": room, "startedon": at(9999)},
	} {
		key := put(rowstest.ID("visit", i), v)[1]
		if key <= before {
			t.Errorf("%s comes before %s", key, before)
		}
		before = key
	}
}
