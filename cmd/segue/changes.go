package main

import (
	"context"
	"time"

	"segue/internal/boot/laptop"
)

// consumer is the name under which change records are acknowledged.
const consumer = "evaluate"

// calm is how long a stream must be silent to count as drained.
const calm = 2 * time.Second

// evaluateAll follows changes and works on jobs until none is left.
func evaluateAll(ctx context.Context, laptop *laptop.App) error {
	if err := laptop.Jobs.QueueOpen(ctx); err != nil {
		return err
	}
	for {
		if err := followAll(ctx, laptop); err != nil {
			return err
		}
		if laptop.Local.Len() == 0 {
			return nil
		}
		if err := laptop.Local.Drain(ctx, laptop.Queued()); err != nil {
			return err
		}
	}
}

// followAll runs the change handler until no change is left. The embedded store
// knows when that is; a stream counts as drained when it has been silent for calm.
func followAll(ctx context.Context, laptop *laptop.App) error {
	if laptop.File != nil {
		return laptop.File.Drain(ctx, consumer, laptop.Changes)
	}
	return drain(ctx, laptop.Clock, calm, laptop.Feed, laptop.Changes)
}
