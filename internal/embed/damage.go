package embed

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"segue/internal/store"
)

// ErrDamaged means that the file is not what this package wrote: it lacks a part, or
// holds something else.
var ErrDamaged = errors.New("the file is damaged; restore it from a copy, or move it away to begin with an empty store")

// DamagedError is [ErrDamaged] with the file and what was found.
type DamagedError struct {
	Path  string
	Cause string
}

// Error names the file, what was found and what can be done.
func (e *DamagedError) Error() string { return fmt.Sprintf("%s: %v (%s)", e.Path, ErrDamaged, e.Cause) }

// Unwrap makes the error an ErrDamaged.
func (e *DamagedError) Unwrap() error { return ErrDamaged }

// guard runs what reads or writes the mapped file at path. bbolt trusts the file: a
// page that the file no longer has ends the process with a fault, and one that is not
// what it should be is a panic. Here both are a [*DamagedError].
func guard(path string, do func() error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		p := recover()
		if p == nil {
			return
		}
		cause := fmt.Sprint(p)
		if _, ours := p.(runtime.Error); ours {
			if _, fault := p.(interface{ Addr() uintptr }); !fault { // it may be a mistake of the program
				slog.Error("panic in the store", "file", path, "reason", p, "stack", string(debug.Stack()))
			}
			cause = "a page of it is missing, or not what other pages say"
		}
		err = &DamagedError{path, cause}
	}()
	err = do()
	if errors.Is(err, errCorrupt) {
		return &DamagedError{path, err.Error()}
	}
	return err
}

// begin starts a transaction. One that cannot be started because of damage keeps the
// locks of bbolt, so there is none after it.
func (s *Store) begin(writable bool) (*bbolt.Tx, error) {
	if lost := s.lost.Load(); lost != nil {
		return nil, *lost
	}
	var tx *bbolt.Tx
	err := guard(s.path, func() (err error) {
		tx, err = s.db.Begin(writable)
		return err
	})
	s.loseLocks(err)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		err = errClosed
	}
	return tx, err
}

// end ends a transaction that is not committed. It does nothing to one that is.
func (s *Store) end(tx *bbolt.Tx) { s.loseLocks(guard(s.path, tx.Rollback)) }

// loseLocks remembers that bbolt has panicked in what takes or releases its locks.
func (s *Store) loseLocks(err error) {
	if errors.Is(err, ErrDamaged) {
		s.lost.CompareAndSwap(nil, &err)
	}
}

// stopWriting has nothing written any more: what is known to be damaged is not written
// to.
func (s *Store) stopWriting(err error) { s.damaged.CompareAndSwap(nil, &err) }

// writable returns why nothing is written any more, nil while it is.
func (s *Store) writable() error {
	if damaged := s.damaged.Load(); damaged != nil {
		return *damaged
	}
	return nil
}

// update is a transaction that writes tables.
func (s *Store) update(change func(*bbolt.Tx) error) error {
	if err := s.writable(); err != nil {
		return err
	}
	tx, err := s.begin(true)
	if err == nil {
		err = guard(s.path, func() error {
			if err := change(tx); err != nil {
				return err
			}
			return tx.Commit()
		})
		s.end(tx)
	}
	if errors.Is(err, ErrDamaged) {
		s.stopWriting(err)
	}
	if isFull(err) {
		err = fullError(s.path, err)
	}
	return err
}

// viewTables is a transaction that reads tables alone.
func (s *Store) viewTables(read func(*bbolt.Tx) error) error {
	tx, err := s.begin(false)
	if err != nil {
		return err
	}
	defer s.end(tx)
	return guard(s.path, func() error { return read(tx) })
}

// closeFile releases the file. Where bbolt's locks are lost it would wait for them for
// ever, so the end of the process does it.
func (s *Store) closeFile() error {
	if lost := s.lost.Load(); lost != nil {
		return *lost
	}
	return s.db.Close()
}

// isFull reports whether err means that the file cannot grow: no space on the disk,
// or no more for this user or process.
func isFull(err error) bool {
	for _, full := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		// bbolt keeps only the text of an error of growing the file.
		if errors.Is(err, full) || err != nil && strings.HasSuffix(err.Error(), full.Error()) {
			return true
		}
	}
	return false
}

func fullError(path string, err error) error {
	return fmt.Errorf("%w: %s: %w", store.ErrFull, path, err)
}
