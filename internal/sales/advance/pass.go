package advance

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// Bounds of a pass.
const (
	margin  = 10 * time.Second // of the caller's time, for what has been begun
	soonest = time.Minute      // for how long a row is put off, at least
	latest  = 6 * time.Hour    // and at most

	outageAfter = 2 * sales.AtOnce // rows in a row that fail for now end a pass
)

// pass is one run over the list.
type pass struct {
	*Advance
	now    time.Time // what counts as due
	end    time.Time // when to stop, zero for never
	given  map[string]int
	here   int                 // rows that might leave and that have been seen
	keys   map[rows.Ref]string // of the entries of a batch
	found  bool                // something that is due
	oldest time.Duration       // for how long the oldest of it has been due
	group  errgroup.Group

	mu          sync.Mutex // guards what follows
	versions    map[rows.Ref]int64
	transient   int   // rows in a row whose handlers failed for now
	interrupted error // why it ends before its time
	Summary
}

func (a *Advance) begin(ctx context.Context) *pass {
	p := &pass{Advance: a, now: a.clock.Now(), given: map[string]int{}, versions: map[rows.Ref]int64{}}
	if deadline, ok := ctx.Deadline(); ok {
		p.end = p.now.Add(time.Until(deadline) - margin) // a context goes by the machine's clock
	}
	p.group.SetLimit(a.atOnce)
	return p
}

// sweep goes through the list.
func (p *pass) sweep(ctx context.Context) error {
	for _, f := range p.before {
		err := sales.Contain(func() error { return f(ctx) })
		if sales.Transient(err) {
			return err
		}
		if err != nil { // what is due must not wait for it
			slog.ErrorContext(ctx, "what comes before a pass failed", "error", err)
		}
	}
	p.forgetGone()
	list := &list{db: p.db, now: p.now, page: p.page}
	if err := list.open(ctx); err != nil {
		return err
	}
	for {
		refs, err := p.choose(ctx, list)
		if err != nil || len(refs) == 0 {
			return err
		}
		due, err := p.read(ctx, refs)
		if err != nil {
			return err
		}
		for _, row := range p.sendOff(ctx, due) {
			if p.over(ctx) {
				return nil
			}
			if err := p.start(ctx, row); err != nil {
				return err
			}
		}
	}
}

// start gives a row to its handler when it is its turn, beside others.
func (p *pass) start(ctx context.Context, row *rows.Row) error {
	if err := p.clock.Sleep(ctx, p.wait()); err != nil {
		return err
	}
	p.group.Go(func() error { p.take(ctx, row); return nil })
	return nil
}

// note keeps for how long the oldest row has been due.
func (p *pass) note(entry rows.DueEntry) {
	if at, known := entry.At(); known {
		p.found, p.oldest = true, max(p.oldest, p.now.Sub(at))
	}
}

// over reports whether the pass must end before the list does, and notes it.
func (p *pass) over(ctx context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	late := !p.end.IsZero() && p.clock.Now().After(p.end)
	p.Early = p.Early || late || ctx.Err() != nil
	return p.Early
}

// wait returns how long the next row must wait for its turn.
func (p *pass) wait() time.Duration {
	now := p.clock.Now()
	return p.rate.ReserveN(now, 1).DelayFrom(now)
}

// choose takes the oldest entries that are left, at most a batch of those that
// somebody here handles.
func (p *pass) choose(ctx context.Context, list *list) ([]rows.Ref, error) {
	var refs []rows.Ref
	p.keys = map[rows.Ref]string{}
	for len(refs) < p.batch {
		entry, ok, err := list.next(ctx)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		ref := entry.Ref
		r, registered := p.tables[ref.Table]
		if !registered || p.db.Schema().Table(ref.Table) == nil || r.most > 0 && p.given[ref.Table] == r.most {
			continue
		}
		p.note(entry)
		if p.waits(entry) {
			continue
		}
		p.keys[ref] = entry.Key
		p.given[ref.Table]++
		refs = append(refs, ref)
	}
	return refs, nil
}

// read returns the rows that are due, in the order of refs. What the index still
// shows though it is no longer due is left out. A row that cannot be read for good is
// logged; it does not hold up the others.
func (p *pass) read(ctx context.Context, refs []rows.Ref) ([]*rows.Row, error) {
	found, err := p.db.Get(ctx, refs...)
	if err != nil {
		if sales.Transient(err) {
			return nil, err
		}
		if len(refs) == 1 {
			slog.ErrorContext(ctx, "a due row cannot be read", "row", refs[0].String(), "error", err)
			return nil, nil
		}
		for _, ref := range refs {
			one, err := p.read(ctx, []rows.Ref{ref})
			if err != nil {
				return nil, err
			}
			found = append(found, one...)
		}
	}
	due := found[:0]
	for _, row := range found {
		if row != nil && row.Due(p.now) {
			due = append(due, row)
		}
	}
	return due, nil
}

// errLeftDue is what is wrong with a handler that succeeds and leaves its row as it
// was: the row would be given to it for ever.
var errLeftDue = errors.New("its handler left it due")

// take gives a row to its handler, if there is still time, and puts it off when that
// fails.
func (p *pass) take(ctx context.Context, row *rows.Row) {
	if p.over(ctx) { // since it waited for its turn
		return
	}
	ref, version := row.Ref(), row.Version // the handler may write the row
	err := p.handle(ctx, row)
	conflict, conflicts := errors.AsType[*rows.ConflictError](err)
	elsewhere := conflicts && conflict.Ref == ref // one about another row is a failure for now
	if elsewhere || !sales.Transient(err) {
		p.answered()
	}
	switch {
	case err == nil:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.Handled++
		p.versions[ref] = version
	case elsewhere: // another process has it, or a caller has just changed it
	case ctx.Err() != nil:
		p.interrupt(err)
	case sales.Transient(err):
		// It may be this row's alone, and must not stay at the head of the list then.
		slog.WarnContext(ctx, "a due row cannot be handled for now", "row", ref.String(), "reason", err)
		p.putOff(ctx, ref, func(time.Duration) time.Duration { return soonest })
		p.noteTransient(err)
	default:
		logFailure(ctx, ref, err)
		p.putOff(ctx, ref, delay)
	}
}

// answered notes that the store was there for a handler: this is not an outage.
func (p *pass) answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.transient = 0
}

// noteTransient makes the pass end when so many rows in a row cannot be handled for
// now that the next could not be either.
func (p *pass) noteTransient(err error) {
	p.mu.Lock()
	p.transient++
	outage := p.transient >= outageAfter
	p.mu.Unlock()
	if outage {
		p.interrupt(err)
	}
}

// handle calls the handler, unless it has had the row as it is now before.
func (p *pass) handle(ctx context.Context, row *rows.Row) error {
	p.Advance.mu.Lock()
	left := p.handled[row.Ref()] == row.Version
	p.Advance.mu.Unlock()
	if left {
		return errLeftDue
	}
	return sales.Contain(func() error { return p.tables[row.Table.Name].handle(ctx, row) })
}

func logFailure(ctx context.Context, ref rows.Ref, err error) {
	attributes := []any{"row", ref.String(), "error", err}
	if panicked, ok := errors.AsType[*sales.PanicError](err); ok {
		attributes = append(attributes, "stack", string(panicked.Stack))
	}
	slog.ErrorContext(ctx, "a due row could not be handled; it is put off", attributes...)
}

// interrupt makes the pass end: whatever it would do next is likely to fail too.
func (p *pass) interrupt(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Early, p.interrupted = true, cmp.Or(p.interrupted, err)
}

// putOff moves a row's due time on, unless the row has left the list since; by says how
// far, from how long ago it was last written.
func (p *pass) putOff(ctx context.Context, ref rows.Ref, by func(sinceWritten time.Duration) time.Duration) {
	tx := p.db.Begin("")
	found, err := tx.Load(ctx, ref)
	if err == nil && found[0] != nil && found[0].Due(p.now) {
		row, now := found[0], p.db.Now()
		row.Set(row.Table.DueColumn(), schema.Time(now.Add(by(now.Sub(row.Time(rows.ModifiedOn))))))
		err = tx.Commit(ctx)
	}
	_, elsewhere := errors.AsType[*rows.ConflictError](err)
	switch {
	case err == nil:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.PutOff++
	case elsewhere: // it is no longer what the handler failed on
	case sales.Transient(err):
		p.interrupt(err)
	default:
		slog.ErrorContext(ctx, "a due row cannot be put off", "row", ref.String(), "error", err)
	}
}

// delay returns for how long a row that could not be handled is put off: twice the
// time since it was last written. That write is the one that put it off before, so
// the delay doubles, and no row needs a counter.
func delay(sinceWritten time.Duration) time.Duration {
	return min(max(2*sinceWritten, soonest), latest)
}
