package rows_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/store"
)

// plant gives a stored row attributes, as another version of the program does.
func plant(t testing.TB, f *fixture, ref rows.Ref, attributes store.Item) {
	t.Helper()
	if len(attributes) == 0 {
		return
	}
	if err := f.Store.Write(t.Context(), store.Update(rowstest.Stored(t, f.Store, ref).Key(), attributes, nil, store.Exists(store.PK))); err != nil {
		t.Fatal(err)
	}
}

// foreign draws attributes that no table declares, of every kind, and keys of uses of
// the secondary indexes that are not of the row's table.
func foreign(t *rapid.T, free []string) store.Item {
	values := rapid.SampledFrom([]store.Value{
		store.S("x"), store.S(""), store.Int(7), store.N("-0.5"), store.B(true), store.Nil(),
		other(`{"L":[{"S":"a"},{"N":"1"}]}`), other(`{"M":{"k":{"NULL":true}}}`),
		other(`{"SS":["a","b"]}`), other(`{"NS":["1","2"]}`), other(`{"B":"AAEC"}`), other(`{"BS":["AQ=="]}`),
	})
	attributes := store.Item{}
	for _, name := range rapid.SliceOfDistinct(rapid.StringMatching(`new_[a-z]{1,8}|g[5-9]pk`), rapid.ID).Draw(t, "names") {
		attributes[name] = values.Draw(t, name)
	}
	for _, on := range free {
		if rapid.Bool().Draw(t, on) {
			attributes[on+"pk"] = store.S("later#" + rapid.StringMatching(`[a-z]{0,5}`).Draw(t, "partition"))
			attributes[on+"sk"] = store.S(rapid.StringMatching(`[0-9]{1,5}`).Draw(t, "sort"))
		}
	}
	return attributes
}

func other(text string) store.Value {
	v, err := store.ParseJSON([]byte(text))
	if err != nil {
		panic(err)
	}
	return v
}

// TestWhatIsNotKnownSurvives: every kind of write keeps what another version of the
// program has put into a row.
func TestWhatIsNotKnownSurvives(t *testing.T) {
	db, f := visitFixture(t)
	visit := db.Schema().Table("visit")
	planned := values{"statecode": schema.Int(0), "day": schema.Time(rowstest.Clock().Truncate(24 * time.Hour)), "minutes": schema.Int(45)}
	writes := map[string]func(tx *rows.Tx, ref rows.Ref){
		"touch":  func(tx *rows.Tx, ref rows.Ref) { load(t, tx, ref).Touch() },
		"set":    func(tx *rows.Tx, ref rows.Ref) { load(t, tx, ref).Set("name", schema.Text("B")) },
		"clear":  func(tx *rows.Tx, ref rows.Ref) { load(t, tx, ref).Set("name", schema.Null()) },
		"sort":   func(tx *rows.Tx, ref rows.Ref) { load(t, tx, ref).Set("minutes", schema.Int(3)) },
		"drop":   func(tx *rows.Tx, ref rows.Ref) { load(t, tx, ref).Set("statecode", schema.Int(2)) },
		"plan":   func(tx *rows.Tx, ref rows.Ref) { load(t, tx, ref).Set("statecode", schema.Int(0)) },
		"patch":  func(tx *rows.Tx, ref rows.Ref) { tx.Patch(visit, ref.ID, values{"name": schema.Text("C")}, nil) },
		"unname": func(tx *rows.Tx, ref rows.Ref) { tx.Patch(visit, ref.ID, values{"name": schema.Null()}, nil) },
		"patch, load": func(tx *rows.Tx, ref rows.Ref) {
			tx.Patch(visit, ref.ID, values{"name": schema.Text("D")}, nil)
			load(t, tx, ref)
		},
		"image": func(tx *rows.Tx, ref rows.Ref) { // a write that a change causes
			change, err := db.Change(store.Change{Key: rowstest.Stored(t, f.Store, ref).Key(), New: rowstest.Stored(t, f.Store, ref)})
			if err != nil {
				t.Fatal(err)
			}
			row, err := change.New.Row()
			if err != nil {
				t.Fatal(err)
			}
			tx.Hold(row)
			row.Touch()
		},
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		tx := db.Begin("")
		ref := tx.Create(visit, rowstest.ID("visit", n), planned).Ref()
		if err := tx.Commit(t.Context()); err != nil {
			rt.Fatal(err)
		}
		want := foreign(rt, []string{"g2", "g3", "g4"}) // its own index is on gsi1
		plant(t, f, ref, want)
		for range rapid.IntRange(1, 4).Draw(rt, "writes") {
			name := rapid.SampledFrom(slices.Sorted(maps.Keys(writes))).Draw(rt, "write")
			if err := db.Do(t.Context(), "", func(tx *rows.Tx) error { writes[name](tx, ref); return nil }); err != nil {
				rt.Fatalf("%s: %v", name, err)
			}
			item := rowstest.Stored(t, f.Store, ref)
			got := store.Item{}
			for attr := range want {
				if v, ok := item[attr]; ok {
					got[attr] = v
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				rt.Fatalf("after %s (-want +got):\n%s", name, d)
			}
			_, in := item["g1pk"]
			if planned := item["statecode"] == store.Int(0); in != planned {
				rt.Fatalf("after %s: the row is in its own index: %v, planned: %v", name, in, planned)
			}
		}
		if err := db.Do(t.Context(), "", func(tx *rows.Tx) error { tx.Delete(load(t, tx, ref)); return nil }); err != nil {
			rt.Fatal(err)
		}
		if err := db.Do(t.Context(), "", func(tx *rows.Tx) error { tx.Create(visit, ref.ID, nil); return nil }); err != nil {
			rt.Fatal(err)
		}
		for attr := range rowstest.Stored(t, f.Store, ref) {
			if _, ok := want[attr]; ok {
				rt.Fatalf("the next life of the row has %s of the one before", attr)
			}
		}
	})
}

// TestKeysOfAnotherUse: on a secondary index that the table uses too, its own use comes
// first, and it takes away no key but its own.
func TestKeysOfAnotherUse(t *testing.T) {
	const foreign, own = "later#x", "planned#visit#"
	for _, test := range []struct {
		name string
		set  values
		want string // prefix of g1pk
	}{
		{"no use of the table", values{"name": schema.Text("B")}, foreign},
		{"still none", values{"statecode": schema.Int(2), "kind": schema.Int(1)}, foreign},
		{"into a use of the table", values{"statecode": schema.Int(0)}, own},
	} {
		t.Run(test.name, func(t *testing.T) {
			db, f := visitFixture(t)
			var ref rows.Ref
			change(t, db, func(tx *rows.Tx) error {
				ref = tx.Create(db.Schema().Table("visit"), rowstest.ID("visit", 1), values{"statecode": schema.Int(1)}).Ref()
				return nil
			})
			plant(t, f, ref, store.Item{"g1pk": store.S(foreign), "g1sk": store.S("1")})
			change(t, db, func(tx *rows.Tx) error { load(t, tx, ref).SetAll(test.set); return nil })
			if got := rowstest.Stored(t, f.Store, ref)["g1pk"].Text(); !strings.HasPrefix(got, test.want) {
				t.Errorf("the key is %q, want %q", got, test.want)
			}
		})
	}
}

// TestUnknownTables: rows of a table that only another version knows are told from
// mistakes, and do not disturb the lists that they share an index with.
func TestUnknownTables(t *testing.T) {
	f := newFixture(t)
	record := rowstest.ID("lead", 0)
	task := f.Put(t, "task", values{"subject": schema.Text("A"), "regardingobjectid": schema.Ref(schema.Lookup{Table: "lead", ID: record})})[0]
	mine := rowstest.Stored(t, f.Store, task)
	theirs := store.Item{
		store.PK: store.S("appointment#3"), store.SK: store.S("b"), rows.Version: store.Int(1),
		"g1pk": mine["g1pk"], "g1sk": store.S("0"),
	}
	if err := f.Store.Write(t.Context(), store.Put(theirs, store.NotThere(store.PK))); err != nil {
		t.Fatal(err)
	}
	_, err := f.Change(store.Change{Kind: store.Insert, Key: theirs.Key(), New: theirs})
	if unknown, ok := errors.AsType[*rows.UnknownTableError](err); !ok || unknown.Table != "appointment" {
		t.Errorf("got %v, want an unknown table", err)
	}
	table := f.Table("task")
	for _, x := range table.Indexes {
		partitions, ok := rows.IndexPartitions(table, x, values{"regardingobjectid": schema.Ref(schema.Lookup{Table: "lead", ID: record})})
		if !ok {
			continue
		}
		part, err := f.Read(t.Context(), table, partitions[0], "", 0)
		if err != nil || len(part.Rows) != 1 || part.Rows[0].ID != task.ID || part.Keys[0] != mine["g1sk"].Text() || part.Seen != 2 {
			t.Errorf("read %+v, %v", part, err)
		}
		return
	}
	t.Error("tasks have no index by the row that they are about")
}

// TestForeignKindIsNotRead: a value that this program does not write in a column is
// not taken for another value.
func TestForeignKindIsNotRead(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
	for column, v := range map[string]store.Value{
		"subject": other(`{"L":[]}`), "donotemail": store.S("true"), "numberofemployees": store.S("7"), "revenue": store.S("1.5"),
		"createdon": store.Int(5), "ownerid": other(`{"SS":["a"]}`),
	} {
		before := rowstest.Stored(t, f.Store, ref)
		plant(t, f, ref, store.Item{column: v})
		if _, err := f.Get(t.Context(), ref); err == nil || !strings.Contains(err.Error(), column) {
			t.Errorf("%s of kind %d: got %v, want an error that names the column", column, v.Kind(), err)
		}
		if err := f.Store.Write(t.Context(), store.Put(before, store.Exists(store.PK))); err != nil {
			t.Fatal(err)
		}
	}
	plant(t, f, ref, store.Item{"subject": store.Nil()}) // null is null
	if row := f.Row(t, ref); row.Text("subject") != "" {
		t.Errorf("subject is %q", row.Text("subject"))
	}
}
