package main

import (
	"context"
	"sync/atomic"
	"time"

	"segue/internal/clock"
	"segue/internal/store"
)

// drain consumes a feed that does not know its own end. It stops when no batch has
// come and none was being handled for the duration silence, or when ctx ends, and
// returns nil in both cases. When the feed fails, it returns the feed's error.
func drain(ctx context.Context, c clock.Clock, silence time.Duration, feed store.Feed, handle store.Handler) error {
	consuming, stop := context.WithCancel(ctx)
	var batches, working atomic.Int64
	var feedErr error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer stop() // ends the Sleep below
		feedErr = feed.Consume(consuming, "drain", func(ctx context.Context, batch []store.Change) []store.Failure {
			working.Add(1)
			defer working.Add(-1)
			batches.Add(1)
			return handle(ctx, batch)
		})
	}()
	// The first look cannot tell silence from a feed that is still connecting,
	// so it takes two of them even where nothing comes.
	last := int64(-1)
	for c.Sleep(consuming, silence) == nil {
		now := batches.Load()
		if now == last && working.Load() == 0 {
			break
		}
		last = now
	}
	stop()
	<-done // the handler writes to the store, which the caller closes next
	return feedErr
}
