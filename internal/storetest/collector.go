package storetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"segue/internal/store"
)

// record is a Change in a form that can be compared.
type record struct {
	Kind     store.ChangeKind
	Key      store.Key
	Old, New store.Item
}

func (s *script) record(c store.Change) record {
	s.Helper()
	whole := func(i store.Image) store.Item {
		if i == nil {
			return nil
		}
		item, err := i.Item()
		if err != nil {
			s.Errorf("image of %v: %v", c.Key, err)
		}
		return item
	}
	if c.Sequence == "" || c.At.IsZero() {
		s.Errorf("change of %v has no sequence or no time: %+v", c.Key, c)
	}
	return record{c.Kind, c.Key, whole(c.Old), whole(c.New)}
}

// changed returns the record of a change from old to new, where nil is no item.
func changed(old, new store.Item) record {
	switch {
	case old == nil:
		return record{store.Insert, new.Key(), nil, new}
	case new == nil:
		return record{store.Remove, old.Key(), old, nil}
	}
	return record{store.Modify, new.Key(), old, new}
}

// collector keeps the changes that a handler processed, once each, by key and in the
// order in which they came.
type collector struct {
	*script
	mu    sync.Mutex
	grown *sync.Cond
	seen  map[string]bool
	byKey map[store.Key][]record
}

func (s *script) collector() *collector {
	c := &collector{script: s, seen: map[string]bool{}, byKey: map[store.Key][]record{}}
	c.grown = sync.NewCond(&c.mu)
	stop := context.AfterFunc(s.ctx, c.wake)
	s.Cleanup(func() { stop() })
	return c
}

func (c *collector) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grown.Broadcast()
}

// handle takes every change.
func (c *collector) handle(_ context.Context, batch []store.Change) []store.Failure {
	for _, change := range batch {
		c.add(change)
	}
	return nil
}

func (c *collector) add(change store.Change) {
	r := c.record(change)
	c.mu.Lock()
	defer c.mu.Unlock()
	if id := fmt.Sprint(change.Key, change.Sequence); !c.seen[id] {
		c.seen[id] = true
		c.byKey[change.Key] = append(c.byKey[change.Key], r)
	}
	c.grown.Broadcast()
}

// count returns how many changes of k have come.
func (c *collector) count(k store.Key) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byKey[k])
}

// wait waits until n changes of k have come and returns them.
func (c *collector) wait(k store.Key, n int) []record {
	c.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.byKey[k]) < n && c.ctx.Err() == nil {
		c.grown.Wait()
	}
	if len(c.byKey[k]) < n {
		c.Errorf("%d changes of %v came, want %d", len(c.byKey[k]), k, n)
	}
	return c.byKey[k]
}

// want fails the test unless these changes of k come, and in which order.
func (c *collector) want(k store.Key, want ...record) {
	c.Helper()
	if d := cmp.Diff(want, c.wait(k, len(want)), cmpopts.EquateEmpty()); d != "" {
		c.Errorf("changes of %v (-want +got):\n%s", k, d)
	}
}

// consume runs a consumer until the test or stop ends it; it must end
// without an error.
func (s *script) consume(consumer string, handle store.Handler) (stop func()) {
	ctx, cancel := context.WithCancel(s.ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- s.feed.Consume(ctx, consumer, func(ctx context.Context, batch []store.Change) []store.Failure {
			if len(batch) == 0 {
				s.Errorf("the handler was given an empty batch")
			}
			return handle(ctx, batch)
		})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Errorf("consume: got %v, want nil when the context ends", err)
		}
	})
	s.Cleanup(stop)
	return stop
}
