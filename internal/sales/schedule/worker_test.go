package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/store"
)

type values = salestest.Values

// The rows that workers fight about, at most.
const (
	leads         = 5
	opportunities = 2
	sequences     = 4 // the last is for opportunities
	segments      = 5 // the last is for opportunities
	users         = 3
)

func lead(n int) rows.Ref { return rows.Ref{Table: "lead", ID: salestest.ID("lead", n)} }
func opportunity(n int) rows.Ref {
	return rows.Ref{Table: "opportunity", ID: salestest.ID("opportunity", n)}
}
func sequenceRef(n int) rows.Ref {
	return rows.Ref{Table: name.Sequence, ID: salestest.ID("sequence", n)}
}
func segmentRef(n int) rows.Ref { return rows.Ref{Table: name.Segment, ID: salestest.ID("segment", n)} }

// crowd is how few rows the workers of a round fight about.
type crowd struct{ leads, sequences, segments int }

func drawCrowd(random *rand.Rand) crowd {
	return crowd{1 + random.IntN(leads), 1 + random.IntN(sequences-1), 1 + random.IntN(segments-1)}
}

// known names the rows of a schedule for people.
func known() map[string]string {
	names := map[string]string{}
	for n := range leads {
		names[lead(n).ID] = fmt.Sprint("lead-", n)
	}
	for n := range opportunities {
		names[opportunity(n).ID] = fmt.Sprint("opportunity-", n)
	}
	for n := range sequences {
		names[sequenceRef(n).ID] = fmt.Sprint("sequence-", n)
	}
	for n := range segments {
		names[segmentRef(n).ID] = fmt.Sprint("segment-", n)
	}
	for n := range users {
		names[salestest.ID("user", n)] = fmt.Sprint("user-", n)
	}
	return names
}

// worker is somebody who does one thing after the other, by chance.
type worker struct {
	*fleet
	*task
	random *rand.Rand
	ctx    context.Context //nolint:containedctx // the task's
	tokens int
	crowd  crowd
	p      *process // that answers the present request
}

// kinds are the things that workers do, and how often beside the others.
func kinds() map[string]kind {
	all := map[string]kind{}
	maps.Copy(all, recordKinds())
	maps.Copy(all, connectionKinds())
	maps.Copy(all, sequenceKinds())
	maps.Copy(all, segmentKinds())
	return all
}

type kind struct {
	weight int
	do     func(w *worker)
}

func (w *worker) pause(d time.Duration) error {
	_, err := w.park(w.ctx, &step{name: "pause", at: time.Now().Add(d)})
	return err
}

// try asks a process for something, again when the answer says to or gets lost, as
// a client does.
func (w *worker) try(d deed, do func(ctx context.Context, d *deed) error) {
	for range 3 {
		again := w.once(d, do)
		if !again || w.pause(time.Duration(w.random.IntN(2000))*time.Millisecond) != nil {
			return
		}
	}
}

// once asks once and reports whether to ask again.
func (w *worker) once(d deed, do func(ctx context.Context, d *deed) error) (again bool) {
	d.user, d.commits, d.effects = true, nil, slices.Clone(d.effects)
	for i, e := range d.effects {
		copied := *e
		d.effects[i] = &copied
	}
	w.p = w.any(w.random.IntN(len(w.processes)))
	var ctx context.Context
	ctx, w.cancel = context.WithCancel(w.ctx)
	defer w.cancel()
	w.deed = &d
	w.history.start(w.deed)
	err := do(ctx, w.deed)
	_ = w.turn() // it fails when all ends
	if w.p.dead {
		err = errors.Join(err, sales.Unavailable) // nobody answers
	}
	w.history.finish(w.deed, err == nil)
	w.deed = nil
	switch {
	case err == nil:
		return false
	case excused(err):
		return true
	case !definite(err):
		w.history.report(d.ref(), "%s: an answer without a kind: %v", d.name, err)
	case len(d.commits) > 0:
		w.history.report(d.ref(), "%s was refused (%v) and committed %d", d.name, err, d.commits[0].number)
	}
	return false
}

// ref is a row that the deed is about.
func (d *deed) ref() rows.Ref {
	for _, e := range d.effects {
		return e.ref
	}
	for _, refs := range [][]rows.Ref{slices.Collect(maps.Keys(d.intends)), slices.Collect(maps.Keys(d.makes))} {
		for _, ref := range refs {
			return ref
		}
	}
	return rows.Ref{}
}

// definite reports whether an error says that nothing was done.
func definite(err error) bool {
	return slices.ContainsFunc([]sales.Kind{
		sales.NotFound, sales.Invalid, sales.Duplicate, sales.Stale, sales.Precondition, sales.Limit,
	}, func(k sales.Kind) bool { return errors.Is(err, k) })
}

// caller is one of the managers.
func (w *worker) caller() sales.Caller {
	return sales.Caller{ID: name.UserID(salestest.ID("user", w.random.IntN(users))), Roles: []string{sales.SalesManager}}
}

// rival draws a row of a table that somebody else is at work on.
func (w *worker) rival(table string) (rows.Ref, bool) {
	var refs []rows.Ref
	for _, d := range w.history.deeds {
		for _, e := range d.effects {
			refs = append(refs, e.ref)
		}
		refs = append(refs, d.about...)
	}
	refs = slices.DeleteFunc(refs, func(ref rows.Ref) bool { return ref.Table != table || known()[ref.ID] == "" })
	return one(w.random, refs), len(refs) > 0 && w.random.IntN(3) == 0
}

// token is a text that nobody else writes.
func (w *worker) token() string {
	w.tokens++
	return fmt.Sprintf("%s-%d", w.name, w.tokens)
}

// item is a row as it is, as if a client had just read it.
func (w *worker) item(ref rows.Ref) store.Item { return w.history.items[ref] }

// one draws one of a list, the zero value of an empty one.
func one[T any](random *rand.Rand, list []T) T {
	var none T
	if len(list) == 0 {
		return none
	}
	return list[random.IntN(len(list))]
}
