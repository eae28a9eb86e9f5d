package embed

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"segue/internal/embed/journal"
	"segue/internal/store"
)

// formatWithLog is the layout that kept the change records in a bucket of the tables,
// and the changes that an even older program had set aside in another.
const (
	formatWithLog = "2"
	bucketLog     = "log"    // number → time, kind, key, both images
	bucketParked  = "parked" // consumer, reason, attempts, time, number and the change record
)

// upgrade moves the change records of the older layout to a journal. If it is
// interrupted, the file is still of that layout and the next start begins again.
func (s *Store) upgrade() (m marks, err error) {
	if err := s.beginUpgrade(); err != nil {
		return m, err
	}
	err = s.viewTables(func(tx *bbolt.Tx) (err error) {
		if m, err = readMarks(tx); err != nil {
			return err
		}
		m.last = bucket(tx, bucketLog).Sequence()
		m.oldest = m.last + 1
		if first, _ := bucket(tx, bucketLog).Cursor().First(); len(first) == 8 {
			m.oldest = binary.BigEndian.Uint64(first)
		}
		m.last, err = s.moveLog(tx, m)
		m.changed = m.last
		for consumer, n := range m.cursors {
			m.cursors[consumer] = max(n, m.oldest-1)
		}
		return err
	})
	if err != nil {
		return m, fmt.Errorf("move the change records of format %s: %w", formatWithLog, err)
	}
	return m, s.update(func(tx *bbolt.Tx) error {
		err := tx.DeleteBucket([]byte(bucketLog))
		if bucket(tx, bucketParked) != nil {
			err = errors.Join(err, tx.DeleteBucket([]byte(bucketParked)))
		}
		meta := bucket(tx, bucketMeta)
		return errors.Join(err, meta.Put([]byte(keyFormat), []byte(format)), writeMarks(tx, m))
	})
}

// beginUpgrade gives the store an identity, by which the journal of an interrupted
// attempt is told from one that follows another file: a copy of the older layout that was
// put back beside it.
func (s *Store) beginUpgrade() error {
	dir := journalDir(s.path)
	if s.id == (journal.ID{}) {
		if _, frames, err := journal.Find(dir); err != nil || frames {
			return cmp.Or[error](err, &DamagedError{s.path, fmt.Sprintf("it is older than %s, which has the changes of another; a file and its folder belong together", dir)})
		}
		_, _ = rand.Read(s.id[:]) // never fails
		err := s.update(func(tx *bbolt.Tx) error { return bucket(tx, bucketMeta).Put([]byte(keyStore), s.id[:]) })
		if err != nil {
			return err
		}
	}
	return journal.Discard(dir)
}

// moveLog writes the records to a journal and returns the number of the last one.
func (s *Store) moveLog(tx *bbolt.Tx, m marks) (last uint64, err error) {
	j, err := journal.Open(journalDir(s.path), s.id, m.oldest, m.oldest, s.options.noSync)
	if err != nil {
		return 0, err
	}
	u := &unit{}
	flush := func() error {
		if u.count == 0 {
			return nil
		}
		err := j.Append(u.count, u.records)
		u = &unit{}
		return err
	}
	add := func(raw []byte) error {
		record, err := oldRecord(raw)
		if err != nil {
			return err
		}
		if u.appendRecord(record); len(u.records) > 1<<20 {
			return flush()
		}
		return nil
	}
	err = bucket(tx, bucketLog).ForEach(func(_, v []byte) error { return add(v) })
	if parked := bucket(tx, bucketParked); parked != nil && err == nil {
		err = parked.ForEach(func(_, v []byte) error {
			r := reader{b: v}
			for range 2 {
				r.bytes()
			}
			for range 3 {
				r.uint()
			}
			return errors.Join(r.err, add(r.rest()))
		})
	}
	if err == nil {
		err = flush()
	}
	last = j.Next() - 1
	return last, errors.Join(err, j.Close(0))
}

// oldRecord returns the record of the journal for one of the bucket.
func oldRecord(raw []byte) ([]byte, error) {
	r := reader{b: raw}
	at, kind := r.uint(), store.ChangeKind(r.byte())
	if r.err != nil || kind < store.Insert || kind > store.Remove {
		return nil, errCorrupt
	}
	b := binary.AppendUvarint([]byte{byte(kind)}, at)
	return append(b, bytes.Clone(r.rest())...), nil
}
