package main

import (
	"context"
	"sync/atomic"
	"time"

	"segue/internal/store"
)

// drain lets handle follow the changes of a feed that does not know its end,
// until none has come for a while.
func drain(ctx context.Context, feed store.Feed, handle store.Handler, calm time.Duration) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var batches, working atomic.Int64
	ended := make(chan error, 1)
	go func() {
		ended <- feed.Consume(ctx, "drain", func(ctx context.Context, batch []store.Change) []store.Failure {
			working.Add(1)
			defer working.Add(-1)
			batches.Add(1)
			return handle(ctx, batch)
		})
	}()
	look := time.NewTicker(calm)
	defer look.Stop()
	for before := int64(-1); ; {
		select {
		case <-look.C:
			now := batches.Load()
			if now == before && working.Load() == 0 {
				return nil
			}
			before = now
		case err := <-ended:
			return err
		}
	}
}
