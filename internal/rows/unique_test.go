package rows_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
	"segue/internal/storetest"
)

// partitions returns the partitions of a table's rows.
func partitions(table string) (list []string) {
	for shard := range schema.Shards {
		list = append(list, fmt.Sprintf("%s#%d", table, shard))
	}
	return list
}

// account names the account number n, which has an alternate key.
func account(n int) rows.Ref { return rows.Ref{Table: "account", ID: rowstest.ID("account", n)} }

// number is the alternate key of an account.
func (f *fixture) number(text string) rows.KeyRef {
	return rows.KeyRef{Table: "account", Key: f.Table("account").Keys[0], Values: values{"accountnumber": schema.Text(text)}}
}

// has checks which account has a number, -1 for none.
func (f *fixture) has(t *testing.T, text string, want int) {
	t.Helper()
	ref, ok, err := f.FindKey(t.Context(), f.number(text))
	if err != nil || ok != (want >= 0) || ok && ref != account(want) {
		t.Errorf("%q is that of %v, %v, error %v; want %d", text, ref, ok, err, want)
	}
}

// setNumber changes the number of an account, "" for none.
func (f *fixture) setNumber(t *testing.T, tx *rows.Tx, n int, text string) {
	t.Helper()
	row := load(t, tx, account(n))
	v := schema.Null()
	if text != "" {
		v = schema.Text(text)
	}
	row.Set("accountnumber", v)
}

// create makes accounts with numbers, the first with the number 0.
func (f *fixture) create(tx *rows.Tx, from int, numbers ...string) {
	for i, text := range numbers {
		given := values{"name": schema.Text("A")}
		if text != "" {
			given["accountnumber"] = schema.Text(text)
		}
		tx.Create(f.Table("account"), account(from+i).ID, given)
	}
}

// TestUnique: no two rows have the values of an alternate key, whatever one commit does with
// them.
func TestUnique(t *testing.T) {
	remove := func(tx *rows.Tx, n int) { tx.Delete(load(t, tx, account(n))) }
	for _, test := range []struct {
		name string
		do   func(f *fixture, tx *rows.Tx) // accounts 0 and 1 have
		dup  int                           // the account that is refused, -1 for none
		want map[string]int
	}{
		{"another number", func(f *fixture, tx *rows.Tx) { f.create(tx, 2, "A-2") }, -1, map[string]int{"A-0": 0, "A-2": 2}},
		{"no number, twice", func(f *fixture, tx *rows.Tx) { f.create(tx, 2, "", "") }, -1, map[string]int{"A-0": 0}},
		{"a number that is taken", func(f *fixture, tx *rows.Tx) { f.create(tx, 2, "A-0") }, 2, map[string]int{"A-0": 0}},
		{"in another case, with a blank", func(f *fixture, tx *rows.Tx) { f.create(tx, 2, "a-0 ") }, 2, map[string]int{"A-0": 0}},
		{"one number twice in a commit", func(f *fixture, tx *rows.Tx) { f.create(tx, 2, "A-2", "a-2") }, 3, map[string]int{"A-2": -1}},
		{"changed to one that is taken", func(f *fixture, tx *rows.Tx) { f.setNumber(t, tx, 0, "A-1") }, 0, map[string]int{"A-0": 0, "A-1": 1}},
		{"changed to a free one", func(f *fixture, tx *rows.Tx) { f.setNumber(t, tx, 0, "B") }, -1, map[string]int{"A-0": -1, "B": 0}},
		{"changed in its case alone", func(f *fixture, tx *rows.Tx) { f.setNumber(t, tx, 0, "a-0") }, -1, map[string]int{"A-0": 0}},
		{"cleared", func(f *fixture, tx *rows.Tx) { f.setNumber(t, tx, 0, "") }, -1, map[string]int{"A-0": -1}},
		{"deleted", func(_ *fixture, tx *rows.Tx) { remove(tx, 0) }, -1, map[string]int{"A-0": -1, "A-1": 1}},
		{"exchanged", func(f *fixture, tx *rows.Tx) { f.setNumber(t, tx, 0, "A-1"); f.setNumber(t, tx, 1, "A-0") }, -1, map[string]int{"A-0": 1, "A-1": 0}},
		{"handed on", func(f *fixture, tx *rows.Tx) { f.setNumber(t, tx, 0, "A-1"); f.setNumber(t, tx, 1, "") }, -1, map[string]int{"A-0": -1, "A-1": 0}},
		{"of a row that goes", func(f *fixture, tx *rows.Tx) { remove(tx, 0); f.create(tx, 2, "A-0") }, -1, map[string]int{"A-0": 2}},
		{"made and deleted", func(f *fixture, tx *rows.Tx) { f.create(tx, 2, "A-2"); remove(tx, 2) }, -1, map[string]int{"A-2": -1}},
		{"something else changed", func(_ *fixture, tx *rows.Tx) { load(t, tx, account(0)).Set("name", schema.Text("B")) }, -1, map[string]int{"A-0": 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			change(t, f.DB, func(tx *rows.Tx) error { f.create(tx, 0, "A-0", "A-1"); return nil })
			tries := 0
			err := f.Do(t.Context(), "", func(tx *rows.Tx) error { tries++; test.do(f, tx); return nil })
			dup, refused := errors.AsType[*rows.DuplicateKeyError](err)
			switch {
			case test.dup < 0 && err != nil:
				t.Fatal(err)
			case test.dup >= 0 && (!refused || dup.Ref != account(test.dup)):
				t.Fatalf("error %v, want that of account %d", err, test.dup)
			case refused && tries != 2:
				t.Errorf("%d tries", tries)
			}
			for text, n := range test.want {
				f.has(t, text, n)
			}
		})
	}
}

// TestUniqueItems: a key costs one item where it is taken, given up or handed on, and nothing
// where it stays.
func TestUniqueItems(t *testing.T) {
	for _, test := range []struct {
		name      string
		do        func(f *fixture, tx *rows.Tx)
		ops, gets int
	}{
		{"a row without a number", func(f *fixture, tx *rows.Tx) { f.create(tx, 2, "") }, 1, 0},
		{"a row with a number", func(f *fixture, tx *rows.Tx) { f.create(tx, 2, "A-2") }, 2, 0},
		{"something else changed", func(_ *fixture, tx *rows.Tx) { load(t, tx, account(0)).Set("name", schema.Text("B")) }, 1, 1},
		{"another number", func(f *fixture, tx *rows.Tx) { f.setNumber(t, tx, 0, "B") }, 3, 2},
		{"deleted", func(_ *fixture, tx *rows.Tx) { tx.Delete(load(t, tx, account(0))) }, 2, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			change(t, f.DB, func(tx *rows.Tx) error { f.create(tx, 0, "A-0"); return nil })
			f.Probe.Reset()
			change(t, f.DB, func(tx *rows.Tx) error { test.do(f, tx); return nil })
			if n := f.Probe.Counts(); n.Ops != test.ops || n.Gets != test.gets {
				t.Errorf("%d items in %d reads, want %d in %d", n.Ops, n.Gets, test.ops, test.gets)
			}
		})
	}
}

// TestUniqueRace: of many that take one number at a time, one has it.
func TestUniqueRace(t *testing.T) {
	f := newFixture(t)
	const all = 16
	var done atomic.Int64
	var wait sync.WaitGroup
	for n := range all {
		wait.Go(func() {
			err := f.Do(t.Context(), "", func(tx *rows.Tx) error { f.create(tx, n, "A"); return nil })
			if err == nil {
				done.Add(1)
			} else if _, dup := errors.AsType[*rows.DuplicateKeyError](err); !dup {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if done.Load() != 1 {
		t.Errorf("%d accounts have the number", done.Load())
	}
	if _, ok, err := f.FindKey(t.Context(), f.number("A")); !ok || err != nil {
		t.Errorf("the number is nobody's: %v", err)
	}
}

// TestFindKey: a unit of work finds a row by its key as the unit stands.
func TestFindKey(t *testing.T) {
	f := newFixture(t)
	change(t, f.DB, func(tx *rows.Tx) error { f.create(tx, 0, "A-0", "A-1", "A-2"); return nil })
	tx := f.Begin("")
	f.create(tx, 3, "new")
	f.setNumber(t, tx, 0, "changed")
	tx.Delete(load(t, tx, account(1)))
	for text, want := range map[string]int{"new": 3, "changed": 0, "A-0": -1, "A-1": -1, "A-2": 2, "other": -1} {
		row, err := tx.FindKey(t.Context(), f.number(text))
		if err != nil || (row != nil) != (want >= 0) || row != nil && row.Ref() != account(want) {
			t.Errorf("%q: %v, %v; want %d", text, row, err, want)
		}
	}
}

// TestClaim: a row that was written before its key was declared gets it, unless another has
// taken it meanwhile; without it the row is not found, and gives up nothing.
func TestClaim(t *testing.T) {
	f := newFixture(t)
	older := func(n int) { // as a program writes it that knows no keys
		t.Helper()
		change(t, f.DB, func(tx *rows.Tx) error { f.create(tx, n, fmt.Sprintf("A-%d", n)); return nil })
		id := ""
		for _, item := range storetest.Items(t, f.Store, partitions(name.UniqueKey)...) {
			if item[name.SegueRow].Text() == account(n).ID {
				id = item.Key().PK + "/" + item.Key().SK
				if err := f.Store.Write(t.Context(), store.Delete(item.Key(), store.Condition{})); err != nil {
					t.Fatal(err)
				}
			}
		}
		if id == "" {
			t.Fatalf("account %d has no key", n)
		}
	}
	older(0)
	older(1)
	f.has(t, "A-0", -1)
	change(t, f.DB, func(tx *rows.Tx) error { f.create(tx, 2, "A-1"); return nil })
	change(t, f.DB, func(tx *rows.Tx) error { f.setNumber(t, tx, 1, "B"); return nil })
	f.has(t, "A-1", 2)
	f.has(t, "B", 1)
	older(3)
	change(t, f.DB, func(tx *rows.Tx) error { f.create(tx, 4, "A-3"); return nil })
	claim := func(n int) error {
		return f.Do(t.Context(), "", func(tx *rows.Tx) error { tx.Claim(load(t, tx, account(n))); return nil })
	}
	for range 2 { // the second finds nothing to do
		if err := claim(0); err != nil {
			t.Fatal(err)
		}
		f.has(t, "A-0", 0)
	}
	if _, dup := errors.AsType[*rows.DuplicateKeyError](claim(3)); !dup {
		t.Error("a number that another has taken meanwhile was claimed")
	}
}

// TestKeyIsNotPatched: what gives up a key must be known.
func TestKeyIsNotPatched(t *testing.T) {
	f := newFixture(t)
	change(t, f.DB, func(tx *rows.Tx) error { f.create(tx, 0, "A-0"); return nil })
	tx := f.Begin("")
	tx.Patch(f.Table("account"), account(0).ID, values{"accountnumber": schema.Text("B")}, nil)
	if err := tx.Commit(t.Context()); err == nil {
		t.Error("a key was patched")
	}
	f.has(t, "A-0", 0)
}
