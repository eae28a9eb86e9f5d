package embed

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"segue/internal/embed/overlay"
	"segue/internal/store"
)

// checkpointBytes of records begin a checkpoint. Writes wait while the tables lack twice as
// many, those that a checkpoint is writing among them. checkpointKeys is how many keys one transaction of a
// checkpoint writes: few enough that the disk is soon free for the journal, many enough
// that neighbors share pages.
const (
	checkpointBytes = 64 << 20
	checkpointKeys  = 4096
)

// trimRecords begin a checkpoint as well if nothing but the tables' knowledge of cursors
// keeps them: the tables have them, and consumers have done with them since the last
// checkpoint. It is so after an import, and without one the journal would stay until
// something else is written.
const trimRecords = 50_000

// checkpointPause is how long a checkpoint waits for space on the disk.
const checkpointPause = time.Second

// checkpoint is one that runs in the background.
type checkpoint struct {
	ended   chan struct{}         // closed when it has written all, or gave up
	failing atomic.Pointer[error] // why its last attempt failed
}

// beginCheckpoint begins a checkpoint if it is time for one and none is under way. The
// commit loop calls it.
func (s *Store) beginCheckpoint() {
	now := s.state.Load()
	trim := min(now.done(), s.applied.Load()) >= s.kept.Load()+uint64(s.options.trim)
	if s.pending < s.options.bytes && !trim || now.frozen != nil {
		return
	}
	s.freeze()
	running := &checkpoint{ended: make(chan struct{})}
	s.checkpoint = running
	go func() {
		defer close(running.ended)
		for {
			err := s.writeFrozen()
			running.failing.Store(&err)
			if err == nil || errors.Is(err, ErrDamaged) {
				return
			}
			slog.Warn("the changes cannot be written into the tables yet", "file", s.path, "reason", err)
			select {
			case <-time.After(checkpointPause):
			case <-s.closing:
				return
			}
		}
	}()
}

// roomInMemory waits until a checkpoint has made room for more changes in memory. Its
// error is why it cannot.
func (s *Store) roomInMemory() error {
	running := s.checkpoint
	lacking := s.pending
	if f := s.state.Load().frozen; f != nil {
		lacking += f.bytes
	}
	if lacking < 2*s.options.bytes || running == nil {
		return nil
	}
	for {
		select {
		case <-running.ended:
			s.beginCheckpoint()
			return nil
		case <-time.After(10 * time.Millisecond):
			if err := running.failing.Load(); err != nil && *err != nil {
				return *err
			}
		}
	}
}

// freeze makes the tree the one that a checkpoint writes.
func (s *Store) freeze() {
	s.publish(func(now *state) {
		now.frozen = &frozen{now.tree, now.marks, s.pending}
		now.tree = overlay.New()
		now.epoch++
	})
	s.pending = 0
}

// writeFrozen writes the frozen tree into the tables. What it has written when it fails
// does no harm: the tree stays over it, and a start reads all of it from the journal.
func (s *Store) writeFrozen() error {
	f := s.state.Load().frozen
	next, stop := iter.Pull2(f.tree.All())
	defer stop()
	for more := true; more; {
		err := s.update(func(tx *bbolt.Tx) (err error) {
			if more, err = s.writeKeys(tx, next); err != nil || more {
				return err
			}
			return writeMarks(tx, f.marks)
		})
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	s.applied.Store(f.last)
	s.kept.Store(f.done())
	s.publish(func(now *state) { now.frozen, now.epoch = nil, now.epoch+1 })
	// What the tables say is what a start after a crash goes by, so what they have of the
	// cursors counts, not how far the consumers are by now. What cannot be deleted now is
	// deleted after the next checkpoint.
	if err := s.journal.Trim(f.done() + 1); err != nil {
		slog.Warn("a file of the journal cannot be deleted yet", "file", s.path, "reason", err)
	}
	return nil
}

// writeKeys writes the next keys into the tables and reports whether there are more.
func (s *Store) writeKeys(tx *bbolt.Tx, next func() (string, overlay.Entry, bool)) (more bool, err error) {
	var b *bbolt.Bucket
	space := -1
	for range s.options.keys {
		key, e, ok := next()
		if !ok {
			return false, nil
		}
		if int(key[0]) != space {
			space = int(key[0])
			b = bucket(tx, s.bucketOf(key[0]))
		}
		if e.Deleted {
			err = b.Delete([]byte(key[1:]))
		} else {
			err = b.Put([]byte(key[1:]), e.Value)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// checkpointNow writes all that lies over the tables into them.
func (s *Store) checkpointNow() error {
	if s.state.Load().frozen != nil { // an attempt that failed
		if err := s.writeFrozen(); err != nil {
			return err
		}
	}
	s.freeze()
	return s.writeFrozen()
}

// finish closes the store once the commit loop has ended. If the disk has no space for
// the tables to be brought up to date, the journal has what they lack.
func (s *Store) finish() error {
	err := s.writable()
	if err == nil {
		err = s.commitCursors()
	}
	if running := s.checkpoint; running != nil {
		<-running.ended
	}
	keep := uint64(0)
	if err == nil {
		err = s.checkpointNow()
	}
	if err == nil {
		err = s.update(func(tx *bbolt.Tx) error { return bucket(tx, bucketMeta).Delete([]byte(keyOpen)) })
	}
	if err == nil {
		keep = s.state.Load().done() + 1
	}
	if errors.Is(err, store.ErrFull) {
		slog.Warn("the next start takes longer", "file", s.path, "reason", err)
		err = nil
	}
	return errors.Join(err, s.journal.Close(keep), s.closeFile())
}
