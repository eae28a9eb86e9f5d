package rehearse

import (
	"context"
	"fmt"
	"time"

	"segue/internal/sales/advance"
	"segue/internal/sales/rehearsal"
	"segue/internal/schema"
	"segue/internal/store"
)

// Jump implements [rehearsal.Stage]. The clock stops wherever something is due, and there the
// pass is made that the minute tick makes, and again as long as it gets something done, so
// that times are those of the sequence and not of the ticks. What a pass leaves due has the
// next one a minute later.
func (g *stage) Jump(ctx context.Context, to time.Time) error {
	if err := g.settle(ctx); err != nil {
		return err
	}
	for {
		next, ok, err := g.nextDue(ctx, to)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if idle := g.idle; !idle.IsZero() && !next.After(idle) {
			next = idle.Add(advance.Every)
		}
		if next.After(to) {
			break
		}
		if next.After(g.clock.Now()) {
			g.clock.set(next)
		}
		if err := g.pass(ctx); err != nil {
			return err
		}
	}
	g.clock.set(to)
	return g.settle(ctx)
}

// pass does what is due now, and what follows from that.
func (g *stage) pass(ctx context.Context) error {
	if g.work++; g.work > rehearsal.MaxWork {
		return fmt.Errorf("the test has had what is due done %d times, and something is due at %s again", rehearsal.MaxWork, g.clock.Now().UTC().Format(time.RFC3339))
	}
	done, err := g.Advance.Pass(ctx)
	if err != nil {
		return err
	}
	if g.idle = (time.Time{}); done.Handled == 0 {
		g.idle = g.clock.Now()
	}
	return g.settle(ctx)
}

// nextDue returns when the first row is due, of those that are until a moment.
func (g *stage) nextDue(ctx context.Context, until time.Time) (next time.Time, ok bool, err error) {
	for shard := range schema.Shards {
		entries, _, err := g.DB.ReadDue(ctx, shard, until, "", 1)
		if err != nil {
			return next, false, err
		}
		for _, e := range entries {
			if at, known := e.At(); known && (!ok || at.Before(next)) {
				next, ok = at, true
			}
		}
	}
	return next, ok, nil
}

// settle follows all changes and works on all messages, those of due rows too, until nothing
// is left to do.
func (g *stage) settle(ctx context.Context) error {
	for {
		if err := g.follow(ctx); err != nil {
			return err
		}
		if g.Local.Len() == 0 {
			return nil
		}
		if err := g.Local.Drain(ctx, g.Queued()); err != nil {
			return err
		}
	}
}

// follow follows all changes. One that fails is delivered again, without end where it fails
// always: here it is the first failures of a kind that end the test.
func (g *stage) follow(ctx context.Context) error {
	const most = 100
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	failed := 0
	err := g.store.Drain(ctx, "test", func(ctx context.Context, batch []store.Change) []store.Failure {
		failures := g.Changes(ctx, batch)
		if len(failures) == 0 {
			failed = 0
			return nil
		}
		if failed++; failed >= most {
			giveUp(fmt.Errorf("a change cannot be followed: %w", failures[0].Err))
		}
		return failures
	})
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
