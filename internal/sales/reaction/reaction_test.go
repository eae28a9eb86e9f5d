package reaction_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/reaction"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// noted is a reaction that notes what it was given.
type noted struct {
	prepare error
	follow  func(change rows.Change) error // nil: nothing follows

	mu       sync.Mutex
	prepared [][]string // ids of each batch
	followed []string
}

func (n *noted) Prepare(_ context.Context, batch []rows.Change) (sales.Follow, error) {
	var ids []string
	for _, change := range batch {
		ids = append(ids, change.Ref.ID)
	}
	n.mu.Lock()
	n.prepared = append(n.prepared, ids)
	n.mu.Unlock()
	if n.prepare != nil || n.follow == nil {
		return nil, n.prepare
	}
	return func(_ context.Context, change rows.Change) error {
		n.mu.Lock()
		n.followed = append(n.followed, change.Ref.ID)
		n.mu.Unlock()
		return n.follow(change)
	}, nil
}

func done(rows.Change) error { return nil }

// changes are made of two leads, an account and a lead again: a, b, c, a.
func changes(t *testing.T) (*salestest.World, []store.Change, [3]string) {
	t.Helper()
	w := salestest.New(t, boot.Options{})
	a, b := w.Lead(1, nil), w.Lead(2, nil)
	c := w.Create("account", salestest.ID("account", 1), salestest.Values{"name": "A"})
	w.Update("lead", a.ID, salestest.Values{"subject": "again"})
	batch := w.Fresh()
	if len(batch) != 4 {
		t.Fatalf("%d changes, want 4", len(batch))
	}
	return w, batch, [3]string{a.ID, b.ID, c.ID}
}

func on(subject sales.Subject, kinds ...store.ChangeKind) sales.Interest {
	return sales.Interest{Subject: subject, Kinds: kinds}
}

func TestHandle_GivesEachReactionItsChanges(t *testing.T) {
	w, batch, id := changes(t)
	h := reaction.New(w.DB, "v1")
	leads, records, twice, none := &noted{follow: done}, &noted{follow: done}, &noted{}, &noted{follow: done}
	h.Register("leads", leads, on(sales.OfTable("lead"), store.Modify))
	h.Register("records", records, on(sales.OfTrait(name.RecordTrait), store.Insert))
	h.Register("twice", twice, on(sales.OfTable("account"), store.Insert), on(sales.OfTrait(name.RecordTrait), store.Insert, store.Remove))
	h.Register("none", none, on(sales.OfTable("task"), store.Insert), on(sales.OfTable("lead"), store.Remove))
	if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
		t.Fatal(failures)
	}
	slices.Sort(records.followed)
	inserted := []string{id[0], id[1], id[2]}
	for _, test := range []struct {
		name     string
		reaction *noted
		prepared []string // in the only batch; nil: never
		followed []string
	}{
		{"changed leads", leads, []string{id[0]}, []string{id[0]}},
		{"new records", records, inserted, slices.Sorted(slices.Values(inserted))},
		{"by two interests, nothing follows", twice, inserted, nil},
		{"of nothing in the batch", none, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want [][]string
			if test.prepared != nil {
				want = [][]string{test.prepared}
			}
			if got := test.reaction.prepared; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("prepared %v, want %v", got, want)
			}
			if got := test.reaction.followed; !slices.Equal(got, test.followed) {
				t.Errorf("followed %v, want %v", got, test.followed)
			}
		})
	}
	if failures := h.Handle(t.Context(), nil); len(failures) > 0 || len(leads.prepared) != 1 {
		t.Errorf("an empty batch: failures %v, prepared %v", failures, leads.prepared)
	}
}

// indexes are where a handler failed.
func indexes(failures []store.Failure) []int {
	var list []int
	for _, f := range failures {
		list = append(list, f.Index)
	}
	return list
}

// busy is a failure that another try may mend.
func busy() error { return fmt.Errorf("read: %w", store.ErrUnavailable) }

// What cannot be prepared for now fails every change that it is registered for;
// other reactions go on, also to the same changes.
func TestHandle_PreparationFails(t *testing.T) {
	w, batch, id := changes(t)
	h := reaction.New(w.DB, "v1")
	unready := &noted{prepare: busy()}
	good := &noted{follow: done}
	h.Register("unready", unready, on(sales.OfTable("lead"), store.Insert))
	h.Register("good", good, on(sales.OfTrait(name.RecordTrait), store.Insert, store.Modify))
	failures := h.Handle(t.Context(), batch)
	if got := indexes(failures); !slices.Equal(got, []int{0, 1}) || !errors.Is(failures[0].Err, unready.prepare) || !errors.Is(failures[1].Err, unready.prepare) {
		t.Errorf("failures %v, want 0 and 1", failures)
	}
	slices.Sort(good.followed)
	if want := slices.Sorted(slices.Values(id[:])); !slices.Equal(good.followed, want) {
		t.Errorf("followed %v, want %v: the second change of the first lead waits", good.followed, want)
	}
}

// A change that fails for now holds up the later ones of its row and no other, and
// not the other reactions to it.
func TestHandle_ChangesOfOneRowInTheirOrder(t *testing.T) {
	w, batch, id := changes(t)
	for _, test := range []struct {
		name string
		fail string
		want []int
		a    int // how often the first lead was followed by the other reaction
	}{
		{"the first of a row", id[0], []int{0}, 1},
		{"another row", id[1], []int{1}, 2},
		{"none", "", nil, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := reaction.New(w.DB, "v1")
			failing := busy()
			var kinds []store.ChangeKind
			bad := &noted{follow: func(change rows.Change) error {
				if change.Ref.ID == test.fail {
					return failing
				}
				return nil
			}}
			other := &noted{follow: func(change rows.Change) error {
				if change.Ref.ID == id[0] {
					kinds = append(kinds, change.Kind)
				}
				return nil
			}}
			all := on(sales.OfTrait(name.RecordTrait), store.Insert, store.Modify)
			h.Register("bad", bad, all)
			h.Register("other", other, all)
			failures := h.Handle(t.Context(), batch)
			if got := indexes(failures); !slices.Equal(got, test.want) {
				t.Errorf("failed at %v, want %v", got, test.want)
			}
			for _, f := range failures {
				if !errors.Is(f.Err, failing) {
					t.Errorf("change %d: %v", f.Index, f.Err)
				}
			}
			if want := []store.ChangeKind{store.Insert, store.Modify}[:test.a]; !slices.Equal(kinds, want) {
				t.Errorf("the first lead's changes: %v, want %v", kinds, want)
			}
		})
	}
}
