package rows_test

import (
	"maps"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/store"
)

// TestReindex: rows whose keys are not those of the schema are written with them, and
// no others are.
func TestReindex(t *testing.T) {
	free := values{"statecode": schema.Int(0), "segue_connected": schema.Bool(false)}
	taken := values{"statecode": schema.Int(0), "segue_connected": schema.Bool(true)}
	old := store.Item{"g1pk": store.S("free#lead#0"), "g1sk": store.S("20260102030405#x")}
	tests := []struct {
		name  string
		row   values
		has   store.Item // keys that another version has left
		lacks []string   // keys that another version has not made
		want  bool
	}{
		{"keys of the schema", free, nil, nil, false},
		{"no keys", taken, nil, nil, false},
		{"an index was added", free, nil, []string{"g1pk", "g1sk"}, true},
		{"an index was changed", free, old, nil, true},
		{"an index was dropped", taken, old, nil, true},
		{"one key is missing", free, nil, []string{"g1sk"}, true},
		{"a use that no table has", free, store.Item{"g3pk": store.S("later#x"), "g3sk": store.S("1")}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			lead := f.Put(t, "lead", tt.row)[0]
			want := rowstest.Stored(t, f.Store, lead)
			plant(t, f, lead, tt.has)
			spoiled := rowstest.Stored(t, f.Store, lead)
			for _, attr := range tt.lacks {
				delete(spoiled, attr)
			}
			if err := f.Store.Write(t.Context(), store.Put(spoiled, store.Exists(store.PK))); err != nil {
				t.Fatal(err)
			}
			stale := false
			err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
				stale = load(t, tx, lead).Reindex()
				return nil
			})
			got := rowstest.Stored(t, f.Store, lead)
			if err != nil || stale != tt.want || (got[rows.Version] != want[rows.Version]) != tt.want {
				t.Errorf("stale is %v, %v, and the version went from %v to %v", stale, err, want[rows.Version], got[rows.Version])
			}
			got[rows.Version] = want[rows.Version]
			if !maps.Equal(got, want) {
				t.Errorf("stored is %v, want %v", got, want)
			}
		})
	}
}

// Nobody has modified a row that is written for its keys.
func TestReindex_LeavesModifiedOn(t *testing.T) {
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
