package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var testID = ID{1, 2, 3}

func open(t *testing.T, dir string, from, known uint64) *Journal {
	t.Helper()
	j, err := Open(dir, testID, from, known, false)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// write appends frames of three numbers each, with a payload that names the first.
func write(t *testing.T, j *Journal, frames int, size int) {
	t.Helper()
	for range frames {
		if err := j.Append(3, payload(j.Next(), size)); err != nil {
			t.Fatal(err)
		}
	}
}

func payload(first uint64, size int) []byte {
	return append(fmt.Appendf(nil, "%d ", first), bytes.Repeat([]byte{'x'}, size)...)
}

// numbers returns the first numbers of the frames from from on, and checks the payloads.
func numbers(t *testing.T, j *Journal, from uint64, size int) (first []uint64) {
	t.Helper()
	r := j.Read(from)
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	for {
		frame, ok, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return first
		}
		if frame.Count != 3 || !bytes.Equal(frame.Payload, payload(frame.First, size)) {
			t.Errorf("frame %d takes %d numbers and has %.20q", frame.First, frame.Count, frame.Payload)
		}
		first = append(first, frame.First)
	}
}

func wantNumbers(t *testing.T, got []uint64, want ...uint64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("frames %v, want %v", got, want)
	}
}

// copied is a copy of the files as they are now, which a crash would leave.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.log")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestReadWhatWasAppended(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	j := open(t, dir, 1, 1)
	wantNumbers(t, numbers(t, j, 1, 10))
	write(t, j, 3, 10)
	wantNumbers(t, numbers(t, j, 1, 10), 1, 4, 7)
	wantNumbers(t, numbers(t, j, 5, 10), 4, 7) // 5 is in the frame that begins with 4
	wantNumbers(t, numbers(t, j, 10, 10))
	r := j.Read(10)
	write(t, j, 1, 10)
	if frame, ok, err := r.Next(); err != nil || !ok || frame.First != 10 {
		t.Errorf("a reader at the end got %v, %v, %v", frame, ok, err)
	}
	if err := errors.Join(r.Close(), j.Close(0)); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, 1, 13)
	write(t, j, 1, 10)
	wantNumbers(t, numbers(t, j, 1, 10), 1, 4, 7, 10, 13)
	if err := j.Close(j.Next()); err != nil {
		t.Fatal(err)
	}
	if files, _, err := Find(dir); files || err != nil {
		t.Errorf("nothing was to be kept, and there are files, %v", err)
	}
}

// TestFiles fills several files: readers go from one to the next, trimming drops those
// that nobody needs.
func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	j := open(t, dir, 1, 1)
	const size = fileSize / 3
	write(t, j, 8, size)
	if len(j.first) != 4 {
		t.Fatalf("files begin with %v, want four", j.first)
	}
	wantNumbers(t, numbers(t, j, 1, size), 1, 4, 7, 10, 13, 16, 19, 22)
	if err := j.Trim(12); err != nil {
		t.Fatal(err)
	}
	wantNumbers(t, numbers(t, j, 12, size), 10, 13, 16, 19, 22)
	if _, _, err := j.Read(3).Next(); !errors.Is(err, ErrDamaged) {
		t.Errorf("read what is trimmed: %v", err)
	}
	if _, err := Open(copied(t, dir), testID, 3, 3, false); !errors.Is(err, ErrDamaged) {
		t.Errorf("open with what is trimmed: %v", err)
	}
	after := open(t, copied(t, dir), 12, 12)
	wantNumbers(t, numbers(t, after, 12, size), 10, 13, 16, 19, 22)
	if err := errors.Join(after.Close(0), j.Close(0)); err != nil {
		t.Error(err)
	}
}

// TestTorn cuts the last frame everywhere, as a crash does, and changes each of its
// bytes: it is dropped, and what comes next takes its place.
func TestTorn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	j := open(t, dir, 1, 1)
	write(t, j, 4, 10)
	whole, end := j.offset-int64(headerSize+len(payload(10, 10))), j.offset
	for at := whole; at < end; at++ {
		for name, tear := range map[string]func(text []byte) []byte{
			"cut":           func(text []byte) []byte { return text[:at] },
			"changed":       func(text []byte) []byte { text[at] ^= 0x40; return text },
			"zeros from it": func(text []byte) []byte { clear(text[at:]); return text },
		} {
			torn := copied(t, dir)
			rewrite(t, filepath.Join(torn, fileName(1)), tear)
			j := open(t, torn, 1, 10)
			wantNumbers(t, numbers(t, j, 1, 10), 1, 4, 7)
			write(t, j, 1, 20)
			if err := j.Close(0); err != nil {
				t.Fatal(err)
			}
			j = open(t, torn, 10, 13)
			wantNumbers(t, numbers(t, j, 10, 20), 10)
			if _, err := Open(torn, testID, 10, 14, false); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s at %d: the store knows of one that is gone: %v", name, at, err)
			}
		}
	}
	if err := j.Close(0); err != nil {
		t.Error(err)
	}
}

func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDamaged changes each byte of what other frames follow: it was on the disk, so it
// is not what a crash leaves.
func TestDamaged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	j := open(t, dir, 1, 1)
	write(t, j, 2, 10)
	before := j.offset
	write(t, j, 1, 10)
	for at := range before {
		damaged := copied(t, dir)
		rewrite(t, filepath.Join(damaged, fileName(1)), func(text []byte) []byte { text[at] ^= 0x40; return text })
		if _, err := Open(damaged, testID, 1, 1, false); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d: %v", at, err)
		}
	}
	if _, err := Open(copied(t, dir), ID{9}, 1, 1, false); !errors.Is(err, ErrDamaged) {
		t.Errorf("of another store: %v", err)
	}
	if err := j.Close(0); err != nil {
		t.Error(err)
	}
}

// TestMissingFiles removes, or cuts, each of several files.
func TestMissingFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	j := open(t, dir, 1, 1)
	write(t, j, 8, fileSize/3)
	for n, first := range j.first {
		without := copied(t, dir)
		if err := os.Remove(filepath.Join(without, fileName(first))); err != nil {
			t.Fatal(err)
		}
		cut := copied(t, dir)
		if err := os.Truncate(filepath.Join(cut, fileName(first)), fileSize/2); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{without, cut} {
			_, err := Open(dir, testID, 1, 25, false)
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("file %d of %d: %v", n+1, len(j.first), err)
			}
		}
	}
	if err := j.Close(0); err != nil {
		t.Error(err)
	}
}

// TestInterruptedBeginning has the process end while it makes a file.
func TestInterruptedBeginning(t *testing.T) {
	for size := range headSize + 1 {
		dir := filepath.Join(t.TempDir(), "log")
		j := open(t, dir, 1, 1)
		write(t, j, 2, 10)
		head := j.head(j.Next())
		if err := os.WriteFile(j.path(j.Next()), head[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		after := open(t, copied(t, dir), 1, 7)
		write(t, after, 1, 10)
		wantNumbers(t, numbers(t, after, 1, 10), 1, 4, 7)
		if err := errors.Join(after.Close(0), j.Close(0)); err != nil {
			t.Error(err)
		}
	}
}

// TestReadFromTheMiddle has readers begin everywhere: what they go through before the
// first frame does not grow with the journal.
func TestReadFromTheMiddle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	const frames, size = 300, 1000
	j := open(t, dir, 1, 1)
	write(t, j, frames, size)
	after := open(t, copied(t, dir), 1, 1)
	for name, j := range map[string]*Journal{"written": j, "opened": after} {
		for _, from := range []uint64{1, 2, 300, 301, 302, 303, 3*frames - 2, 3 * frames} {
			r := j.Read(from)
			if err := r.find(); err != nil {
				t.Fatal(err)
			}
			first := (from-1)/3*3 + 1
			begins := int64(headSize)
			for n := uint64(1); n < first; n += 3 {
				begins += headerSize + int64(len(payload(n, size)))
			}
			if before := begins - r.at.offset; before < 0 || before > markSize+2*size {
				t.Errorf("%s: change %d is read from %d bytes before its frame", name, from, before)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if got := numbers(t, j, from, size); got[0] != first || len(got) != frames-int(first)/3 {
				t.Errorf("%s: from %d on there are %d frames, the first is %d", name, from, len(got), got[0])
			}
		}
		if err := j.Close(0); err != nil {
			t.Error(err)
		}
	}
}

// TestReadBesideAppending has a reader meet each frame when it is there, at the end of
// what was read ahead.
func TestReadBesideAppending(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "log"), 1, 1)
	r := j.Read(1)
	for n := range 100 {
		if _, ok, err := r.Next(); ok || err != nil {
			t.Fatalf("a frame %d before it was written, %v", n, err)
		}
		write(t, j, 1, n*100)
		frame, ok, err := r.Next()
		if err != nil || !ok || !bytes.Equal(frame.Payload, payload(frame.First, n*100)) {
			t.Fatalf("frame %d: %v, %v", n, ok, err)
		}
	}
	if err := errors.Join(r.Close(), j.Close(0)); err != nil {
		t.Error(err)
	}
}
