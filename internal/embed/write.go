package embed

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"go.etcd.io/bbolt"

	"segue/internal/store"
)

// maxGroup is how many queued writes share one commit and fsync.
const maxGroup = 256

// errClosed is returned by calls after Close.
var errClosed = fmt.Errorf("%w: it is closed", store.ErrUnavailable)

// request is one caller's part of a group commit. change decides whether the request
// may be carried out (refused: nothing was changed) and carries it out (failed: the
// whole group is rolled back).
type request struct {
	change func(*bbolt.Tx) (refused, failed error)
	done   chan error // has one place, so that the loop never waits for the caller
}

// Write implements [store.Store]. Concurrent calls share an fsync.
func (s *Store) Write(ctx context.Context, ops ...store.Op) error {
	err := store.CheckWrite(s.checked, ops)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && len(ops) > 0 {
		err = s.commit(func(tx *bbolt.Tx) (refused, failed error) {
			changes, err := decide(tx, ops)
			if err != nil {
				return err, nil
			}
			return nil, s.apply(tx, changes)
		})
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// commit hands a change to the commit loop and waits until it is on disk. It
// ignores contexts: it does not take long, and so its outcome is always known.
func (s *Store) commit(change func(*bbolt.Tx) (refused, failed error)) error {
	r := &request{change, make(chan error, 1)}
	select {
	case s.queue <- r:
	case <-s.stopped:
		return errClosed
	}
	select {
	case err := <-r.done:
		return err
	case <-s.stopped:
	}
	select {
	case err := <-r.done: // the loop served it just before it ended
		return err
	default:
		return errClosed
	}
}

// commitLoop commits what is queued. A single write is committed at once; writes that
// arrive during a commit are committed together.
func (s *Store) commitLoop() {
	defer close(s.stopped)
	for {
		select {
		case r := <-s.queue:
			s.commitGroup(s.group(r))
		case <-s.closing:
			return
		}
	}
}

// group returns first and the requests that are queued already.
func (s *Store) group(first *request) []*request {
	group := []*request{first}
	for len(group) < maxGroup {
		select {
		case r := <-s.queue:
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// commitGroup carries out requests in one transaction and tells each caller the
// outcome.
func (s *Store) commitGroup(group []*request) {
	refused := make([]error, len(group))
	var logged bool
	err := s.update(func(tx *bbolt.Tx) error {
		before := bucket(tx, bucketLog).Sequence()
		for i, r := range group {
			var failed error
			if refused[i], failed = r.change(tx); failed != nil {
				return failed
			}
		}
		logged = bucket(tx, bucketLog).Sequence() != before
		return nil
	})
	s.reportSpace(err)
	switch {
	case errors.Is(err, ErrDamaged), errors.Is(err, store.ErrFull):
	case err != nil:
		err = fmt.Errorf("%w: commit: %w", store.ErrUnavailable, err)
	case logged:
		s.wakeConsumers()
	}
	for i, r := range group {
		if err != nil {
			r.done <- err
			continue
		}
		r.done <- refused[i]
	}
}

// reportSpace logs the first commit for which the disk has no space, and the first for
// which it has again.
func (s *Store) reportSpace(err error) {
	full := errors.Is(err, store.ErrFull)
	switch {
	case full && !s.full:
		slog.Error("the disk is full; writes fail until there is space on it", "file", s.path, "reason", err)
	case s.full && err == nil:
		slog.Info("there is space on the disk again", "file", s.path)
	}
	s.full = full || s.full && err != nil
}

// change is what an operation does to one item, nil images where there is none.
type change struct {
	key           store.Key
	old, new      store.Item
	before, after image
}

// decide returns what ops would change, or why they are refused. It changes nothing.
func decide(tx *bbolt.Tx, ops []store.Op) ([]change, error) {
	items := bucket(tx, bucketItems)
	var changes []change
	for n, op := range ops {
		c := change{key: op.Key, before: items.Get(itemKey(op.Key))}
		if c.before != nil {
			var err error
			if c.old, err = c.before.Item(); err != nil {
				return nil, fmt.Errorf("%s/%s: %w", op.Key.PK, op.Key.SK, err)
			}
		}
		if !op.If.Holds(c.old) {
			return nil, &store.ConditionError{Op: n, Key: op.Key, Item: c.old}
		}
		var err error
		if c.new, err = op.Result(c.old); err != nil {
			return nil, err
		}
		if c.new != nil {
			if err := store.CheckItemSize(op.Key, c.new.Size()); err != nil {
				return nil, err
			}
			c.after = encodeItem(c.new)
		}
		if !bytes.Equal(c.before, c.after) {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// apply writes items, index entries and change records.
func (s *Store) apply(tx *bbolt.Tx, changes []change) error {
	items := bucket(tx, bucketItems)
	for _, c := range changes {
		var err error
		if c.new == nil {
			err = items.Delete(itemKey(c.key))
		} else {
			err = items.Put(itemKey(c.key), c.after)
		}
		for _, x := range s.indexes {
			err = errors.Join(err, x.move(bucket(tx, x.bucket), c))
		}
		if err = errors.Join(err, s.log(bucket(tx, bucketLog), c)); err != nil {
			return err
		}
	}
	return nil
}

// move updates the index for a change.
func (x index) move(b *bbolt.Bucket, c change) error {
	from, to := x.entry(c.old), x.entry(c.new)
	if bytes.Equal(from, to) {
		return nil
	}
	var err error
	if from != nil {
		err = b.Delete(from)
	}
	if to != nil {
		err = errors.Join(err, b.Put(to, nil))
	}
	return err
}

// log adds the change record.
func (s *Store) log(b *bbolt.Bucket, c change) error {
	return appendRecord(b, c.record(s.options.clock.Now().Unix()))
}

// appendRecord puts an encoded change record at the end of the log.
func appendRecord(log *bbolt.Bucket, record []byte) error {
	sequence, err := log.NextSequence()
	if err != nil {
		return err
	}
	return log.Put(sequenceKey(sequence), record)
}

func sequenceKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
