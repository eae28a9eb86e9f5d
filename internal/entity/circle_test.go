package entity_test

import (
	"fmt"
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/schematest"
)

// No row may be above itself (docs/domain.md §4): not at once, not over others, and not by
// changes that are made together.
func TestCircles(t *testing.T) {
	w := newWorld(t, boot.Options{})
	account := func(n int) string { return id("account", n) }
	below := func(n, parent int) error {
		return w.TryUpdate("account", account(n), values{"parentaccountid": link("account", account(parent))})
	}
	for n := range 4 {
		w.Create("account", account(n), values{"name": fmt.Sprint(n)})
	}
	for n := range 3 {
		if err := below(n+1, n); err != nil {
			t.Fatal(err)
		}
	}
	for _, parent := range []int{0, 1, 3} {
		w.Refuses(t, sales.Precondition, func() error { return below(0, parent) }, "parentaccountid", account(parent), account(0), "above itself")
	}
	if err := below(3, 1); err != nil {
		t.Errorf("elsewhere in the same tree: %v", err)
	}
	if err := w.TryUpdate("account", account(1), values{"parentaccountid": nil}); err != nil {
		t.Error(err)
	}
	if err := below(0, 3); err != nil {
		t.Errorf("below what was below it: %v", err)
	}
	// In one unit of work each is checked as the others are to be.
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		for _, change := range [][2]int{{3, 2}, {2, 0}} { // 0 is below 3
			ref := rows.Ref{Table: "account", ID: account(change[0])}
			to := schematest.Row(values{"parentaccountid": link("account", account(change[1]))})
			if _, _, err := w.Entities.UpdateIn(t.Context(), tx, manager(), ref, to, entity.If{}); err != nil {
				return err
			}
		}
		return nil
	})
	if refused, ok := err.(*sales.Error); !ok || refused.Kind != sales.Precondition { //nolint:errorlint // it is the error itself
		t.Errorf("two changes together: %v", err)
	}
	// A row that is made again under an id at which others still point.
	w.Remove("account", account(1))
	w.Update("account", account(3), values{"parentaccountid": nil})
	w.Create("account", account(1), values{"name": "again"})
	if err := below(3, 1); err != nil {
		t.Fatal(err)
	}
	w.Remove("account", account(1))
	w.Refuses(t, sales.Precondition, func() error {
		_, err := w.Entities.Create(t.Context(), manager(), "account", account(1), schematest.Row(values{"name": "again", "parentaccountid": link("account", account(3))}))
		return err
	}, "parentaccountid")
}

// A change that leaves the parent as it is reads no row above; a new parent costs a read a
// level, and a hundred of them at most.
func TestCircles_AreBounded(t *testing.T) {
	w := newWorld(t, boot.Options{})
	const deep = 120
	for n := range deep {
		v := values{"name": fmt.Sprint(n)}
		if n > 0 {
			v["parentaccountid"] = link("account", id("account", n-1))
		}
		w.Create("account", id("account", n), v)
	}
	other := w.Create("account", id("account", deep), values{"name": "other"})
	w.Probe.Reset()
	w.Update("account", id("account", 50), values{"name": "Fifty"})
	if n := w.Probe.Counts().Gets; n != 1 {
		t.Errorf("a change of a name reads %d times, want 1", n)
	}
	w.Probe.Reset()
	w.Update("account", other.ID, values{"parentaccountid": link("account", id("account", deep-1))})
	if n := w.Probe.Counts().Gets; n != 101 { // the row, its parent, and 99 above that
		t.Errorf("a new parent reads %d times, want 101", n)
	}
}
