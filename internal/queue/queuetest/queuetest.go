// Package queuetest is the contract of a queue as a script that every
// implementation runs.
package queuetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"segue/internal/queue"
)

// Queue is a queue whose messages a test can take until none is left, delayed
// ones and those that failed included.
type Queue interface {
	queue.Sender
	Drain(ctx context.Context, handle queue.Handler) error
}

// Run runs the contract. open returns an empty queue that is closed when the test
// ends. Failures that the script makes on purpose may end a Drain with their
// error; the script then calls it again.
func Run(t *testing.T, open func(t testing.TB) Queue) {
	t.Run("every message is handed over", func(t *testing.T) {
		q, got := open(t), &collector{}
		want := []string{`{"job":"70b00000-0000-4000-8000-000000000001","task":7}`, "Zürich\n\t\"ü\" & <b>"}
		for n := range 33 { // more than a batch
			want = append(want, fmt.Sprint("message ", n))
		}
		got.send(t, q, 0, want...)
		got.drain(t, q)
		got.check(t, want)
		if got.largest > queue.MaxBatch {
			t.Errorf("a handler was given %d messages at once, want at most %d", got.largest, queue.MaxBatch)
		}
	})
	t.Run("nothing to send", func(t *testing.T) {
		q, got := open(t), &collector{}
		got.send(t, q, 0)
		got.drain(t, q)
		got.check(t, nil)
	})
	t.Run("what failed comes again", func(t *testing.T) {
		q, got := open(t), &collector{fails: map[string]int{"b": 1, "d": 2}}
		got.send(t, q, 0, "a", "b", "c", "d")
		got.drain(t, q)
		got.check(t, []string{"a", "b", "c", "d"})
		if got.times["b"] < 2 || got.times["d"] < 3 {
			t.Errorf("handed over %v times; b fails once and d twice", got.times)
		}
	})
	t.Run("a delayed message comes later", func(t *testing.T) {
		q, got := open(t), &collector{}
		got.send(t, q, time.Second, "late")
		got.send(t, q, 0, "at once")
		got.drain(t, q)
		if want := []string{"at once", "late"}; !slices.Equal(got.order, want) {
			t.Errorf("handed over %q, want %q", got.order, want)
		}
	})
	t.Run("messages that a handler sends", func(t *testing.T) {
		q, got := open(t), &collector{}
		got.send(t, q, 0, "3")
		err := q.Drain(t.Context(), func(ctx context.Context, messages []queue.Message) []queue.Failure {
			for _, m := range messages {
				if next := string(m.Body[0] - 1); next != "0" {
					got.send(t, q, 0, next)
				}
			}
			return got.handle(ctx, messages)
		})
		if err != nil {
			t.Fatal(err)
		}
		got.check(t, []string{"3", "2", "1"})
	})
	t.Run("a context that has ended", func(t *testing.T) {
		q := open(t)
		ended, end := context.WithCancel(t.Context())
		end()
		if err := q.Send(ended, 0, queue.Message{Body: "x"}); !errors.Is(err, context.Canceled) {
			t.Errorf("send: %v, want %v", err, context.Canceled)
		}
	})
}

// collector handles messages and keeps what it was given.
type collector struct {
	fails map[string]int // how often a message fails

	mu      sync.Mutex
	order   []string // of messages that did not fail
	times   map[string]int
	largest int
}

var errOnPurpose = errors.New("the handler fails on purpose")

func (c *collector) handle(_ context.Context, messages []queue.Message) []queue.Failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times == nil {
		c.times = map[string]int{}
	}
	c.largest = max(c.largest, len(messages))
	var failures []queue.Failure
	for i, m := range messages {
		c.times[m.Body]++
		if c.times[m.Body] <= c.fails[m.Body] {
			failures = append(failures, queue.Failure{Index: i, Err: errOnPurpose})
			continue
		}
		c.order = append(c.order, m.Body)
	}
	return failures
}

func (*collector) send(t *testing.T, q Queue, delay time.Duration, bodies ...string) {
	t.Helper()
	messages := make([]queue.Message, len(bodies))
	for i, body := range bodies {
		messages[i].Body = body
	}
	if err := q.Send(t.Context(), delay, messages...); err != nil {
		t.Fatal(err)
	}
}

func (c *collector) drain(t *testing.T, q Queue) {
	t.Helper()
	for {
		err := q.Drain(t.Context(), c.handle)
		if err == nil {
			return
		}
		if !errors.Is(err, errOnPurpose) {
			t.Fatal(err)
		}
	}
}

// check compares the messages that were handled with those that were sent. Each is
// there once or more.
func (c *collector) check(t *testing.T, want []string) {
	t.Helper()
	got := slices.Compact(slices.Sorted(slices.Values(c.order)))
	if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("handed over %q, want %q", got, want)
	}
}
