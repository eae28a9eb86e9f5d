package embed

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.etcd.io/bbolt"

	"segue/internal/store"
)

// errNoReason is the reason of a failure that a handler reports without an error.
var errNoReason = errors.New("the handler gave no reason")

// Parked is a change that a consumer could not process and that was set aside until
// [Store.Retry] succeeds with it.
type Parked struct {
	ID       string // for Retry
	Consumer string
	Change   store.Change
	Reason   string    // text of the last error
	Attempts int       // deliveries so far
	At       time.Time // of the last attempt, to the second
}

// Parked lists what is set aside, oldest first.
func (s *Store) Parked(ctx context.Context) ([]Parked, error) {
	var all []Parked
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		return bucket(tx, bucketParked).ForEach(func(k, v []byte) error {
			p, err := parsePark(v)
			if err != nil {
				return err
			}
			shown, err := p.show(binary.BigEndian.Uint64(k))
			all = append(all, shown)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list parked changes: %w", err)
	}
	return all, nil
}

// Retry passes a parked change to handle once more. If that succeeds, the change is no
// longer parked; if not, its reason and attempts are updated and the error is
// returned. The item may have changed since: handle sees the images of the change.
func (s *Store) Retry(ctx context.Context, id string, handle store.Handler) error {
	if err := s.retry(ctx, id, handle); err != nil {
		return fmt.Errorf("retry parked change %s: %w", id, err)
	}
	return nil
}

func (s *Store) retry(ctx context.Context, id string, handle store.Handler) error {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: the id is not a number", store.ErrInvalid)
	}
	p, rec, err := s.parked(ctx, n)
	if err != nil {
		return err
	}
	failures, reason := call(ctx, handle, []logged{rec})
	if reason == nil {
		reason = failures[0]
	}
	if reason == nil {
		return s.commit(func(tx *bbolt.Tx) (refused, failed error) {
			return nil, bucket(tx, bucketParked).Delete(sequenceKey(n))
		})
	}
	p.reason, p.at = reason.Error(), s.options.clock.Now().Unix()
	p.attempts++
	return errors.Join(reason, s.commit(func(tx *bbolt.Tx) (refused, failed error) {
		return nil, bucket(tx, bucketParked).Put(sequenceKey(n), p.encode())
	}))
}

// parked reads one parked change.
func (s *Store) parked(ctx context.Context, id uint64) (p parkedRecord, rec logged, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		v := bucket(tx, bucketParked).Get(sequenceKey(id))
		if v == nil {
			return fmt.Errorf("%w: no parked change has this id", store.ErrInvalid)
		}
		if p, err = parsePark(v); err != nil {
			return err
		}
		rec, err = parseRecord(p.sequence, p.raw)
		return err
	})
	return p, rec, err
}

// parkedRecord is a Parked as it is stored.
type parkedRecord struct {
	consumer, reason string
	attempts         int
	at               int64
	sequence         uint64
	raw              []byte // the change record
}

func (p parkedRecord) add(b *bbolt.Bucket) error {
	id, err := b.NextSequence()
	if err != nil {
		return err
	}
	return b.Put(sequenceKey(id), p.encode())
}

func (p parkedRecord) encode() []byte {
	b := appendText(appendText(nil, p.consumer), p.reason)
	for _, n := range []uint64{uint64(p.attempts), uint64(p.at), p.sequence} {
		b = binary.AppendUvarint(b, n)
	}
	return append(b, p.raw...)
}

// parsePark decodes a parkedRecord. It keeps no part of b.
func parsePark(b []byte) (parkedRecord, error) {
	r := reader{b: b}
	p := parkedRecord{consumer: r.text(), reason: r.text()}
	p.attempts, p.at, p.sequence = int(r.uint()), int64(r.uint()), r.uint()
	p.raw = append(p.raw, r.b...)
	return p, r.err
}

func (p parkedRecord) show(id uint64) (Parked, error) {
	rec, err := parseRecord(p.sequence, p.raw)
	return Parked{
		ID: strconv.FormatUint(id, 10), Consumer: p.consumer, Change: rec.change,
		Reason: p.reason, Attempts: p.attempts, At: time.Unix(p.at, 0).UTC(),
	}, err
}
