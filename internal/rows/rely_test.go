package rows_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// TestRely: what a commit relies on is as it was loaded, or nothing is written.
func TestRely(t *testing.T) {
	const there, absent = 0, 1
	for _, test := range []struct {
		name   string
		on     int
		theirs func(f *fixture, tx *rows.Tx, ref rows.Ref)
		mine   func(f *fixture, tx *rows.Tx, ref rows.Ref)
		ok     bool
	}{
		{"there, unchanged", there, nil, nil, true},
		{"absent, still", absent, nil, nil, true},
		{"there, changed since", there, func(f *fixture, tx *rows.Tx, ref rows.Ref) {
			tx.Patch(f.Table("lead"), ref.ID, values{"subject": schema.Text("theirs")}, nil)
		}, nil, false},
		{"there, gone since", there, func(f *fixture, tx *rows.Tx, ref rows.Ref) {
			tx.Delete(f.Row(t, ref))
		}, nil, false},
		{"absent, made since", absent, func(f *fixture, tx *rows.Tx, ref rows.Ref) {
			tx.Create(f.Table("lead"), ref.ID, nil)
		}, nil, false},
		{"there, written too", there, nil, func(_ *fixture, tx *rows.Tx, ref rows.Ref) { tx.Held(ref).Touch() }, true},
		{"there, deleted too", there, nil, func(_ *fixture, tx *rows.Tx, ref rows.Ref) { tx.Delete(tx.Held(ref)) }, true},
		{"absent, made too", absent, nil, func(f *fixture, tx *rows.Tx, ref rows.Ref) { tx.Create(f.Table("lead"), ref.ID, nil) }, true},
		{"absent, made and deleted too", absent, nil, func(f *fixture, tx *rows.Tx, ref rows.Ref) {
			tx.Delete(tx.Create(f.Table("lead"), ref.ID, nil))
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.Put(t, "lead", values{"subject": schema.Text("A")})
			ref := rows.Ref{Table: "lead", ID: rowstest.ID("lead", test.on)}
			tx := f.Begin("")
			tx.Rely(ref)
			load(t, tx, ref)
			if test.theirs != nil {
				change(t, f.DB, func(tx *rows.Tx) error { test.theirs(f, tx, ref); return nil })
			}
			if test.mine != nil {
				test.mine(f, tx, ref)
			}
			other := tx.Create(f.Table("lead"), rowstest.ID("lead", 9), nil).Ref()
			f.Probe.Reset()
			err := tx.Commit(t.Context())
			if n := f.Probe.Counts().Ops; n != 2 {
				t.Errorf("%d items in the commit, want 2", n)
			}
			if conflict, ok := errors.AsType[*rows.ConflictError](err); test.ok != (err == nil) || ok && (conflict.Ref != ref || conflict.New) {
				t.Errorf("got %v", err)
			}
			if found, err := f.Get(t.Context(), other); err != nil || test.ok != (found[0] != nil) {
				t.Errorf("the other row: %v, %v", found[0], err)
			}
		})
	}
}

func TestRelyOnWhatWasNotLoaded(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{})[0]
	for name, also := range map[string]func(tx *rows.Tx){
		"nothing":         func(*rows.Tx) {},
		"a patch of it":   func(tx *rows.Tx) { tx.Patch(f.Table("lead"), ref.ID, values{"subject": schema.Text("B")}, nil) },
		"a replacement":   func(tx *rows.Tx) { tx.Replace(f.Table("lead"), ref.ID, nil) },
		"loaded replaced": func(tx *rows.Tx) { load(t, tx, ref); tx.Replace(f.Table("lead"), ref.ID, nil) },
	} {
		tx := f.Begin("")
		tx.Rely(ref)
		tx.Create(f.Table("lead"), rowstest.ID("lead", 9), nil)
		also(tx)
		if err := tx.Commit(t.Context()); err == nil {
			t.Errorf("with %s: it was committed", name)
		}
	}
}

// TestRelyAloneWritesNothing: what is not decided needs no condition.
func TestRelyAloneWritesNothing(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{})[0]
	tx := f.Begin("")
	tx.Rely(ref)
	load(t, tx, ref)
	f.Probe.Reset()
	if err := tx.Commit(t.Context()); err != nil || f.Probe.Counts().Ops != 0 {
		t.Errorf("%d operations, %v", f.Probe.Counts().Ops, err)
	}
}

// TestLoadedAbsentThenThere: a unit of work does not decide on two states of a row.
func TestLoadedAbsentThenThere(t *testing.T) {
	f := newFixture(t)
	tx := f.Begin("")
	if row := load(t, tx, rows.Ref{Table: "lead", ID: rowstest.ID("lead", 0)}); row != nil {
		t.Fatal("there is a row")
	}
	ref := f.Put(t, "lead", values{})[0]
	if _, err := tx.Load(t.Context(), ref); errors.As(err, new(*rows.ConflictError)) == false {
		t.Errorf("got %v, want a conflict", err)
	}
}

func TestReplace(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A"), "lastname": schema.Text("goes")})[0]
	before := f.Row(t, ref)
	tx := f.Begin("")
	tx.Replace(f.Table("lead"), ref.ID, values{"subject": schema.Text("lost")})
	tx.Replace(f.Table("lead"), ref.ID, values{"subject": schema.Text("B")})
	change(t, f.DB, func(other *rows.Tx) error { load(t, other, ref).Touch(); return nil })
	f.Probe.Reset()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := f.Probe.Counts().Ops; n != 1 {
		t.Errorf("%d items in the commit, want 1", n)
	}
	after := f.Row(t, ref)
	want := values{"subject": schema.Text("B"), rows.CreatedOn: schema.Time(f.Now()), rows.ModifiedOn: schema.Time(f.Now())}
	if d := cmp.Diff(want, after.Values()); d != "" || after.Version-before.Version < 2 && after.Version >= before.Version {
		t.Errorf("version %d, was %d (-want +got):\n%s", after.Version, before.Version, d)
	}
}

// TestReplaceContradicts: what a unit of work decided on a row must not be lost in
// silence.
func TestReplaceContradicts(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{})[0]
	lead := f.Table("lead")
	for name, also := range map[string]func(tx *rows.Tx){
		"changed": func(tx *rows.Tx) { load(t, tx, ref).Touch() },
		"deleted": func(tx *rows.Tx) { tx.Delete(load(t, tx, ref)) },
		"patched": func(tx *rows.Tx) { tx.Patch(lead, ref.ID, values{"subject": schema.Text("B")}, nil) },
		"created": func(tx *rows.Tx) { tx.Create(lead, ref.ID, nil) },
	} {
		tx := f.Begin("")
		also(tx)
		tx.Replace(lead, ref.ID, nil)
		if err := tx.Commit(t.Context()); !errors.As(err, new(*rows.ContradictionError)) {
			t.Errorf("%s: got %v, want a contradiction", name, err)
		}
	}
	tx := f.Begin("")
	load(t, tx, ref) // to have seen it is no contradiction
	tx.Replace(lead, ref.ID, nil)
	if err := tx.Commit(t.Context()); err != nil {
		t.Errorf("loaded: %v", err)
	}
}

// TestSixteenReplaceOneRow: transactions that name one item cancel each other on
// DynamoDB, but none of them needs the others' result, so all of them succeed.
func TestSixteenReplaceOneRow(t *testing.T) {
	onBothStores(t, func(t *testing.T, db *rows.DB, lead *schema.Table) {
		refs := make([]rows.Ref, 16)
		atOnce(t, len(refs), func(n int) error {
			tx := db.Begin("")
			refs[n] = tx.Create(lead, rowstest.ID("lead", n), nil).Ref()
			tx.Replace(lead, rowstest.ID("generation", 0), values{"numberofemployees": schema.Int(int64(n))})
			return tx.Commit(t.Context()) // no second try of the whole unit of work
		})
		found, err := db.Get(t.Context(), append(refs, rows.Ref{Table: "lead", ID: rowstest.ID("generation", 0)})...)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range found {
			if row == nil {
				t.Errorf("row %d is missing", i)
			}
		}
	})
}
