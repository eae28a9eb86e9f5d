package rows_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// given is a DB on the store of the fixture with n given price lists beside m stored ones.
func given(t *testing.T, n, m int) (*fixture, *rows.DB) {
	t.Helper()
	f := newFixture(t)
	all := make([]values, m)
	for i := range all {
		all[i] = values{"name": schema.Text(fmt.Sprint("stored ", i))}
	}
	if m > 0 {
		f.Put(t, "pricelevel", all...)
	}
	db := rows.New(f.Store, f.Schema(), clock.Of(rowstest.Clock))
	for i := range n {
		name := map[string]schema.Value{"name": schema.Text(fmt.Sprint("given ", i))}
		if err := db.Give(rows.Ref{Table: "pricelevel", ID: rowstest.ID("given", i)}, day(), name); err != nil {
			t.Fatal(err)
		}
	}
	return f, db
}

func day() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// Given rows are found by id and in the list of their table, in order and once each,
// whatever the size of the pages and the direction.
func TestGive(t *testing.T) {
	for _, sizes := range [][2]int{{40, 0}, {40, 60}, {1, 60}, {0, 5}} {
		f, db := given(t, sizes[0], sizes[1])
		table := f.Schema().Table("pricelevel")
		for _, limit := range []int{0, 1, 2, 3, 100} {
			for _, descending := range []bool{false, true} {
				total := 0
				for _, p := range rows.ListPartitions(table) {
					if descending {
						p = p.Descending()
					}
					var ids []string
					for after, first := "", true; first || after != ""; first = false {
						part, err := db.Read(t.Context(), table, p, after, limit)
						if err != nil {
							t.Fatal(err)
						}
						for i, row := range part.Rows {
							if part.Keys[i] != row.ID {
								t.Fatalf("key %q of row %s", part.Keys[i], row.ID)
							}
							ids = append(ids, row.ID)
						}
						after = part.Next
					}
					want := slices.Compact(slices.Sorted(slices.Values(ids)))
					if descending {
						slices.Reverse(want)
					}
					if diff := cmp.Diff(want, ids); diff != "" {
						t.Fatalf("limit %d, descending %t (-want +got):\n%s", limit, descending, diff)
					}
					total += len(ids)
				}
				if total != sizes[0]+sizes[1] {
					t.Errorf("%v, limit %d, descending %t: listed %d rows", sizes, limit, descending, total)
				}
			}
		}
	}
}

func TestGive_Get(t *testing.T) {
	f, db := given(t, 3, 2)
	refs := []rows.Ref{{Table: "pricelevel", ID: rowstest.ID("given", 2)}, {Table: "pricelevel", ID: rowstest.ID("missing", 0)}}
	found, err := db.Get(t.Context(), refs...)
	if err != nil || found[0] == nil || found[1] != nil {
		t.Fatalf("%v, %v", found, err)
	}
	row := found[0]
	if row.Text("name") != "given 2" || !row.Time("createdon").Equal(day()) || row.Version != 1 {
		t.Errorf("%v, version %d", row.Values(), row.Version)
	}
	// A change of it ends in a conflict, and does not show in what is read.
	tx := db.Begin("")
	tx.Hold(row)
	row.Set("name", schema.Text("changed"))
	if err := tx.Commit(t.Context()); err == nil {
		t.Error("a given row was written")
	}
	if found, err = db.Get(t.Context(), refs[0]); err != nil || found[0].Text("name") != "given 2" {
		t.Errorf("%v, %v", found, err)
	}
	// A stored row of the same id takes its place.
	tx = f.Begin("")
	tx.Create(f.Schema().Table("pricelevel"), refs[0].ID, map[string]schema.Value{"name": schema.Text("stored")})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, err = db.Get(t.Context(), refs[0]); err != nil || found[0].Text("name") != "stored" {
		t.Errorf("%v, %v", found, err)
	}
	names := 0
	for _, p := range rows.ListPartitions(f.Schema().Table("pricelevel")) {
		part, err := db.Read(t.Context(), f.Schema().Table("pricelevel"), p, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		names += len(part.Rows)
	}
	if names != 5 {
		t.Errorf("%d rows, want 5", names)
	}
}

// A stored row takes the place of a given one also where a condition leaves it out.
func TestGive_ReplacedUnderCondition(t *testing.T) {
	f, db := given(t, 3, 0)
	table := f.Schema().Table("pricelevel")
	tx := f.Begin("")
	tx.Create(table, rowstest.ID("given", 2), map[string]schema.Value{"name": schema.Text("stored")})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"given 1": 1, "given 2": 0, "stored": 1} {
		where := rows.NewWhere(table, []string{"name"}, func(row *rows.Sketch) (bool, error) {
			v, err := row.Value("name")
			return v == schema.Text(name), err
		})
		found := 0
		for _, p := range rows.ListPartitions(table) {
			part, err := db.ReadWhere(t.Context(), table, p, "", 0, where)
			if err != nil || len(part.Broken) > 0 {
				t.Fatal(err, part.Broken)
			}
			found += len(part.Rows)
		}
		if found != want {
			t.Errorf("%d rows are named %q, want %d", found, name, want)
		}
	}
}

func TestGive_Refused(t *testing.T) {
	_, db := given(t, 0, 0)
	for _, ref := range []rows.Ref{{Table: "lead", ID: rowstest.ID("given", 0)}, {Table: "nothing", ID: rowstest.ID("given", 0)}} {
		if err := db.Give(ref, day(), nil); err == nil {
			t.Errorf("%v was given", ref)
		}
	}
	if err := db.Give(rows.Ref{Table: "pricelevel", ID: rowstest.ID("given", 0)}, day(), map[string]schema.Value{"nothing": schema.Int(1)}); err == nil {
		t.Error("a column that is not there was given")
	}
}
