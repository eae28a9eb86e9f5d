package rows_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"segue/internal/rows"
	"segue/internal/schema"
)

// Hooks run once, by key, in their order, after the commit of the try that
// succeeds, and after none that does not.
func TestOnCommit(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
	var ran []string
	var again []bool
	err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
		again = append(again, tx.Again())
		found, err := tx.Load(t.Context(), ref)
		if err != nil {
			return err
		}
		if !tx.Again() { // somebody else is faster
			other := f.Begin("")
			row := f.Row(t, ref)
			other.Hold(row)
			row.Touch()
			if err := other.Commit(t.Context()); err != nil {
				return err
			}
			tx.OnCommit("lost", func(context.Context) error { ran = append(ran, "of a lost try"); return nil })
		}
		found[0].Set("subject", schema.Text("B"))
		for _, name := range []string{"one", "two", "one"} {
			tx.OnCommit(name, func(ctx context.Context) error {
				if got := f.Row(t, ref).Text("subject"); got != "B" {
					t.Errorf("hook %s ran before the commit: the subject is %q", name, got)
				}
				ran = append(ran, name)
				return ctx.Err()
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"one", "two"}; !slices.Equal(ran, want) {
		t.Errorf("hooks ran: %q, want %q", ran, want)
	}
	if want := []bool{false, true}; !slices.Equal(again, want) {
		t.Errorf("Again was %v, want %v", again, want)
	}
}

func TestOnCommit_OfNothingWrittenAndOfFailure(t *testing.T) {
	f := newFixture(t)
	broken := errors.New("broken")
	ran := 0
	count := func(ctx context.Context) error { ran++; return ctx.Err() }
	err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
		tx.OnCommit(1, count)
		tx.OnCommit(2, func(context.Context) error { return broken })
		tx.OnCommit(3, count)
		return nil
	})
	if !errors.Is(err, broken) || ran != 2 {
		t.Errorf("%d hooks ran beside the broken one, error %v; want 2 and %v", ran, err, broken)
	}
	err = f.Do(t.Context(), "", func(tx *rows.Tx) error {
		tx.OnCommit(1, count)
		return broken
	})
	if !errors.Is(err, broken) || ran != 2 {
		t.Errorf("a unit of work that failed ran its hooks: %d, %v", ran-2, err)
	}
}

func TestTx_HeldAndDeleted(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
	tx := f.Begin("")
	if tx.Held(ref) != nil || tx.Deleted(ref) || tx.Schema() != f.Schema() {
		t.Error("a new unit of work holds or deletes a row")
	}
	found, err := tx.Load(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	tx.Delete(found[0])
	if tx.Held(ref) != nil || !tx.Deleted(ref) {
		t.Errorf("holds %v, deletes it: %v", tx.Held(ref), tx.Deleted(ref))
	}
}
