package advance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"segue/internal/clock"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/storetest"
)

// plan is what shall become of a row: when it is due, time after time.
type plan struct {
	at       []int // seconds from the start, rising; after the last it is never due again
	deleted  bool  // after the last it is deleted
	failures int   // how often its handler fails for good before it succeeds
}

// state returns what has become of the row at a time, by the simplest way to say it:
// how often it was taken up, and whether it is still there.
func (p plan) state(now int) (times int, there bool) {
	for _, at := range p.at {
		if at <= now {
			times++
		}
	}
	return times, !p.deleted || times < len(p.at)
}

// plans is the plan of every row, and what has been tried of it.
type plans struct {
	all map[rows.Ref]plan

	mu     sync.Mutex
	failed map[rows.Ref]int
	wrong  []error
}

// drawPlans draws the rows of a run.
func drawPlans(t *rapid.T) *plans {
	all := map[rows.Ref]plan{}
	for i := range rapid.IntRange(1, 30).Draw(t, "rows") {
		table := rapid.SampledFrom([]string{"alarm", "bill", "call"}).Draw(t, "table")
		p := plan{
			deleted:  rapid.Bool().Draw(t, "deleted"),
			failures: max(0, rapid.IntRange(-6, 3).Draw(t, "failures")),
		}
		at := rapid.IntRange(-300, 600).Draw(t, "first")
		for range rapid.IntRange(1, 4).Draw(t, "times") {
			p.at = append(p.at, at)
			at += rapid.IntRange(1, 300).Draw(t, "next")
		}
		all[rows.Ref{Table: table, ID: rowstest.ID(table, i)}] = p
	}
	return &plans{all: all, failed: map[rows.Ref]int{}}
}

// begin makes the rows.
func (p *plans) begin(t *rapid.T, db *rows.DB) {
	for ref, plan := range p.all {
		tx := db.Begin("")
		row := tx.Create(db.Schema().Table(ref.Table), ref.ID, rowstest.Values{})
		row.Set(ref.Table+"due", schema.Time(start().Add(time.Duration(plan.at[0])*time.Second)))
		if err := tx.Commit(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// handler does the next part of a row's plan, in one write.
func (p *plans) handler(db *rows.DB) func(context.Context, *rows.Row) error {
	return func(ctx context.Context, row *rows.Row) error {
		plan := p.all[row.Ref()]
		if before := int(row.Int("times")); before == len(plan.at) || db.Now().Before(start().Add(time.Duration(plan.at[before])*time.Second)) {
			p.note(fmt.Errorf("%v is taken up at %v though it is not due", row.Ref(), db.Now()))
			return nil
		}
		if p.fails(row.Ref()) {
			return errors.New("it is not possible")
		}
		tx := db.Begin("")
		tx.Hold(row)
		times := int(row.Int("times")) + 1
		row.Set("times", schema.Int(int64(times)))
		switch {
		case times < len(plan.at):
			row.Set(row.Table.DueColumn(), schema.Time(start().Add(time.Duration(plan.at[times])*time.Second)))
		case plan.deleted:
			tx.Delete(row)
		default:
			row.Set(row.Table.DueColumn(), schema.Null())
		}
		return tx.Commit(ctx)
	}
}

func (p *plans) note(wrong error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, wrong)
}

func (p *plans) fails(ref rows.Ref) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed[ref]++
	return p.failed[ref] <= p.all[ref].failures
}

// TestAgainstOracle: two processes pass at random times, at the same time or not,
// over a store that fails and an index that lags. In the end each row has been taken
// up as often as its plan says, no more and no less.
func TestAgainstOracle(t *testing.T) {
	tables := tables(t, "alarm", "bill", "call")
	rapid.Check(t, func(rt *rapid.T) {
		c, model, plans := clock.NewManual(start()), storetest.NewModel(rows.Indexes()), drawPlans(rt)
		plans.begin(rt, rows.New(model, tables, c))
		var processes []*world
		for i := range 2 {
			w := process(t, model, c, tables)
			w.page, w.batch = rapid.IntRange(1, 5).Draw(rt, "page"), rapid.IntRange(1, 5).Draw(rt, "batch")
			for _, table := range []string{"alarm", "bill", "call"} {
				w.Register(table, plans.handler(w.DB), AtMost(rapid.IntRange(0, 5).Draw(rt, "most")))
			}
			w.probe.Inject(probe.Sometimes(uint64(i)+rapid.Uint64().Draw(rt, "seed"), rapid.SampledFrom([]int{20, 60, 1000}).Draw(rt, "one in"), probe.Before, probe.After))
			w.probe.Lag(rapid.IntRange(0, 60).Draw(rt, "lag"))
			processes = append(processes, w)
		}
		for range rapid.IntRange(0, 12).Draw(rt, "steps") {
			c.Advance(time.Duration(rapid.IntRange(0, 120).Draw(rt, "wait")) * time.Second)
			passAtOnce(rt, processes[:rapid.IntRange(1, 2).Draw(rt, "processes")])
			processes[0], processes[1] = processes[1], processes[0]
		}
		settle(rt, c, processes)
		plans.check(rt, rows.New(model, tables, c), int(c.Now().Sub(start())/time.Second))
	})
}

func passAtOnce(t *rapid.T, processes []*world) {
	var group sync.WaitGroup
	failed := make([]error, len(processes))
	for i, w := range processes {
		group.Go(func() { _, failed[i] = w.Pass(context.Background()) })
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
}

// settle ends all faults and passes until nothing is left to do, what is put off
// included.
func settle(t *rapid.T, c *clock.Manual, processes []*world) {
	for _, w := range processes {
		w.probe.Inject(nil)
		w.probe.Lag(0)
	}
	for range 5 { // now; each time that a row can fail; and when it succeeds
		for idle := false; !idle; {
			done, err := processes[0].Pass(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			idle = done == Summary{}
		}
		c.Advance(latest)
	}
	c.Advance(-latest)
}

// check compares the rows with the oracle.
func (p *plans) check(t *rapid.T, db *rows.DB, now int) {
	if len(p.wrong) > 0 {
		t.Error(errors.Join(p.wrong...))
	}
	for ref, plan := range p.all {
		found, err := db.Get(context.Background(), ref)
		if err != nil {
			t.Fatal(err)
		}
		times, there := plan.state(now)
		want := fmt.Sprint("taken up ", times, " times")
		if !there {
			want = "gone"
		}
		got := "gone"
		if found[0] != nil {
			got = fmt.Sprint("taken up ", found[0].Int("times"), " times")
		}
		if got != want {
			t.Errorf("%v with %+v is %s, want %s", ref, plan, got, want)
		}
	}
}
