package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// Frame is what was appended. Its payload is the reader's to keep.
type Frame struct {
	First   uint64 // the first of the numbers that it takes
	Count   int    // how many it takes
	Payload []byte
}

// errEnd means that there is no frame here: the end of the file, or zeros.
var errEnd = errors.New("no frame")

// Reader reads frames in their order. It is for one goroutine.
type Reader struct {
	j    *Journal
	file *os.File
	text window
	at   position
	next uint64 // the number that the next frame begins with
}

// Read returns a reader of the frames that hold numbers from from on, which must be
// there.
func (j *Journal) Read(from uint64) *Reader { return &Reader{j: j, next: from} }

// Upcoming is the number that the next frame begins with, or that it holds if it is the
// first.
func (r *Reader) Upcoming() uint64 { return r.next }

// Close releases the reader.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// Next returns the next frame, false when there is none yet. The first one may begin
// before the number asked for.
func (r *Reader) Next() (Frame, bool, error) {
	for {
		end, following := r.j.bounds(r.at.file)
		if r.file != nil && r.at == end || r.file == nil && r.next >= r.j.Next() {
			return Frame{}, false, nil
		}
		if r.file == nil {
			if err := r.find(); err != nil {
				return Frame{}, false, err
			}
			continue
		}
		frame, err := r.frame(end)
		switch {
		case errors.Is(err, errEnd) && following == r.next:
			if err := r.openAt(position{following, headSize}); err != nil {
				return Frame{}, false, err
			}
			continue
		case err != nil:
			return Frame{}, false, fmt.Errorf("%w: change %d in %s: %w", ErrDamaged, r.next, r.file.Name(), err)
		}
		r.at.offset += int64(headerSize + len(frame.Payload))
		if end := frame.First + uint64(frame.Count); end > r.next || frame.Count == 0 {
			r.next = max(r.next, end)
			return frame, true, nil
		}
	}
}

// frame reads the frame that is next in the file, up to the end of the journal.
func (r *Reader) frame(end position) (Frame, error) {
	r.text.end = math.MaxInt64
	if r.at.file == end.file {
		r.text.end = end.offset
	}
	return readFrame(&r.text, r.at.offset)
}

// bounds returns where the journal ends and the file after the one given, 0 for none.
func (j *Journal) bounds(file uint64) (end position, following uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n, _ := slices.BinarySearch(j.first, file+1); n < len(j.first) {
		following = j.first[n]
	}
	return j.end, following
}

// find opens the file that holds the next number.
func (r *Reader) find() error {
	r.j.mu.Lock()
	n, found := slices.BinarySearch(r.j.first, r.next)
	if !found {
		n--
	}
	if n < 0 {
		r.j.mu.Unlock()
		return fmt.Errorf("%w: change %d is missing in %s", ErrDamaged, r.next, r.j.dir)
	}
	at := position{r.j.first[n], headSize}
	n, found = slices.BinarySearchFunc(r.j.marks, r.next, mark.compare)
	if !found {
		n--
	}
	if n >= 0 && r.j.marks[n].file == at.file {
		at = r.j.marks[n].position
	}
	r.j.mu.Unlock()
	return r.openAt(at)
}

func (r *Reader) openAt(at position) error {
	file, err := r.j.openFile(at.file)
	if err != nil {
		return err
	}
	err = r.Close()
	r.file, r.text, r.at = file, window{file: file}, at
	return err
}

// windowSize is how much is read from a file at once.
const windowSize = 32 << 10

// window reads a file in larger parts, up to its end: what is written after that is not
// to be seen before the end is moved.
type window struct {
	file *os.File
	end  int64
	at   int64 // offset of what was read
	read []byte
}

// ReadAt implements [io.ReaderAt].
func (w *window) ReadAt(p []byte, offset int64) (int, error) {
	if offset < w.at || offset+int64(len(p)) > w.at+int64(len(w.read)) {
		size := min(max(len(p), windowSize), int(min(w.end-offset, maxPayload+headerSize)))
		w.read = slices.Grow(w.read[:0], size)[:size]
		n, err := w.file.ReadAt(w.read, offset)
		if w.at, w.read = offset, w.read[:n]; err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
	}
	n := copy(p, w.read[offset-w.at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// openFile opens a file of this journal to read it.
func (j *Journal) openFile(first uint64) (*os.File, error) {
	file, err := os.Open(j.path(first))
	if err != nil {
		return nil, err
	}
	head := make([]byte, headSize)
	_, err = file.ReadAt(head, 0)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
	case bytes.Equal(head, j.head(first)):
		return file, nil
	case bytes.HasPrefix(head, []byte(fileMark)) && err == nil && !bytes.Equal(head[8:24], j.id[:]):
		err = fmt.Errorf("%w: %s belongs to another store", ErrDamaged, file.Name())
	default:
		err = fmt.Errorf("%w: %s does not begin as a log does", ErrDamaged, file.Name())
	}
	return nil, errors.Join(err, file.Close())
}

// readFrame reads the frame at offset. Its error is errEnd where there is none, and
// another where it is not whole.
func readFrame(file io.ReaderAt, offset int64) (Frame, error) {
	header := make([]byte, headerSize)
	n, err := file.ReadAt(header, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return Frame{}, err
	}
	if len(bytes.Trim(header[:n], "\x00")) == 0 {
		return Frame{}, errEnd
	}
	size := binary.BigEndian.Uint32(header[4:])
	if n < headerSize || binary.BigEndian.Uint32(header) != frameMark || size > maxPayload {
		return Frame{}, errors.New("it does not begin as a frame does")
	}
	frame := slices.Concat(header, make([]byte, size))
	if _, err := file.ReadAt(frame[headerSize:], offset+headerSize); err != nil {
		return Frame{}, fmt.Errorf("it is cut off: %w", err)
	}
	if binary.BigEndian.Uint32(header[8:]) != checksum(frame) {
		return Frame{}, errors.New("its checksum is another")
	}
	return Frame{
		First: binary.BigEndian.Uint64(header[16:]), Count: int(binary.BigEndian.Uint32(header[12:])),
		Payload: frame[headerSize:],
	}, nil
}
