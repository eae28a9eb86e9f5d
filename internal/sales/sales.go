// Package sales is the domain: connecting records to sequences and
// disconnecting them, the life of sequences and segments, and what follows from
// a change of a record. A use case loads rows, lets the pure parts (sequence,
// segment) decide, and writes once.
//
// The record's own row is the guard (design.md §4): its hidden column segue_live
// holds the live connections, so whatever makes or ends a connection writes the
// record's row under the version it saw, in the transaction that writes target
// and step. Definitions of sequences and segments are read through caches and
// never checked in that transaction, for one item that many transactions name
// would make them cancel each other; what slips through is put right by Evaluate.
//
// Invariant: a record's segue_live names exactly its live targets, each of them
// has exactly one open step, and none belongs to a sequence that is not active
// for longer than the change records take.
package sales

import (
	"time"

	"github.com/google/uuid"

	"segue/internal/query"
	"segue/internal/rows"
)

// Policy settles what the sources leave open (domain.md §20).
type Policy struct {
	// AnyActive lets every record with statecode 0 be connected. By default
	// (policy "seed", conflict 1) a lead must be New and an opportunity Open.
	AnyActive bool
	// Several lets a record be on several sequences at once, never twice on
	// one (conflict 2).
	Several bool
}

// Options of a Service.
type Options struct {
	Policy Policy
	// Fresh is how long a definition that was read is used without asking
	// again. After a change that must be seen by every process (a segment's
	// activation, a sequence's end) the use case waits that long before it
	// answers, so that from the answer on nobody decides by the old one. Zero
	// is for one process, whose caches are dropped at once.
	Fresh time.Duration
	// Clock ages what was read; time.Now by default. Settle waits; time.Sleep
	// by default.
	Clock  func() time.Time
	Settle func(time.Duration)
	// NewID makes the ids of rows that come without one; random by default.
	NewID func() string
}

// Service is the use cases. It is safe for concurrent use.
type Service struct {
	db        *rows.DB
	lists     *query.Reader
	options   Options
	segments  cache[catalogues]
	sequences cache[running]
}

// New makes a Service on rows.
func New(db *rows.DB, options Options) *Service {
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.Settle == nil {
		options.Settle = time.Sleep
	}
	if options.NewID == nil {
		options.NewID = uuid.NewString
	}
	return &Service{db: db, lists: query.New(db), options: options}
}

// DB is the rows that the service works on.
func (s *Service) DB() *rows.DB { return s.db }

// settle waits until no process uses what was just replaced.
func (s *Service) settle() {
	if s.options.Fresh > 0 {
		s.options.Settle(s.options.Fresh)
	}
}
