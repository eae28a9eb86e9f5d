package embed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"segue/internal/store"
)

// Consume implements [store.Feed]. A consumer whose name is new starts at the oldest
// record in the log. From then on its cursor is durable, a tenth of a second after the
// changes that it is done with at the latest, and the log keeps what it has not seen: that
// of a consumer that never comes back only grows. A consumer cannot run twice at the same
// time.
func (s *Store) Consume(ctx context.Context, consumer string, handle store.Handler) error {
	return s.consume(ctx, consumer, handle, false)
}

// Drain consumes until no record is left, including those that the handler's own
// writes add. Its error is that of ctx if that ends first.
func (s *Store) Drain(ctx context.Context, consumer string, handle store.Handler) error {
	err := s.consume(ctx, consumer, handle, true)
	if err == nil {
		err = ctx.Err()
	}
	return err
}

func (s *Store) consume(ctx context.Context, name string, handle store.Handler, drain bool) error {
	c := &consumer{store: s, name: name, handle: handle}
	if !s.register(c) {
		return fmt.Errorf("consume %s: %w: it is already running", name, store.ErrInvalid)
	}
	defer s.unregister(c)
	if err := c.run(ctx, drain); err != nil {
		return fmt.Errorf("consume %s: %w", name, err)
	}
	return nil
}

func (s *Store) register(c *consumer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.name == "" || s.running[c.name] != nil {
		return false
	}
	s.running[c.name] = c
	return true
}

func (s *Store) unregister(c *consumer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, c.name)
}

// woken returns a channel that is closed when a change is logged after this call.
func (s *Store) woken() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wake
}

func (s *Store) wakeConsumers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.wake)
	s.wake = make(chan struct{})
}

// consumer is one running Consume.
type consumer struct {
	store  *Store
	name   string
	handle store.Handler

	changes *follower     // those that are not done
	last    atomic.Uint64 // number of the last change done; 0 before it is known
	failed  atomic.Int64  // how often in a row the next change has failed
}

// ahead is how many changes may be before a consumer until other writes give way to
// those that it makes, and patience how long they do, so that a consumer that is slow,
// or has much before it, slows the others and does not stop them.
const (
	ahead    = 128
	patience = 50 * time.Millisecond
)

// lagging reports whether a consumer is to go first. One that fails is not: what it
// waits for may be another write.
func (s *Store) lagging() bool {
	changed := s.state.Load().changed
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.running {
		if last := c.last.Load(); last > 0 && c.failed.Load() == 0 && changed > last+ahead {
			return true
		}
	}
	return false
}

// consuming marks the context of a handler, by which its writes are known.
type consuming struct{}

// queueOf returns the queue for what is written with a context.
func (s *Store) queueOf(ctx context.Context) chan<- *request {
	if ctx.Value(consuming{}) != nil {
		return s.urgent
	}
	return s.queue
}

// cursor returns the number up to which a consumer is done. A new one begins with the
// oldest record that is kept; nothing is trimmed from then on before it has seen it.
func (s *Store) cursor(consumer string) (last uint64, err error) {
	err = s.commit(s.urgent, func(u *unit) (refused, failed error) {
		var known bool
		if last, known = u.marks.cursors[consumer]; !known {
			last = u.marks.done()
			u.setCursor(consumer, last)
		}
		return nil, nil
	})
	return last, err
}

func (c *consumer) run(ctx context.Context, drain bool) (err error) {
	last, err := c.store.cursor(c.name)
	if err != nil {
		return err
	}
	c.last.Store(last)
	c.changes = c.store.changesAfter(last)
	defer func() { err = errors.Join(err, c.acknowledge(ctx), c.changes.close()) }()
	for ctx.Err() == nil {
		if err := c.store.writable(); errors.Is(err, ErrDamaged) {
			return err
		}
		woken := c.store.woken() // before reading, so that nothing is missed
		batch, err := c.changes.next(c.store.options.batch)
		switch {
		case err != nil:
			return c.store.unlessClosed(err)
		case len(batch) > 0:
			if err := c.deliver(ctx, batch); err != nil {
				return err
			}
		case drain:
			return nil
		default:
			select {
			case <-woken:
			case <-ctx.Done():
			case <-c.store.closing:
				return errClosed
			}
		}
	}
	return nil
}

// unlessClosed returns the error of reading the journal, of which the files go when the
// store is closed.
func (s *Store) unlessClosed(err error) error {
	select {
	case <-s.closing:
		return errClosed
	default:
		return err
	}
}

// deliver hands over one batch, moves the cursor over what is done and waits if
// that is not all.
func (c *consumer) deliver(ctx context.Context, batch []logged) error {
	changes := make([]store.Change, len(batch))
	for i, rec := range batch {
		changes[i] = rec.change
	}
	done, failure := store.Deliver(context.WithValue(ctx, consuming{}, true), c.handle, changes)
	if done > 0 {
		c.failed.Store(0)
		c.last.Store(batch[done-1].number)
		c.changes.take(done)
		c.store.moved(c.name, batch[done-1].number)
	}
	if failure == nil || ctx.Err() != nil { // an error because the consumer was told to stop isn't a failure
		return nil //nolint:nilerr // a failed change is not a failure of reading
	}
	failed := int(c.failed.Add(1))
	slog.WarnContext(ctx, "a change failed and is delivered again", "consumer", c.name, "failed", failed, "reason", failure)
	return c.pause(ctx, failed)
}

// cursorPatience is how long the move of a cursor may wait for a commit that it can be a
// part of. A consumer that waited for an fsync after each batch would take turns with the
// writers; this way a crash delivers again what it was done with shortly before.
const cursorPatience = 100 * time.Millisecond

// moved notes how far a consumer is, and has the commit loop log it in time.
func (s *Store) moved(name string, last uint64) {
	s.mu.Lock()
	s.reached[name] = last
	s.mu.Unlock()
	select {
	case s.moves <- struct{}{}:
	default: // it is told already
	}
}

// logCursors adds to a unit how far consumers are.
func (s *Store) logCursors(u *unit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, last := range s.reached {
		if last > u.marks.cursors[name] {
			u.setCursor(name, last)
		}
	}
}

// cursorsMoved reports whether a consumer is further than the journal says.
func (s *Store) cursorsMoved() bool {
	logged := s.state.Load().cursors
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, last := range s.reached {
		if last > logged[name] {
			return true
		}
	}
	return false
}

// commitCursors logs how far consumers are in a commit of its own.
func (s *Store) commitCursors() error {
	return s.commitUnit(func(u *unit) error {
		s.logCursors(u)
		return nil
	})
}

// acknowledge makes the cursor durable when the consumer ends, as soon as the disk has
// space for it. If ctx ends before that, the changes that are done come once more to the
// next consumer.
func (c *consumer) acknowledge(ctx context.Context) error {
	for failed := 1; ; failed++ {
		err := c.store.commit(c.store.urgent, func(u *unit) (refused, failed error) {
			if last := c.last.Load(); last > u.marks.cursors[c.name] {
				u.setCursor(c.name, last)
			}
			return nil, nil
		})
		switch {
		case errors.Is(err, errClosed): // Close logs it
			return nil
		case !errors.Is(err, store.ErrUnavailable):
			return err
		}
		slog.WarnContext(ctx, "the position of a consumer cannot be stored", "consumer", c.name, "failed", failed, "reason", err)
		if err := c.pause(ctx, failed); err != nil || ctx.Err() != nil {
			return nil //nolint:nilerr // the store is closed, and Close logs it
		}
	}
}

// pause waits before what has failed so often is done again, at most until ctx ends or
// the store is closed.
func (c *consumer) pause(ctx context.Context, failed int) error {
	ctx, wake := context.WithCancel(ctx)
	defer wake()
	go func() {
		select {
		case <-c.store.closing:
			wake()
		case <-ctx.Done():
		}
	}()
	_ = c.store.options.clock.Sleep(ctx, c.store.options.backoff.Longest(failed)) // its error is that ctx has ended, as run sees
	select {
	case <-c.store.closing:
		return errClosed
	default:
		return nil
	}
}
