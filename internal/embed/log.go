package embed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"segue/internal/store"
)

// maxBatchBytes bounds the records that a handler gets at once, as Lambda does.
const maxBatchBytes = 6 << 20

// record encodes a change for the log: time, kind, key and both images.
func (c change) record(at int64) []byte {
	b := make([]byte, 0, 32+len(c.key.PK)+len(c.key.SK)+len(c.before)+len(c.after))
	b = binary.AppendUvarint(b, uint64(at))
	b = append(b, byte(kind(c)))
	b = appendText(appendText(b, c.key.PK), c.key.SK)
	b = append(binary.AppendUvarint(b, uint64(len(c.before))), c.before...)
	return append(binary.AppendUvarint(b, uint64(len(c.after))), c.after...)
}

func kind(c change) store.ChangeKind {
	switch {
	case c.before == nil:
		return store.Insert
	case c.after == nil:
		return store.Remove
	}
	return store.Modify
}

// logged is a change record read from the log.
type logged struct {
	sequence uint64
	change   store.Change
}

// parseRecord decodes a change record. The images refer to parts of raw.
func parseRecord(sequence uint64, raw []byte) (logged, error) {
	r := reader{b: raw}
	c := store.Change{Sequence: fmt.Sprintf("%020d", sequence)}
	c.At = time.Unix(int64(r.uint()), 0).UTC()
	c.Kind = store.ChangeKind(r.byte())
	c.Key = store.Key{PK: r.text(), SK: r.text()}
	if b := r.bytes(); len(b) > 0 {
		c.Old = image(b)
	}
	if b := r.bytes(); len(b) > 0 {
		c.New = image(b)
	}
	if err := r.end(); err != nil {
		return logged{}, fmt.Errorf("change %d: %w", sequence, err)
	}
	return logged{sequence, c}, nil
}

// readLog reads up to n records after the sequence last.
func (s *Store) readLog(last uint64, n int) ([]logged, error) {
	var records []logged
	err := s.snapshot(func(tx *bbolt.Tx) error {
		size := 0
		for k, v := range entries(bucket(tx, bucketLog), span{lo: sequenceKey(last + 1)}, false) {
			if size += len(v); len(records) == n || len(records) > 0 && size > maxBatchBytes {
				return nil
			}
			rec, err := parseRecord(binary.BigEndian.Uint64(k), bytes.Clone(v))
			if err != nil {
				return err
			}
			records = append(records, rec)
		}
		return nil
	})
	return records, err
}

// cursor returns the position of a consumer. That of a new one is stored before the
// oldest record, so that nothing is trimmed before the consumer has seen it.
func (s *Store) cursor(consumer string) (last uint64, err error) {
	err = s.commit(func(tx *bbolt.Tx) (refused, failed error) {
		cursors := bucket(tx, bucketCursors)
		if v := cursors.Get([]byte(consumer)); v != nil {
			last = binary.BigEndian.Uint64(v)
			return nil, nil
		}
		return nil, cursors.Put([]byte(consumer), sequenceKey(0))
	})
	return last, err
}

// acknowledge moves consumer's cursor to last and trims the log, all at once.
func (s *Store) acknowledge(consumer string, last uint64) error {
	return s.commit(func(tx *bbolt.Tx) (refused, failed error) {
		cursors := bucket(tx, bucketCursors)
		if err := cursors.Put([]byte(consumer), sequenceKey(last)); err != nil {
			return nil, err
		}
		return nil, trim(bucket(tx, bucketLog), cursors)
	})
}

// trim deletes the records that every consumer is done with.
func trim(log, cursors *bbolt.Bucket) error {
	var done []byte
	err := cursors.ForEach(func(_, v []byte) error {
		if done == nil || bytes.Compare(v, done) < 0 {
			done = v
		}
		return nil
	})
	if err != nil || done == nil {
		return err
	}
	var old [][]byte // deleting would move the cursor of the walk, so collect first
	for k := range entries(log, span{hi: append(bytes.Clone(done), 0)}, false) {
		old = append(old, k)
	}
	for _, k := range old {
		err = errors.Join(err, log.Delete(k))
	}
	return err
}

// bucketParked is where older versions of this program set changes aside that kept
// failing: consumer, reason, attempts, time, sequence and the change record.
const bucketParked = "parked"

// logParked puts the changes that an older version set aside at the end of the log,
// so that they come again, and removes their bucket.
func logParked(tx *bbolt.Tx) error {
	parked := bucket(tx, bucketParked)
	if parked == nil {
		return nil
	}
	err := parked.ForEach(func(_, v []byte) error {
		r := reader{b: v}
		for range 2 {
			r.bytes()
		}
		for range 3 {
			r.uint()
		}
		return errors.Join(r.err, appendRecord(bucket(tx, bucketLog), bytes.Clone(r.b)))
	})
	if err != nil {
		return fmt.Errorf("take up parked changes: %w", err)
	}
	return tx.DeleteBucket([]byte(bucketParked))
}
