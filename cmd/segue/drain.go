package main

import (
	"context"
	"sync/atomic"
	"time"

	"segue/internal/clock"
	"segue/internal/store"
)

// drain consumes a feed that does not know its end until it has been silent for
// silence: no batch came and none was being handled. It returns nil too when ctx
// ends, and the feed's error when the feed fails.
func drain(ctx context.Context, c clock.Clock, silence time.Duration, feed store.Feed, handle store.Handler) error {
	consuming, stop := context.WithCancel(ctx)
	var batches, working atomic.Int64
	var failed error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer stop() // ends the Sleep below
		failed = feed.Consume(consuming, "drain", func(ctx context.Context, batch []store.Change) []store.Failure {
			working.Add(1)
			defer working.Add(-1)
			batches.Add(1)
			return handle(ctx, batch)
		})
	}()
	// The first look cannot tell silence from a feed that is still connecting,
	// so it takes two of them even where nothing comes.
	before := int64(-1)
	for c.Sleep(consuming, silence) == nil {
		now := batches.Load()
		if now == before && working.Load() == 0 {
			break
		}
		before = now
	}
	stop()
	<-ended // the handler writes to the store, which the caller closes next
	return failed
}
