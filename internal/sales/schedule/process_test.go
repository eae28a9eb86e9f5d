package schedule_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/boot"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/store"
)

// process is a Segue of its own over the store that all share.
type process struct {
	*boot.Parts
	name string
	dead bool
}

// fleet is the processes of a schedule. One that dies is replaced by one that
// knows nothing but what is in the store.
type fleet struct {
	*scheduler
	tables    *schema.Schema
	policy    sales.Policy
	laptop    bool          // there is one process
	fresh     time.Duration // how long a process uses a definition
	store     store.Store   // what the processes share
	mail      *mailbox
	busy      int         // workers that are still at work
	quiet     func() bool // whether nothing is left to follow
	processes []*process
	versions  func(rows.Ref) int64
	skews     []time.Duration // of the clocks of the machines that they run on
	born      int
	ids       int
}

func (f *fleet) assemble(n int) *process {
	f.born++
	p := &process{name: fmt.Sprintf("process %d", f.born)}
	c := machine{f.scheduler, p, f.skews[n]}
	db := rows.New(gate{f.scheduler, p, f.store}, f.tables, c)
	db.OnMisread(func(err error) { f.t.Error(err) })
	db.FirstVersions(f.versions)
	if n == 1 { // a deployment of the compact form is under way (docs/decisions/0023)
		db.Write(rows.Long)
	}
	p.Parts = boot.Assemble(db, boot.Options{
		Policy: f.policy, Freshness: sales.Freshness{For: f.fresh, Clock: c}, Queue: sender{f.mail, p},
		NewID: func() string { f.ids++; return guid.Derive("schedule", fmt.Sprint(f.ids)) },
	})
	return p
}

// over reports whether all is done.
func (f *fleet) over() bool { return f.busy == 0 && f.quiet() && f.mail.quiet() }

// any returns a living process.
func (f *fleet) any(n int) *process {
	n %= len(f.processes)
	if f.processes[n].dead {
		f.processes[n] = f.assemble(n)
	}
	return f.processes[n]
}

// gate is the store of a process: every call is a step of the schedule.
type gate struct {
	*scheduler
	process *process
	store   store.Store
}

var _ store.Store = gate{}

// Get implements [store.Store].
func (g gate) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	value, err := g.park(ctx, &step{
		process: g.process, name: "get " + strings.Join(names(keys), ","), exact: fmt.Sprint(keys), reads: true,
		call: func() (any, error) { return g.store.Get(g.t.Context(), keys...) },
	})
	items, _ := value.([]store.Item)
	return items, err
}

// Query implements [store.Store].
func (g gate) Query(ctx context.Context, q store.Query) (store.Page, error) {
	value, err := g.park(ctx, &step{
		process: g.process, name: fmt.Sprintf("query %+v", q), exact: fmt.Sprintf("query %+v", q), reads: true,
		call: func() (any, error) { return g.store.Query(g.t.Context(), q) },
	})
	page, _ := value.(store.Page)
	return page, err
}

// Write implements [store.Store].
func (g gate) Write(ctx context.Context, ops ...store.Op) error {
	var keys []store.Key
	for _, op := range ops {
		keys = append(keys, op.Key)
	}
	_, err := g.park(ctx, &step{
		process: g.process, name: "write " + strings.Join(names(keys), ","), ops: ops,
		call: func() (any, error) { return nil, g.store.Write(g.t.Context(), ops...) },
	})
	return err
}

// names are keys in an order that no map decides.
func names(keys []store.Key) []string {
	var names []string
	for _, k := range keys {
		names = append(names, k.PK+"/"+k.SK)
	}
	slices.Sort(names)
	return names
}

// machine is the clock of the machine that a process runs on.
type machine struct {
	*scheduler
	process *process
	skew    time.Duration
}

// Now implements clock.Clock.
func (m machine) Now() time.Time { return time.Now().Add(m.skew) }

// jitter is the longest wait between two tries, which the product draws; here the
// schedule does.
const jitter = 64 * time.Millisecond

// Sleep implements clock.Clock.
func (m machine) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	if d <= jitter {
		d = time.Millisecond
	}
	_, err := m.park(ctx, &step{process: m.process, name: "sleep", at: time.Now().Add(d)})
	return err
}
