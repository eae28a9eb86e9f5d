// Package tally counts what is done on behalf of one call, such as a batch of changes:
// whoever begins the call puts a [Tally] into its context, and the code below adds to it
// without knowing who reads it. Where nobody counts, adding does nothing.
//
// Invariant: a tally changes nothing of what is done.
package tally

import (
	"context"
	"sync/atomic"
)

// Count is something that is counted.
type Count uint8

// What is counted.
const (
	Evaluated  Count = iota // changes whose record was decided on by its segments
	Connected               // records connected to a sequence because of a segment
	Moved                   // records that left a segment for another
	Entered                 // records that got a segment, one that they left another for included
	Written                 // records that an evaluation changed
	Conflicts               // units of work begun again because a row had changed
	Parked                  // changes parked
	Retries                 // requests to the store sent again
	WriteUnits              // that the store has taken for writes
	counts
)

// Tally is the counts of one call. It may be added to concurrently.
type Tally struct{ of [counts]atomic.Int64 }

// Of returns what was counted so far.
func (t *Tally) Of(c Count) int64 { return t.of[c].Load() }

type key struct{}

// With returns a context in which is counted, and the tally.
func With(ctx context.Context) (context.Context, *Tally) {
	t := new(Tally)
	return context.WithValue(ctx, key{}, t), t
}

// On reports whether anybody counts in this context, for counts that cost something to
// know.
func On(ctx context.Context) bool {
	_, on := ctx.Value(key{}).(*Tally)
	return on
}

// Add counts n more.
func Add(ctx context.Context, c Count, n int64) {
	if t, on := ctx.Value(key{}).(*Tally); on {
		t.of[c].Add(n)
	}
}
