package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// recover finds the end of the journal: it goes through the files that hold numbers
// from from on, and cuts off what is torn.
func (j *Journal) recover(from uint64) error {
	start, found := slices.BinarySearch(j.first, from)
	if !found {
		start--
	}
	if len(j.first) > 0 && start < 0 {
		return fmt.Errorf("%w: %s begins with change %d, and %d is needed", ErrDamaged, j.dir, j.first[0], from)
	}
	if len(j.first) == 0 {
		return nil
	}
	for n := start; n < len(j.first); n++ {
		if n > start && j.first[n] != j.next {
			return fmt.Errorf("%w: changes %d to %d are missing in %s", ErrDamaged, j.next, j.first[n]-1, j.dir)
		}
		if err := j.recoverFile(j.first[n], n == len(j.first)-1); err != nil {
			return err
		}
	}
	if j.next < from { // the store knows more than the journal has
		return fmt.Errorf("%w: %s ends before change %d, and %d is known", ErrDamaged, j.dir, j.next, from-1)
	}
	return nil
}

// recoverFile goes through the frames of a file. Of the last one, the end is cut off
// if it is torn.
func (j *Journal) recoverFile(first uint64, last bool) error {
	file, err := j.openFile(first)
	if err != nil && last && errors.Is(err, ErrDamaged) && j.isNew(first) {
		j.dropFile(first) // the process ended while it made the file
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	j.next = first
	offset := int64(headSize)
	text := &window{file: file, end: math.MaxInt64}
	for {
		frame, err := readFrame(text, offset)
		switch {
		case errors.Is(err, errEnd) && !last:
			return nil
		case err != nil && last:
			return j.endAt(file, first, offset, err)
		case err != nil:
			return fmt.Errorf("%w: change %d in %s: %w", ErrDamaged, j.next, file.Name(), err)
		case frame.First != j.next:
			return fmt.Errorf("%w: change %d in %s: there is %d in its place", ErrDamaged, j.next, file.Name(), frame.First)
		}
		j.remember(mark{j.next, position{first, offset}})
		j.next += uint64(frame.Count)
		offset += int64(headerSize + len(frame.Payload))
	}
}

// isNew reports whether a file has no frame: it ends within its head.
func (j *Journal) isNew(first uint64) bool {
	info, err := os.Stat(j.path(first))
	return err == nil && info.Size() < headSize+headerSize
}

// dropFile forgets the last file. It stays until its place is taken, for a journal
// without files looks like one that was lost.
func (j *Journal) dropFile(first uint64) {
	j.first = j.first[:len(j.first)-1]
	j.next = first
}

// endAt makes the offset the end of the last file. If there is a whole frame after it,
// what is there was not torn by an interrupted write.
func (j *Journal) endAt(file *os.File, first uint64, offset int64, found error) error {
	j.end = position{first, offset}
	info, err := file.Stat()
	if err != nil || info.Size() == offset {
		return err
	}
	rest := make([]byte, info.Size()-offset)
	if _, err := file.ReadAt(rest, offset); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for at := 0; at+headerSize <= len(rest); at++ {
		if binary.BigEndian.Uint32(rest[at:]) != frameMark {
			continue
		}
		if frame, err := readFrame(file, offset+int64(at)); err == nil && frame.First >= j.next {
			return fmt.Errorf("%w: change %d in %s: %w, and there are later ones", ErrDamaged, j.next, file.Name(), found)
		}
	}
	if err := os.Truncate(file.Name(), offset); err != nil {
		return err
	}
	if j.noSync {
		return nil
	}
	return errors.Join(reopenSync(file.Name()), SyncFolder(j.dir))
}

// reopenSync waits until the disk has the file.
func reopenSync(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
