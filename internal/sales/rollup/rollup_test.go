package rollup_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/doctest"
	"segue/internal/filter"
	"segue/internal/probe"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales/rollup"
	"segue/internal/sales/salestest"
	"segue/internal/sales/salestest/both"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// What becomes of rows that are counted, step by step.
func TestCounted(t *testing.T) {
	both.Run(t, func(t *testing.T, on both.Place) {
		counted(t, newWorldOn(t, on.Open(t), clock.NewManual(salestest.Now())))
	})
}

func counted(t *testing.T, w *world) {
	t.Helper()
	a, b := account(w, 1), account(w, 2)
	none := values{"new_opendeals": "0", "new_openrevenue": "0", "new_bought": "0"}
	if d := cmp.Diff(none, shown(w, a)); d != "" {
		t.Errorf("a new account (-want +got):\n%s", d)
	}
	deal := values{"parentaccountid": lookup(a), "customerid": lookup(b), "estimatedvalue": money(100), "closeprobability": int64(40), "estimatedclosedate": day(3)}
	o := w.Opportunity(1, deal)
	p := w.Opportunity(2, with(deal, values{"estimatedvalue": money(50), "closeprobability": int64(10), "estimatedclosedate": day(1)}))
	w.Settle()
	want := values{
		"new_opendeals": "2", "new_openrevenue": "150", "new_averagedeal": "75", "new_averagedeal_tally": "2 150",
		"new_leastlikely": "10", "new_lastclose": "2026-05-03T00:00:00Z", "new_bought": "0",
	}
	if d := cmp.Diff(want, shown(w, a)); d != "" {
		t.Errorf("with two deals (-want +got):\n%s", d)
	}
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"changed", func() {
			w.Update("opportunity", o.ID, values{"estimatedvalue": money(75), "closeprobability": int64(5)})
		}},
		{"moved", func() { w.Update("opportunity", p.ID, values{"parentaccountid": lookup(b)}) }},
		{"cleared", func() { w.Update("opportunity", p.ID, values{"parentaccountid": nil, "customerid": nil}) }},
		{"moved back", func() { w.Update("opportunity", p.ID, values{"parentaccountid": lookup(a)}) }},
		{"lost", func() { w.Update("opportunity", o.ID, values{"statecode": int64(2)}) }},
		{"removed", func() { w.Remove("opportunity", o.ID) }},
		{"made again", func() { w.Opportunity(1, deal) }},
	} {
		step.do()
		w.Settle()
		t.Log(step.name)
		right(w, a, b)
	}
	w.Remove("account", a.ID)
	w.Remove("opportunity", o.ID)
	w.Settle()
	w.Remove("opportunity", p.ID)
	w.Settle()
	right(w, b)
	if left := all(w, name.CountedRow); len(left) > 0 {
		t.Errorf("%d rows are said to be counted, and there is none", len(left))
	}
}

// Conditions of lists and of segments read a roll-up like any column, and a segment is
// evaluated when it changes.
func TestUsedInConditions(t *testing.T) {
	w, _ := newWorld(t)
	seg := w.Segment(1, `{"attribute":"new_opendeals","operator":"ge","values":[2]}`, "", values{"msdyn_objecttype": "account"})
	a, b := account(w, 1), account(w, 2)
	w.Settle()
	w.Opportunity(1, values{"parentaccountid": lookup(a)})
	w.Settle()
	w.Member(a, "", false)
	w.Opportunity(2, values{"parentaccountid": lookup(a)})
	w.Settle()
	w.Member(a, seg, false)
	w.Member(b, "", false)
	where := &filter.Group{Logic: filter.And, Items: []filter.Node{&filter.Condition{Column: "new_opendeals", Operator: filter.Eq, Values: []schema.Value{schema.Int(2)}}}}
	page, err := w.Entities.List(t.Context(), salestest.Manager(), "account", query.Query{Where: where, Limit: 10})
	if err != nil || len(page.Rows) != 1 || page.Rows[0].ID != a.ID {
		t.Errorf("listed %v, %v", page.Rows, err)
	}
	if err := w.TryUpdate("account", a.ID, values{"new_opendeals": int64(7)}); err == nil {
		t.Error("a caller has set a roll-up")
	}
}

// The index may hide the next extreme when one leaves; it is looked at again.
func TestExtremeLeaves_IndexLags(t *testing.T) {
	w, c := newWorld(t)
	a := account(w, 1)
	deal := func(n int, likely int64) rows.Ref {
		return w.Opportunity(n, values{"parentaccountid": lookup(a), "closeprobability": likely})
	}
	deal(1, 30)
	least := deal(2, 10)
	w.Settle()
	w.Probe.Lag(probe.Forever)
	next := deal(3, 20)
	w.Settle()
	w.Remove("opportunity", least.ID)
	w.Settle()
	if got := shown(w, a)["new_leastlikely"]; got != "30" {
		t.Fatalf("the least is %v although the index hides %v; the test means nothing", got, next)
	}
	later(t, w, c)
	right(w, a)
}

// cost is what a change of a deal reads and writes when it is followed.
type cost struct{ requests, items, written int }

// costs are what may happen to a deal that two lookups of its table count, in this order.
func costs() []struct {
	name string
	do   func(w *world, o, a, b rows.Ref)
	want cost
} {
	deal := func(a rows.Ref) values { return values{"parentaccountid": lookup(a), "estimatedvalue": money(10)} }
	return []struct {
		name string
		do   func(w *world, o, a, b rows.Ref)
		want cost
	}{
		{"a change of nothing that is counted", func(w *world, o, _, _ rows.Ref) { w.Update("opportunity", o.ID, values{"name": "B"}) }, cost{}},
		{"a new row that is counted nowhere", func(w *world, _, _, _ rows.Ref) { w.Opportunity(2, nil) }, cost{}},
		{"a new row", func(w *world, _, a, _ rows.Ref) { w.Opportunity(3, deal(a)) }, cost{2, 3, 2}},
		{"another value, or another answer of the filter", func(w *world, o, _, _ rows.Ref) {
			w.Update("opportunity", o.ID, values{"estimatedvalue": money(20)})
		}, cost{2, 3, 2}},
		{"moved", func(w *world, o, _, b rows.Ref) { w.Update("opportunity", o.ID, values{"parentaccountid": lookup(b)}) }, cost{4, 7, 4}},
		{"removed", func(w *world, o, _, _ rows.Ref) { w.Remove("opportunity", o.ID) }, cost{4, 5, 2}},
	}
}

func TestCosts(t *testing.T) {
	w, _ := newWorld(t)
	a, b := account(w, 1), account(w, 2)
	o := w.Opportunity(1, values{"parentaccountid": lookup(a), "estimatedvalue": money(10)})
	w.Settle()
	for _, test := range costs() {
		w.Fresh()
		test.do(w, o, a, b)
		changes := w.Fresh()
		if got := costOf(w, changes); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
		if got := costOf(w, changes); got.written > 0 {
			t.Errorf("%s, a second time: %d items are written", test.name, got.written)
		}
		w.Settle()
	}
}

// costOf delivers changes and returns what that costs for roll-ups.
func costOf(w *world, changes []store.Change) (got cost) {
	w.Probe.Reset()
	w.Deliver(changes)
	for _, call := range w.Probe.Calls() {
		switch {
		case call.Method == probe.Write && salestest.TableOf(call.Keys[0]) != name.TrackedChange:
			got.written += len(call.Keys)
		case call.Method == probe.Get && counts(call.Keys):
			got.requests, got.items = got.requests+1, got.items+len(call.Keys)
		}
	}
	return got
}

// The decision prints the costs that are asserted here.
func TestCostsArePublished(t *testing.T) {
	var table strings.Builder
	table.WriteString("| a row that is counted, by one of two lookups | reads | items written |\n|---|---|---|\n")
	for _, c := range costs() {
		reads := "0"
		if c.want.requests > 0 {
			reads = fmt.Sprintf("%d of %d", c.want.requests, c.want.items)
		}
		fmt.Fprintf(&table, "| %s | %s | %d |\n", c.name, reads, c.want.written)
	}
	doctest.Block(t, "../../../docs/decisions/0042-roll-ups.md", "costs", table.String())
}

func counts(keys []store.Key) bool {
	for _, key := range keys {
		if table := salestest.TableOf(key); table == name.CountedRow || table == "account" || table == "opportunity" {
			return true
		}
	}
	return false
}

// Very many deals of one account come at the same time, from several processes.
func TestHotParent(t *testing.T) {
	w, _ := newWorld(t)
	a := account(w, 1)
	w.Settle()
	w.Fresh()
	const deals = 60
	for n := range deals {
		w.Opportunity(n, values{"parentaccountid": lookup(a), "estimatedvalue": money(int64(n)), "closeprobability": int64(n % 100)})
	}
	changes := w.Fresh()
	processes := []*boot.Parts{w.Plain(boot.Options{}), w.Plain(boot.Options{}), w.Plain(boot.Options{})}
	salestest.Crowd(len(processes), func(worker int) {
		left := changes
		for tries := 0; len(left) > 0; tries++ {
			if tries == 50 {
				t.Errorf("process %d: %d changes still fail", worker, len(left))
				return
			}
			failures := processes[worker].Changes(t.Context(), left)
			again := make([]store.Change, len(failures))
			for i, f := range failures {
				again[i] = left[f.Index]
			}
			left = again
		}
	})
	w.Settle()
	right(w, a)
}

// An account that somebody writes all the time has its extreme found anew, also where more
// rows are counted than a change reads; and nothing that the index does not show yet is
// taken away from its sums.
func TestExtremeLeaves_TooManyAndBusy(t *testing.T) {
	w, c := newWorld(t)
	a := account(w, 1)
	deal := values{"parentaccountid": lookup(a), "closeprobability": int64(30), "estimatedvalue": money(1)}
	w.Opportunity(1, deal)
	least := w.Opportunity(2, with(deal, values{"closeprobability": int64(10)}))
	w.Settle()
	many := all(w, name.CountedRow)[0].Values()
	many["segue_values"] = schema.Text(`{"new_leastlikely":"50"}`)
	for n := 0; n <= rollup.MaxRead; n += 50 {
		if err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
			for i := range 50 {
				tx.Create(w.DB.Schema().Table(name.CountedRow), id("many", n+i), many)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.Remove("opportunity", least.ID)
	w.Settle()
	if got := shown(w, a)["new_leastlikely"]; got != "10" {
		t.Fatalf("the least is %v although a change may not read so many rows; the test means nothing", got)
	}
	w.Probe.Lag(probe.Forever)
	for range 4 {
		c.Advance(time.Minute)
		w.Opportunity(3, deal)
		w.Settle()
		before := shown(w, a)["new_openrevenue"]
		if _, err := w.Advance.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := shown(w, a)["new_openrevenue"]; got != before {
			t.Errorf("the revenue was %v and is %v", before, got)
		}
		w.Remove("opportunity", id("opportunity", 3))
		w.Settle()
	}
	if got := shown(w, a)["new_leastlikely"]; got != "30" {
		t.Errorf("the least is %v, want 30", got)
	}
}

// A proof does not take what the index does not show yet for a mistake.
func TestRecount_IndexLags(t *testing.T) {
	w, c := newWorld(t)
	a := account(w, 1)
	w.Settle()
	c.Advance(time.Hour)
	w.Probe.Lag(probe.Forever)
	w.Opportunity(1, values{"parentaccountid": lookup(a), "estimatedvalue": money(7), "closeprobability": int64(3)})
	w.Settle()
	if found := recount(t, w); found.Wrong != 0 || found.Later != 1 {
		t.Errorf("found %+v", found)
	}
	right(w, a)
	later(t, w, c)
	right(w, a)
}

// A condition whose answer changes without a change of the row that is counted is refused.
func TestOfRefuses(t *testing.T) {
	for condition, want := range map[string]string{
		`{"attribute":"nothing","operator":"eq","values":[1]}`:                                      "nothing",
		`{"attribute":"createdon","operator":"today"}`:                                              "today",
		`{"path":["parentaccountid"],"attribute":"name","operator":"not-null"}`:                     "parentaccountid",
		`{"relationship":"Opportunity_Tasks","mode":"contains","filter":{"type":"and","items":[]}}`: "Opportunity_Tasks",
		`{"attribute":"new_tasks","operator":"gt","values":[0]}`:                                    "rollup itself",
		`{"attribute":"ownerid","operator":"eq-userid"}`:                                            "eq-userid",
	} {
		folder := schema.Folder{
			"tables/account.json":     []byte(`{"name":"account","columns":[{"name":"new_deals","label":"Deals","type":"integer","rollup":{"relationship":"opportunity_parent_account","function":"count","filter":{"type":"and","items":[` + condition + `]}}}]}`),
			"tables/opportunity.json": []byte(`{"name":"opportunity","columns":[{"name":"new_tasks","label":"Tasks","type":"integer","rollup":{"relationship":"Opportunity_Tasks","function":"count"}}]}`),
		}
		tables, err := folder.Schema()
		if err != nil {
			t.Fatal(err)
		}
		if err := boot.Check(tables); err == nil || !strings.Contains(err.Error(), "new_deals") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to name new_deals and %q", condition, err, want)
		}
	}
}
