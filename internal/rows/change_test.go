package rows_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/store"
)

// changes are the change records since the last call.
func (f *fixture) changes(t *testing.T) []rows.Change {
	t.Helper()
	var all []rows.Change
	err := f.Store.Drain(t.Context(), "test", func(_ context.Context, batch []store.Change) []store.Failure {
		for _, c := range batch {
			change, err := f.Change(c)
			if err != nil {
				t.Error(err)
			}
			all = append(all, change)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// life makes, changes and deletes a lead and returns its three changes.
func life(t *testing.T, f *fixture, change func(*rows.Row)) (insert, modify, remove rows.Change) {
	t.Helper()
	ref := f.Put(t, "lead", values{"subject": schema.Text("A"), "companyname": schema.Text("C")})[0]
	row := f.Row(t, ref)
	for _, step := range []func(*rows.Tx){
		func(*rows.Tx) { change(row) },
		func(tx *rows.Tx) { tx.Delete(row) },
	} {
		tx := f.Begin("")
		tx.Hold(row)
		step(tx)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all := f.changes(t)
	if len(all) != 3 {
		t.Fatalf("%d changes, want 3", len(all))
	}
	return all[0], all[1], all[2]
}

func TestTouches(t *testing.T) {
	f := newFixture(t)
	insert, modify, remove := life(t, f, func(r *rows.Row) {
		r.Set("subject", schema.Text("B"))
		r.Set("companyname", schema.Null())
		r.Set("jobtitle", schema.Text("J"))
	})
	for _, test := range []struct {
		name    string
		change  rows.Change
		columns []string
		want    bool
	}{
		{"changed", modify, []string{"subject"}, true},
		{"to null", modify, []string{"companyname"}, true},
		{"from null", modify, []string{"jobtitle"}, true},
		{"unchanged", modify, []string{"createdon", "lastname"}, false},
		{"one of several", modify, []string{"lastname", "jobtitle"}, true},
		{"no columns", modify, nil, false},
		{"new row", insert, nil, true},
		{"row that is gone", remove, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.change.Touches(test.columns)
			if got != test.want || err != nil {
				t.Errorf("got %t, %v, want %t", got, err, test.want)
			}
		})
	}
}

// TestReadAhead: what was read ahead is not read again, and what was not is read
// by itself.
func TestReadAhead(t *testing.T) {
	f := rowstest.New(t)
	subjects := func(subject string) *passes {
		item := store.Item{store.PK: store.S("lead#1"), store.SK: store.S(rowstest.ID("lead", 0)), "subject": store.S(subject),
			"lastname": store.S("L"), "statecode": store.Int(1)}
		return &passes{Image: item}
	}
	before, after := subjects("A"), subjects("B")
	change, err := f.Change(store.Change{Kind: store.Modify, Key: store.Key{PK: "lead#1", SK: rowstest.ID("lead", 0)}, Old: before, New: after})
	if err != nil {
		t.Fatal(err)
	}
	columns := []string{"subject", "lastname", "statecode", "subject", "colour"}
	if err := change.Read(rows.NewReading(f.Table("lead"), columns...)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		columns []string
		want    bool
	}{{columns, true}, {columns[:2], true}, {columns[1:3], false}, {columns[3:], true}, {[]string{"lastname"}, false}, {nil, false}} {
		if got, err := change.Touches(test.columns); got != test.want || err != nil {
			t.Errorf("touches %q: got %t, %v, want %t", test.columns, got, err, test.want)
		}
	}
	for column, want := range map[string]schema.Value{"statecode": schema.Int(1), "subject": schema.Text("B"), "lastname": schema.Text("L"), "leadid": schema.Text(rowstest.ID("lead", 0))} {
		for range 2 {
			if got, err := change.New.Value(column); got != want || err != nil {
				t.Errorf("%s: got %v, %v, want %v", column, got, err, want)
			}
		}
	}
	if before.n != 1 || after.n != 1 {
		t.Errorf("%d passes over the old image and %d over the new one, want 1 each", before.n, after.n)
	}
	for range 2 {
		if got, err := change.New.Value("companyname"); !got.IsNull() || err != nil {
			t.Errorf("companyname: got %v, %v", got, err)
		}
	}
	if touched, err := change.Touches([]string{"jobtitle", "companyname"}); touched || err != nil {
		t.Errorf("touches others: got %t, %v", touched, err)
	}
	if before.n != 3 || after.n != 3 { // each of the two columns by itself
		t.Errorf("then %d passes over the old image and %d over the new one, want 3 each", before.n, after.n)
	}
	change.Forget()
	if got, err := change.New.Value("subject"); got != schema.Text("B") || err != nil {
		t.Errorf("subject after it was forgotten: got %v, %v", got, err)
	}
	if before.n != 3 || after.n != 4 {
		t.Errorf("then %d passes over the old image and %d over the new one, want 3 and 4", before.n, after.n)
	}
}

// passes counts the passes over an image.
type passes struct {
	store.Image
	n int
}

func (p *passes) Values(names *store.Names, into []store.Value) error {
	p.n++
	return p.Image.Values(names, into)
}

func TestChangeImages(t *testing.T) {
	f := newFixture(t)
	insert, modify, remove := life(t, f, func(r *rows.Row) { r.Set("subject", schema.Text("B")) })
	type seen struct {
		Kind     store.ChangeKind
		Old, New string // subject
	}
	var got []seen
	for _, c := range []rows.Change{insert, modify, remove} {
		if c.Ref != (rows.Ref{Table: "lead", ID: rowstest.ID("lead", 0)}) || c.Table.Name != "lead" {
			t.Errorf("change of %v", c.Ref)
		}
		s := seen{Kind: c.Kind, Old: "-", New: "-"}
		for text, image := range map[*string]*rows.Image{&s.Old: c.Old, &s.New: c.New} {
			if image == nil {
				continue
			}
			v, err := image.Value("subject")
			if err != nil {
				t.Error(err)
			}
			*text = v.String()
		}
		got = append(got, s)
	}
	want := []seen{{store.Insert, "-", "A"}, {store.Modify, "A", "B"}, {store.Remove, "B", "-"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for column, want := range map[string]schema.Value{"leadid": schema.Text(rowstest.ID("lead", 0)), "lastname": schema.Null(), "createdon": schema.Time(f.Now())} {
		if v, err := modify.New.Value(column); v != want || err != nil {
			t.Errorf("%s is %v, %v, want %v", column, v, err, want)
		}
	}
	if _, err := modify.New.Value("colour"); err == nil {
		t.Error("read a column that the schema lacks")
	}
}

// TestImageRowIsWrittenOnlyIfNothingCameAfter: docs/decisions/0008, "a write caused
// by a change is conditional on the version in that change".
func TestImageRowIsWrittenOnlyIfNothingCameAfter(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
	commit := func(change rows.Change, subject string) error {
		row, err := change.New.Row()
		if err != nil {
			t.Fatal(err)
		}
		tx := f.Begin("")
		tx.Hold(row)
		row.Set("subject", schema.Text(subject))
		return tx.Commit(t.Context())
	}
	first := f.changes(t)[0]
	if err := commit(first, "B"); err != nil {
		t.Fatal(err)
	}
	if err := commit(first, "C"); err == nil {
		t.Error("an old change overwrote a newer one")
	}
	if got := f.Row(t, ref).Text("subject"); got != "B" {
		t.Errorf("the row is %q, want B", got)
	}
}

func TestChangeOfAnUnknownTableIsAnError(t *testing.T) {
	f := newFixture(t)
	change, err := f.Change(store.Change{Kind: store.Remove, Key: store.Key{PK: "leda#1", SK: "x"}})
	if err == nil {
		t.Error("it was read")
	}
	if change.Ref != (rows.Ref{Table: "leda", ID: "x"}) || change.Kind != store.Remove {
		t.Errorf("the change is of %v, kind %d", change.Ref, change.Kind)
	}
}

func TestPresent(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
	present, err := f.Present(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	row, err := present.New.Row()
	if err != nil {
		t.Fatal(err)
	}
	if present.Kind != store.Insert || present.Old != nil || present.Ref != ref || row.Text("subject") != "A" || row.Version != f.Row(t, ref).Version {
		t.Errorf("present is %+v", present)
	}
	gone := rows.Ref{Table: "lead", ID: rowstest.ID("lead", 9)}
	if absent, err := f.Present(t.Context(), gone); err != nil || absent.Kind != store.Remove || absent.New != nil || absent.Ref != gone {
		t.Errorf("a row that is not there: %+v, %v", absent, err)
	}
	if _, err := f.Present(t.Context(), rows.Ref{Table: "leda", ID: "x"}); err == nil {
		t.Error("a row of an unknown table was read")
	}
}
