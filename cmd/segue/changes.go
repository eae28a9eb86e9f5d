package main

import (
	"context"
	"log/slog"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/store"
)

// consumer is the name under which change records are acknowledged.
const consumer = "evaluate"

// calm is how long a stream must be silent to count as drained.
const calm = 2 * time.Second

// evaluateAll runs the change handler until no change is left. The embedded store
// knows when that is; a stream counts as drained when it has been silent for calm.
func evaluateAll(ctx context.Context, laptop *boot.Laptop) error {
	if laptop.File != nil {
		return laptop.File.Drain(ctx, consumer, laptop.Changes)
	}
	return drain(ctx, clock.System(), calm, laptop.Feed, laptop.Changes)
}

// logFailures returns a handler that also logs what handle could not process.
func logFailures(log *slog.Logger, handle store.Handler) store.Handler {
	return func(ctx context.Context, batch []store.Change) []store.Failure {
		failures := handle(ctx, batch)
		for _, f := range failures {
			log.ErrorContext(ctx, "a change could not be processed; it is tried again, then parked (segue parked)",
				"row", batch[f.Index].Key, "error", f.Err)
		}
		return failures
	}
}
