// Package reaction is the handler of the table's change records. It decodes a
// batch once, gives every registered reaction the changes that it is registered
// for, and lets them follow: the changes of one row in their order, those of
// different rows at the same time. It knows no table.
//
// A batch may come again at any time, in part or as a whole. A change that another
// try may mend is reported; the later ones of its row wait for it, the changes of
// other rows go on. A change that no try mends is parked at once, as a row with
// its reason, and everything else goes on (docs/decisions/0011-failure.md).
// Where to find what: the batch is in reaction.go, parked rows in parking.go, what
// takes them up again in redrive.go.
//
// Invariant: what is not reported has been followed by every reaction that is
// registered for it, or is parked for those that could not.
package reaction

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/store"
)

// Handler follows changes by the reactions that are registered. It is safe for
// concurrent use once they are.
type Handler struct {
	db        *rows.DB
	program   string
	reactions []registered
	byKind    map[subject][]int // positions in reactions, in their order
	waking    waking
	atOnce    int // rows of a batch that are followed at the same time
}

// subject is a kind of change of a table.
type subject struct {
	table *schema.Table
	kind  store.ChangeKind
}

// New returns a handler without reactions. program is the version of the program
// that parked changes are marked with.
func New(db *rows.DB, program string) *Handler {
	return &Handler{db: db, program: program, byKind: map[subject][]int{}, atOnce: sales.AtOnce}
}

// AtOnce sets how many rows of a batch are followed at the same time.
func (h *Handler) AtOnce(n int) { h.atOnce = n }

// registered is a reaction and the name that parked changes know it by.
type registered struct {
	name string
	sales.Reaction
}

// Register makes a reaction follow the changes of its interests. Reactions are
// prepared, and follow one change, in the order of their registration. The name,
// such as "segmentation.evaluate", is kept with what is parked, so it never
// changes and no other reaction has it.
func (h *Handler) Register(name string, r sales.Reaction, interests ...sales.Interest) {
	position := len(h.reactions)
	h.reactions = append(h.reactions, registered{name, r})
	for _, t := range h.db.Schema().Tables() {
		for _, interest := range interests {
			if !interest.Subject.Matches(t) {
				continue
			}
			for _, kind := range interest.Kinds {
				key := subject{t, kind}
				if !slices.Contains(h.byKind[key], position) {
					h.byKind[key] = append(h.byKind[key], position)
				}
			}
		}
	}
}

// Follows reports whether a reaction is registered for this kind of change of a table's
// rows. Changes for which none is need not be handed over.
func (h *Handler) Follows(t *schema.Table, kind store.ChangeKind) bool {
	return len(h.byKind[subject{t, kind}]) > 0
}

// Handle is a [store.Handler].
func (h *Handler) Handle(ctx context.Context, changes []store.Change) []store.Failure {
	b := h.decode(changes)
	b.prepare(ctx)
	var mu sync.Mutex
	var failures []store.Failure
	var group errgroup.Group
	group.SetLimit(h.atOnce)
	for _, first := range b.firsts {
		group.Go(func() error {
			if failed, err := b.followRow(ctx, first); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures = append(failures, store.Failure{Index: failed, Err: err})
			}
			return nil
		})
	}
	_ = group.Wait() // no function of the group fails
	slices.SortFunc(failures, func(a, b store.Failure) int { return cmp.Compare(a.Index, b.Index) })
	return failures
}

// batch is the changes of one call.
type batch struct {
	handler *Handler
	changes []change
	firsts  []int      // of each row with something to follow, its first change
	follows []prepared // of each reaction
}

// change is one change record.
type change struct {
	rows.Change
	at        time.Time
	broken    error // why it could not be decoded
	reactions []int // that are registered for it
	next      int   // the row's next change that matters, 0 when this is the last
}

// prepared is what a reaction made of a batch.
type prepared struct {
	follow sales.Follow
	err    error
}

// decode reads the changes and chains those of one row. Changes that no reaction
// is registered for are passed over.
func (h *Handler) decode(records []store.Change) *batch {
	b := &batch{handler: h, changes: make([]change, len(records))}
	last := make(map[store.Key]int, len(records))
	h.db.Changes(records, func(i int, decoded rows.Change, err error) {
		c := &b.changes[i]
		c.at, c.Change, c.broken = records[i].At, decoded, err
		if err == nil {
			c.reactions = h.byKind[subject{c.Table, c.Kind}]
			if len(c.reactions) == 0 {
				return
			}
		}
		key := records[i].Key
		if before, ok := last[key]; ok {
			b.changes[before].next = i
		} else {
			b.firsts = append(b.firsts, i)
		}
		last[key] = i
	})
	return b
}

// prepare lets each reaction prepare for the changes that it is registered for.
func (b *batch) prepare(ctx context.Context) {
	b.follows = make([]prepared, len(b.handler.reactions))
	counts := make([]int, len(b.handler.reactions))
	for i := range b.changes {
		for _, position := range b.changes[i].reactions {
			counts[position]++
		}
	}
	for position, r := range b.handler.reactions {
		if counts[position] == 0 {
			continue
		}
		its := make([]rows.Change, 0, counts[position])
		for i := range b.changes {
			if slices.Contains(b.changes[i].reactions, position) {
				its = append(its, b.changes[i].Change)
			}
		}
		b.follows[position] = r.prepare(ctx, its)
	}
}

// prepare lets a reaction prepare for changes.
func (r registered) prepare(ctx context.Context, changes []rows.Change) (p prepared) {
	p.err = sales.Contain(func() (err error) {
		p.follow, err = r.Prepare(ctx, changes)
		return err
	})
	logPanic(ctx, p.err, "handler", r.name, "changes", len(changes))
	return p
}

// follow lets a reaction that has prepared follow one of the changes.
func (r registered) follow(ctx context.Context, p prepared, change rows.Change) error {
	if p.err != nil || p.follow == nil {
		return p.err
	}
	err := sales.Contain(func() error { return p.follow(ctx, change) })
	if err != nil { // the arguments of logPanic cost an allocation each
		logPanic(ctx, err, "handler", r.name, "row", change.Ref)
	}
	return err
}

// logPanic logs a panic, the only place where its stack is kept.
func logPanic(ctx context.Context, err error, where ...any) {
	if panicked, ok := errors.AsType[*sales.PanicError](err); ok {
		slog.ErrorContext(ctx, "a reaction panicked", append(where, "panic", panicked.Value, "stack", string(panicked.Stack))...)
	}
}

// followRow follows the changes of one row in their order, up to the first that
// is to come again, and returns where that is.
func (b *batch) followRow(ctx context.Context, first int) (failed int, err error) {
	for i := first; ; i = b.changes[i].next {
		if err := b.followChange(ctx, &b.changes[i]); err != nil {
			return i, err
		}
		if b.changes[i].next == 0 {
			return 0, nil
		}
	}
}

// followChange lets every reaction to a change follow it; one that fails does
// not hold up the others. Its error means that the change must come again.
func (b *batch) followChange(ctx context.Context, c *change) error {
	h := b.handler
	if c.broken != nil {
		return h.settle(ctx, c, registered{name: decoding}, c.broken)
	}
	var failed error
	for _, position := range c.reactions {
		r := h.reactions[position]
		if err := r.follow(ctx, b.follows[position], c.Change); err != nil {
			failed = errors.Join(failed, h.settle(ctx, c, r, err))
		}
	}
	return failed
}

// settle decides what becomes of a change that a handler could not follow. An
// error means that it must come again; nil that it is parked.
func (h *Handler) settle(ctx context.Context, c *change, r registered, failure error) error {
	if sales.Transient(failure) && h.db.Now().Sub(c.at) < MaxAge {
		return fmt.Errorf("%s of %v: %w", r.name, c.Ref, failure)
	}
	own, err := h.parkElsewhere(ctx, c.at, failure)
	if own == nil || err != nil {
		return err
	}
	if err := h.park(ctx, parking{ref: c.Ref, kind: c.Kind, at: c.at, handler: r.name}, own); err != nil {
		return err
	}
	return r.failed(ctx, c.Change, own)
}

// failed tells a reaction that wants to know of a change of it that is parked. An error
// means that the change must come again; what no other try mends is logged, for the change
// itself is not lost.
func (r registered) failed(ctx context.Context, change rows.Change, failure error) error {
	told, ok := r.Reaction.(sales.Failing)
	if !ok {
		return nil
	}
	err := sales.Contain(func() error { return told.Failed(ctx, change, failure) })
	switch {
	case err == nil:
		return nil
	case sales.Transient(err):
		return fmt.Errorf("tell %s of the failure of %v: %w", r.name, change.Ref, err)
	}
	logPanic(ctx, err, "handler", r.name, "row", change.Ref)
	slog.ErrorContext(ctx, "a reaction was not told of its failure", "handler", r.name, "row", change.Ref, "reason", err)
	return nil
}
