// Package reaction is the handler of the table's change records. It decodes a
// batch once, gives every registered reaction the changes that it is registered
// for, and lets them follow: the changes of one row in their order, those of
// different rows at the same time. It knows no table.
//
// A batch may come again at any time, in part or as a whole. A change that fails
// is reported; the later ones of its row wait for it, the changes of other rows
// go on.
//
// Invariant: what is not reported has been followed by every reaction that is
// registered for it.
package reaction

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

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
	reactions []registered
	byKind    map[subject][]int // positions in reactions, in their order
}

// subject is a kind of change of a table.
type subject struct {
	table *schema.Table
	kind  store.ChangeKind
}

// New returns a handler without reactions.
func New(db *rows.DB) *Handler {
	return &Handler{db: db, byKind: map[subject][]int{}}
}

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

// Handle is a [store.Handler].
func (h *Handler) Handle(ctx context.Context, changes []store.Change) []store.Failure {
	b := h.decode(changes)
	b.prepare(ctx)
	var mu sync.Mutex
	var failures []store.Failure
	var group errgroup.Group
	group.SetLimit(sales.AtOnce)
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
	for i, record := range records {
		c := &b.changes[i]
		c.Change, c.broken = h.db.Change(record)
		if c.broken == nil {
			c.reactions = h.byKind[subject{c.Table, c.Kind}]
			if len(c.reactions) == 0 {
				continue
			}
		}
		if before, ok := last[record.Key]; ok {
			b.changes[before].next = i
		} else {
			b.firsts = append(b.firsts, i)
		}
		last[record.Key] = i
	}
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
		follow, err := r.Prepare(ctx, its)
		b.follows[position] = prepared{follow, err}
	}
}

// followRow follows the changes of one row in their order, up to the first that
// fails, and returns where that is.
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
// not hold up the others.
func (b *batch) followChange(ctx context.Context, c *change) error {
	if c.broken != nil {
		return c.broken
	}
	var failed error
	for _, position := range c.reactions {
		err := b.follows[position].err
		if follow := b.follows[position].follow; err == nil && follow != nil {
			err = follow(ctx, c.Change)
		}
		switch {
		case err == nil:
		case failed == nil:
			failed = err
		default:
			failed = errors.Join(failed, err)
		}
	}
	if failed != nil {
		return fmt.Errorf("follow %v: %w", c.Ref, failed)
	}
	return nil
}
