package embed

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"segue/internal/embed/journal"
	"segue/internal/embed/overlay"
	"segue/internal/store"
)

// The keys of meta beside the format.
const (
	keyStore   = "store"   // identity
	keyMarks   = "marks"   // up to where the tables are: last, changed and oldest of marks
	keyOpen    = "open"    // there while a process has the store open, and after it did not close it
	keyWords   = "words"   // the vocabulary
	keyEmptied = "emptied" // there until the journal is gone as well
)

// journalDir returns the folder of the journal of a store.
func journalDir(path string) string { return path + ".log" }

// start makes a locked file a store: it makes what is missing, brings the indexes in
// line with their declarations, and reads what only the journal has.
func (s *Store) start() error {
	if s.options.empty {
		if err := s.update(deleteAll); err != nil {
			return fmt.Errorf("empty it: %w", err)
		}
	}
	var found found
	err := s.viewTables(found.read)
	if err != nil {
		return err
	}
	copy(s.id[:], found.id)
	s.words.Store(found.words)
	switch found.format {
	case format:
	case "":
		found.marks, err = s.beginEmpty(found.emptied)
	case formatWithLog:
		found.marks, err = s.upgrade()
	default:
		err = fmt.Errorf("the file has format %q, this program reads %q", found.format, format)
	}
	if err != nil {
		return err
	}
	return s.recover(found.marks, found.open)
}

// found is what the tables say of themselves.
type found struct {
	format        string
	id            []byte
	open, emptied bool
	marks         marks
	words         *vocabulary
}

func (f *found) read(tx *bbolt.Tx) (err error) {
	meta := bucket(tx, bucketMeta)
	if meta == nil {
		f.words = newVocabulary(nil)
		return nil
	}
	if f.words, err = readWords(meta); err != nil {
		return err
	}
	f.format, f.id = string(meta.Get([]byte(keyFormat))), bytes.Clone(meta.Get([]byte(keyStore)))
	f.open, f.emptied = meta.Get([]byte(keyOpen)) != nil, meta.Get([]byte(keyEmptied)) != nil
	f.marks, err = readMarks(tx)
	return err
}

// beginEmpty begins an empty store. A journal without its tables is that of a store that
// lost them, unless the tables were emptied.
func (s *Store) beginEmpty(emptied bool) (marks, error) {
	dir := journalDir(s.path)
	if _, frames, err := journal.Find(dir); err != nil || frames && !emptied {
		return marks{}, cmp.Or[error](err, &DamagedError{s.path, fmt.Sprintf("it is new, and %s has the changes of another; a file and its folder belong together", dir)})
	}
	if err := journal.Discard(dir); err != nil {
		return marks{}, err
	}
	_, _ = rand.Read(s.id[:]) // never fails
	return marks{oldest: 1, cursors: map[string]uint64{}}, nil
}

// recover opens the journal and takes up what it has and the tables have not.
func (s *Store) recover(m marks, wasOpen bool) error {
	dir := journalDir(s.path)
	if wasOpen {
		if files, _, err := journal.Find(dir); err != nil || !files {
			return cmp.Or[error](err, &DamagedError{s.path, dir + " is missing, which has its last changes"})
		}
	}
	var err error
	if s.journal, err = journal.Open(dir, s.id, m.done()+1, m.last+1, s.options.noSync); err != nil {
		return s.journalError(err)
	}
	if err := s.journal.Begin(); err != nil {
		return s.journalError(err)
	}
	if err := s.update(func(tx *bbolt.Tx) error { return s.prepare(tx, m) }); err != nil {
		return err
	}
	s.applied.Store(m.last)
	s.kept.Store(m.done())
	s.state.Store(&state{tree: overlay.New(), marks: m})
	return s.replay()
}

// prepare makes the buckets and brings the indexes in line with their declarations.
func (s *Store) prepare(tx *bbolt.Tx, m marks) error {
	for _, name := range []string{bucketMeta, bucketItems, bucketCursors} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	meta := bucket(tx, bucketMeta)
	for key, value := range map[string][]byte{keyFormat: []byte(format), keyStore: s.id[:], keyOpen: []byte("1")} {
		if err := meta.Put([]byte(key), value); err != nil {
			return err
		}
	}
	if err := errors.Join(meta.Delete([]byte(keyEmptied)), writeMarks(tx, m)); err != nil {
		return err
	}
	if err := s.dropIndexes(tx, meta); err != nil {
		return err
	}
	for _, x := range s.indexes {
		if bucket(tx, x.bucket) != nil {
			continue
		}
		if err := x.build(tx, meta, s.words.Load()); err != nil {
			return fmt.Errorf("build index %s: %w", x.Name, err)
		}
	}
	return nil
}

// replay puts what the tables do not have over them.
func (s *Store) replay() (err error) {
	frames := s.journal.Read(s.applied.Load() + 1)
	defer func() { err = errors.Join(err, frames.Close()) }()
	attrs := s.keyAttributes()
	for more := true; more; {
		now := s.state.Load()
		u := newUnit(&view{store: s, trees: []*overlay.Tree{now.tree}, marks: now.marks})
		if more, err = s.replaySome(frames, u, attrs); err != nil {
			return s.journalError(err)
		}
		s.state.Store(&state{tree: u.tree, marks: u.marks})
		if more {
			if err := s.checkpointNow(); err != nil {
				return err
			}
		}
	}
	return nil
}

// replaySome replays frames until the next checkpoint or, if there is no more, the end.
func (s *Store) replaySome(frames *journal.Reader, u *unit, attrs *store.Names) (more bool, err error) {
	for s.pending <= s.options.bytes {
		frame, ok, err := frames.Next()
		if err != nil || !ok {
			return false, err
		}
		records, err := parseFrame(frame, s.words.Load())
		if err != nil {
			return false, err
		}
		if err := u.replay(records, attrs); err != nil {
			return false, err
		}
		s.pending += len(frame.Payload)
	}
	return true, nil
}

func (u *unit) replay(records []logged, attrs *store.Names) error {
	for _, record := range records {
		if record.number <= u.marks.last {
			continue
		}
		u.marks.last = record.number
		if record.consumer != "" {
			u.marks.cursors[record.consumer] = record.cursor // nobody else has them yet
			continue
		}
		c, err := replayed(record.change, attrs)
		if err != nil {
			return err
		}
		u.place(c)
		u.marks.changed = record.number
	}
	return nil
}

// keyAttributes returns the attributes of which keys in the tables are made.
func (s *Store) keyAttributes() *store.Names {
	attrs := []string{store.PK, store.SK}
	for _, x := range s.indexes {
		attrs = append(attrs, x.PK, x.SK)
	}
	return store.NewNames(attrs...)
}

// replayed returns the change of a record, with no more of its items than some
// attributes: a start reads many.
func replayed(c store.Change, attrs *store.Names) (r change, err error) {
	r.key = c.Key
	if c.Old != nil {
		if r.old, err = part(c.Old, attrs); err != nil {
			return r, err
		}
	}
	if c.New != nil {
		now, _ := c.New.(image)
		r.after = now.text
		r.new, err = part(c.New, attrs)
	}
	return r, err
}

// part returns some attributes of an item.
func part(i store.Image, attrs *store.Names) (store.Item, error) {
	values := make([]store.Value, len(attrs.List()))
	if err := i.Values(attrs, values); err != nil {
		return nil, err
	}
	item := make(store.Item, len(values))
	for n, v := range values {
		if v.Kind() != store.Absent {
			item[attrs.List()[n]] = v
		}
	}
	return item, nil
}

// readMarks returns what the tables say of themselves.
func readMarks(tx *bbolt.Tx) (marks, error) {
	m := marks{oldest: 1, cursors: map[string]uint64{}}
	if raw := bucket(tx, bucketMeta).Get([]byte(keyMarks)); raw != nil {
		r := reader{b: raw}
		m.last, m.changed, m.oldest = r.uint(), r.uint(), r.uint()
		if err := r.end(); err != nil {
			return m, err
		}
	}
	cursors := bucket(tx, bucketCursors)
	if cursors == nil {
		return m, nil
	}
	return m, cursors.ForEach(func(k, v []byte) error {
		if len(v) != 8 {
			return errCorrupt
		}
		m.cursors[string(k)] = binary.BigEndian.Uint64(v)
		return nil
	})
}

// writeMarks has the tables say how far they are. A consumer that is done with every
// change is done with what follows it as well, so that nothing of the journal is needed.
func writeMarks(tx *bbolt.Tx, m marks) error {
	raw := binary.AppendUvarint(nil, m.last)
	raw = binary.AppendUvarint(binary.AppendUvarint(raw, m.changed), m.oldest)
	err := bucket(tx, bucketMeta).Put([]byte(keyMarks), raw)
	for consumer, n := range m.cursors {
		if n >= m.changed {
			n = m.last
		}
		err = errors.Join(err, bucket(tx, bucketCursors).Put([]byte(consumer), binary.BigEndian.AppendUint64(nil, n)))
	}
	return err
}
