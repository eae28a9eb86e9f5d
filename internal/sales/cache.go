package sales

import (
	"context"
	"sync"
	"time"
)

// Cache holds definitions by key for as long as they are fresh. It is safe for
// concurrent use.
type Cache[T any] struct {
	freshness Freshness

	mu      sync.Mutex
	entries map[string]cached[T]
	drops   int // so that a read that a drop overtook is not kept
}

type cached[T any] struct {
	value T
	read  time.Time // before the read that made it began
}

// NewCache returns an empty cache.
func NewCache[T any](freshness Freshness) *Cache[T] {
	return &Cache[T]{freshness: freshness, entries: map[string]cached[T]{}}
}

// Peek returns an entry that may still be used: a fresh one, or any where there
// is one process, for then only Drop makes an entry old.
func (c *Cache[T]) Peek(key string) (value T, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.entries[key]
	if !ok || c.freshness.For == 0 {
		return entry.value, ok
	}
	return entry.value, c.freshness.Clock.Now().Sub(entry.read) < c.freshness.For
}

// Load reads an entry again, given the old one, and keeps it.
func (c *Cache[T]) Load(ctx context.Context, key string, read func(ctx context.Context, old T) (T, error)) (T, error) {
	began := c.freshness.Clock.Now()
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
		c.entries[key] = cached[T]{value, began}
	}
	return value, nil
}

// Drop forgets everything.
func (c *Cache[T]) Drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.entries)
	c.drops++
}
