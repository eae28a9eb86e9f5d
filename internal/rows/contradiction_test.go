package rows_test

import (
	"context"
	"errors"
	"testing"

	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// A patch that only demands, and another of the same row.
func TestPatch_MergesIntoOneThatSetsNothing(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
	tx := later(f.DB, f).Begin("")
	tx.Patch(f.Table("lead"), ref.ID, nil, values{"subject": schema.Text("A")})
	tx.Patch(f.Table("lead"), ref.ID, values{"jobtitle": schema.Text("B")}, nil)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// What contradicts itself is not tried again.
func TestPatch_OfARowThatIsCreatedContradicts(t *testing.T) {
	f := newFixture(t)
	tries := 0
	err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
		tries++
		tx.Patch(f.Table("lead"), rowstest.ID("lead", 0), values{"subject": schema.Text("A")}, nil)
		tx.Create(f.Table("lead"), rowstest.ID("lead", 0), values{"subject": schema.Text("B")})
		return nil
	})
	if _, ok := errors.AsType[*rows.ContradictionError](err); !ok || tries != 1 {
		t.Errorf("after %d tries: %v, want a contradiction at once", tries, err)
	}
}

// A row that is deleted and created in one unit of work is neither lost nor kept in silence.
func TestCreateAfterDelete(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
	tx := f.Begin("")
	found, err := tx.Load(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	tx.Delete(found[0])
	tx.Create(f.Table("lead"), ref.ID, values{"subject": schema.Text("B")})
	err = tx.Commit(t.Context())
	if got := f.Row(t, ref).Text("subject"); err == nil && got != "B" {
		t.Errorf("committed without an error, but the subject is %q", got)
	}
}

// A delete of a row that the unit of work does not hold.
func TestDeleteOfARowReadElsewhere(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
	row := f.Row(t, ref)
	tx := f.Begin("")
	tx.Delete(row)
	err := tx.Commit(t.Context())
	found, _ := f.Get(t.Context(), ref)
	if err == nil && found[0] != nil {
		t.Error("committed without an error, but the row is there")
	}
}

// Every hook runs, for what was committed stays committed.
func TestHooks_AllRunThoughOneFails(t *testing.T) {
	f := newFixture(t)
	ran := 0
	_ = f.Do(t.Context(), "", func(tx *rows.Tx) error {
		tx.OnCommit(1, func(context.Context) error { ran++; return context.Canceled })
		tx.OnCommit(2, func(context.Context) error { ran++; return nil })
		return nil
	})
	if ran != 2 {
		t.Errorf("%d of 2 hooks ran", ran)
	}
}
