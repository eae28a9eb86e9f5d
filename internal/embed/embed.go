// Package embed is the store contract (internal/store) on one local file, so
// that a laptop and the tests need neither DynamoDB nor a server. It is
// go.etcd.io/bbolt underneath: sorted buckets, one writer at a time, fsync on
// commit. It emits the change records that DynamoDB Streams would.
//
// The buckets and their keys, where "|" joins two and is not itself stored:
//
//	meta       "format"                              → version of this layout
//	meta       "index/"name                          → the index's two attributes
//	items      entry(pk, sk)                         → the item (codec.go)
//	index/name entry(index pk, index sk) | entry(pk, sk) → nothing; the keys are all there is
//	log        sequence (8 bytes)                    → one change: kind, time, key, both images
//	cursors    consumer                              → sequence of the last change it is done with
//
// entry(p, s) is p after its length and s escaped to sort as its bytes do
// (keys.go).
//
// Invariant: an item, its index entries and its change record are written in
// one bbolt transaction, so that each exists exactly when the others do. A
// change record is kept until every consumer is done with it. A damaged file, or a
// disk that is full, is an error that says so, never a fault.
package embed

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"segue/internal/clock"
	"segue/internal/store"
)

// format is the version of the layout in the package comment.
const format = "2"

// lockPatience is how long [Open] waits for another process to close the file.
const lockPatience = 500 * time.Millisecond

// The names of buckets, and of the key that holds the format.
const (
	bucketMeta    = "meta"
	bucketItems   = "items"
	bucketLog     = "log"
	bucketCursors = "cursors"
	bucketIndex   = "index/" // before the index's name
	keyFormat     = "format"
)

var (
	_ store.Store = (*Store)(nil)
	_ store.Feed  = (*Store)(nil)
)

// Store is a table in a file. It is made by Open and safe for concurrent use.
type Store struct {
	db      *bbolt.DB
	path    string
	indexes []index
	checked []store.Index // the same indexes, for the checks of package store
	options options

	queue   chan *request // to the commit loop
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed when the commit loop has ended
	close   func() error

	// Of the commit loop alone:
	full    bool  // the last commit found no space for it
	damaged error // why nothing is committed any more

	lost atomic.Pointer[error] // why no transaction can be started any more, nil while it can

	mu      sync.Mutex
	wake    chan struct{}   // closed and replaced after every logged change
	running map[string]bool // consumers running now
}

// index is an index and the bucket of its entries.
type index struct {
	store.Index
	bucket string
}

type options struct {
	noSync  bool
	empty   bool
	batch   int
	backoff clock.Backoff
	clock   clock.Clock
}

// Option changes a default of Open.
type Option func(*options)

// NoSync leaves out the fsync of a commit: much faster, but a power cut may
// damage the file. For tests and benchmarks.
func NoSync() Option { return func(o *options) { o.noSync = true } }

// Empty begins with an empty store: what the file holds is deleted once the file is
// locked, in one transaction, whatever its format. The file keeps its size, and new
// items take the place.
func Empty() Option { return func(o *options) { o.empty = true } }

// BatchSize sets the most changes that a handler gets at once; 100 by default.
func BatchSize(n int) Option { return func(o *options) { o.batch = max(n, 1) } }

// Backoff sets the first pause before a failed change is delivered again, which
// doubles with each failure up to 10 s; 100 ms by default.
func Backoff(d time.Duration) Option { return func(o *options) { o.backoff.Base = d } }

// Clock sets the clock that stamps change records; the system's by default.
func Clock(c clock.Clock) Option { return func(o *options) { o.clock = c } }

// ErrInUse means that another process has the file open.
var ErrInUse = errors.New("is in use by another process")

// Open opens the file at path, or makes it. An index that is new, or declared
// differently than before, is built from the items; one that is no longer declared is
// dropped. Only one process at a time can have a file open. Errors are [ErrInUse],
// [ErrDamaged], [store.ErrFull] or those of the file system.
func Open(path string, indexes []store.Index, opts ...Option) (*Store, error) {
	s := &Store{
		checked: slices.Clone(indexes), path: path,
		options: options{
			batch: 100, clock: clock.System(),
			backoff: clock.Backoff{Base: 100 * time.Millisecond, Most: 10 * time.Second},
		},
		queue: make(chan *request, maxGroup), closing: make(chan struct{}), stopped: make(chan struct{}),
		wake: make(chan struct{}), running: map[string]bool{},
	}
	for _, o := range opts {
		o(&s.options)
	}
	for _, x := range indexes {
		s.indexes = append(s.indexes, index{x, bucketIndex + x.Name})
	}
	var err error
	if s.db, err = openFile(path, s.options.noSync); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := s.update(s.prepare); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), s.closeFile())
	}
	s.close = sync.OnceValue(func() error {
		close(s.closing)
		<-s.stopped
		return s.closeFile()
	})
	go s.commitLoop()
	return s, nil
}

// Close ends running consumers, waits for writes under way and releases the
// file. Calls after it return an error.
func (s *Store) Close() error { return s.close() }

func bucket(tx *bbolt.Tx, name string) *bbolt.Bucket { return tx.Bucket([]byte(name)) }

// prepare makes the buckets and brings the indexes in line with their
// declarations.
func (s *Store) prepare(tx *bbolt.Tx) error {
	if s.options.empty {
		if err := deleteAll(tx); err != nil {
			return fmt.Errorf("empty it: %w", err)
		}
	}
	for _, name := range []string{bucketMeta, bucketItems, bucketLog, bucketCursors} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	if err := logParked(tx); err != nil {
		return err
	}
	meta := bucket(tx, bucketMeta)
	if v := meta.Get([]byte(keyFormat)); v != nil && string(v) != format {
		return fmt.Errorf("the file has format %q, this program reads %q", v, format)
	}
	if err := meta.Put([]byte(keyFormat), []byte(format)); err != nil {
		return err
	}
	if err := s.dropIndexes(tx, meta); err != nil {
		return err
	}
	for _, x := range s.indexes {
		if bucket(tx, x.bucket) != nil {
			continue
		}
		if err := x.build(tx, meta); err != nil {
			return fmt.Errorf("build index %s: %w", x.Name, err)
		}
	}
	return nil
}

// deleteAll deletes every bucket.
func deleteAll(tx *bbolt.Tx) error {
	var names [][]byte
	err := tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		names = append(names, bytes.Clone(name))
		return nil
	})
	for _, name := range names {
		err = errors.Join(err, tx.DeleteBucket(name))
	}
	return err
}

// dropIndexes deletes the indexes that are no longer declared, or are declared
// differently.
func (s *Store) dropIndexes(tx *bbolt.Tx, meta *bbolt.Bucket) error {
	var stale [][]byte
	err := meta.ForEach(func(name, declared []byte) error {
		same := func(x index) bool { return x.bucket == string(name) && bytes.Equal(x.declaration(), declared) }
		if bytes.HasPrefix(name, []byte(bucketIndex)) && !slices.ContainsFunc(s.indexes, same) {
			stale = append(stale, bytes.Clone(name))
		}
		return nil
	})
	for _, name := range stale {
		err = errors.Join(err, tx.DeleteBucket(name), meta.Delete(name))
	}
	return err
}

func (x index) declaration() []byte { return appendText(appendText(nil, x.PK), x.SK) }

// build fills the bucket of a new index.
func (x index) build(tx *bbolt.Tx, meta *bbolt.Bucket) error {
	entries, err := tx.CreateBucket([]byte(x.bucket))
	if err != nil {
		return err
	}
	err = bucket(tx, bucketItems).ForEach(func(_, v []byte) error {
		item, err := image(v).Item()
		if err != nil {
			return err
		}
		if entry := x.entry(item); entry != nil {
			return entries.Put(entry, nil)
		}
		return nil
	})
	return errors.Join(err, meta.Put([]byte(x.bucket), x.declaration()))
}

// entry returns the key of i's entry in the index, nil when i is not in it.
func (x index) entry(i store.Item) []byte {
	p, s := i[x.PK], i[x.SK]
	if p.Kind() != store.String || s.Kind() != store.String {
		return nil
	}
	return appendEntry(appendEntry(nil, p.Text(), s.Text()), i[store.PK].Text(), i[store.SK].Text())
}
