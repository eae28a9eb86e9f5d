package reaction_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/reaction"
	"segue/internal/sales/salestest"
	"segue/internal/store"
)

// patient is a reaction that fails until it is mended, and notes what it was given.
type patient struct {
	failure error
	noted
}

func newPatient(failure error) *patient {
	p := &patient{failure: failure}
	p.follow = func(rows.Change) error { return p.failure }
	return p
}

// What is parked is taken up by the row as it is, by every reaction to the row.
func TestRedrive(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, nil)
	batch := w.Fresh()
	h := reaction.New(w.DB, "v1")
	bad := newPatient(errors.New("broken"))
	var seen []string
	looks := &noted{follow: func(change rows.Change) error {
		subject, err := change.New.Value("subject")
		seen = append(seen, fmt.Sprintf("%d %t %v", change.Kind, change.Old == nil, subject))
		return err
	}}
	h.Register("bad", bad, allRecords())
	h.Register("of changes only", looks, on(sales.OfTable("lead"), store.Modify))
	if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
		t.Fatal(failures)
	}
	w.Update("lead", lead.ID, salestest.Values{"subject": "Later"})

	if err := h.Redrive(t.Context(), lead); !errors.Is(err, bad.failure) || sales.Transient(err) {
		t.Errorf("redrive of what is still broken: %v", err)
	}
	wantParked(w, fmt.Sprintf("%v, bad, 2 tries, v1, cause  , broken", lead))
	bad.failure = busy()
	if err := h.Redrive(t.Context(), lead); !sales.Transient(err) {
		t.Errorf("redrive while the store is busy: %v", err)
	}
	wantParked(w, fmt.Sprintf("%v, bad, 2 tries, v1, cause  , broken", lead))
	bad.failure = nil
	if err := h.Redrive(t.Context(), lead); err != nil {
		t.Error(err)
	}
	wantParked(w)
	if want := slices.Repeat([]string{"1 true Later"}, 3); !slices.Equal(seen, want) {
		t.Errorf("the reaction saw %q, want %q", seen, want)
	}
}

// What fails for the first time when it is redriven is parked.
func TestRedrive_ParksWhatWasNot(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, nil)
	h := reaction.New(w.DB, "v1")
	h.Register("bad", failOn("", errors.New("broken")), allRecords())
	if err := h.Redrive(t.Context(), lead); err == nil {
		t.Error("no failure")
	}
	wantParked(w, fmt.Sprintf("%v, bad, 1 tries, v1, cause  , broken", lead))
}

// A row that is gone has only its removal to follow.
func TestRedrive_OfARowThatIsGone(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, nil)
	batch := w.Fresh()
	h := reaction.New(w.DB, "v1")
	bad := newPatient(errors.New("broken"))
	removal := &noted{follow: func(change rows.Change) error {
		if change.Kind != store.Remove || change.Old != nil || change.New != nil {
			return fmt.Errorf("it is of kind %d", change.Kind)
		}
		return nil
	}}
	h.Register("bad", bad, allRecords())
	h.Register("removal", removal, on(sales.OfTable("lead"), store.Remove))
	if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
		t.Fatal(failures)
	}
	w.Remove("lead", lead.ID)
	if err := h.Redrive(t.Context(), lead); err != nil {
		t.Error(err)
	}
	wantParked(w)
	if !slices.Equal(removal.followed, []string{lead.ID}) {
		t.Errorf("the removal was followed %v", removal.followed)
	}
}

// A change that is parked while its row is redriven stays parked, though it may be one
// that was parked before and comes again.
func TestRedrive_ParkedAgainMeanwhile(t *testing.T) {
	for _, test := range []struct {
		program string // of the other process
		want    string
	}{
		{"v2", "2 tries, v2, cause  , broken, too"},
		{"v1", "1 tries, v1, cause  , broken"},
	} {
		t.Run("by "+test.program, func(t *testing.T) {
			w := salestest.New(t, boot.Options{})
			lead := w.Lead(1, nil)
			batch := w.Fresh()
			h := reaction.New(w.DB, "v1")
			bad := newPatient(errors.New("broken"))
			h.Register("bad", bad, allRecords())
			if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
				t.Fatal(failures)
			}
			other := reaction.New(w.DB, test.program)
			other.Register("bad", failOn("", errors.New("broken, too")), allRecords())
			bad.follow = func(rows.Change) error {
				if failures := other.Handle(t.Context(), batch); len(failures) > 0 {
					t.Error(failures)
				}
				return nil
			}
			if err := h.Redrive(t.Context(), lead); err != nil {
				t.Error(err)
			}
			wantParked(w, fmt.Sprintf("%v, bad, %s", lead, test.want))
		})
	}
}

// A version that lacks the table or the handler leaves what is parked to the one
// that has it.
func TestRetry_OfWhatAnotherVersionParked(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, nil)
	newer := reaction.New(w.DB, "v2")
	newer.Register("new", failOn("", errors.New("broken")), allRecords())
	if err := newer.Redrive(t.Context(), lead); err == nil {
		t.Fatal("nothing is parked")
	}
	key := store.Key{PK: "leda#0", SK: "x"}
	if failures := newer.Handle(t.Context(), []store.Change{{Key: key, Kind: store.Insert, New: store.Item{}}}); len(failures) > 0 {
		t.Fatal(failures)
	}
	older := reaction.New(w.DB, "v1")
	older.Register("old", &noted{follow: done}, allRecords())
	for _, p := range w.Parked() {
		salestest.Refused(t, older.Retry(t.Context(), p.Row), sales.Precondition, p.Handler())
	}
	wantParked(w,
		fmt.Sprintf("%v, new, 2 tries, v2, cause  , broken", lead),
		`leda x, reaction.decode, 2 tries, v2, cause  , change of leda x: no table "leda" in the schema`)
	salestest.Refused(t, older.Redrive(t.Context(), rows.Ref{Table: "leda", ID: "x"}), sales.Precondition, "leda", "v1")
}
