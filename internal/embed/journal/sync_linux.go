package journal

import (
	"os"
	"syscall"
)

// syncData waits until the disk has what was written to the file, and its size if that
// is new. What else is known of the file, such as when it was written, may come later.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return err
		}
	}
}
