package rows_test

import (
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/store"
)

// A program from before clears a column of a compact row that it has written itself before.
func TestAttackOldProgramClears(t *testing.T) {
	f := newFixture(t)
	before := rows.New(f.Store, plainSchema(t), clock.Of(rowstest.Clock))
	ref := f.Put(t, "msdyn_sequencetarget", values{"msdyn_name": schema.Text("x"), "msdyn_currentstepname": schema.Text("first")})[0]
	for _, v := range []schema.Value{schema.Text("second"), schema.Null()} {
		if err := before.Do(t.Context(), "", func(tx *rows.Tx) error { load(t, tx, ref).Set("msdyn_currentstepname", v); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.DB.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Text("msdyn_currentstepname") != "" {
		t.Errorf("cleared by the old program, and read as %q", got[0].Text("msdyn_currentstepname"))
	}
}

// A program from before writes a compact row: the key of an index sorted by createdon.
func TestAttackOldProgramIndexKey(t *testing.T) {
	f := newFixture(t)
	before := rows.New(f.Store, plainSchema(t), clock.Of(rowstest.Clock))
	ref := f.Put(t, "msdyn_sequencetarget", values{"msdyn_name": schema.Text("x"), "msdyn_target": link("lead", 1)})[0]
	want := rowstest.Stored(t, f.Store, ref)["g1sk"]
	if err := before.Do(t.Context(), "", func(tx *rows.Tx) error { load(t, tx, ref).Set("statuscode", schema.Int(3)); return nil }); err != nil {
		t.Fatal(err)
	}
	item := rowstest.Stored(t, f.Store, ref)
	if item["g1sk"] != want {
		t.Errorf("key of index record was %v, is %v", want.Text(), item["g1sk"].Text())
	}
}

// Reindex says that it changes no column.
func TestAttackReindexModifiedon(t *testing.T) {
	f := newFixture(t)
	lead := f.Put(t, "lead", values{"statecode": schema.Int(0), "segue_connected": schema.Bool(false)})[0]
	was := rowstest.Stored(t, f.Store, lead)
	spoiled := rowstest.Stored(t, f.Store, lead)
	delete(spoiled, "g1pk")
	delete(spoiled, "g1sk")
	if err := f.Store.Write(t.Context(), store.Put(spoiled, store.Exists(store.PK))); err != nil {
		t.Fatal(err)
	}
	later := rows.New(f.Store, f.Schema(), clock.Of(func() time.Time { return rowstest.Clock().Add(48 * time.Hour) }))
	if err := later.Do(t.Context(), "", func(tx *rows.Tx) error { load(t, tx, lead).Reindex(); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := rowstest.Stored(t, f.Store, lead); got["Mo"] != was["Mo"] {
		t.Errorf("modifiedon was %v, is %v", was["Mo"].Text(), got["Mo"].Text())
	}
}
