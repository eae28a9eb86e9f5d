package protect

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/probe"
	"segue/internal/rows/rowstest"
	"segue/internal/schema/name"
)

const ann, bob name.UserID = "ann", "bob"

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// request makes a request that takes some time, and returns why it is refused.
func request(t *testing.T, g *Guard, now *clock.Manual, user name.UserID, takes time.Duration) *ExceededError {
	t.Helper()
	visit, err := g.Enter(t.Context(), user)
	if refused, ok := errors.AsType[*ExceededError](err); ok {
		return refused
	}
	if err != nil {
		t.Fatal(err)
	}
	now.Advance(takes)
	visit.Leave(t.Context())
	return nil
}

// One process counts exactly, and lets a refused user in again when it has said.
func TestRequests(t *testing.T) {
	now := clock.NewManual(start)
	g := New(Limits{Requests: 10}, nil, now)
	for i := range 10 {
		if i == 4 {
			now.Advance(100 * time.Second)
		}
		if err := request(t, g, now, ann, 0); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	refused := request(t, g, now, ann, 0)
	if refused == nil || refused.Kind != Requests || refused.After != 200*time.Second {
		t.Fatalf("the eleventh: %+v, want one to come again in 200 s", refused)
	}
	if err := request(t, g, now, bob, 0); err != nil {
		t.Errorf("another user: %v", err)
	}
	now.Advance(refused.After - time.Second)
	if request(t, g, now, ann, 0) == nil {
		t.Error("admitted before the time")
	}
	now.Advance(time.Second)
	for i := range 4 { // as many as have left the window
		if err := request(t, g, now, ann, 0); err != nil {
			t.Errorf("request %d in time: %v", i, err)
		}
	}
	if request(t, g, now, ann, 0) == nil {
		t.Error("one too many was admitted")
	}
}

func TestExecution(t *testing.T) {
	now := clock.NewManual(start)
	g := New(Limits{Execution: 10 * time.Second}, nil, now)
	for range 4 {
		if err := request(t, g, now, ann, 3*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	refused := request(t, g, now, ann, 0)
	if refused == nil || refused.Kind != Execution {
		t.Fatalf("after 12 s of execution: %+v", refused)
	}
	now.Advance(refused.After)
	if err := request(t, g, now, ann, 0); err != nil {
		t.Errorf("after %v: %v", refused.After, err)
	}
}

func TestConcurrent(t *testing.T) {
	now := clock.NewManual(start)
	g := New(Limits{Concurrent: 2}, nil, now)
	var visits []*Visit
	for range 2 {
		v, err := g.Enter(t.Context(), ann)
		if err != nil {
			t.Fatal(err)
		}
		visits = append(visits, v)
	}
	if refused := request(t, g, now, ann, 0); refused == nil || refused.Kind != Concurrent || refused.After != time.Second {
		t.Errorf("a third at once: %+v", refused)
	}
	if err := request(t, g, now, bob, 0); err != nil {
		t.Errorf("another user: %v", err)
	}
	visits[0].Leave(t.Context())
	if err := request(t, g, now, ann, 0); err != nil {
		t.Errorf("after one has left: %v", err)
	}
}

// A limit of 0 is none, and a guard that is not there admits all.
func TestNoLimits(t *testing.T) {
	now := clock.NewManual(start)
	f := rowstest.New(t)
	for _, g := range []*Guard{New(Limits{}, f.DB, now), nil} {
		for range 300 {
			if err := request(t, g, now, ann, time.Second); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := f.Probe.Counts(); n != (probe.Counts{}) {
		t.Errorf("without limits the store is asked: %+v", n)
	}
}

// Each request of a batch counts.
func TestCount(t *testing.T) {
	now := clock.NewManual(start)
	g := New(Limits{Requests: 5}, nil, now)
	visit, err := g.Enter(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if err := visit.Count(t.Context()); err != nil {
			t.Errorf("request %d of the batch: %v", i, err)
		}
	}
	if err := visit.Count(t.Context()); err == nil {
		t.Error("the sixth was admitted")
	}
	visit.Leave(t.Context())
}

// TestCost counts what normal traffic adds to the bill: of a million requests of 50 ms,
// as many write and read units as docs/decisions/0030-service-limits.md has.
func TestCost(t *testing.T) {
	now := clock.NewManual(start)
	f := rowstest.New(t)
	g := New(Default(), f.DB, now)
	g.phase = func() float64 { return 0 }
	f.Probe.Reset()
	const requests = 48_000 // a multiple of all samples
	for range requests {
		if err := request(t, g, now, ann, 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		now.Advance(50 * time.Millisecond) // half of what the user may ask for
	}
	n := f.Probe.Counts()
	dollars := (n.WriteUnits*0.625 + n.ReadUnits*0.125) / requests
	t.Logf("%d requests: %+v, $%.4f a million", requests, n, dollars)
	if dollars > 0.03 || n.Queries+n.Writes > 0 || n.Transactions != n.Gets || n.Transactions > requests/80+requests/480 {
		t.Errorf("%d requests cost %+v, $%.4f a million, want at most $0.03", requests, n, dollars)
	}
}

// However few requests each of many processes serves, together they see about as many
// as there are, and refuse a user who asks for far more than the limit.
func TestShared(t *testing.T) {
	f := rowstest.New(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, processes := range []int{1, 10, 52, 400} {
		t.Run(fmt.Sprint(processes), func(t *testing.T) {
			now := clock.NewManual(start.Add(time.Duration(processes) * time.Hour))
			guards := make([]*Guard, processes)
			for i := range guards {
				guards[i] = New(Default(), f.DB, now)
				guards[i].phase = random.Float64
			}
			admitted := 0
			for admitted < 30_000 { // 100 a second
				if request(t, guards[random.IntN(processes)], now, ann, 0) != nil {
					break
				}
				admitted++
				now.Advance(10 * time.Millisecond)
			}
			t.Logf("%d processes refuse after %d requests", processes, admitted)
			if admitted < 5000 || admitted > 7500 {
				t.Errorf("%d processes refuse the first request after %d, want about 6,000", processes, admitted)
			}
		})
	}
}

// No request waits for a store that hangs or fails, and none is refused because of it.
func TestStoreAway(t *testing.T) {
	now := clock.NewManual(start)
	f := rowstest.New(t)
	f.Probe.Inject(func(probe.Call) probe.Fault { return probe.Before })
	g := New(Limits{Requests: 150}, f.DB, now)
	for range 150 {
		if err := request(t, g, now, ann, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := request(t, g, now, ann, 0); err == nil {
		t.Error("the process does not count for itself")
	}
}

// What other processes have counted leaves the window in time.
func TestSharedLeavesTheWindow(t *testing.T) {
	now := clock.NewManual(start)
	f := rowstest.New(t)
	limits := Limits{Requests: 750}
	one, other := New(limits, f.DB, now), New(limits, f.DB, now)
	for _, g := range []*Guard{one, other} {
		g.phase = func() float64 { return 0 }
	}
	for range 700 {
		if err := request(t, one, now, ann, 0); err != nil {
			t.Fatal(err)
		}
	}
	var refused *ExceededError
	for n := 0; refused == nil && n < 200; n++ {
		refused = request(t, other, now, ann, 0)
	}
	if refused == nil || refused.After > Window {
		t.Fatalf("the other process refuses: %+v", refused)
	}
	now.Advance(refused.After)
	if err := request(t, other, now, ann, 0); err != nil {
		t.Errorf("after %v: %v", refused.After, err)
	}
	now.Advance(Window + slot)
	for range 700 {
		if err := request(t, other, now, ann, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// A clock that is set back keeps nobody out for longer than a window: what was counted
// before counts as if it had come when the clock was set.
func TestClockSetBack(t *testing.T) {
	now := clock.NewManual(start)
	g := New(Limits{Requests: 10}, nil, now)
	for range 10 {
		if err := request(t, g, now, ann, 0); err != nil {
			t.Fatal(err)
		}
	}
	now.Advance(-time.Hour)
	if request(t, g, now, ann, 0) == nil {
		t.Error("setting the clock back makes room")
	}
	now.Advance(Window)
	for i := range 10 {
		if err := request(t, g, now, ann, 0); err != nil {
			t.Fatalf("request %d, a window later: %v", i, err)
		}
	}
}

// A clock that is set back while a request is served gives its user no time.
func TestClockSetBack_Execution(t *testing.T) {
	now := clock.NewManual(start)
	g := New(Limits{Execution: 10 * time.Second}, nil, now)
	for _, takes := range []time.Duration{-time.Hour, 10 * time.Second} {
		if err := request(t, g, now, ann, takes); err != nil {
			t.Fatal(err)
		}
	}
	if request(t, g, now, ann, 0) == nil {
		t.Error("admitted after all the time was used")
	}
}
