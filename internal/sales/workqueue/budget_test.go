package workqueue_test

import (
	"fmt"
	"testing"
	"time"

	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/sales/workqueue"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// many gives the manager open steps that are due at one minute after another.
func (w world) many(n int) {
	w.T.Helper()
	seq := w.Sequence(1, "lead")
	first := w.Lead(0, nil)
	w.Connect(first, seq)
	step, target, lead := w.Step(w.Target(first)), w.Target(first), w.Row("lead", first.ID)
	for from := 1; from < n; from += 25 {
		err := w.DB.Do(w.T.Context(), "", func(tx *rows.Tx) error {
			for i := from; i < min(from+25, n); i++ {
				record, of := salestest.ID("lead", i), salestest.ID("target", i)
				tx.Create(lead.Table, record, given(lead)).SetAll(schematest.Row(values{"msdyn_leadscore": int64(i % 100)}))
				tx.Create(target.Table, of, given(target)).Set("msdyn_target", schema.RefTo("lead", record))
				tx.Create(step.Table, salestest.ID("step", i), given(step)).SetAll(map[string]schema.Value{
					"segue_record": schema.Text("lead:" + record), "msdyn_sequencetarget": schema.RefTo("msdyn_sequencetarget", of),
					"msdyn_duetime": schema.Time(salestest.Now().Add(time.Duration(i) * time.Minute)),
				})
			}
			return nil
		})
		if err != nil {
			w.T.Fatal(err)
		}
	}
}

// given returns the columns of a row that do not follow from others.
func given(row *rows.Row) map[string]schema.Value {
	all := row.Values()
	for _, column := range row.Table.Columns {
		if column.Derived != "" || column.Follows != "" || column.IDOf != nil || column.Joins != nil || column.Compose != nil {
			delete(all, column.Name)
		}
	}
	return all
}

// TestBudget counts the requests of a page of 50 items by a process that knows its caller: the
// steps and, where it decides the order, all records are read 100 a request, what else is
// shown for the page alone.
func TestBudget(t *testing.T) {
	for _, test := range []struct {
		steps         int
		sort          workqueue.Sort
		queries, gets int
		keys          int
		more          bool
	}{
		{0, workqueue.ByScore, 16, 0, 0, false},
		{50, workqueue.ByDue, 16, 3, 201, false},
		{50, workqueue.ByScore, 16, 4, 201, false},
		{2000, workqueue.ByDue, 55, 54, 2151, false},
		{2000, workqueue.ByScore, 55, 74, 4101, false},
		{2500, workqueue.ByScore, 55, 74, 4102, true},
	} {
		t.Run(fmt.Sprintf("%d %s", test.steps, test.sort), func(t *testing.T) {
			w := newWorld(t)
			w.Foretell() // so that the rows are in the same partitions each time
			if test.steps > 0 {
				w.many(test.steps)
			}
			r := workqueue.Request{Sort: test.sort}
			w.list(salestest.Manager(), r)
			w.Probe.Reset()
			list := w.list(salestest.Manager(), r)
			n := w.Probe.Counts()
			if n.Queries != test.queries || n.Gets != test.gets || n.GetKeys != test.keys || n.Ops != 0 {
				t.Errorf("%d queries, %d reads of %d items, %d written; want %d, %d of %d, none", n.Queries, n.Gets, n.GetKeys, n.Ops, test.queries, test.gets, test.keys)
			}
			if want := min(test.steps, workqueue.DefaultTop); len(list.Items) != want || list.More != test.more {
				t.Errorf("%d items, more: %t", len(list.Items), list.More)
			}
		})
	}
}
