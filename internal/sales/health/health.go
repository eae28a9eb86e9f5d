// Package health tells how the work of all processes goes that nobody waits for: how much
// of it there is, how long it takes from the commit that caused it, how old the oldest is.
// Each process counts in memory, in histograms that can be merged, and puts one row in
// each minute in which it has worked; whoever asks reads the rows of the last minutes.
// What was counted after the row of a minute was put goes into the next one.
//
// Invariant: counting never fails the work that is counted, and costs a process at most
// one write a minute.
package health

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"segue/internal/clock"
	"segue/internal/guid"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// Lane is a kind of work.
type Lane uint8

// The lanes.
const (
	Changes Lane = iota // change records that something follows from, from their commit to when that is done
	Timers              // due rows, from when they were due to when they are handled
	Tasks               // tasks of jobs, from when a process begins with one to when it has done its part
	lanes
)

// String is what callers know the lane by.
func (l Lane) String() string {
	switch l {
	case Changes:
		return "Changes"
	case Timers:
		return "Timers"
	case Tasks, lanes:
	}
	return "Jobs"
}

// column is where a row has the histogram of the lane.
func (l Lane) column() string {
	switch l {
	case Changes:
		return name.SegueChanges
	case Timers:
		return name.SegueTimers
	case Tasks, lanes:
	}
	return name.SegueTasks
}

const (
	kept    = 24 * time.Hour  // of a row
	putEnds = 5 * time.Second // how long putting it may take
	minute  = "200601021504"  // that an id begins with
)

// Follows reports whether anything follows from a kind of change of a table's rows.
type Follows func(t *schema.Table, kind store.ChangeKind) bool

// Monitor counts the work of a process, and reports on that of all. It is safe for
// concurrent use.
type Monitor struct {
	db      *rows.DB
	clock   clock.Clock
	process string

	mu      sync.Mutex
	pending [lanes]Histogram
	put     time.Time // the minute of the last row
}

// New returns the monitor of a process.
func New(db *rows.DB, c clock.Clock) *Monitor {
	return &Monitor{db: db, clock: c, process: guid.New()}
}

// add counts something that was done.
func (m *Monitor) add(l Lane, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending[l].Add(took)
}

// Batches returns a handler that does what h does and counts the changes that were
// followed. One that fails is counted when it comes again.
func (m *Monitor) Batches(h store.Handler, follows Follows) store.Handler {
	return func(ctx context.Context, changes []store.Change) []store.Failure {
		failures := h(ctx, changes)
		failed := map[int]bool{}
		for _, f := range failures {
			failed[f.Index] = true
		}
		now := m.clock.Now()
		for i, change := range changes {
			t := m.db.Schema().Table(rows.RefOf(change.Key).Table)
			if t == nil || failed[i] || change.At.IsZero() || !follows(t, change.Kind) {
				continue
			}
			m.add(Changes, now.Sub(change.At))
		}
		m.Flush(ctx)
		return failures
	}
}

// Due returns a handler that does what h does and counts what it has handled.
func (m *Monitor) Due(h sales.DueHandler) sales.DueHandler {
	return func(ctx context.Context, due *rows.Row) error {
		since, known := due.DueAt()
		if err := h(ctx, due); err != nil {
			return err
		}
		if known {
			m.add(Timers, m.clock.Now().Sub(since))
		}
		return nil
	}
}

// Tasks returns a handler that does what h does and counts the tasks that it has worked
// on.
func (m *Monitor) Tasks(h queue.Handler) queue.Handler {
	return func(ctx context.Context, messages []queue.Message) []queue.Failure {
		began := m.clock.Now()
		failures := h(ctx, messages)
		took := m.clock.Now().Sub(began)
		for range len(messages) - len(failures) {
			m.add(Tasks, took)
		}
		m.Flush(ctx)
		return failures
	}
}

// Flush puts what was counted, if this process has not put a row in this minute. What
// cannot be put is lost.
func (m *Monitor) Flush(ctx context.Context) {
	values, at := m.take()
	if values == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, putEnds)
	defer cancel()
	tx := m.db.Begin("")
	tx.Replace(m.table(), at.Format(minute)+"#"+m.process, values)
	if err := tx.Commit(ctx); err != nil {
		slog.WarnContext(ctx, "the figures of a minute are lost", "reason", err)
	}
}

// take takes what a row of this minute is to have; nil: there is none, or nothing.
func (m *Monitor) take() (values map[string]schema.Value, at time.Time) {
	at = m.clock.Now().UTC().Truncate(time.Minute)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !at.After(m.put) {
		return nil, at
	}
	for l := range lanes {
		if m.pending[l].Count() == 0 {
			continue
		}
		if values == nil {
			values = map[string]schema.Value{name.SegueExpireson: schema.Time(at.Add(kept))}
		}
		values[l.column()] = schema.Text(m.pending[l].String())
		m.pending[l] = Histogram{}
	}
	if values != nil {
		m.put = at
	}
	return values, at
}

func (m *Monitor) table() *schema.Table { return m.db.Schema().Table(name.Health) }
