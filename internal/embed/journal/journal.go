// Package journal is an append-only log in a folder of files, each frame of which is
// on the disk before Append returns. The embedded store keeps its changes in one: it
// is what makes a commit durable, and what the change feed is read from.
//
// A frame is a header and a payload: a mark, the payload's length, a checksum, how
// many numbers the frame takes, and the first of them. Frames follow one another
// without a gap in their numbers. A file begins with a mark, the identity of the store
// and the number of its first frame, which is also its name:
//
//	00000000000000000001.log   head | frame 1 | frame 4 | …
//	00000000000000020417.log   head | frame 20417 | … | zeros
//
// The file that is written to is filled with zeros ahead: to overwrite them needs no
// change of the file's size, so that an fsync is one write of the disk, not several.
//
// Invariant: a frame for which Append returned nil is read again whatever happens to
// the process or the machine. At most the last frame can be torn, for the next is
// written when it is on the disk; so a torn one at the end is dropped, and anything
// else that is not a frame is [ErrDamaged].
package journal

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Sizes in bytes.
const (
	fileSize   = 16 << 20 // after which a new file begins
	fillSize   = 1 << 20  // of zeros that are written ahead
	headSize   = 8 + 16 + 8 + 4
	headerSize = 4 + 4 + 4 + 4 + 8
	maxPayload = 128 << 20 // a write of 100 of the largest items, before and after
	markSize   = 16 << 10  // between the places that are remembered
)

const (
	fileMark  = "SegueLog"
	frameMark = 0x5e60f4a3
	suffix    = ".log"
)

// ErrDamaged means that the files are not what this package wrote: a frame is missing,
// or is not what its checksum says.
var ErrDamaged = errors.New("the log is damaged")

// ID is the identity of a store. The files of another one are refused.
type ID [16]byte

// Journal is the files of one folder. Append and Close are for one goroutine at a
// time; all else may be called beside them.
type Journal struct {
	dir    string
	id     ID
	noSync bool

	file   *os.File // written to, nil until there is something to write
	offset int64    // where its next frame begins
	filled int64    // up to where it has zeros, or its end
	frame  []byte   // buffer of Append
	zeros  []byte   // fillSize of them, nil until they are needed

	mu    sync.Mutex
	first []uint64 // numbers that the files begin with, ascending
	end   position // where the next frame begins
	next  uint64   // its number
	marks []mark   // where some frames begin, ascending
}

// mark is where a frame begins, so that a reader need not go through a file from its
// beginning.
type mark struct {
	number uint64
	position
}

// position is a place in the files.
type position struct {
	file   uint64 // that begins with this number
	offset int64
}

// Open reads the journal in the folder dir, or makes it. Frames from the number from
// on must be there, without a gap, up to whatever the last one is; known is the number
// that they must reach at least. Older ones need not be. A torn last frame is cut off.
func Open(dir string, id ID, from, known uint64, noSync bool) (*Journal, error) {
	j := &Journal{dir: dir, id: id, noSync: noSync, next: from}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if !noSync { // the name of the folder, and of the store's file beside it
		if err := SyncFolder(filepath.Dir(dir)); err != nil {
			return nil, err
		}
	}
	var err error
	if j.first, err = list(dir); err != nil {
		return nil, err
	}
	if err := j.recover(from); err != nil {
		return nil, err
	}
	if j.next < known {
		return nil, fmt.Errorf("%w: %s ends before change %d, and %d is known", ErrDamaged, dir, j.next, known-1)
	}
	return j, nil
}

// Find reports whether the folder holds files of a journal, and frames.
func Find(dir string) (files, frames bool, err error) {
	first, err := list(dir)
	if err != nil || len(first) == 0 {
		return false, false, err
	}
	info, err := os.Stat(filepath.Join(dir, fileName(first[len(first)-1])))
	return true, len(first) > 1 || err == nil && info.Size() > headSize, err
}

// Discard removes the files of a journal, and the folder if nothing else is in it.
func Discard(dir string) error {
	first, err := list(dir)
	for _, n := range first {
		err = errors.Join(err, os.Remove(filepath.Join(dir, fileName(n))))
	}
	if err == nil {
		_ = os.Remove(dir) // a folder without files is no journal
	}
	return err
}

func list(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var first []uint64
	for _, entry := range entries {
		text, ok := strings.CutSuffix(entry.Name(), suffix)
		if n, err := strconv.ParseUint(text, 10, 64); ok && err == nil {
			first = append(first, n)
		}
	}
	slices.Sort(first)
	return first, nil
}

func fileName(first uint64) string { return fmt.Sprintf("%020d%s", first, suffix) }

func (j *Journal) path(first uint64) string { return filepath.Join(j.dir, fileName(first)) }

// Next returns the number that the next frame begins with.
func (j *Journal) Next() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.next
}

// Append writes a frame that takes count numbers, and waits until the disk has it.
// After an error nothing is appended; the next frame takes its place. An error of the
// disk itself, which may have lost what was written before, is [ErrDamaged].
func (j *Journal) Append(count int, payload []byte) error {
	if len(payload) > maxPayload {
		return fmt.Errorf("a frame has %d bytes; the limit is %d", len(payload), maxPayload)
	}
	frame := slices.Grow(j.frame[:0], headerSize+len(payload))[:headerSize]
	frame = append(frame, payload...)
	if j.frame = frame; cap(frame) > fillSize {
		j.frame = nil
	}
	putHeader(frame, uint32(count), j.next)
	if err := j.room(len(frame)); err != nil {
		return err
	}
	if _, err := j.file.WriteAt(frame, j.offset); err != nil {
		return err
	}
	if !j.noSync {
		if err := syncData(j.file); err != nil {
			return err
		}
	}
	j.offset += int64(len(frame))
	j.filled = max(j.filled, j.offset)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.remember(mark{j.next, j.end})
	j.next += uint64(count)
	j.end.offset = j.offset
	return nil
}

// remember keeps the place of a frame if it is far enough from the last one kept.
func (j *Journal) remember(m mark) {
	last := position{m.file, headSize}
	if n := len(j.marks); n > 0 && j.marks[n-1].file == m.file {
		last = j.marks[n-1].position
	}
	if m.offset >= last.offset+markSize {
		j.marks = append(j.marks, m)
	}
}

// putHeader fills the header of a frame.
func putHeader(frame []byte, count uint32, first uint64) {
	binary.BigEndian.PutUint32(frame, frameMark)
	binary.BigEndian.PutUint32(frame[4:], uint32(len(frame)-headerSize))
	binary.BigEndian.PutUint32(frame[12:], count)
	binary.BigEndian.PutUint64(frame[16:], first)
	binary.BigEndian.PutUint32(frame[8:], checksum(frame))
}

// checksum covers all of a frame but its own place.
func checksum(frame []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(frame[:8], table), table, frame[12:])
}

// room makes sure that there is a file, and zeros where the disk has space for them.
func (j *Journal) room(size int) error {
	if j.file != nil && j.offset+int64(size) > fileSize && j.offset > headSize {
		if err := j.endFile(); err != nil {
			return err
		}
	}
	if j.file == nil {
		if err := j.beginFile(); err != nil {
			return err
		}
	}
	if j.noSync || j.offset+int64(size) <= j.filled {
		return nil
	}
	if j.zeros == nil {
		j.zeros = make([]byte, fillSize)
	}
	zeros := j.zeros
	if size > fillSize {
		zeros = make([]byte, size)
	}
	if _, err := j.file.WriteAt(zeros, j.filled); err == nil {
		j.filled += int64(len(zeros))
	} // else the frame itself may still find space
	return nil
}

// Begin makes a file for the frames to come, so that a journal that is lost is missed.
func (j *Journal) Begin() error { return j.beginFile() }

// beginFile makes a file for the frames to come.
func (j *Journal) beginFile() error {
	file, err := os.OpenFile(j.path(j.next), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(j.head(j.next))
	if err == nil && !j.noSync {
		err = errors.Join(file.Sync(), SyncFolder(j.dir))
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	j.file, j.offset, j.filled = file, headSize, headSize
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := len(j.first); n == 0 || j.first[n-1] != j.next {
		j.first = append(j.first, j.next)
	}
	j.end = position{j.next, headSize}
	return nil
}

func (j *Journal) head(first uint64) []byte {
	b := append([]byte(fileMark), j.id[:]...)
	b = binary.BigEndian.AppendUint64(b, first)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// endFile cuts the zeros off the file and closes it.
func (j *Journal) endFile() error {
	err := j.file.Truncate(j.offset)
	if err == nil && !j.noSync {
		err = j.file.Sync()
	}
	if err != nil {
		return err
	}
	err = j.file.Close()
	j.file = nil
	return err
}

// Trim deletes the files of which all frames are before the number keep.
func (j *Journal) Trim(keep uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.first) > 1 && j.first[1] <= keep {
		if err := os.Remove(j.path(j.first[0])); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		j.first = j.first[1:]
	}
	if n, _ := slices.BinarySearchFunc(j.marks, j.first[0], mark.compare); n > 0 {
		j.marks = slices.Clone(j.marks[n:])
	}
	return nil
}

func (m mark) compare(number uint64) int { return cmp.Compare(m.number, number) }

// Close ends the file that is written to. If nothing is to be kept from the number
// keep on, all files go.
func (j *Journal) Close(keep uint64) error {
	if j.file != nil {
		if err := j.endFile(); err != nil {
			return err
		}
	}
	if keep < j.next {
		return j.Trim(keep)
	}
	return Discard(j.dir)
}
