// Package embed is the store contract (internal/store) on local files, so that a laptop
// and the tests need neither DynamoDB nor a server. It emits the change records that
// DynamoDB Streams would.
//
// A store at path is two things (docs/decisions/0019-embedded.md):
//
//   - the journal, the folder path + ".log" (package journal): every change in the order
//     of the commits. One append and one fsync make a group of commits durable, however
//     large the store is, and the change feed is read from it;
//   - the tables, the file path: go.etcd.io/bbolt, sorted buckets with all items and index
//     entries as of some change. A checkpoint brings them forward, many changes at once.
//
// What lies between the two is in memory as well (package overlay), over the tables, and
// is read from the journal at the next start. The buckets and their keys, where "|" joins
// two and is not itself stored:
//
//	meta       "format"                              → version of this layout
//	meta       "store", "marks", "open"              → identity, what is in the tables, whether it is open (checkpoint.go)
//	meta       "words"                               → the names of attributes that items refer to (words.go)
//	meta       "index/"name                          → the index's two attributes
//	items      entry(pk, sk)                         → the item (codec.go)
//	index/name entry(index pk, index sk) | entry(pk, sk) → nothing; the keys are all there is
//	cursors    consumer                              → number of the last record it is done with
//
// entry(p, s) is p after its length and s escaped to sort as its bytes do
// (keys.go).
//
// Invariant: what is acknowledged is in the journal, on the disk, or in the tables, on
// the disk; a change is delivered only when it is. A record is kept until every consumer
// is done with it and the tables have it. A damaged file, or a disk that is full, is an
// error that says so, never a fault.
//
// Size: commits, checkpoints, starts and reads share one state, what lies over the tables
// and how far each side is, and the order in which it changes is what makes them correct;
// apart, they would export it to each other.
package embed

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"segue/internal/clock"
	"segue/internal/embed/journal"
	"segue/internal/store"
)

// format is the version of the layout in the package comment.
const format = "3"

// The names of buckets, and of the key that holds the format.
const (
	bucketMeta    = "meta"
	bucketItems   = "items"
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

	id      journal.ID
	journal *journal.Journal

	urgent  chan *request // to the commit loop, from consumers and what they call
	queue   chan *request // to the commit loop
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed when the commit loop has ended
	close   func() error

	// Of the commit loop alone:
	full       bool        // the last commit found no space for it
	pending    int         // bytes of records in the tree
	checkpoint *checkpoint // the last that began, nil before the first
	met        []string    // names that the vocabulary lacks
	records    []byte      // buffer of a unit's records
	image      []byte      // buffer of an item's image

	state      atomic.Pointer[state]
	words      atomic.Pointer[vocabulary] // each has all of those before
	publishing sync.Mutex                 // held by who replaces the state
	kept       atomic.Uint64              // number up to which all consumers are done, by the tables
	applied    atomic.Uint64              // number of the last record that the tables have
	damaged    atomic.Pointer[error]      // why nothing is written any more, nil while it is
	lost       atomic.Pointer[error]      // why no transaction can be started any more, nil while it can

	mu      sync.Mutex
	wake    chan struct{}        // closed and replaced after every logged change
	running map[string]*consumer // consumers running now
	reached map[string]uint64    // of consumers, the last change done, which may not be logged yet
	moves   chan struct{}        // has one place: there are some
}

// index is an index and the bucket of its entries.
type index struct {
	store.Index
	bucket string
	space  byte // in trees
}

type options struct {
	noSync   bool
	empty    bool
	batch    int
	bytes    int           // of records that begin a checkpoint
	keys     int           // that one transaction of a checkpoint writes
	trim     int           // records that begin a checkpoint when only cursors keep them
	patience time.Duration // with another process that has the file open
	backoff  clock.Backoff
	clock    clock.Clock
}

func defaults() options {
	return options{
		batch: 100, bytes: checkpointBytes, keys: checkpointKeys, trim: trimRecords, patience: lockPatience, clock: clock.System(),
		backoff: clock.Backoff{Base: 100 * time.Millisecond, Most: 10 * time.Second},
	}
}

// Option changes a default of Open.
type Option func(*options)

// NoSync leaves out the fsync of a commit: much faster, but a power cut may
// damage the file. For tests and benchmarks.
func NoSync() Option { return func(o *options) { o.noSync = true } }

// Empty begins with an empty store: what the file holds is deleted once the file is
// locked, in one transaction, whatever its format, and then its journal. The file keeps
// its size, and new items take the place.
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
		options: defaults(),
		urgent:  make(chan *request, maxGroup), queue: make(chan *request, maxGroup),
		closing: make(chan struct{}), stopped: make(chan struct{}),
		wake: make(chan struct{}), running: map[string]*consumer{},
		reached: map[string]uint64{}, moves: make(chan struct{}, 1),
	}
	for _, o := range opts {
		o(&s.options)
	}
	for i, x := range indexes {
		s.indexes = append(s.indexes, index{x, bucketIndex + x.Name, byte(i + 1)})
	}
	var made bool
	var err error
	if s.db, made, err = openFile(path, s.options); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := s.start(); err != nil {
		err = fmt.Errorf("open store %s: %w", path, err)
		if made {
			return nil, errors.Join(err, s.abandon())
		}
		return nil, errors.Join(err, s.closeFile())
	}
	s.close = sync.OnceValue(func() error {
		close(s.closing)
		<-s.stopped
		return s.finish()
	})
	go s.commitLoop()
	return s, nil
}

// abandon removes the file of a first start that has failed. It is removed before its
// lock is released, so that nobody else has it; Windows does the opposite: it removes
// what nobody has open.
func (s *Store) abandon() error {
	removed := os.Remove(s.path)
	err := s.closeFile()
	if removed != nil {
		err = errors.Join(err, os.Remove(s.path))
	}
	return err
}

// Close ends running consumers, waits for writes under way, brings the tables up to date
// and releases the files. Calls after it return an error.
func (s *Store) Close() error { return s.close() }

func bucket(tx *bbolt.Tx, name string) *bbolt.Bucket { return tx.Bucket([]byte(name)) }

// deleteAll deletes every bucket, and has the journal deleted.
func deleteAll(tx *bbolt.Tx) error {
	var names [][]byte
	err := tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		names = append(names, bytes.Clone(name))
		return nil
	})
	for _, name := range names {
		err = errors.Join(err, tx.DeleteBucket(name))
	}
	if err != nil {
		return err
	}
	meta, err := tx.CreateBucket([]byte(bucketMeta))
	if err != nil {
		return err
	}
	return meta.Put([]byte(keyEmptied), []byte("1"))
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
func (x index) build(tx *bbolt.Tx, meta *bbolt.Bucket, words *vocabulary) error {
	entries, err := tx.CreateBucket([]byte(x.bucket))
	if err != nil {
		return err
	}
	err = bucket(tx, bucketItems).ForEach(func(_, v []byte) error {
		item, err := words.image(v).Item()
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
