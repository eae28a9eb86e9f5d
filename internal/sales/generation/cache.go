package generation

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Cache holds definitions of one sort by key, the most recently used ones, for as long
// as no definition has changed. It is safe for concurrent use.
type Cache[T any] struct {
	generation *Generation
	entries    *lru.Cache[string, definition[T]]
}

type definition[T any] struct {
	value T
	as    mark // read before value was
}

// NewCache returns an empty cache of at most size entries.
func NewCache[T any](generation *Generation, size int) *Cache[T] {
	entries, _ := lru.New[string, definition[T]](max(size, 1)) // it fails for sizes below 1 alone
	return &Cache[T]{generation, entries}
}

// Peek returns an entry that can be used without reading anything.
func (c *Cache[T]) Peek(key string) (value T, ok bool) {
	now, ok := c.generation.relied()
	if !ok {
		return value, false
	}
	return c.as(key, now)
}

func (c *Cache[T]) as(key string, now mark) (value T, ok bool) {
	entry, ok := c.entries.Get(key)
	if !ok || entry.as != now {
		return value, false
	}
	return entry.value, true
}

// Get returns an entry as it was at most [sales.Freshness] ago, and reads it if need
// be. It is for keys that stored rows name: what was read is kept whatever it is.
func (c *Cache[T]) Get(ctx context.Context, key string, read func(context.Context) (T, error)) (value T, err error) {
	now, err := c.generation.current(ctx)
	if err != nil {
		return value, err
	}
	if value, ok := c.as(key, now); ok {
		return value, nil
	}
	if value, err = read(ctx); err != nil {
		return value, err
	}
	c.entries.Add(key, definition[T]{value, now})
	return value, nil
}

// Keep takes what a reading has found under a key. What a caller asks for and is not
// there is not kept, so that nobody fills the cache with keys of their own making.
func (c *Cache[T]) Keep(r Reading, key string, value T) {
	if r.before.heard {
		c.entries.Add(key, definition[T]{value, r.before})
	}
}
