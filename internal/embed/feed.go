package embed

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"segue/internal/store"
)

// Consume implements [store.Feed]. A consumer whose name is new starts at the oldest
// record in the log. From then on its cursor is durable and the log keeps what it has
// not seen, so the log of a consumer that never comes back only grows.
//
// After a failure the batch is delivered again, after a pause, from the lowest failed
// change on, as Lambda does. When a handler panics, or reports a change that it was
// not given, the whole batch failed: it is delivered again in halves, until the change
// that causes the failure is alone. A change that failed [Attempts] times is parked. A
// consumer cannot run twice at the same time.
func (s *Store) Consume(ctx context.Context, consumer string, handle store.Handler) error {
	_, err := s.consume(ctx, consumer, handle, false)
	return err
}

// Drain consumes until no record is left, including those that the handler's own
// writes add. It returns an error if it had to park a change or ctx ended first.
func (s *Store) Drain(ctx context.Context, consumer string, handle store.Handler) error {
	c, err := s.consume(ctx, consumer, handle, true)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && c.gaveUp > 0 {
		err = fmt.Errorf("consume %s: %d changes parked, the last because: %w", consumer, c.gaveUp, c.lastReason)
	}
	return err
}

func (s *Store) consume(ctx context.Context, name string, handle store.Handler, drain bool) (*consumer, error) {
	c := &consumer{store: s, name: name, handle: handle, size: s.options.batch, attempts: map[uint64]int{}}
	if !s.start(name) {
		return c, fmt.Errorf("consume %s: %w: it is already running", name, store.ErrInvalid)
	}
	defer s.stop(name)
	err := c.run(ctx, drain)
	if err != nil {
		err = fmt.Errorf("consume %s: %w", name, err)
	}
	return c, err
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

	last     uint64         // sequence of the last change done
	size     int            // of the next batch; smaller while looking for the change that breaks one
	attempts map[uint64]int // failures so far of the changes not done

	gaveUp     int
	lastReason error
}

func (c *consumer) run(ctx context.Context, drain bool) error {
	var err error
	if c.last, err = c.store.cursor(c.name); err != nil {
		return err
	}
	for ctx.Err() == nil {
		woken := c.store.woken() // before reading, so that nothing is missed
		batch, err := c.store.readLog(c.last, c.size)
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
			if err := wait(ctx, c.store, woken); err != nil {
				return err
			}
		}
	}
	return nil
}

// deliver hands over one batch and moves the cursor over what is done.
func (c *consumer) deliver(ctx context.Context, batch []logged) error {
	failures, broken := call(ctx, c.handle, batch)
	if broken != nil {
		if len(batch) > 1 {
			c.size = (len(batch) + 1) / 2
			return nil
		}
		failures = map[int]error{0: broken}
	}
	c.size = min(2*c.size, c.store.options.batch)
	if ctx.Err() == nil { // a failure because the consumer was told to stop does not count
		for i := range failures {
			c.attempts[batch[i].sequence]++
		}
	}
	done, parked := c.settle(batch, failures)
	if done > 0 {
		last := batch[done-1].sequence
		if err := c.store.acknowledge(c.name, last, parked); err != nil {
			return err
		}
		c.last = last
	}
	for _, rec := range batch[:done] {
		delete(c.attempts, rec.sequence)
	}
	if done < len(batch) && parked == nil {
		return c.pause(ctx, c.attempts[batch[done].sequence])
	}
	return nil
}

// settle returns how many changes from the start of the batch are done: those before
// the lowest failed one, and also that one if it is to be parked. The changes after it
// are delivered again, because a handler may stop where it fails.
func (c *consumer) settle(batch []logged, failures map[int]error) (done int, parked *parkedRecord) {
	if len(failures) == 0 {
		return len(batch), nil
	}
	lowest := slices.Min(slices.Collect(maps.Keys(failures)))
	rec, reason := batch[lowest], failures[lowest]
	attempts := c.attempts[rec.sequence]
	if attempts < c.store.options.attempts {
		return lowest, nil
	}
	c.gaveUp++
	c.lastReason = reason
	return lowest + 1, &parkedRecord{
		consumer: c.name, reason: reason.Error(), attempts: attempts,
		at: c.store.options.clock.Now().Unix(), sequence: rec.sequence, raw: rec.raw,
	}
}

// pause waits before the next attempt, or until the store is closed, which a
// clock.Clock could not do.
func (c *consumer) pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(c.store.options.backoff.Longest(attempt))
	defer timer.Stop()
	return wait(ctx, c.store, timer.C)
}

// wait waits for ready or the end of ctx. It returns an error if the store is closed.
func wait[T any](ctx context.Context, s *Store, ready <-chan T) error {
	select {
	case <-ready:
	case <-ctx.Done():
	case <-s.closing:
		return errClosed
	}
	return nil
}

// call runs the handler and returns its failures by position; broken is why the batch
// failed as a whole.
func call(ctx context.Context, handle store.Handler, batch []logged) (failures map[int]error, broken error) {
	defer func() {
		if p := recover(); p != nil {
			broken = fmt.Errorf("handler panicked: %v", p)
		}
	}()
	changes := make([]store.Change, len(batch))
	for i, rec := range batch {
		changes[i] = rec.change
	}
	failures = map[int]error{}
	for _, f := range handle(ctx, slices.Clip(changes)) {
		if f.Index < 0 || f.Index >= len(batch) {
			return nil, fmt.Errorf("handler reported change %d of a batch of %d", f.Index, len(batch))
		}
		if f.Err == nil {
			f.Err = errNoReason
		}
		failures[f.Index] = f.Err
	}
	return failures, nil
}
