package sales

import (
	"context"
	"sync"
	"time"
)

// cache holds definitions by key for a bounded time. Its zero value is ready.
type cache[T any] struct {
	mu      sync.Mutex
	entries map[string]entry[T]
	drops   int // so that a read that a drop overtook is not kept
}

type entry[T any] struct {
	value T
	read  time.Time // before the read that made it began
}

// peek answers an entry that may still be used: one younger than fresh, or any
// when fresh is 0, for then only drop makes an entry old.
func (c *cache[T]) peek(key string, fresh time.Duration, now time.Time) (value T, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held, ok := c.entries[key]
	return held.value, ok && (fresh == 0 || now.Sub(held.read) < fresh)
}

// load reads an entry anew, given the old one, and keeps it.
func (c *cache[T]) load(ctx context.Context, key string, now time.Time, read func(ctx context.Context, old T) (T, error)) (T, error) {
	c.mu.Lock()
	old, drops := c.entries[key].value, c.drops
	c.mu.Unlock()
	value, err := read(ctx, old)
	if err != nil {
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if drops == c.drops {
		if c.entries == nil {
			c.entries = map[string]entry[T]{}
		}
		c.entries[key] = entry[T]{value, now}
	}
	return value, nil
}

// drop forgets everything.
func (c *cache[T]) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = nil
	c.drops++
}
