// Package advance takes up what is due. Rows that want something done at a time are
// in the due list, whatever table they are of; a pass sweeps it and gives each row
// to the handler that is registered for its table. It knows no table.
//
// The list is an index, which may lag, and several processes may pass at once. So an
// entry is a hint: the row is read, and the handler writes it under the version
// read.
//
// Much that is due at once leaves for a queue, where many processes work on it ([Away]); a message
// is such a hint too, and the row stays in the list until a handler has moved it.
//
// Invariant: no row delays those behind it. A row is put off for a minute when its
// handler may succeed later, and a little longer each time when it cannot, or when it
// leaves the row due; a row that nobody handles is passed over (docs/decisions/0014-due-list.md).
package advance

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"segue/internal/clock"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/store"
)

const (
	// PerSecond is how many rows a process gives to handlers in a second.
	PerSecond = 500
	// Every is how often whoever runs passes makes one.
	Every = time.Minute
)

// Advance hands due rows to the handlers that are registered. It is safe for
// concurrent use once they are.
type Advance struct {
	db       *rows.DB
	clock    clock.Clock
	rate     *rate.Limiter
	tables   map[string]registration
	before   []func(context.Context) error
	onOldest func(context.Context, time.Duration)
	queue    queue.Sender // where what leaves waits, nil: nothing leaves

	page   int // entries of a shard that are read in one request
	batch  int // rows that are read in one request
	atOnce int // rows that are given to handlers at the same time

	mu      sync.Mutex
	handled map[rows.Ref]int64 // version of each row that the last pass gave to a handler, with success
	gone    map[rows.Ref]departure
}

// registration is how the due rows of a table are handled.
type registration struct {
	handle sales.DueHandler
	most   int                  // in one pass, 0 for any number
	away   func(*rows.Row) bool // whether a row may leave as a message; nil: none does
}

// New returns an Advance without handlers.
func New(db *rows.DB, c clock.Clock) *Advance {
	return &Advance{
		db: db, clock: c, rate: rate.NewLimiter(PerSecond, 1), tables: map[string]registration{}, gone: map[rows.Ref]departure{},
		page: 1000, batch: store.MaxGetKeys, atOnce: sales.AtOnce,
	}
}

// Option says more about a registration.
type Option func(*registration)

// AtMost bounds how many rows of the table one pass gives to the handler.
func AtMost(n int) Option { return func(r *registration) { r.most = n } }

// Register makes handle take up the due rows of a table, which declares the due
// index.
func (a *Advance) Register(table string, handle sales.DueHandler, options ...Option) {
	r := registration{handle: handle}
	for _, option := range options {
		option(&r)
	}
	a.tables[table] = r
}

// AtOnce sets how many rows are given to handlers at the same time.
func (a *Advance) AtOnce(n int) { a.atOnce = n }

// Before makes f be called at the start of every pass. What it makes due is taken up by
// that pass, as far as the index shows it.
func (a *Advance) Before(f func(context.Context) error) { a.before = append(a.before, f) }

// OnOldest makes f be called once in each pass that finds something due, with the time for which
// the oldest of it had been due when the pass began: how late Segue is.
func (a *Advance) OnOldest(f func(ctx context.Context, age time.Duration)) { a.onOldest = f }

// Summary is what a pass did.
type Summary struct {
	Handled  int  `json:"handled"`  // rows whose handler succeeded
	PutOff   int  `json:"putOff"`   // rows whose handler failed, or left them due
	Left     int  `json:"left"`     // rows that have left for the queue
	Messages int  `json:"messages"` // that they have left as
	Early    bool `json:"early"`    // it ended before it had seen everything that was due
}

// Pass gives what is due to the handlers, the oldest first, or what is more than [Here] to the
// queue, and ends when all that was due at its start has been seen, in time before the deadline of ctx, or when
// something fails that the next pass may find mended, which is not an error.
func (a *Advance) Pass(ctx context.Context) (Summary, error) {
	p := a.begin(ctx)
	err := p.sweep(ctx)
	_ = p.group.Wait() // no function of the group fails
	if p.found && a.onOldest != nil {
		a.onOldest(ctx, p.oldest)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if sales.Transient(err) {
		p.Early, p.interrupted, err = true, cmp.Or(p.interrupted, err), nil
	}
	if p.interrupted != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "a pass over the due list was interrupted; the next one goes on", "reason", p.interrupted)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.handled = p.versions
	return p.Summary, err
}

// Run passes every [Every] until ctx ends, and then returns nil. A pass has as long as
// it is to the next. One that fails is logged; the next one may succeed.
func (a *Advance) Run(ctx context.Context) error {
	for a.clock.Sleep(ctx, Every) == nil {
		if err := a.passInTime(ctx); err != nil {
			slog.ErrorContext(ctx, "a pass over the due list failed", "error", err)
		}
	}
	return nil
}

func (a *Advance) passInTime(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Every)
	defer cancel()
	_, err := a.Pass(ctx)
	return err
}
