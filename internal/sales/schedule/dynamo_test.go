package schedule_test

import (
	"context"
	"fmt"
	"testing"

	"segue/internal/dynamo/dynamotest"
	"segue/internal/sales/salestest"
	"segue/internal/sales/salestest/both"
	"segue/internal/store"
)

// TestScheduleOnDynamo runs short schedules on a table of DynamoDB.
func TestScheduleOnDynamo(t *testing.T) {
	dynamotest.Endpoint(t) // or the whole is skipped
	for seed := uint64(1); seed <= 2; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			play(t, schedule{seed: seed, things: 4, rounds: 1, away: newOutside(t, both.OpenDynamo(t))}, newResult())
		})
	}
}

// outside makes the calls of a store outside the bubble of a schedule, in which
// nothing may wait for a network: a bubble whose goroutines do is never at rest.
type outside struct {
	salestest.ChangeStore
	t     testing.TB
	calls chan func()
	done  chan struct{}
}

func newOutside(t testing.TB, on salestest.ChangeStore) *outside {
	o := &outside{on, t, make(chan func()), make(chan struct{})}
	go func() {
		for call := range o.calls {
			call()
			o.done <- struct{}{}
		}
	}()
	t.Cleanup(func() { close(o.calls) })
	return o
}

// do makes a call. The scheduler makes one at a time.
func (o *outside) do(call func()) {
	o.calls <- call
	<-o.done
}

// Get implements [store.Store].
func (o *outside) Get(_ context.Context, keys ...store.Key) (items []store.Item, err error) {
	o.do(func() { items, err = o.ChangeStore.Get(o.t.Context(), keys...) })
	return items, err
}

// Query implements [store.Store].
func (o *outside) Query(_ context.Context, q store.Query) (page store.Page, err error) {
	o.do(func() { page, err = o.ChangeStore.Query(o.t.Context(), q) })
	return page, err
}

// Write implements [store.Store].
func (o *outside) Write(_ context.Context, ops ...store.Op) (err error) {
	o.do(func() { err = o.ChangeStore.Write(o.t.Context(), ops...) })
	return err
}

// Drain implements [salestest.ChangeStore].
func (o *outside) Drain(_ context.Context, consumer string, handle store.Handler) (err error) {
	o.do(func() { err = o.ChangeStore.Drain(o.t.Context(), consumer, handle) })
	return err
}
