package embed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"segue/internal/store"
)

func TestCompact(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, testIndexes(), NoSync())
	large := strings.Repeat("x", 100<<10)
	for n := range 50 {
		put(t, s, row(fmt.Sprint(n), "a", large, "gpk", "g", "gsk", fmt.Sprint(n)))
	}
	if err := s.checkpointNow(); err != nil {
		t.Fatal(err)
	}
	for n := range 49 {
		if err := s.Write(t.Context(), store.Delete(row(fmt.Sprint(n)).Key(), store.Condition{})); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := Compact(path); !errors.Is(err, ErrInUse) {
		t.Errorf("compact an open store: %v", err)
	}
	crashed := copied(t, path) // its journal has the deletions
	closeStore(t, s)
	if err := os.WriteFile(path+".compact", []byte("of an attempt that was interrupted"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, after, err := Compact(path)
	if err != nil || before < 5<<20 || after > 1<<20 || after != sizeOf(path) {
		t.Errorf("from %d to %d bytes, and the file has %d; %v", before, after, sizeOf(path), err)
	}
	if _, _, err := Compact(crashed); err != nil {
		t.Error(err)
	}
	for _, path := range []string{path, crashed} {
		s := openAt(t, path, testIndexes(), NoSync())
		if keys := sortKeys(t, s, "", "p"); keys != "49" {
			t.Errorf("items %q", keys)
		}
		if keys := sortKeys(t, s, "stage", "g"); keys != "49" {
			t.Errorf("index %q", keys)
		}
		var k taker
		if err := s.Drain(t.Context(), "c", k.handle); err != nil || len(slices.Concat(k.batches...)) != 99 {
			t.Errorf("%d changes were kept, want 99; %v", len(slices.Concat(k.batches...)), err)
		}
		closeStore(t, s)
		if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the new file is still there: %v", err)
		}
	}
	missing := filepath.Join(t.TempDir(), "none.db")
	if _, _, err := Compact(missing); !errors.Is(err, os.ErrNotExist) || sizeOf(missing) != 0 {
		t.Errorf("compact what is not there: %v", err)
	}
}

func TestCompactDamaged(t *testing.T) {
	path, _ := filled(t)
	if err := os.Truncate(path, 5*int64(os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	_, _, err := Compact(path)
	complains(t, err, path)
	if sizeOf(path) != 5*int64(os.Getpagesize()) {
		t.Error("the damaged file was replaced")
	}
}
