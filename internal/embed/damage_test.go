package embed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"segue/internal/store"
)

// filled is the path of a closed store with items of some pages, and an index.
func filled(t *testing.T) (path string, items int) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "table.db")
	s, err := Open(path, testIndexes(), NoSync())
	if err != nil {
		t.Fatal(err)
	}
	const n = 300
	for i := range n {
		put(t, s, row(fmt.Sprintf("%03d", i), "a", strings.Repeat("x", 200), "gpk", "g", "gsk", fmt.Sprint(i)))
	}
	closeStore(t, s)
	return path, n
}

func testIndexes() []store.Index { return []store.Index{{Name: "stage", PK: "gpk", SK: "gsk"}} }

// use opens a store, reads all of it, writes and closes it. It returns how many items
// it read and the first error.
func use(t *testing.T, path string) (items int, err error) {
	t.Helper()
	s, err := Open(path, testIndexes(), NoSync(), hasty)
	if err != nil {
		return 0, err
	}
	for q := (store.Query{Partition: "p"}); err == nil; {
		var page store.Page
		page, err = s.Query(t.Context(), q)
		items += len(page.Items)
		if !page.More {
			break
		}
		q.After = page.Items[len(page.Items)-1].Key().SK
	}
	for i := 0; i < 300 && err == nil; i += 10 {
		err = s.Write(t.Context(), store.Put(row(fmt.Sprintf("%03d", i), "gpk", "h", "gsk", "1"), store.Condition{}))
	}
	if cerr := s.Close(); err == nil {
		err = cerr
	}
	return items, err
}

// complains fails the test unless err says which file is damaged and what to do.
func complains(t *testing.T, err error, path string) {
	t.Helper()
	if !errors.Is(err, ErrDamaged) || errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restore it from a copy") {
		t.Errorf("got %v, want an error that says %s is damaged and what to do", err, path)
		return
	}
	if strings.Contains(err.Error(), "runtime error") {
		t.Errorf("%v: the reason is none for a person", err)
	}
}

// TestTruncatedFile cuts the file everywhere: it is whole, or a clear error.
func TestTruncatedFile(t *testing.T) {
	path, n := filled(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged, fine := 0, 0
	for size := 0; size < len(whole); size += 1777 {
		path := filepath.Join(t.TempDir(), "table.db")
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		items, err := use(t, path)
		if err == nil && items == n { // what was cut off was never in use
			fine++
			continue
		}
		damaged++
		if complains(t, err, path); items > 0 {
			t.Errorf("cut to %d bytes: the store was opened and %d items were read", size, items)
		}
	}
	t.Logf("%d times damaged, %d times not", damaged, fine)
	if damaged < 10 {
		t.Errorf("the file was damaged %d times only", damaged)
	}
}

// TestDamagedPages overwrites each page: the process goes on, with a clear error where
// the damage is met. The first two pages are left alone: each commit writes one of
// them, and bbolt takes a bad one for a commit that was interrupted.
func TestDamagedPages(t *testing.T) {
	path, n := filled(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	met := 0
	for start := 2 * os.Getpagesize(); start < len(whole); start += os.Getpagesize() {
		for _, with := range []byte{0, 0xff} {
			path := filepath.Join(t.TempDir(), "table.db")
			text := bytes.Clone(whole)
			copy(text[start:], bytes.Repeat([]byte{with}, os.Getpagesize()))
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			items, err := use(t, path)
			switch {
			case err != nil:
				met++
				complains(t, err, path)
			case items != n:
				t.Errorf("page at %d full of %x: %d items and no error", start, with, items)
			}
		}
	}
	if met < 10 {
		t.Errorf("the damage was met %d times only", met)
	}
}

func TestNotAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("a text, and a long one. "), 2000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := use(t, path)
	complains(t, err, path)
}

// TestTruncatedWhileOpen cuts the file of a running store: bbolt reads it as memory,
// which faults where the file has no page any more.
func TestTruncatedWhileOpen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not cut a file that is mapped")
	}
	for _, pages := range []int{0, 1, 2, 3} {
		t.Run(fmt.Sprint(pages, " pages"), func(t *testing.T) { truncatedWhileOpen(t, pages) })
	}
}

func truncatedWhileOpen(t *testing.T, pages int) {
	t.Helper()
	path, _ := filled(t)
	s, err := Open(path, testIndexes(), NoSync())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(pages*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	_, err = s.Get(t.Context(), store.Key{PK: "p", SK: "000"})
	complains(t, err, path)
	_, err = s.Query(t.Context(), store.Query{Index: "stage", Partition: "g"})
	complains(t, err, path)
	for range 2 {
		complains(t, s.Write(t.Context(), store.Put(row("000"), store.Condition{})), path)
	}
	err = s.Consume(t.Context(), "c", func(context.Context, []store.Change) []store.Failure { return nil })
	complains(t, err, path)
	done := make(chan error, 1)
	go func() { done <- s.Close() }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Error("the store cannot be closed")
	}
}
