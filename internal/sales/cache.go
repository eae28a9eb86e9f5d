package sales

import (
	"context"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// MaxCached is how many entries a [Cache] has.
const MaxCached = 1000

// Cache holds what was read by key, the most recently used [MaxCached] entries, for as
// long as it is fresh. It is safe for concurrent use.
type Cache[T any] struct {
	freshness Freshness

	mu      sync.Mutex
	entries *lru.Cache[string, cached[T]]
	drops   int // so that a read that a drop overtook is not kept
}

type cached[T any] struct {
	value T
	read  time.Time // before the read that made it began
}

// NewCache returns an empty cache.
func NewCache[T any](freshness Freshness) *Cache[T] {
	entries, _ := lru.New[string, cached[T]](MaxCached) // it fails for sizes below 1 alone
	return &Cache[T]{freshness: freshness, entries: entries}
}

// Peek returns an entry that may still be used: a fresh one, or any where there
// is one process, for then only Drop makes an entry old.
func (c *Cache[T]) Peek(key string) (value T, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.entries.Get(key)
	if !ok || c.freshness.For == 0 {
		return entry.value, ok
	}
	return entry.value, c.freshness.Holds(entry.read)
}

// Load reads an entry again and keeps it.
func (c *Cache[T]) Load(ctx context.Context, key string, read func(context.Context) (T, error)) (T, error) {
	began := c.freshness.Clock.Now()
	c.mu.Lock()
	drops := c.drops
	c.mu.Unlock()
	value, err := read(ctx)
	if err != nil {
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if drops == c.drops {
		c.entries.Add(key, cached[T]{value, began})
	}
	return value, nil
}

// Drop forgets everything.
func (c *Cache[T]) Drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Purge()
	c.drops++
}
