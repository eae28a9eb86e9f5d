package journal

import (
	"os"
	"runtime"
)

// SyncFolder waits until the disk has the names in a folder. Windows has no such call,
// and needs none.
func SyncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
