package sales

import (
	"context"
	"time"

	"segue/internal/clock"
)

// Freshness is how long a process uses a definition that it has read without
// asking again whether it still stands (docs/decisions/0003). After a change that
// every process must see (a segment's activation, a sequence's end) the use case
// waits that long before it returns, so that from then on nobody decides by the old
// definition.
type Freshness struct {
	For   time.Duration // zero: there is one process, which forgets at once what it changes
	Clock clock.Clock   // ages what was read, and waits
}

// Holds reports whether what was read from that moment on may still be used. A clock
// that was set back, or has stood still while the machine slept, is not believed.
func (f Freshness) Holds(read time.Time) bool {
	now := f.Clock.Now()
	age, wall := now.Sub(read), now.Round(0).Sub(read.Round(0)) // Round takes the monotonic reading away
	return min(age, wall) >= 0 && max(age, wall) < f.For
}

// Settle waits until no process uses what was just replaced.
func (f Freshness) Settle(ctx context.Context) error {
	if f.For <= 0 {
		return nil
	}
	return f.Clock.Sleep(ctx, f.For)
}
