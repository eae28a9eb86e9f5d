package embed

import (
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"segue/internal/embed/journal"
	"segue/internal/store"
)

// olderImage encodes an item as programs did that had no vocabulary.
func olderImage(i store.Item) []byte {
	b := binary.AppendUvarint(nil, uint64(len(i)))
	for _, name := range slices.Sorted(maps.Keys(i)) {
		b = appendValue(appendText(b, name), i[name])
	}
	return b
}

// oldRecordOf encodes a change as format 2 did.
func oldRecordOf(i store.Item) []byte {
	b := append(binary.AppendUvarint(nil, 1770000000), byte(store.Insert))
	b = appendText(appendText(b, i.Key().PK), i.Key().SK)
	return appendText(appendText(b, ""), olderImage(i))
}

// withLog makes a file of format 2: rows a to d, of which the changes 1 and 2 are
// trimmed, 3 and 4 are kept for a consumer that is done with 3, and another that an
// even older program had set aside.
func withLog(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		buckets := map[string]*bbolt.Bucket{}
		for _, name := range []string{bucketMeta, bucketItems, bucketLog, bucketCursors, bucketParked} {
			b, err := tx.CreateBucket([]byte(name))
			if err != nil {
				return err
			}
			buckets[name] = b
		}
		number := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
		var errs []error
		for n, sk := range []string{"a", "b", "c", "d"} {
			i := row(sk)
			errs = append(errs, buckets[bucketItems].Put(itemKey(i.Key()), olderImage(i)))
			if n >= 2 {
				errs = append(errs, buckets[bucketLog].Put(number(uint64(n+1)), oldRecordOf(i)))
			}
		}
		parked := appendText(appendText(nil, "test"), "a reason")
		for _, n := range []uint64{5, 1770000000, 2} {
			parked = binary.AppendUvarint(parked, n)
		}
		return errors.Join(append(errs, buckets[bucketLog].SetSequence(4),
			buckets[bucketParked].Put(number(1), append(parked, oldRecordOf(row("b"))...)),
			buckets[bucketCursors].Put([]byte("test"), number(3)), buckets[bucketCursors].Put([]byte("new"), number(0)),
			buckets[bucketMeta].Put([]byte(keyFormat), []byte(formatWithLog)))...)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestUpgrade opens a file of the layout before this one: the items are there, and each
// consumer gets what it has not seen, and what was set aside.
func TestUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	withLog(t, path)
	got := map[string][][]string{}
	for range 2 { // nothing comes again at the second start
		s := openAt(t, path, testIndexes(), NoSync())
		if keys := sortKeys(t, s, "", "p"); keys != "a b c d" {
			t.Errorf("items %q", keys)
		}
		for _, consumer := range []string{"test", "new"} {
			var k taker
			if err := s.Drain(t.Context(), consumer, k.handle); err != nil {
				t.Fatal(err)
			}
			got[consumer] = append(got[consumer], k.batches...)
		}
		closeStore(t, s)
	}
	want := map[string][][]string{"test": {{"d", "b"}}, "new": {{"c", "d", "b"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("delivered (-want +got):\n%s", d)
	}
}

// TestInterruptedUpgrade has the records moved and the file still of the older layout:
// the next start begins again.
func TestInterruptedUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	withLog(t, path)
	s := &Store{path: path}
	var err error
	if s.db, _, err = openFile(path, defaults()); err != nil {
		t.Fatal(err)
	}
	if err := s.beginUpgrade(); err != nil {
		t.Fatal(err)
	}
	err = s.viewTables(func(tx *bbolt.Tx) error {
		_, err := s.moveLog(tx, marks{oldest: 3})
		return err
	})
	if err := errors.Join(err, s.closeFile()); err != nil {
		t.Fatal(err)
	}
	opened := openAt(t, path, testIndexes(), NoSync())
	if n := logLength(t, opened); n != 3 {
		t.Errorf("%d changes are kept, want 3", n)
	}
}

// TestUpgradeBesideAnother puts a file of the older layout beside a journal that follows
// another file.
func TestUpgradeBesideAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, testIndexes(), NoSync())
	put(t, s, row("later"))
	closeStore(t, s)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	withLog(t, path)
	_, err := Open(path, testIndexes(), NoSync())
	complains(t, err, path)
	if _, frames, err := journal.Find(journalDir(path)); !frames || err != nil {
		t.Errorf("the journal is gone, %v", err)
	}
}
