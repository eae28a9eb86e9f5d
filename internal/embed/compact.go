package embed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"go.etcd.io/bbolt"

	"segue/internal/embed/journal"
)

// compactBytes is how much one transaction of Compact writes.
const compactBytes = 4 << 20

// Compact writes the tables of a store that no process has open into a new file, without
// the pages that nothing uses, and puts that in the place of the old one. It returns
// their sizes. If it is interrupted, the old file is still there. The journal stays what
// it is. Errors are those of [Open]; [store.ErrFull] if the disk has no space for both.
func Compact(path string) (before, after int64, err error) {
	if _, err := os.Stat(path); err != nil {
		return 0, 0, err
	}
	from, _, err := openFile(path, defaults())
	if err != nil {
		return 0, 0, err
	}
	fresh := path + ".compact"
	err = guard(path, func() error { return writeCompact(from, fresh) })
	if err == nil {
		before, after, err = sizeOf(path), sizeOf(fresh), replaceFile(from, path, fresh)
	} else {
		err = errors.Join(err, from.Close())
	}
	if err != nil {
		if gone := os.Remove(fresh); !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		if isFull(err) {
			err = fullError(path, err)
		}
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	return before, after, nil
}

// writeCompact copies the buckets into a file, which is on the disk when it returns.
func writeCompact(from *bbolt.DB, fresh string) error {
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // an attempt that was interrupted
	}
	to, err := bbolt.Open(fresh, 0o600, &bbolt.Options{NoSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return err
	}
	err = bbolt.Compact(to, from, compactBytes)
	if err == nil {
		err = to.Sync()
	}
	return errors.Join(err, to.Close())
}

// replaceFile puts fresh in the place of the file at path, which is locked until then.
// Windows renames no file that is open.
func replaceFile(old *bbolt.DB, path, fresh string) error {
	if runtime.GOOS == "windows" {
		if err := old.Close(); err != nil {
			return err
		}
		return os.Rename(fresh, path)
	}
	err := os.Rename(fresh, path)
	if err == nil {
		err = journal.SyncFolder(filepath.Dir(path))
	}
	return errors.Join(err, old.Close())
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
