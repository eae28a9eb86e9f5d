// Package tracking tells clients what has changed since they last asked. A reaction logs
// the changes of tables that track them, one row of the log a row and minute; a list of
// changes reads the log and then the rows themselves, as they are.
//
// The log is kept by the minute in which a change was logged, not by that of its commit:
// whoever follows changes may lag, and a change that is logged late must still lie after
// the place up to which a client has read. Of clocks it asks that those of two processes
// differ, and that a put takes, less than [Overlap] together.
//
// An entry says only that something happened to a row. So the same change twice, or two
// in another order, are the same to a reader.
//
// Invariant: every change that was committed after a link was made, and was followed
// before the link is used, is in the answer; it may come again in the next one.
package tracking

import (
	"context"
	"strings"
	"sync"
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

const (
	// Life is how long a link to changes can be followed (docs/webapi.md §14).
	Life = 7 * 24 * time.Hour
	// Overlap is how far a list of changes goes back before the one that came before it.
	Overlap = time.Minute

	kept    = Life + 24*time.Hour // of an entry
	putEnds = 20 * time.Second    // how long a put may take; after that another minute may count
)

// Log is the log of changes. It is safe for concurrent use.
type Log struct{ db *rows.DB }

// New returns the log of the rows of db.
func New(db *rows.DB) *Log { return &Log{db} }

// Reaction logs the changes that it is registered for.
func (l *Log) Reaction() sales.Reaction { return reaction{l} }

type reaction struct{ log *Log }

// Prepare implements [sales.Reaction]. Of several changes of a row in one batch one entry
// tells, for all of them were committed before it is written.
func (r reaction) Prepare(_ context.Context, changes []rows.Change) (sales.Follow, error) {
	b := &batch{log: r.log, kinds: make(map[rows.Ref]store.ChangeKind, len(changes)), logged: map[rows.Ref]bool{}}
	for _, change := range changes {
		b.kinds[change.Ref] = change.Kind
	}
	return b.follow, nil
}

type batch struct {
	log    *Log
	kinds  map[rows.Ref]store.ChangeKind // of the last change of each row
	mu     sync.Mutex
	logged map[rows.Ref]bool
}

// follow logs a change. The changes of one row come one after the other.
func (b *batch) follow(ctx context.Context, change rows.Change) error {
	b.mu.Lock()
	logged := b.logged[change.Ref]
	b.mu.Unlock()
	if logged {
		return nil
	}
	if err := b.log.put(ctx, change.Ref, b.kinds[change.Ref]); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.logged[change.Ref] = true
	return nil
}

// put writes an entry, in one put of one item. The minute is that of its beginning, so it
// ends in time or not at all.
func (l *Log) put(ctx context.Context, ref rows.Ref, kind store.ChangeKind) error {
	ctx, cancel := context.WithTimeout(ctx, putEnds)
	defer cancel()
	now := l.db.Now()
	tx := l.db.Begin("")
	tx.Replace(l.table(), entryID(ref, now), map[string]schema.Value{
		name.SegueRowid:     schema.Text(ref.ID),
		name.SegueKind:      schema.Int(int64(kind)),
		name.SegueExpireson: schema.Time(now.Add(kept)),
	})
	return tx.Commit(ctx)
}

func (l *Log) table() *schema.Table { return l.db.Schema().Table(name.TrackedChange) }

// The id of an entry is table#minute#row, so that in each shard of the log the entries of
// a table lie in the order of their minutes, and those of a row and minute are one.
const minute = "200601021504"

func entryID(ref rows.Ref, at time.Time) string { return before(ref.Table, at) + "#" + ref.ID }

// before returns what lies right before the entries of a table and minute.
func before(table string, at time.Time) string {
	return table + "#" + at.UTC().Format(minute)
}

// rowOf returns the id of the row that an entry is about.
func rowOf(entry string) string { return entry[strings.LastIndexByte(entry, '#')+1:] }
