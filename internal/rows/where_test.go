package rows_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"segue/internal/rows"
	"segue/internal/schema"
)

// For each column, and each value that a lead has in it, the rows of a read with a
// condition are those of the read without one for which it holds, in both forms of rows.
func TestReadWhere(t *testing.T) {
	for name, form := range map[string]rows.Form{"compact": rows.Compact, "long": rows.Long} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.Write(form)
			f.Put(t, "lead",
				values{"lastname": schema.Text("a"), "donotphone": schema.Bool(true), "leadqualitycode": schema.Int(1)},
				values{"lastname": schema.Text("b"), "donotphone": schema.Bool(true)},
				values{"lastname": schema.Text("a"), "ownerid": link("systemuser", 1)},
				values{"subject": schema.Text("a")})
			all := list(t, f, nil)
			if len(all) != 4 {
				t.Fatalf("%d rows", len(all))
			}
			told, untold := 0, 0
			for _, column := range f.Table("lead").Columns {
				for _, like := range all {
					want, _ := like.Value(column.Name)
					holds := func(row *rows.Sketch) (bool, error) {
						v, err := row.Value(column.Name)
						return v == want, err
					}
					where := rows.NewWhere(f.Table("lead"), []string{column.Name}, holds)
					if where == nil {
						untold++
						continue
					}
					told++
					var expected, got []string
					for _, row := range all {
						if v, _ := row.Value(column.Name); v == want {
							expected = append(expected, row.ID)
						}
					}
					for _, row := range list(t, f, where) {
						got = append(got, row.ID)
						if !maps.Equal(row.Values(), f.Row(t, row.Ref()).Values()) {
							t.Errorf("%s: lead %s is not whole", column.Name, row.ID)
						}
					}
					if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(expected))) {
						t.Errorf("%s is %v: leads %v, want %v", column.Name, want, got, expected)
					}
				}
			}
			if told < 100 || untold < 4 {
				t.Errorf("%d conditions were told, and %d not", told, untold)
			}
		})
	}
}

// What a condition leaves out is counted, and what it cannot read is broken.
func TestReadWhereCounts(t *testing.T) {
	f := newFixture(t)
	f.Put(t, "lead", values{"lastname": schema.Text("a")}, values{"lastname": schema.Text("b")}, values{"lastname": schema.Text("c")})
	isA := func(row *rows.Sketch) (bool, error) {
		v, err := row.Value("lastname")
		return v == schema.Text("a"), err
	}
	failed := errors.New("it cannot be told")
	fails := func(*rows.Sketch) (bool, error) { return false, failed }
	skipped, size, broken := 0, 0, 0
	for _, p := range rows.ListPartitions(f.Table("lead")) {
		part, err := f.ReadWhere(t.Context(), f.Table("lead"), p, "", 0, rows.NewWhere(f.Table("lead"), []string{"lastname"}, isA))
		if err != nil {
			t.Fatal(err)
		}
		skipped, size = skipped+part.Skipped, size+part.SkippedBytes
		part, err = f.ReadWhere(t.Context(), f.Table("lead"), p, "", 0, rows.NewWhere(f.Table("lead"), []string{"lastname"}, fails))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range part.Broken {
			if broken++; !errors.Is(b.Err, failed) || b.Ref.Table != "lead" {
				t.Errorf("broken: %+v", b)
			}
		}
	}
	if skipped != 2 || size < 200 || broken != 3 {
		t.Errorf("%d rows of %d bytes were left out, want 2; %d are broken, want 3", skipped, size, broken)
	}
}

// list reads all leads.
func list(t *testing.T, f *fixture, where *rows.Where) (all []*rows.Row) {
	t.Helper()
	for _, p := range rows.ListPartitions(f.Table("lead")) {
		part, err := f.ReadWhere(t.Context(), f.Table("lead"), p, "", 0, where)
		if err != nil || len(part.Broken) > 0 || len(part.Keys) != len(part.Rows) {
			t.Fatal(err, part)
		}
		all = append(all, part.Rows...)
	}
	return all
}
