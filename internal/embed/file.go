package embed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockPatience is how long [Open] waits for another process to close the file.
const lockPatience = 500 * time.Millisecond

// openAttempts is how often [Open] begins again because the file at its path has become
// another one.
const openAttempts = 3

// openFile opens the tables at path, locks them and makes sure that the file has all
// pages that it speaks of. It reports whether it has made the file.
func openFile(path string, o options) (db *bbolt.DB, made bool, err error) {
	for range openAttempts {
		db, made, err = lockFile(path, o)
		if !errors.Is(err, errReplaced) {
			return db, made, err
		}
	}
	return nil, false, fmt.Errorf("%s %w", path, ErrInUse)
}

// errReplaced means that the path has another file than the one that was locked, or
// none: a compaction has ended meanwhile, or a first start has failed.
var errReplaced = errors.New("the file was replaced")

// lockFile is one attempt of openFile. Where bbolt panics, the lock stays until the
// process ends.
func lockFile(path string, o options) (db *bbolt.DB, made bool, err error) {
	var file *os.File
	err = guard(path, func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: o.patience, NoSync: o.noSync, FreelistType: bbolt.FreelistMapType,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				var err error
				file, err = os.OpenFile(name, flag|os.O_EXCL, mode)
				if made = err == nil; made || !errors.Is(err, fs.ErrExist) {
					return file, err // a new one becomes a store
				}
				if file, err = os.OpenFile(name, flag&^os.O_CREATE, mode); err != nil {
					return nil, err
				}
				return file, checkHead(path, file, o.patience)
			},
		})
		if err != nil {
			return err
		}
		return errors.Join(checkPlace(path, file), checkSize(db, file))
	})
	switch {
	case err == nil:
		return db, made, nil
	case db != nil:
		return nil, false, errors.Join(err, db.Close())
	}
	if made {
		err = errors.Join(err, removeBegun(path))
	}
	return nil, false, openFailure(path, err)
}

// checkPlace refuses a locked file that is no longer the one at its path: what is written
// to it would be lost.
func checkPlace(path string, file *os.File) error {
	there, err := os.Stat(path) //nolint:gosec // where the operator says
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	mine, merr := file.Stat()
	if merr != nil {
		return merr
	}
	if err != nil || !os.SameFile(there, mine) {
		return errReplaced
	}
	return nil
}

// removeBegun removes a file that this process began and could not make, on a full disk
// say: it must not be taken for a damaged store. Nobody else uses one without a head.
func removeBegun(path string) error {
	info, err := os.Stat(path) //nolint:gosec // where the operator says
	if err != nil || info.Size() >= headBytes() {
		return err
	}
	return os.Remove(path) //nolint:gosec // this process has made it
}

// headBytes is how many bytes a file has at least.
func headBytes() int64 { return int64(2 * os.Getpagesize()) }

// checkHead refuses a file that ends within its first two pages, an empty one too: it
// may have been a store, so only a person can decide to begin with a new one.
func checkHead(path string, file *os.File, patience time.Duration) error {
	info, err := file.Stat()
	if err == nil && info.Size() < headBytes() {
		if err = waitForHead(path, file, patience); err == nil {
			info, err = file.Stat()
		}
	}
	if err != nil {
		return err
	}
	if size := info.Size(); size < headBytes() {
		return &DamagedError{path, fmt.Sprintf("it has %d bytes, fewer than its head", size)}
	}
	return nil
}

// waitForHead waits while another process may be making the file. Its error is that the
// process does so still.
func waitForHead(path string, file *os.File, patience time.Duration) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(patience / 50) {
		if info, err := file.Stat(); err != nil || info.Size() >= headBytes() {
			return err
		}
		if err := checkPlace(path, file); err != nil {
			return err
		}
	}
	// Only bbolt knows how it locks a file.
	probe, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: patience})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return err
	}
	if err == nil {
		return probe.Close()
	}
	return nil // that it is no store is for checkHead to say
}

// openFailure returns the error of Open for that of bbolt.
func openFailure(path string, err error) error {
	for _, damage := range []error{bolterrors.ErrInvalid, bolterrors.ErrVersionMismatch, bolterrors.ErrChecksum} {
		if errors.Is(err, damage) {
			return &DamagedError{path, "it does not begin as a store does: " + damage.Error()}
		}
	}
	switch {
	case errors.Is(err, errReplaced):
		return err
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%s %w", path, ErrInUse)
	case errors.Is(err, ErrDamaged):
		return err
	case isFull(err):
		return fullError(path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// checkSize refuses a file that ends before its last page.
func checkSize(db *bbolt.DB, file *os.File) error {
	tx, err := db.Begin(false)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if need := tx.Size(); info.Size() < need {
		return &DamagedError{db.Path(), fmt.Sprintf("it has %d bytes of the %d that it needs", info.Size(), need)}
	}
	return nil
}
