package queue

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"segue/internal/clock"
)

// capacity is how many messages a Local holds.
const capacity = 1 << 17

// pause is how long a message waits that could not be handled.
func pause() clock.Backoff { return clock.Backoff{Base: 20 * time.Millisecond, Most: 30 * time.Second} }

// Local is a queue in the memory of one process. What it holds is gone with the
// process, so whoever needs it must be able to send it again. It has a second lane
// ([Local.Aside]), whose messages never hold up those of the first.
type Local struct {
	clock  clock.Clock
	living context.Context //nolint:containedctx // ends the waits of messages, whose senders have long returned
	close  context.CancelFunc

	mu      sync.Mutex
	ready   [lanes][]entry
	waiting int           // messages whose delay is not over
	working int           // messages that are being handled
	moved   chan struct{} // closed when one of these has changed
}

type entry struct {
	message Message
	lane    lane
	failed  int // how often
}

// lane is messages that are handed over by workers of their own.
type lane uint8

const (
	own lane = iota
	aside
	lanes
)

var _ Sender = (*Local)(nil)

// NewLocal returns an empty queue. c counts the delays.
func NewLocal(c clock.Clock) *Local {
	q := &Local{clock: c, moved: make(chan struct{})}
	q.living, q.close = context.WithCancel(context.Background())
	return q
}

// Close drops all messages. Nothing is handed over any more.
func (q *Local) Close() {
	q.close()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ready = [lanes][]entry{}
	q.wake()
}

// Send implements [Sender].
func (q *Local) Send(ctx context.Context, delay time.Duration, messages ...Message) error {
	return q.send(ctx, own, delay, messages)
}

// Aside returns the second lane, for long work that must not hold up other messages.
func (q *Local) Aside() Sender { return asideOf{q} }

type asideOf struct{ *Local }

// Send implements [Sender].
func (q asideOf) Send(ctx context.Context, delay time.Duration, messages ...Message) error {
	return q.send(ctx, aside, delay, messages)
}

func (q *Local) send(ctx context.Context, to lane, delay time.Duration, messages []Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries := make([]entry, len(messages))
	for i, m := range messages {
		entries[i] = entry{message: m, lane: to}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if held := q.handable() + q.waiting + len(messages); held > capacity {
		return fmt.Errorf("%w: it would hold %d messages and holds %d at most", ErrUnavailable, held, capacity)
	}
	q.put(delay, entries)
	return nil
}

// handable is how many messages can be handed over. q.mu is held.
func (q *Local) handable() int { return len(q.ready[own]) + len(q.ready[aside]) }

// add adds entries, each to its lane. q.mu is held.
func (q *Local) add(entries []entry) {
	for _, e := range entries {
		q.ready[e.lane] = append(q.ready[e.lane], e)
	}
}

// put adds entries when the delay is over. q.mu is held.
func (q *Local) put(delay time.Duration, entries []entry) {
	if q.living.Err() != nil {
		return
	}
	if delay <= 0 {
		q.add(entries)
		q.wake()
		return
	}
	q.waiting += len(entries)
	go func() {
		err := q.clock.Sleep(q.living, delay)
		q.mu.Lock()
		defer q.mu.Unlock()
		q.waiting -= len(entries)
		if err == nil {
			q.add(entries)
		}
		q.wake()
	}()
}

// wake lets those who wait look again. q.mu is held.
func (q *Local) wake() {
	close(q.moved)
	q.moved = make(chan struct{})
}

// Run hands messages to handle, by so many workers at once and one more for what is aside,
// until ctx ends; it returns when no handler runs any more.
func (q *Local) Run(ctx context.Context, workers int, handle Handler) {
	var group sync.WaitGroup
	work := func(from lane) {
		for {
			batch, _ := q.take(ctx, false, from)
			if batch == nil {
				return
			}
			_ = q.deliver(ctx, handle, batch)
		}
	}
	for range workers {
		group.Go(func() { work(own) })
	}
	group.Go(func() { work(aside) })
	group.Wait()
}

// Drain hands over messages until none is left, those that handling them adds
// included, and what is aside only when there is nothing else. It returns the error of the first that cannot be handled, which stays
// in the queue, or that of ctx when it ends.
func (q *Local) Drain(ctx context.Context, handle Handler) error {
	for {
		batch, err := q.take(ctx, true, own, aside)
		if batch == nil {
			return err
		}
		if err := q.deliver(ctx, handle, batch); err != nil {
			return fmt.Errorf("drain the queue: %w", err)
		}
	}
}

// Len is how many messages there are, those that are being handled included.
func (q *Local) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.handable() + q.waiting + q.working
}

// take waits for messages and returns up to MaxBatch of them, of the first of some lanes that
// has any; nil when ctx ends or, if drain, when none is left.
func (q *Local) take(ctx context.Context, drain bool, from ...lane) ([]entry, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		q.mu.Lock()
		for _, lane := range from {
			if n := min(len(q.ready[lane]), MaxBatch); n > 0 {
				batch := slices.Clone(q.ready[lane][:n])
				q.ready[lane] = q.ready[lane][n:]
				q.working += n
				q.mu.Unlock()
				return batch, nil
			}
		}
		empty, moved := q.waiting+q.working == 0, q.moved
		q.mu.Unlock()
		if drain && empty {
			return nil, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
		}
	}
}

// deliver hands over a batch and puts back what failed, the first of which it
// returns the error of.
func (q *Local) deliver(ctx context.Context, handle Handler, batch []entry) error {
	messages := make([]Message, len(batch))
	for i, e := range batch {
		messages[i] = e.message
	}
	failures := handle(ctx, messages)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.working -= len(batch)
	for _, f := range failures {
		e := batch[f.Index]
		e.failed++
		if ctx.Err() == nil { // else it failed because the worker was told to stop
			slog.WarnContext(ctx, "a message could not be handled; it is handed over again", "message", e.message.Body, "failed", e.failed, "reason", f.Err)
		}
		q.put(pause().Delay(e.failed), []entry{e})
	}
	q.wake()
	if len(failures) > 0 {
		return failures[0].Err
	}
	return nil
}
