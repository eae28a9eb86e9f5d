package embed

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"segue/internal/store"
)

// TestWords has names come and go: items are what they were whatever the store knew when
// they were written, also after a crash, and the names are stored once.
func TestWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, testIndexes(), NoSync())
	long := strings.Repeat("n", maxWord+1)
	write := func(s *Store, sk string) {
		t.Helper()
		put(t, s, row(sk, "a name of some length", "x", long, "y", "gpk", "g", "gsk", sk))
		// Names are learned after the write is answered, and before the next is begun.
		if err := s.commit(s.urgent, func(*unit) (refused, failed error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
	}
	write(s, "0")
	if got := s.words.Load().list; !slices.Equal(got, []string{"a name of some length", "gpk", "gsk", store.PK, store.SK}) {
		t.Errorf("words %q", got)
	}
	write(s, "1")
	put(t, s, row("2", "another name", "z"))
	write(s, "3")
	for n, s := range []*Store{s, openAt(t, copied(t, path), testIndexes(), NoSync())} {
		items, err := s.Get(t.Context(), row("0").Key(), row("1").Key(), row("2").Key(), row("3").Key())
		if err != nil {
			t.Fatal(err)
		}
		for sk, item := range items {
			want := row(fmt.Sprint(sk), "a name of some length", "x", long, "y", "gpk", "g", "gsk", fmt.Sprint(sk))
			if sk == 2 {
				want = row("2", "another name", "z")
			}
			if fmt.Sprint(item) != fmt.Sprint(want) {
				t.Errorf("store %d: item %d is %v, want %v", n, sk, item, want)
			}
		}
	}
	var raw []byte
	if err := s.snapshot(func(v *view) error {
		raw = bytes.Clone(v.get(spaceItems, itemKey(row("3").Key())))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("a name of")) || !bytes.Contains(raw, []byte(long)) {
		t.Errorf("item 3 is stored as %q", raw)
	}
}

// TestWordsAreNoChange writes what is there already, with names that were new to the
// store when it was written: nothing has changed.
func TestWordsAreNoChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	withLog(t, path) // d is as programs wrote it that had no vocabulary
	s := openAt(t, path, testIndexes(), NoSync())
	before := s.journal.Next()
	put(t, s, row("d"))
	if n := s.journal.Next() - before; n != 0 {
		t.Errorf("%d changes of an item of the older form", n)
	}
	put(t, s, row("x", "first", "1"))
	before = s.journal.Next()
	put(t, s, row("x", "first", "1"))
	if n := s.journal.Next() - before; n != 0 {
		t.Errorf("%d changes of an item in which a name was new", n)
	}
	put(t, s, row("x", "first", "2"))
	if n := s.journal.Next() - before; n != 1 {
		t.Errorf("%d changes, want one", n)
	}
}

// TestWordsAreBounded writes more names than there is place for.
func TestWordsAreBounded(t *testing.T) {
	s := open(t, nil)
	for n := range 6 {
		item := row(fmt.Sprint(n))
		for m := range 1000 {
			item[fmt.Sprint("name ", n, " ", m)] = store.S("x")
		}
		put(t, s, item, item)
		found, err := s.Get(t.Context(), item.Key())
		if err != nil || len(found[0]) != 1002 {
			t.Errorf("item %d has %d attributes, %v", n, len(found[0]), err)
		}
	}
	if n := len(s.words.Load().list); n != maxWords {
		t.Errorf("%d words, want %d", n, maxWords)
	}
}
