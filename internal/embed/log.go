package embed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"segue/internal/embed/journal"
	"segue/internal/store"
)

// maxBatchBytes bounds the records that a handler gets at once, as Lambda does.
const maxBatchBytes = 6 << 20

// kindCursor is the kind of a record that moves a cursor. The kinds of changes are
// those of package store.
const kindCursor = 0

// A frame of the journal is records, each with its length before it. A record is its
// kind, and of a change its time, key and both images, of a cursor the consumer and
// the number of the last record that it is done with.

// record encodes a change.
func (c change) record(at int64) []byte {
	b := make([]byte, 0, 32+len(c.key.PK)+len(c.key.SK)+len(c.before)+len(c.after))
	b = append(b, byte(kind(c)))
	b = binary.AppendUvarint(b, uint64(at))
	b = appendText(appendText(b, c.key.PK), c.key.SK)
	return appendText(appendText(b, c.before), c.after)
}

func kind(c change) store.ChangeKind {
	switch {
	case c.before == nil:
		return store.Insert
	case c.after == nil:
		return store.Remove
	}
	return store.Modify
}

func cursorRecord(consumer string, last uint64) []byte {
	return binary.AppendUvarint(appendText([]byte{kindCursor}, consumer), last)
}

// logged is a record read from the journal: a change, or the move of a cursor.
type logged struct {
	number   uint64
	size     int
	change   store.Change
	consumer string // "" for a change
	cursor   uint64
}

// parseFrame decodes the records of a frame. Images refer to parts of its payload.
func parseFrame(f journal.Frame, words *vocabulary) ([]logged, error) {
	records := make([]logged, 0, f.Count)
	r := reader{b: f.Payload}
	for range f.Count {
		raw := r.bytes()
		record, err := parseRecord(f.First+uint64(len(records)), raw, words)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, r.end()
}

func parseRecord(number uint64, raw []byte, words *vocabulary) (logged, error) {
	r := reader{b: raw}
	rec := logged{number: number, size: len(raw)}
	if kind := r.byte(); kind == kindCursor {
		rec.consumer, rec.cursor = r.text(), r.uint()
	} else {
		rec.change = parseChange(&r, store.ChangeKind(kind), number, words)
	}
	if err := r.end(); err != nil {
		return logged{}, fmt.Errorf("record %d: %w", number, err)
	}
	return rec, nil
}

// parseChange decodes what follows the kind in the record of a change.
func parseChange(r *reader, kind store.ChangeKind, number uint64, words *vocabulary) store.Change {
	c := store.Change{Sequence: fmt.Sprintf("%020d", number), Kind: kind}
	c.At = time.Unix(int64(r.uint()), 0).UTC()
	c.Key = store.Key{PK: r.text(), SK: r.text()}
	if b := r.bytes(); len(b) > 0 {
		c.Old = words.image(b)
	}
	if b := r.bytes(); len(b) > 0 {
		c.New = words.image(b)
	}
	return c
}

// follower reads the changes after a number, in their order.
type follower struct {
	store  *Store
	frames *journal.Reader
	after  uint64
	read   []logged // and not yet taken
}

func (s *Store) changesAfter(n uint64) *follower {
	return &follower{store: s, frames: s.journal.Read(n + 1), after: n}
}

func (f *follower) close() error { return f.frames.Close() }

// next returns up to n changes, of maxBatchBytes at most, without taking them.
func (f *follower) next(n int) ([]logged, error) {
	size := 0
	for i := 0; i < n; i++ {
		if i == len(f.read) {
			more, err := f.readFrame()
			if err != nil {
				return nil, f.store.journalError(err)
			}
			if !more {
				return f.read, nil
			}
		}
		if i < len(f.read) {
			if size += f.read[i].size; i > 0 && size > maxBatchBytes {
				return f.read[:i], nil
			}
		} else {
			i-- // a frame without changes
		}
	}
	return f.read[:n], nil
}

// take takes the first n changes that next has returned.
func (f *follower) take(n int) { f.read = f.read[n:] }

// readFrame reads the changes of the next frame, false when there is none yet. A frame
// that is on the disk, and whose rows no reader sees yet, is none: a handler would decide
// on rows from before the change.
func (f *follower) readFrame() (bool, error) {
	if f.frames.Upcoming() > f.store.state.Load().last {
		return false, nil
	}
	frame, ok, err := f.frames.Next()
	if err != nil || !ok {
		return false, err
	}
	records, err := parseFrame(frame, f.store.words.Load())
	if err != nil {
		return false, err
	}
	for _, record := range records {
		if record.consumer == "" && record.number > f.after {
			f.read = append(f.read, record)
		}
	}
	return true, nil
}

// journalError returns the error of this package for one of the journal.
func (s *Store) journalError(err error) error {
	switch {
	case errors.Is(err, journal.ErrDamaged), errors.Is(err, errCorrupt):
		return &DamagedError{s.path, err.Error()}
	case isFull(err):
		return fullError(s.path, err)
	}
	return err
}
