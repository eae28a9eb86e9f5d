// Package clock is the only way in which the product learns the time and waits: one
// [Clock], made in package boot and passed on, so that a test can stop it and every wait
// ends with its context.
package clock

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Clock tells the time and waits. It is safe for concurrent use.
type Clock interface {
	// Now returns the time, in any location and precision.
	Now() time.Time
	// Sleep waits for d, or less when ctx ends first; it then returns the
	// context's error. A d of zero or less returns at once.
	Sleep(ctx context.Context, d time.Duration) error
}

// System returns the machine's clock.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time { return time.Now() }

func (system) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Of returns a clock that tells the time of now and waits as the machine does: for
// tests that fix the time and need real pauses.
func Of(now func() time.Time) Clock { return fixed{now: now} }

type fixed struct {
	system
	now func() time.Time
}

func (f fixed) Now() time.Time { return f.now() }

// Manual is a clock that stands still until it is told to move. Sleep moves it
// by the time asked for and returns at once, so that nothing waits in a test.
type Manual struct {
	mu    sync.Mutex
	now   time.Time
	slept time.Duration
}

// NewManual returns a clock that shows now.
func NewManual(now time.Time) *Manual { return &Manual{now: now} }

// Now implements [Clock].
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Sleep implements [Clock].
func (m *Manual) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if d > 0 {
		m.now, m.slept = m.now.Add(d), m.slept+d
	}
	return nil
}

// Advance moves the clock by d, which may be negative.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

// Slept returns the sum of all Sleeps.
func (m *Manual) Slept() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.slept
}

// Backoff is how long to wait before the next try of something that failed.
type Backoff struct {
	Base time.Duration // the longest wait after the first failure
	Most time.Duration // the longest wait after any
}

// Longest returns the longest wait after this many failures, at least one. It doubles
// with each, up to Most.
func (b Backoff) Longest(failed int) time.Duration {
	bound := b.Base
	for ; failed > 1 && bound < b.Most; failed-- {
		bound *= 2
	}
	return min(bound, b.Most)
}

// Delay returns a random wait of at most [Backoff.Longest] ("full jitter"), so that
// clients that failed together do not try again together.
func (b Backoff) Delay(failed int) time.Duration {
	return time.Duration(rand.Int64N(int64(b.Longest(failed)) + 1)) //nolint:gosec // jitter needs no secrecy
}
