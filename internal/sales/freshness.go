package sales

import (
	"context"
	"time"

	"segue/internal/clock"
)

// Freshness is how long a process uses a definition that it has read without
// asking again (docs/decisions/0003). After a change that every process must
// see (a segment's activation, a sequence's end) the use case waits that long
// before it returns, so that from then on nobody decides by the old definition.
type Freshness struct {
	For   time.Duration // zero: there is one process, whose caches are dropped at once
	Clock clock.Clock   // ages what was read, and waits
}

// Settle waits until no process uses what was just replaced.
func (f Freshness) Settle(ctx context.Context) error {
	if f.For <= 0 {
		return nil
	}
	return f.Clock.Sleep(ctx, f.For)
}
