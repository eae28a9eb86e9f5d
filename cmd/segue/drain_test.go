package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/store"
)

// script is a feed and the clock that its consumer sleeps by: in the nth sleep
// the nth batch is delivered and handled, nil for none.
type script struct {
	batches [][]store.Change
	fail    error // after the last batch

	sleeps  []time.Duration
	next    chan []store.Change
	handled chan struct{}
}

func newScript(fail error, batches ...[]store.Change) *script {
	return &script{batches: batches, fail: fail, next: make(chan []store.Change), handled: make(chan struct{})}
}

func (s *script) Now() time.Time { return time.Time{} }

func (s *script) Sleep(ctx context.Context, d time.Duration) error {
	n := len(s.sleeps)
	s.sleeps = append(s.sleeps, d)
	switch {
	case n < len(s.batches) && s.batches[n] != nil:
		s.next <- s.batches[n]
		<-s.handled
	case n == len(s.batches) && s.fail != nil:
		close(s.next)
		<-ctx.Done()
	}
	return ctx.Err()
}

func (s *script) Consume(ctx context.Context, _ string, handle store.Handler) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case batch, ok := <-s.next:
			if !ok {
				return s.fail
			}
			handle(ctx, batch)
			s.handled <- struct{}{}
		}
	}
}

func TestDrain(t *testing.T) {
	batch := func(sequences ...string) (list []store.Change) {
		for _, s := range sequences {
			list = append(list, store.Change{Sequence: s})
		}
		return list
	}
	lost := errors.New("connection lost")
	for _, test := range []struct {
		name   string
		feed   *script
		want   []string // sequences handled
		sleeps int
		err    error
	}{
		{"nothing comes", newScript(nil), nil, 2, nil},
		{"two batches in a row", newScript(nil, batch("1", "2"), batch("3")), []string{"1", "2", "3"}, 3, nil},
		{"a late first batch", newScript(nil, nil, batch("1")), []string{"1"}, 3, nil},
		{"nothing after a silence", newScript(nil, batch("1"), nil, batch("2")), []string{"1"}, 2, nil},
		{"the feed fails", newScript(lost, batch("1")), []string{"1"}, 2, lost},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			err := drain(t.Context(), test.feed, time.Second, test.feed, func(_ context.Context, batch []store.Change) []store.Failure {
				for _, c := range batch {
					got = append(got, c.Sequence)
				}
				return nil
			})
			if !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("handled (-want +got):\n%s", d)
			}
			if len(test.feed.sleeps) != test.sleeps || test.feed.sleeps[0] != time.Second {
				t.Errorf("slept %v, want %d times a second", test.feed.sleeps, test.sleeps)
			}
		})
	}
}

// A batch under way is not silence, however long it takes.
func TestDrainWaitsForTheHandler(t *testing.T) {
	feed, started, release := newScript(nil), make(chan struct{}), make(chan struct{})
	handled := false
	busy := sleeper{during: func(n int) {
		switch n {
		case 1:
			feed.next <- []store.Change{{}}
			<-started
		case 4: // three looks have seen the same number of batches
			close(release)
			<-feed.handled
		}
	}}
	err := drain(t.Context(), &busy, time.Second, feed, func(context.Context, []store.Change) []store.Failure {
		close(started)
		<-release
		handled = true
		return nil
	})
	if err != nil || !handled || busy.n != 4 {
		t.Errorf("handled %v after %d sleeps, error %v; want true after 4", handled, busy.n, err)
	}
}

// sleeper is a clock that calls a function in each sleep with its number.
type sleeper struct {
	n      int
	during func(n int)
}

func (c *sleeper) Now() time.Time { return time.Time{} }

func (c *sleeper) Sleep(ctx context.Context, _ time.Duration) error {
	c.n++
	c.during(c.n)
	return ctx.Err()
}

func TestDrainEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	feed := newScript(nil)
	clock := sleeper{during: func(int) { cancel() }}
	if err := drain(ctx, &clock, time.Second, feed, nil); err != nil {
		t.Errorf("error %v, want none", err)
	}
}
