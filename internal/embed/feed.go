package embed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"segue/internal/store"
)

// Consume implements [store.Feed]. A consumer whose name is new starts at the oldest
// record in the log. From then on its cursor is durable and the log keeps what it has
// not seen, so the log of a consumer that never comes back only grows. A consumer
// cannot run twice at the same time.
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
	if !s.start(name) {
		return fmt.Errorf("consume %s: %w: it is already running", name, store.ErrInvalid)
	}
	defer s.stop(name)
	c := &consumer{store: s, name: name, handle: handle}
	if err := c.run(ctx, drain); err != nil {
		return fmt.Errorf("consume %s: %w", name, err)
	}
	return nil
}

func (s *Store) start(consumer string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if consumer == "" || s.running[consumer] {
		return false
	}
	s.running[consumer] = true
	return true
}

func (s *Store) stop(consumer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, consumer)
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

	last   uint64 // sequence of the last change done
	failed int    // how often in a row the next change has failed
}

func (c *consumer) run(ctx context.Context, drain bool) error {
	var err error
	if c.last, err = c.store.cursor(c.name); err != nil {
		return err
	}
	for ctx.Err() == nil {
		woken := c.store.woken() // before reading, so that nothing is missed
		batch, err := c.store.readLog(c.last, c.store.options.batch)
		switch {
		case err != nil:
			return err
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

// deliver hands over one batch, moves the cursor over what is done and waits if
// that is not all.
func (c *consumer) deliver(ctx context.Context, batch []logged) error {
	changes := make([]store.Change, len(batch))
	for i, rec := range batch {
		changes[i] = rec.change
	}
	done, failure := store.Deliver(ctx, c.handle, changes)
	if done > 0 {
		c.failed = 0
		c.last = batch[done-1].sequence
		if err := c.acknowledge(ctx); err != nil {
			return err
		}
	}
	if failure == nil || ctx.Err() != nil { // an error because the consumer was told to stop isn't a failure
		return nil //nolint:nilerr // a failed change is not a failure of reading
	}
	c.failed++
	slog.WarnContext(ctx, "a change failed and is delivered again", "consumer", c.name, "failed", c.failed, "reason", failure)
	return c.pause(ctx, c.failed)
}

// acknowledge makes the cursor durable, as soon as the disk has space for it. If ctx
// ends before that, the changes that are done come once more to the next consumer.
func (c *consumer) acknowledge(ctx context.Context) error {
	for failed := 1; ctx.Err() == nil; failed++ {
		err := c.store.acknowledge(c.name, c.last)
		if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, errClosed) {
			return err
		}
		slog.WarnContext(ctx, "the position of a consumer cannot be stored", "consumer", c.name, "failed", failed, "reason", err)
		if err := c.pause(ctx, failed); err != nil {
			return err
		}
	}
	return nil
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
