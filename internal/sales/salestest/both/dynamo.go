package both

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"segue/internal/dynamo/dynamotest"
	"segue/internal/dynamo/stream"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/store"
)

// dynamoStore is a table of its own, and all that its stream has told so far.
type dynamoStore struct {
	*dynamotest.Table

	mu      sync.Mutex
	grown   *sync.Cond
	changes []store.Change // without those of the marker
	marks   int            // deletions of the marker in the stream so far
	failed  error          // why the stream is read no more
	drained map[string]int // changes that a consumer is done with
}

// OpenDynamo opens a table of its own, or skips the test.
func OpenDynamo(t testing.TB) salestest.ChangeStore {
	t.Helper()
	s := &dynamoStore{Table: dynamotest.Open(t, rows.Indexes()), drained: map[string]int{}}
	s.grown = sync.NewCond(&s.mu)
	ctx, stop := context.WithCancel(context.Background())
	feed := s.Feed(stream.PollEvery(2 * time.Millisecond))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.end(feed.Consume(ctx, "tail", s.collect))
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return s
}

// marker is an item that is written and deleted to learn how far the stream has
// been read: the emulator's streams are one shard, in the order of commits.
func marker() store.Item {
	return store.Item{store.PK: store.S("marker"), store.SK: store.S("marker")}
}

func (s *dynamoStore) collect(_ context.Context, batch []store.Change) []store.Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, change := range batch {
		switch {
		case change.Key != marker().Key():
			s.changes = append(s.changes, change)
		case change.Kind == store.Remove:
			s.marks++
		}
	}
	s.grown.Broadcast()
	return nil
}

func (s *dynamoStore) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = errors.Join(errors.New("the stream is read no more"), err)
	s.grown.Broadcast()
}

// Drain implements [salestest.ChangeStore].
func (s *dynamoStore) Drain(ctx context.Context, consumer string, handle store.Handler) error {
	for {
		batch, err := s.next(ctx, consumer)
		if err != nil || len(batch) == 0 {
			return err
		}
		for tries := 5; len(batch) > 0; tries-- {
			failures := handle(ctx, batch)
			switch {
			case len(failures) == 0:
				batch = nil
			case tries == 1:
				return fmt.Errorf("consume %s: %w", consumer, failures[0].Err)
			default:
				batch = batch[failures[0].Index:]
			}
		}
	}
}

// next is up to 100 changes that the consumer has not seen, none only when
// there is none in the table's stream either.
func (s *dynamoStore) next(ctx context.Context, consumer string) ([]store.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drained[consumer] == len(s.changes) {
		mark := s.marks + 1
		s.mu.Unlock()
		err := errors.Join(s.Write(ctx, store.Put(marker(), store.Condition{})),
			s.Write(ctx, store.Delete(marker().Key(), store.Condition{})))
		s.mu.Lock()
		for err == nil && s.marks < mark {
			if err = s.failed; err == nil {
				s.grown.Wait()
			}
		}
		if err != nil {
			return nil, err
		}
	}
	from := s.drained[consumer]
	to := min(from+100, len(s.changes))
	s.drained[consumer] = to
	return append([]store.Change(nil), s.changes[from:to]...), nil
}
