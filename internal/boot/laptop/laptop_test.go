package laptop_test

import (
	"errors"
	"io"
	"log/slog"
	"testing"

	"segue/internal/boot/laptop"
	"segue/internal/embed"
	"segue/internal/store"
)

// The laptop's folder is kept between runs, is open once at a time, and begins
// again when asked to.
func TestPlaceOpen(t *testing.T) {
	place := laptop.Place{Data: t.TempDir(), Table: "segue"}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	first, err := place.Open(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	item := store.Item{store.PK: store.S("p"), store.SK: store.S("s")}
	if err := first.File.Write(t.Context(), store.Put(item, store.Condition{})); err != nil {
		t.Fatal(err)
	}
	if _, err := place.Open(t.Context(), log); !errors.Is(err, embed.ErrInUse) {
		t.Errorf("opened twice: %v, want %v", err, embed.ErrInUse)
	}
	for _, step := range []struct {
		reset bool
		there bool
	}{{false, true}, {true, false}} {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		place.Reset = step.reset
		if first, err = place.Open(t.Context(), log); err != nil {
			t.Fatal(err)
		}
		items, err := first.File.Get(t.Context(), item.Key())
		if err != nil {
			t.Fatal(err)
		}
		if there := items[0] != nil; there != step.there {
			t.Errorf("reset %v: the item is there: %v, want %v", step.reset, there, step.there)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
}
