package advance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/store"
	"segue/internal/storetest"
)

// noted notes what it is given and does then.
type noted struct {
	then sales.DueHandler

	mu   sync.Mutex
	refs []rows.Ref
}

func (n *noted) handle(ctx context.Context, row *rows.Row) error {
	n.mu.Lock()
	n.refs = append(n.refs, row.Ref())
	n.mu.Unlock()
	return n.then(ctx, row)
}

// TestIdle: where nothing is due, a pass costs one request a shard, and no item.
func TestIdle(t *testing.T) {
	w := newWorld(t)
	w.put("alarm", 1, 3600)
	w.Register("alarm", w.moveOn)
	if done := w.pass(); done != (Summary{}) {
		t.Errorf("did %+v", done)
	}
	if got, want := w.probe.Counts(), (probe.Counts{Queries: 16, ReadUnits: 8}); got != want {
		t.Errorf("a pass of nothing costs %+v, want %+v", got, want)
	}
}

// TestBusy: what is due is read in one request for each batch, and written once.
func TestBusy(t *testing.T) {
	w := newWorld(t)
	w.put("alarm", make([]int, 150)...)
	w.Register("alarm", w.moveOn)
	if done := w.pass(); done != (Summary{Handled: 150}) {
		t.Errorf("did %+v", done)
	}
	got := w.probe.Counts()
	if got.Queries != 16 || got.Gets != 2 || got.GetKeys != 150 || got.Writes != 150 || got.Transactions != 0 {
		t.Errorf("150 rows cost %+v", got)
	}
}

// TestOldestFirst: the order is that of the due times over all shards and tables,
// also over pages and batches.
func TestOldestFirst(t *testing.T) {
	w := newWorld(t)
	w.page, w.batch = 2, 3
	var odd, even []int
	for i := range 100 {
		odd, even = append(odd, -2*i-1), append(even, -2*i)
	}
	var want []rows.Ref
	alarms, bills := w.put("alarm", odd...), w.put("bill", even...)
	for i := range alarms {
		want = append(want, bills[i], alarms[i])
	}
	slices.Reverse(want)
	n := &noted{then: w.moveOn}
	w.Register("alarm", n.handle)
	w.Register("bill", n.handle)
	w.atOnce = 1
	if done := w.pass(); done != (Summary{Handled: 200}) {
		t.Errorf("did %+v", done)
	}
	if d := cmp.Diff(want, n.refs); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
}

// TestRate: the process gives at most so many rows a second to handlers, over passes.
func TestRate(t *testing.T) {
	w := newWorld(t)
	w.put("alarm", make([]int, 300)...)
	w.Register("alarm", func(ctx context.Context, row *rows.Row) error { return w.moveOnBy(ctx, row, time.Second) })
	handled := 0
	for range 3 {
		w.clock.Advance(time.Second - 300*time.Second/PerSecond) // the pass before took the rest of the second
		handled += w.pass().Handled
	}
	if handled != 900 {
		t.Fatalf("handled %d rows, want 900", handled)
	}
	if want := 3*300*time.Second/PerSecond - 3*time.Second/PerSecond; w.clock.Slept() < want || w.clock.Slept() > want+10*time.Millisecond {
		t.Errorf("900 rows took %v of waiting, want %v", w.clock.Slept(), want)
	}
}

// TestAtMost: a table's bound is for one pass, and its rows do not hold up others.
func TestAtMost(t *testing.T) {
	w := newWorld(t)
	alarms, bills := w.put("alarm", -9, -8, -7, -6, -5), w.put("bill", -1)
	n := &noted{then: w.moveOn}
	w.Register("alarm", n.handle, AtMost(2))
	w.Register("bill", n.handle)
	w.atOnce = 1
	for _, want := range [][]rows.Ref{{alarms[0], alarms[1], bills[0]}, {alarms[2], alarms[3]}, {alarms[4]}, nil} {
		n.refs = nil
		w.pass()
		if d := cmp.Diff(want, n.refs); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

// TestDeadline: nothing is begun in the last seconds of the caller's time, and the
// next pass goes on.
func TestDeadline(t *testing.T) {
	w := newWorld(t)
	w.put("alarm", -5, -4, -3, -2, -1)
	w.atOnce = 1
	w.Register("alarm", func(ctx context.Context, row *rows.Row) error {
		w.clock.Advance(10 * time.Minute)
		return w.moveOnBy(ctx, row, 24*time.Hour)
	})
	for _, want := range []Summary{{Handled: 3, Early: true}, {Handled: 2}} {
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute+margin)
		done, err := w.Pass(ctx)
		cancel()
		if err != nil || done != want {
			t.Errorf("did %+v, %v, want %+v", done, err, want)
		}
	}
}

// TestPoison: a row that cannot be handled is put off, longer each time, and the rows
// behind it have their turn.
func TestPoison(t *testing.T) {
	for _, test := range []struct {
		name string
		fail sales.DueHandler
	}{
		{"error", func(context.Context, *rows.Row) error { return sales.Refuse(sales.Invalid, "no") }},
		{"panic", func(context.Context, *rows.Row) error { panic("no") }},
		{"misread", func(_ context.Context, row *rows.Row) error {
			row.Set("nosuch", schema.Int(1))
			return errors.New("no")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			bad, good := w.put("alarm", 0)[0], w.put("bill", 0)[0]
			w.Register("alarm", test.fail)
			w.Register("bill", w.moveOn)
			if done := w.pass(); done != (Summary{Handled: 1, PutOff: 1}) {
				t.Errorf("did %+v", done)
			}
			if got := w.due(good); got != 3600 {
				t.Errorf("the other row is due in %d s, want 3600", got)
			}
			var delays []int
			for range 11 {
				at := w.row(bad).Time("alarmdue")
				delays = append(delays, int(at.Sub(w.Now())/time.Second))
				w.clock.Advance(at.Sub(w.Now()))
				w.pass()
			}
			if d := cmp.Diff([]int{60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 21600, 21600}, delays); d != "" {
				t.Errorf("delays (-want +got):\n%s", d)
			}
		})
	}
}

// TestLeftDue: a handler that forgets to move its row on is not called for ever.
func TestLeftDue(t *testing.T) {
	w := newWorld(t)
	ref := w.put("alarm", 0)[0]
	n := &noted{then: func(context.Context, *rows.Row) error { return nil }}
	w.Register("alarm", n.handle)
	for _, want := range []Summary{{Handled: 1}, {PutOff: 1}, {}} {
		if done := w.pass(); done != want {
			t.Errorf("did %+v, want %+v", done, want)
		}
	}
	if len(n.refs) != 1 || w.due(ref) != 60 {
		t.Errorf("the handler was called %d times, and the row is due in %d s, want once and 60", len(n.refs), w.due(ref))
	}
}

// TestTransient: a row that cannot be handled for now waits for a minute, and holds up
// no other.
func TestTransient(t *testing.T) {
	w := newWorld(t)
	refs := w.put("alarm", 0, 1, 2)
	w.clock.Advance(time.Minute)
	busy := true
	w.atOnce = 1
	w.Register("alarm", func(ctx context.Context, row *rows.Row) error {
		if busy && row.Ref() == refs[1] {
			return sales.Refuse(sales.Unavailable, "busy")
		}
		return w.moveOn(ctx, row)
	})
	for minute := 2; minute < 5; minute++ {
		if done := w.pass(); done.PutOff != 1 || done.Early || w.due(refs[1]) != 60*minute {
			t.Errorf("did %+v, and the row is due in %d s, want %d", done, w.due(refs[1]), 60*minute)
		}
		w.clock.Advance(time.Minute)
	}
	busy = false
	w.pass()
	for i, want := range []int{3600, 3600 + 4*60, 3602} {
		if got := w.due(refs[i]); got != want {
			t.Errorf("row %d is due in %d s, want %d", i, got, want)
		}
	}
}

// TestConflictElsewhere: a conflict about another row is a failure for now, also of
// rows that use up what a pass gives to a handler.
func TestConflictElsewhere(t *testing.T) {
	w := newWorld(t)
	refs := w.put("alarm", -3, -2, -1)
	w.atOnce = 1
	hot := rows.Ref{Table: "bill", ID: "hot"}
	w.Register("alarm", func(ctx context.Context, row *rows.Row) error {
		if row.Ref() != refs[2] {
			return fmt.Errorf("redrive: %w", &rows.ConflictError{Ref: hot})
		}
		return w.moveOn(ctx, row)
	}, AtMost(2))
	for _, want := range []Summary{{PutOff: 2}, {Handled: 1}} {
		if done := w.pass(); done != want {
			t.Errorf("did %+v, want %+v", done, want)
		}
	}
}

// TestOutage: when no row can be handled for now, the pass ends before it has put off
// the whole list.
func TestOutage(t *testing.T) {
	w := newWorld(t)
	w.put("alarm", make([]int, 100)...)
	w.atOnce = 1
	busy := 0
	w.Register("alarm", func(ctx context.Context, row *rows.Row) error {
		if busy++; busy%outageAfter == 0 { // not yet an outage: now and then one succeeds
			return w.moveOn(ctx, row)
		}
		return sales.Refuse(sales.Unavailable, "busy")
	})
	if done := w.pass(); done.Early || done.Handled+done.PutOff != 100 {
		t.Errorf("did %+v", done)
	}
	w.clock.Advance(time.Minute)
	w.Register("alarm", func(context.Context, *rows.Row) error { return sales.Refuse(sales.Unavailable, "busy") })
	if done := w.pass(); done != (Summary{PutOff: outageAfter, Early: true}) {
		t.Errorf("in an outage: did %+v", done)
	}
}

// TestStoreFails: a store that is busy ends the pass without an error, and the row
// stays due; one that refuses for good is an error.
func TestStoreFails(t *testing.T) {
	w := newWorld(t)
	refs := w.put("alarm", 0)
	w.Register("alarm", w.moveOn)
	for _, method := range []probe.Method{probe.Query, probe.Get, probe.Write} {
		w.probe.Inject(func(call probe.Call) probe.Fault {
			if call.Method == method {
				return probe.Before
			}
			return probe.None
		})
		if done := w.pass(); done != (Summary{Early: true}) || w.due(refs[0]) != 0 {
			t.Errorf("%s fails: did %+v, and the row is due in %d s", method, done, w.due(refs[0]))
		}
	}
	db := rows.New(storetest.NewModel(nil), w.Schema(), w.clock) // a store without the index
	if _, err := New(db, w.clock).Pass(t.Context()); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("a store without the index: %v, want %v", err, store.ErrInvalid)
	}
}

// TestConflict: a row that somebody changes meanwhile is theirs; the pass goes on.
func TestConflict(t *testing.T) {
	w := newWorld(t)
	refs := w.put("alarm", 0, 0)
	w.Register("alarm", func(ctx context.Context, row *rows.Row) error {
		if row.Ref() == refs[0] {
			if err := w.moveOn(ctx, w.row(refs[0])); err != nil {
				t.Error(err)
			}
		}
		return w.moveOn(ctx, row)
	})
	if done := w.pass(); done != (Summary{Handled: 1}) {
		t.Errorf("did %+v", done)
	}
	for _, ref := range refs {
		if got := w.row(ref).Int("times"); got != 1 {
			t.Errorf("%v was moved on %d times", ref, got)
		}
	}
}

// TestStrangers: rows of tables that this version does not know, or that nobody
// handles, are passed over and stay as they are.
func TestStrangers(t *testing.T) {
	w := newWorld(t)
	w.put("alarm", -9, -8, -7)
	bills, calls := w.put("bill", -6), w.put("call", 0)
	old := process(t, w.model, w.clock, tables(t, "bill", "call"))
	old.batch = 1
	old.Register("call", old.moveOn)
	old.Register("alarm", func(context.Context, *rows.Row) error { panic("of a table that is not in the schema") })
	if done := old.pass(); done != (Summary{Handled: 1}) || w.due(bills[0]) != -6 || w.due(calls[0]) != 3600 {
		t.Errorf("did %+v; the rows are due in %d s and %d s", done, w.due(bills[0]), w.due(calls[0]))
	}
}

// TestUnreadable: a row that cannot be decoded does not hold up those behind it.
func TestUnreadable(t *testing.T) {
	w := newWorld(t)
	bad, good := w.put("alarm", 0)[0], w.put("bill", 0)[0]
	if _, err := w.Get(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	key := w.probe.Calls()[0].Keys[0]
	if err := w.model.Write(t.Context(), store.Update(key, store.Item{"times": store.S("many")}, nil, store.Condition{})); err != nil {
		t.Fatal(err)
	}
	w.Register("alarm", w.moveOn)
	w.Register("bill", w.moveOn)
	if done := w.pass(); done != (Summary{Handled: 1}) || w.due(good) != 3600 {
		t.Errorf("did %+v", done)
	}
}

// TestLaggingIndex: an entry of a row that is no longer due, or gone, has no effect.
func TestLaggingIndex(t *testing.T) {
	w := newWorld(t)
	refs := w.put("alarm", 0, 0)
	w.probe.Lag(probe.Forever)
	w.Register("alarm", func(ctx context.Context, row *rows.Row) error {
		if row.Ref() == refs[0] {
			return w.moveOn(ctx, row)
		}
		tx := w.Begin("")
		tx.Delete(row)
		return tx.Commit(ctx)
	})
	for _, want := range []Summary{{Handled: 2}, {}, {}} {
		if done := w.pass(); done != want {
			t.Errorf("did %+v, want %+v", done, want)
		}
	}
	if w.row(refs[0]).Int("times") != 1 || w.row(refs[1]) != nil {
		t.Error("a row was handled twice, or never")
	}
}

// TestRun passes every minute of the clock until it is told to stop.
func TestRun(t *testing.T) {
	w := newWorld(t)
	w.put("alarm", 0)
	ctx, stop := context.WithCancel(t.Context())
	var at []time.Duration
	w.Register("alarm", func(ctx context.Context, row *rows.Row) error {
		if at = append(at, w.clock.Now().Sub(start())); len(at) == 3 {
			stop()
		}
		return w.moveOnBy(ctx, row, time.Second)
	})
	if err := w.Run(ctx); err != nil {
		t.Fatal(err)
	}
	for i, got := range at {
		if want := time.Duration(i+1) * Every; got.Truncate(time.Second) != want {
			t.Errorf("pass %d is at %v, want %v", i, got, want)
		}
	}
}
