package sales_test

import (
	"slices"
	"testing"
	"time"

	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/store"
)

// budget is a row of the table of design.md §4.
type budget struct {
	name string
	// begin makes ready what the operation is done to and answers it.
	begin func(w *world, lead rows.Ref) (operation func())
	// reads at most when the process holds the definitions, when it has to ask
	// whether they are still true (Options.Fresh), and when it has just begun
	// and holds none. An evaluation asks and reads once for its whole batch.
	warm, stale, cold int
	keys              int // in each read
	writes            int // exactly
	ops               int // in each write
}

func budgets() []budget {
	evaluation := func(before, change values) func(w *world, lead rows.Ref) func() {
		return func(w *world, lead rows.Ref) func() {
			w.update("lead", lead.ID, before)
			w.settle()
			w.fresh()
			w.update("lead", lead.ID, change)
			return w.evaluation(w.fresh())
		}
	}
	connect := func(in sales.ConnectInput) func(w *world, lead rows.Ref) func() {
		return func(w *world, lead rows.Ref) func() {
			in.Record = lead
			return func() {
				if _, err := w.Connect(w.t.Context(), manager(), in); err != nil {
					w.t.Fatal(err)
				}
			}
		}
	}
	one, two, nowhere := values{sources: int64(8)}, values{quality: int64(1)}, values{}
	return []budget{
		{name: "connect", begin: connect(sales.ConnectInput{Sequence: id("sequence", 1)}),
			warm: 1, stale: 1, cold: 1, keys: 3, writes: 1, ops: 4},
		{name: "connect because of a segment", begin: connect(sales.ConnectInput{Sequence: id("sequence", 1), Segment: id("segment", 1)}),
			warm: 1, stale: 1, cold: 1, keys: 3, writes: 1, ops: 4},
		{name: "connect again", begin: func(w *world, lead rows.Ref) func() {
			w.connect(lead, id("sequence", 1))
			return func() { w.connectOnly(lead) }
		}, warm: 1, stale: 1, cold: 1, keys: 3},
		{name: "disconnect", begin: func(w *world, lead rows.Ref) func() {
			w.connect(lead, id("sequence", 1))
			return func() { w.disconnect(lead) }
		}, warm: 2, stale: 2, cold: 2, keys: 1, writes: 1, ops: 4},
		{name: "change that touches no attribute used", begin: evaluation(nowhere, values{"jobtitle": "Buyer"}),
			warm: 0, stale: 1, cold: 2, keys: 4},
		{name: "evaluated, same segment", begin: evaluation(one, values{"address1_city": "Zug"}),
			warm: 0, stale: 1, cold: 2, keys: 4},
		{name: "evaluated, no segment", begin: evaluation(nowhere, values{"address1_city": "Zug"}),
			warm: 0, stale: 1, cold: 2, keys: 4},
		{name: "evaluated, new segment, connection, first step", begin: evaluation(nowhere, one),
			warm: 2, stale: 2, cold: 3, keys: 4, writes: 1, ops: 8},
		{name: "evaluated, moved from another segment and sequence", begin: evaluation(one, two),
			warm: 2, stale: 3, cold: 4, keys: 4, writes: 1, ops: 8},
		{name: "the changes that such a move makes", begin: func(w *world, lead rows.Ref) func() {
			evaluation(one, two)(w, lead)()
			return w.evaluation(w.fresh())
		}, warm: 0, stale: 2, cold: 3, keys: 4},
		{name: "complete a step, next step", begin: func(w *world, lead rows.Ref) func() {
			step := w.connect(lead, id("sequence", 1)).Lookup("segue_currentstep").ID
			return func() { w.update("msdyn_sequencetargetstep", step, values{"statuscode": int64(2)}) }
		}, warm: 1, stale: 2, cold: 2, keys: 1, writes: 1, ops: 4},
	}
}

// TestBudgets counts requests and items, not time.
func TestBudgets(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		now := clock()
		w := newWorldOn(t, open(t), clock, sales.Options{
			Fresh: time.Second, Clock: func() time.Time { return now }, Settle: func(time.Duration) {},
		})
		w.territory()
		for n, b := range budgets() {
			for m, state := range []struct {
				name  string
				reads int
				enter func(w *world)
			}{
				{"cold", b.cold, (*world).restart},
				{"stale", b.stale, func(*world) { now = now.Add(time.Minute) }},
				{"warm", b.warm, func(*world) {}},
			} {
				t.Run(b.name+"/"+state.name, func(t *testing.T) {
					w := *w
					w.t = t
					operation := b.begin(&w, w.lead(10*n+m, nil))
					state.enter(&w)
					w.probe.Reset()
					operation()
					b.check(t, w.probe, state.reads)
				})
			}
		}
		w.settle()
		w.sound(true)
	})
}

func (b budget) check(t *testing.T, p *probe.Probe, reads int) {
	t.Helper()
	c := p.Counts()
	t.Logf("%d reads of %d keys, %d transactions and %d writes of %d items; units: %v read, %v written, %v in indexes",
		c.Gets+c.Queries, c.GetKeys, c.Transactions, c.Writes, c.Ops, c.ReadUnits, c.WriteUnits, c.IndexUnits)
	if got := c.Gets + c.Queries; got > reads {
		t.Errorf("%d reads, the budget is %d", got, reads)
	}
	if got := c.Writes + c.Transactions; got != b.writes {
		t.Errorf("%d writes, want %d", got, b.writes)
	}
	for _, call := range p.Calls() {
		if call.Method == probe.Get && len(call.Keys) > b.keys {
			t.Errorf("read of %d items, the budget is %d: %v", len(call.Keys), b.keys, call.Keys)
		}
		if call.Method == probe.Write && len(call.Keys) > b.ops {
			t.Errorf("write of %d items, the budget is %d: %v", len(call.Keys), b.ops, call.Keys)
		}
	}
}

// territory is two segments with a sequence each, of which the second takes
// records from the first, and a third without a sequence.
func (w *world) territory() {
	w.t.Helper()
	w.segment(3, `{"attribute":"address1_city","operator":"eq","values":["Bern"]}`, "", nil)
	w.segment(1, web, w.sequence(1, "lead"), nil)
	w.segment(2, hot, w.sequence(2, "lead"), values{"msdyn_isresegmentationenabled": true, "segue_priority": int64(1)})
	w.settle()
	w.fresh()
}

// evaluation delivers changes, none of which may fail.
func (w *world) evaluation(changes []store.Change) func() {
	return func() {
		if failures := w.Evaluate(w.t.Context(), changes); len(failures) > 0 {
			w.t.Fatal(failures)
		}
	}
}

// connectOnly connects a record and reads nothing afterwards.
func (w *world) connectOnly(record rows.Ref) {
	w.t.Helper()
	if _, err := w.Connect(w.t.Context(), manager(), sales.ConnectInput{Record: record, Sequence: id("sequence", 1)}); err != nil {
		w.t.Fatalf("connect %v: %v", record, err)
	}
}

// A whole batch asks at most once whether the definitions are still true.
func TestBudgetOfABatch(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		now := clock()
		w := newWorldOn(t, open(t), clock, sales.Options{
			Fresh: time.Second, Clock: func() time.Time { return now }, Settle: func(time.Duration) {},
		})
		w.territory()
		for n := range 100 {
			w.lead(n, values{sources: int64(8)})
		}
		w.settle()
		w.fresh()
		for n := range 100 {
			w.update("lead", id("lead", n), values{"address1_city": "Zug"})
		}
		changes := w.fresh()
		if len(changes) != 100 {
			t.Fatalf("%d changes", len(changes))
		}
		now = now.Add(time.Minute)
		w.probe.Reset()
		w.evaluation(changes)()
		budget{keys: 4}.check(t, w.probe, 1)
	})
}

// Two connects, and two evaluated changes, of different records to the same
// sequence and segment have no item in common, nor any of the definitions: else
// their transactions would cancel each other (design.md §4).
func TestNoSharedItems(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		w := newWorldOn(t, open(t), clock, sales.Options{})
		w.territory()
		written := func(do func()) []store.Key {
			w.probe.Reset()
			do()
			var keys []store.Key
			for _, call := range w.probe.Calls() {
				if call.Method == probe.Write {
					keys = append(keys, call.Keys...)
				}
			}
			return keys
		}
		evaluated := func(n int) []store.Key {
			w.lead(n, values{sources: int64(8)})
			return written(w.evaluation(w.fresh()))
		}
		connected := func(n int) []store.Key {
			lead := w.lead(n, nil)
			w.settle()
			w.fresh()
			return written(func() { w.connectOnly(lead) })
		}
		for name, keys := range map[string][2][]store.Key{
			"connect":  {connected(1), connected(2)},
			"evaluate": {evaluated(3), evaluated(4)},
		} {
			first, second := keys[0], keys[1]
			if len(first) != 3 || len(second) != 3 {
				t.Errorf("%s: record, target and step are written, got %v and %v", name, first, second)
			}
			for _, key := range first {
				if slices.Contains(second, key) {
					t.Errorf("%s: both write %v", name, key)
				}
			}
		}
	})
}
