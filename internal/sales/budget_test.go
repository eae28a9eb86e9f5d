package sales_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/doctest"
	"segue/internal/entity"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// budget is a row of the table of ARCHITECTURE.md. All numbers are exact.
type budget struct {
	name string
	// begin makes ready what the operation is done to and returns it.
	begin func(w *world, lead rows.Ref) (operation func())
	// Of a process that holds the definitions, of one that has to ask whether
	// they are still true (sales.Freshness), and of one that has just begun and
	// holds none. An evaluation asks and reads once for its whole batch.
	warm, stale, cold cost
	ops               int // in the one write; 0: nothing is written
}

// cost is how many requests read how many items.
type cost struct{ reads, keys int }

func budgets() []budget {
	evaluated := func(before, change values) func(w *world, lead rows.Ref) func() {
		return func(w *world, lead rows.Ref) func() {
			w.Update("lead", lead.ID, before)
			w.Settle()
			w.Fresh()
			w.Update("lead", lead.ID, change)
			return evaluation(w, w.Fresh())
		}
	}
	connect := func(in connection.Request) func(w *world, lead rows.Ref) func() {
		return func(w *world, lead rows.Ref) func() {
			in.Record = lead
			return func() {
				if _, err := w.Connections.Connect(w.T.Context(), manager(), in); err != nil {
					w.T.Fatal(err)
				}
			}
		}
	}
	one, two, nowhere := values{sources: int64(8)}, values{quality: int64(1)}, values{}
	return []budget{
		// What opens a step has read, when it is cold, the settings of time: is a working time
		// to be kept to?
		{name: "connect", begin: connect(connection.Request{Sequence: name.SequenceID(id("sequence", 1))}),
			warm: cost{1, 1}, stale: cost{1, 3}, cold: cost{3, 5}, ops: 3},
		// The generation, with which it is stale, tells that the settings of time still stand.
		{name: "connect because of a segment", begin: connect(connection.Request{Sequence: name.SequenceID(id("sequence", 1)), Segment: name.SegmentID(id("segment", 1))}),
			warm: cost{1, 2}, stale: cost{1, 4}, cold: cost{3, 6}, ops: 3},
		{name: "connect again", begin: func(w *world, lead rows.Ref) func() {
			w.Connect(lead, id("sequence", 1))
			return func() { w.ConnectOnly(lead, id("sequence", 1)) }
		}, warm: cost{1, 1}, stale: cost{1, 3}, cold: cost{2, 4}},
		{name: "disconnect", begin: func(w *world, lead rows.Ref) func() {
			w.Connect(lead, id("sequence", 1))
			return func() { w.Disconnect(lead) }
		}, warm: cost{2, 2}, stale: cost{2, 2}, cold: cost{3, 3}, ops: 3},
		{name: "batch without a row of a record type", begin: func(w *world, _ rows.Ref) func() {
			w.Settle()
			w.Fresh()
			for n := range 3 {
				w.Create("campaign", "", values{"name": fmt.Sprint(n)})
			}
			return evaluation(w, w.Fresh())
		}},
		// Whether a segment asks for tasks is in the definitions, so they must be current.
		{name: "batch of tasks that no active segment asks for", begin: func(w *world, lead rows.Ref) func() {
			w.Settle()
			w.Fresh()
			for n := range 3 {
				w.Create("task", "", values{"subject": fmt.Sprint(n), "regardingobjectid": salestest.Lookup(lead)})
			}
			return evaluation(w, w.Fresh())
		}, warm: cost{0, 0}, stale: cost{1, 1}, cold: cost{3, 9}},
		{name: "change that touches no attribute used", begin: evaluated(nowhere, values{"jobtitle": "Buyer"}),
			warm: cost{0, 0}, stale: cost{1, 1}, cold: cost{3, 9}},
		// Of a record that is on a sequence the definition is read, when it is cold: does a
		// condition wait for the change?
		{name: "evaluated, same segment", begin: evaluated(one, values{"address1_city": "Zug"}),
			warm: cost{0, 0}, stale: cost{1, 1}, cold: cost{4, 10}},
		{name: "evaluated, no segment", begin: evaluated(nowhere, values{"address1_city": "Zug"}),
			warm: cost{0, 0}, stale: cost{1, 1}, cold: cost{3, 9}},
		{name: "evaluated, new segment, connection, first step", begin: evaluated(nowhere, one),
			warm: cost{0, 0}, stale: cost{1, 1}, cold: cost{5, 11}, ops: 3},
		{name: "evaluated, moved from another segment and sequence", begin: evaluated(one, two),
			warm: cost{1, 1}, stale: cost{2, 2}, cold: cost{7, 13}, ops: 5},
		{name: "the changes that such a move makes: its run", begin: func(w *world, lead rows.Ref) func() {
			evaluated(one, two)(w, lead)()
			return evaluation(w, w.Fresh())
			// Cold, it asks whether its sequences are counted: the settings, and the one that was left.
		}, warm: cost{0, 0}, stale: cost{1, 1}, cold: cost{6, 12}, ops: 1},
		{name: "complete a step, next step", begin: func(w *world, lead rows.Ref) func() {
			step := w.Connect(lead, id("sequence", 1)).Lookup("segue_currentstep").ID
			return func() { w.Update("msdyn_sequencetargetstep", step, values{"statuscode": int64(2)}) }
		}, warm: cost{1, 1}, stale: cost{2, 2}, cold: cost{5, 5}, ops: 3},
		{name: "due item found and advanced", begin: func(w *world, lead rows.Ref) func() {
			target := w.Finish(w.Connect(lead, id("sequence", 1)), int64(2))
			w.Corrupt("msdyn_sequencetargetstep", w.Step(target).ID, func(row *rows.Row) {
				row.Set("msdyn_duetime", schema.Time(salestest.Now()))
			})
			due := w.Step(target)
			return func() {
				if err := w.Progress.TakeUp(w.T.Context(), due); err != nil {
					w.T.Fatal(err)
				}
			}
		}, warm: cost{0, 0}, stale: cost{1, 1}, cold: cost{3, 3}, ops: 3},
		{name: "create a record", begin: func(w *world, _ rows.Ref) func() {
			return func() { w.Create("lead", "", values{"subject": "A"}) }
		}, warm: cost{0, 0}, stale: cost{0, 0}, cold: cost{1, 1}, ops: 1},
		{name: "point a record at two others", begin: func(w *world, lead rows.Ref) func() {
			account, contact := w.Create("account", "", values{"name": "A"}), w.Create("contact", "", values{"lastname": "C"})
			v := values{"parentaccountid": salestest.Lookup(account.Ref()), "parentcontactid": salestest.Lookup(contact.Ref())}
			return func() { w.Update("lead", lead.ID, v) }
		}, warm: cost{2, 3}, stale: cost{2, 3}, cold: cost{3, 4}, ops: 1},
		// From here on reporting is on. One that is alone in its batch: the mark of the
		// connection and the counts; others of the batch share these.
		{name: "complete a step, with sequence reporting: counted", begin: func(w *world, lead rows.Ref) func() {
			on := map[string]schema.Value{name.SegueSequencereporting: schema.Bool(true)}
			if _, _, err := w.Entities.Update(w.T.Context(), sales.Engine(), rows.RefTo(name.Organization, w.Principals.Organization().ID), on, entity.If{}); err != nil {
				w.T.Fatal(err)
			}
			target := w.Connect(lead, id("sequence", 1))
			w.Settle()
			w.Fresh()
			w.Finish(target, 2)
			changes := w.Fresh()
			return evaluation(w, changes)
		}, warm: cost{3, 6}, stale: cost{4, 7}, cold: cost{5, 8}, ops: 2},
		// From here on steps have activities.
		{name: "complete a step, next step, both with an activity", begin: func(w *world, lead rows.Ref) func() {
			step := w.Connect(lead, withActivities(w)).Lookup("segue_currentstep").ID
			return func() { w.Update("msdyn_sequencetargetstep", step, values{"statuscode": int64(2)}) }
		}, warm: cost{1, 1}, stale: cost{2, 2}, cold: cost{5, 5}, ops: 5},
		{name: "disconnect, the step with an activity", begin: func(w *world, lead rows.Ref) func() {
			w.Connect(lead, withActivities(w))
			return func() { w.Disconnect(lead) }
		}, warm: cost{2, 2}, stale: cost{3, 3}, cold: cost{5, 5}, ops: 4},
	}
}

// withActivities returns a sequence whose steps have activities.
func withActivities(w *world) string {
	if made := w.List("msdyn_sequence", values{"msdyn_name": "Two tasks", "msdyn_type": int64(0)}); len(made) > 0 {
		return made[0].ID
	}
	set, ref := schematest.Row(values{"segue_createactivities": true}), rows.RefTo(name.Organization, w.Principals.Organization().ID)
	if _, _, err := w.Entities.Update(w.T.Context(), sales.Engine(), ref, set, entity.If{Exists: true}); err != nil {
		w.T.Fatal(err)
	}
	made := w.Create("msdyn_sequence", "", values{
		"msdyn_name": "Two tasks", "msdyn_regardingentityname": "lead", "msdyn_definition": `[{"type":"task","name":"One"},{"type":"task","name":"Two"}]`,
	})
	if err := w.Activate(made.ID); err != nil {
		w.T.Fatal(err)
	}
	return made.ID
}

// evaluation delivers changes, none of which may fail.
func evaluation(w *world, changes []store.Change) func() { return func() { w.Deliver(changes) } }

// aging are the options of a process that asks whether its definitions are still
// true when clock has moved by more than a second.
func aging(clock *clock.Manual) boot.Options {
	return boot.Options{Freshness: sales.Freshness{For: time.Second, Clock: clock}}
}

// TestBudgets counts requests and items, not time.
func TestBudgets(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) {
		now := clock.NewManual(salestest.Now())
		w := newWorldOn(t, on.Open(t), salestest.Now, aging(now))
		w.Territory()
		warm(w) // hears the generation
		for n, b := range budgets() {
			for m, state := range []struct {
				name  string
				cost  cost
				enter func(w *world)
			}{
				{"cold", b.cold, (*world).Restart},
				{"stale", b.stale, func(*world) { now.Advance(2 * time.Second) }},
				{"warm", b.warm, warm},
			} {
				t.Run(b.name+"/"+state.name, func(t *testing.T) {
					w := *w
					w.T = t
					operation := b.begin(&w, w.Lead(10*n+m, nil))
					state.enter(&w)
					w.Probe.Reset()
					operation()
					state.cost.check(t, w.Probe, b.ops)
				})
			}
		}
		w.Settle()
		w.Sound(true)
	})
}

// warm makes a process have just read the definitions.
func warm(w *world) {
	w.ConnectOnly(w.Create("lead", "", values{"subject": "Topic", "lastname": "Lead"}).Ref(), id("sequence", 1))
}

// check compares what the calls since the last reset cost.
func (c cost) check(t *testing.T, p *probe.Probe, ops int) {
	t.Helper()
	n := salestest.WithoutLog(t, p) // which is counted in package tracking, and by TestWriteUnits
	t.Logf("%d reads of %d keys, %d transactions and %d writes of %d items; units: %v read, %v written, %v in indexes",
		n.Gets+n.Queries, n.GetKeys, n.Transactions, n.Writes, n.Ops, n.ReadUnits, n.WriteUnits, n.IndexUnits)
	if got := (cost{n.Gets + n.Queries, n.GetKeys}); got != c {
		t.Errorf("%d reads of %d items, want %d of %d", got.reads, got.keys, c.reads, c.keys)
	}
	writes := min(ops, 1)
	if got := n.Writes + n.Transactions; got != writes || n.Ops != ops {
		t.Errorf("%d writes of %d items, want %d of %d", got, n.Ops, writes, ops)
	}
}

// ARCHITECTURE.md prints the budgets that are asserted here.
func TestBudgetsArePublished(t *testing.T) {
	var table strings.Builder
	table.WriteString("| operation | warm | stale | cold | written |\n|---|---|---|---|---|\n")
	for _, b := range budgets() {
		fmt.Fprintf(&table, "| %s | %v | %v | %v | %d |\n", b.name, b.warm, b.stale, b.cold, b.ops)
	}
	doctest.Block(t, "../../ARCHITECTURE.md", "budgets", table.String())
}

// String is a cell of that table.
func (c cost) String() string {
	if c.reads == 0 {
		return "0"
	}
	return fmt.Sprintf("%d of %d", c.reads, c.keys)
}

// A whole batch asks at most once whether the definitions are still true.
func TestBudgetOfABatch(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) {
		now := clock.NewManual(salestest.Now())
		w := newWorldOn(t, on.Open(t), salestest.Now, aging(now))
		w.Territory()
		for n := range 100 {
			w.Lead(n, values{sources: int64(8)})
		}
		w.Settle()
		w.Fresh()
		for n := range 100 {
			w.Update("lead", id("lead", n), values{"address1_city": "Zug"})
		}
		changes := w.Fresh()
		if len(changes) != 100 {
			t.Fatalf("%d changes", len(changes))
		}
		now.Advance(time.Minute)
		w.Probe.Reset()
		evaluation(w, changes)()
		cost{1, 1}.check(t, w.Probe, 0)
	})
}

// Two connects, and two evaluated changes, of different records to the same
// sequence and segment have no item in common, nor any of the definitions: else
// their transactions would cancel each other (ARCHITECTURE.md).
func TestNoSharedItems(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) {
		w := newWorldOn(t, on.Open(t), salestest.Now, boot.Options{})
		w.Territory()
		written := func(do func()) []store.Key {
			w.Probe.Reset()
			do()
			var keys []store.Key
			for _, call := range w.Probe.Calls() {
				if call.Method == probe.Write && !salestest.IsLog(call.Keys[0]) {
					keys = append(keys, call.Keys...)
				}
			}
			return keys
		}
		evaluated := func(n int) []store.Key {
			w.Fresh()
			w.Lead(n, values{sources: int64(8)})
			return written(evaluation(w, w.Fresh()))
		}
		connected := func(n int) []store.Key {
			lead := w.Lead(n, nil)
			w.Settle()
			w.Fresh()
			return written(func() { w.ConnectOnly(lead, id("sequence", 1)) })
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
