package queue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/queue"
	"segue/internal/queue/queuetest"
)

func TestLocalContract(t *testing.T) {
	queuetest.Run(t, func(t testing.TB) queuetest.Queue { return open(t) })
}

func open(t testing.TB) *queue.Local {
	q := queue.NewLocal(clock.System())
	t.Cleanup(q.Close)
	return q
}

// Several workers take what comes until they are told to stop, and each ends the
// batch that it has begun.
func TestLocalRun(t *testing.T) {
	q := open(t)
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	seen := map[string]bool{}
	const messages = 200
	var ended sync.WaitGroup
	ended.Go(func() {
		q.Run(ctx, 3, func(_ context.Context, batch []queue.Message) []queue.Failure {
			mu.Lock()
			defer mu.Unlock()
			for _, m := range batch {
				seen[m.Body] = true
			}
			if len(seen) == messages {
				stop()
			}
			return nil
		})
	})
	for n := range messages {
		if err := q.Send(t.Context(), 0, queue.Message{Body: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
	}
	ended.Wait()
	if len(seen) != messages || q.Len() > 0 {
		t.Errorf("%d of %d messages were handled, %d are left", len(seen), messages, q.Len())
	}
}

// What is aside is handed over by a worker of its own, so that it holds nobody up, and
// a drain comes to it last.
func TestLocalAside(t *testing.T) {
	send := func(q queue.Sender, body string, n int) {
		t.Helper()
		for range n {
			if err := q.Send(t.Context(), 0, queue.Message{Body: body}); err != nil {
				t.Fatal(err)
			}
		}
	}
	const messages = 200
	q := open(t)
	ctx, stop := context.WithCancel(t.Context())
	send(q.Aside(), "aside", messages)
	send(q, "own", messages)
	var mu sync.Mutex
	seen, begun := 0, make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		q.Run(ctx, 1, func(_ context.Context, batch []queue.Message) []queue.Failure {
			if batch[0].Body == "aside" { // it takes as long as all the others, and more
				close(begun)
				<-ctx.Done()
				return nil
			}
			<-begun
			mu.Lock()
			defer mu.Unlock()
			if seen += len(batch); seen == messages {
				stop()
			}
			return nil
		})
	})
	ended.Wait()
	if want := messages - queue.MaxBatch; seen != messages || q.Len() != want {
		t.Errorf("%d of %d messages were handled beside one batch, %d are left, want %d", seen, messages, q.Len(), want)
	}
	send(q, "own", messages)
	last := ""
	err := q.Drain(t.Context(), func(_ context.Context, batch []queue.Message) []queue.Failure {
		for _, m := range batch {
			if last == "aside" && m.Body == "own" {
				t.Error("a message that is aside was handed over before another")
			}
			last = m.Body
		}
		return nil
	})
	if err != nil || last != "aside" {
		t.Errorf("the last message is %q: %v", last, err)
	}
}

// A queue that is full says so, and one that is closed hands nothing over.
func TestLocalIsBounded(t *testing.T) {
	q := open(t)
	batch := make([]queue.Message, 1<<16)
	for range 2 {
		if err := q.Send(t.Context(), time.Hour, batch...); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Send(t.Context(), 0, queue.Message{}); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("send to a full queue: %v, want %v", err, queue.ErrUnavailable)
	}
	q.Close()
	err := q.Drain(t.Context(), func(context.Context, []queue.Message) []queue.Failure {
		t.Error("a closed queue hands over messages")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
