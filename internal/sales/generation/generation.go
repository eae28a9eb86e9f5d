// Package generation tells a process whether what it has read of definitions
// (sequences, segments, their order, the settings of the organization) is still true,
// and caches definitions for as long as it is.
//
// One row, the generation, holds a random value that every change of any definition
// replaces in its own transaction. While the row has the same value, nothing has
// changed, and every [Cache] stands; a process reads it at most once in
// [sales.Freshness]. Where there is one process, the row is not read: the process
// knows of each change itself (docs/decisions/0012-generation.md). What sellers write, their
// calendars and absences, has a row of its own, so that they make nobody read the
// definitions again (docs/decisions/0041).
//
// Invariant: an entry of a cache carries the generation that was read before the
// entry was, so it is never taken for newer than it is.
package generation

import (
	"context"
	"fmt"
	"sync"
	"time"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Subject is what a generation is of.
type Subject string

// The subjects.
const (
	Definitions Subject = "definitions"
	Calendars   Subject = "calendars"
)

// Generation is what a process knows of the generation of a subject. It is safe for
// concurrent use.
type Generation struct {
	db        *rows.DB
	subject   Subject
	freshness sales.Freshness
	asking    chan struct{} // has room for the one that reads the row

	mu       sync.Mutex
	latest   mark
	asked    time.Time // before latest was read; zero when that is not to be relied on
	answer   int       // number of the reading that answered with latest
	readings int
	forgets  int // so that an answer that Forget overtook is not relied on
}

var _ sales.Reaction = (*Generation)(nil)

// mark is the generation under which a definition was read: the value of the row, ""
// for a row that is not there, or where there is one process the number of changes.
// The zero mark is none.
type mark struct {
	heard bool
	value string
	count int
}

// New returns what a process that has just begun knows.
func New(db *rows.DB, freshness sales.Freshness, subject Subject) *Generation {
	return &Generation{db: db, subject: subject, freshness: freshness, asking: make(chan struct{}, 1)}
}

// Changed makes a unit of work one that changes definitions: it replaces the
// generation, and after the commit waits until no process uses what was replaced.
// Any number of units of work do so at once and none makes another fail.
func (g *Generation) Changed(tx *rows.Tx) {
	g.replace(tx)
	tx.OnCommit(g, func(ctx context.Context) error {
		g.Forget()
		return g.Settle(ctx)
	})
}

// ChangedSoon is [Generation.Changed] without the wait: for what need not be known
// everywhere when the one who changed it is answered. Other processes hear of it within
// [sales.Freshness].
func (g *Generation) ChangedSoon(tx *rows.Tx) {
	g.replace(tx)
	tx.OnCommit(g, func(context.Context) error {
		g.Forget()
		return nil
	})
}

func (g *Generation) replace(tx *rows.Tx) {
	tx.Replace(tx.Schema().Table(name.Generation), g.row().ID, map[string]schema.Value{
		name.SegueName: schema.Text(string(g.subject)), name.SegueValue: schema.Text(guid.New()),
	})
}

func (g *Generation) row() rows.Ref {
	return rows.Ref{Table: name.Generation, ID: guid.Derive("generation", string(g.subject))}
}

// Settle waits until no process uses a definition that was replaced before.
func (g *Generation) Settle(ctx context.Context) error { return g.freshness.Settle(ctx) }

// Forget makes the process ask for the generation before it uses a definition again.
func (g *Generation) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = time.Time{}
	g.forgets++
}

// Prepare implements [sales.Reaction], to changes of definitions: whoever made them may not
// have come to forgetting the old ones yet. It is registered before what decides by
// definitions, so that a batch is followed by definitions as new as its changes.
func (g *Generation) Prepare(context.Context, []rows.Change) (sales.Follow, error) {
	g.Forget()
	if g.freshness.For == 0 {
		return nil, nil //nolint:nilnil // nothing follows
	}
	return g.announce, nil
}

// announce replaces the generation for a change that may not have: a version of the
// program that knows no generation may have made it, or somebody by hand.
func (g *Generation) announce(ctx context.Context, change rows.Change) error {
	err := g.db.Do(ctx, "", func(tx *rows.Tx) error {
		g.replace(tx)
		return nil
	})
	if err != nil {
		return fmt.Errorf("announce the change of %v: %w", change.Ref, err)
	}
	g.Forget()
	return nil
}

// relied returns the generation if it need not be asked for.
func (g *Generation) relied() (m mark, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.freshness.For == 0 {
		return mark{heard: true, count: g.forgets}, true
	}
	return g.latest, !g.asked.IsZero() && g.freshness.Holds(g.asked)
}

// current returns the generation as it was at most [sales.Freshness] ago. Of those who
// need it at the same moment, one reads it.
func (g *Generation) current(ctx context.Context) (mark, error) {
	if m, ok := g.relied(); ok {
		return m, nil
	}
	if err := ctx.Err(); err != nil { // else chance would decide which case is taken
		return mark{}, err
	}
	select {
	case g.asking <- struct{}{}:
		defer func() { <-g.asking }()
	case <-ctx.Done():
		return mark{}, ctx.Err()
	}
	if m, ok := g.relied(); ok { // somebody has read it meanwhile
		return m, nil
	}
	reading := g.begin(true)
	found, err := g.db.Get(ctx, reading.Also()...)
	if err != nil {
		return mark{}, fmt.Errorf("read the generation of %s: %w", g.subject, err)
	}
	return reading.hear(found[0]), nil
}

// Reading is a read of definitions, of other rows perhaps too, that has not been made
// yet. It goes into one request: with [Reading.Also] the generation is asked for in
// the same one.
type Reading struct {
	generation *Generation
	before     mark // heard before the read: what is read is at least as new
	ask        bool
	began      time.Time // when it asks
	number     int
	forgets    int
}

// Begin returns a reading for a unit of work. It asks for the generation if the
// process would have to before it used a cache.
func (g *Generation) Begin(tx *rows.Tx) Reading {
	_, relied := g.relied()
	return g.begin(!relied && tx.Held(g.row()) == nil) // one that is held was not read just now
}

func (g *Generation) begin(ask bool) Reading {
	r := Reading{generation: g, ask: ask}
	if ask {
		r.began = g.freshness.Clock.Now()
	}
	r.before, _ = g.relied()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.readings++
	r.number, r.forgets = g.readings, g.forgets
	return r
}

// Also is the rows to read along: the generation, or none.
func (r Reading) Also() []rows.Ref {
	if !r.ask {
		return nil
	}
	return []rows.Ref{r.generation.row()}
}

// Heard takes what was found under [Reading.Also].
func (r Reading) Heard(found []*rows.Row) {
	for _, row := range found {
		r.hear(row)
	}
}

// hear takes the generation's row, nil when there is none, and returns what it says.
func (r Reading) hear(row *rows.Row) mark {
	m := mark{heard: true}
	if row != nil {
		m.value = row.Text(name.SegueValue)
	}
	g := r.generation
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.number > g.answer && r.forgets == g.forgets { // a later reading may have been answered first
		g.latest, g.asked, g.answer = m, r.began, r.number
	}
	return m
}
