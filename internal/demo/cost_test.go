package demo

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/doctest"
	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// perMillion is what a million write units cost on demand, in dollars (us-east-1).
const perMillion = 0.625

// perMillionRead is what a million read units cost.
const perMillionRead = 0.125

// operation is a line of the cost table. What an index or a column adds later is a line
// in its entries or in later, with the list that it serves.
type operation struct {
	name    string
	base    float64 // units of the items, a transaction doubled
	entries []entry // units of index entries that come or go
}

// entry is entries of an index that an operation writes, on average.
type entry struct {
	index, serves string
	units         float64
}

// operations are the budget: what an operation may cost on average over the demo.
func operations() []operation {
	const free, record, live, target = "open records without a live connection", "targets of a record", "live targets of a sequence", "steps of a target"
	const owner, segment, seller = "rows of an owner, the newest last", "records in a segment", "open steps of a seller by due time"
	return []operation{
		{"create a lead", 1, []entry{{"free", free, 0.97}, {"owner", owner, 0.99}}},
		{"evaluate and connect", 6, []entry{{"free", free, 1}, {"record", record, 1}, {"live", live, 1}, {"target", target, 1}, {"segment", segment, 1}, {"seller", seller, 1}}},
		{"complete a step, next step", 6, []entry{{"target", target, 1}, {"seller", seller, 2}}},
		{"disconnect", 6, []entry{{"live", live, 1}, {"free", free, 1}, {"seller", seller, 1}}},
		{"close a connected lead", 6, []entry{{"live", live, 1}, {"seller", seller, 1}}},
		{logChange, 1, nil},
		{writeRun, 1, []entry{{"runs", "runs of a record, the newest last", 1}, {"into", "runs into a segment, the newest last", 1}}},
	}
}

// logChange is what follows from each change of a lead or opportunity beside its
// operation: the tables track changes. The changes of a row in one batch are one.
const logChange = "log a change of a lead or opportunity"

// writeRun is what follows from an evaluation that has changed its record.
const writeRun = "run of an evaluation that changed a record"

// asides returns the operations beside others by the table that each writes one item of.
func asides() map[string]string {
	return map[string]string{name.TrackedChange: logChange, name.SalesRoutingRun: writeRun}
}

func (o operation) indexed() (units float64) {
	for _, e := range o.entries {
		units += e.units
	}
	return units
}

// later are columns and keys that rows do not have yet, and for which they must have
// room: by table, bytes with their names.
func later() map[string]int {
	const (
		// The run that wrote the row, and its depth.
		loopGuard = len("Run") + 36 + 2
		// Of a step that the system takes.
		due = len("segue_dueon") + 20 + len("g2pk") + len("due#15") + len("g2sk") + 14 + 1 + 36
	)
	return map[string]int{name.Lead: loopGuard, name.Opportunity: loopGuard, name.Account: loopGuard, name.SequenceTarget: loopGuard, name.SequenceTargetStep: loopGuard + due}
}

// mostOver is the share of rows that may be larger than a unit.
const mostOver = 0.05

// costs is what the operations cost, measured.
type costs struct {
	world  world
	probe  *probe.Probe
	items  map[string]map[string]int // by table and row: the largest item that was written
	spent  map[string][]probe.Counts
	caller sales.Caller
}

// note counts what do writes to the operation.
func (c *costs) note(operation string, do func() error) {
	c.world.t.Helper()
	c.probe.Reset()
	if err := do(); err != nil {
		c.world.t.Fatalf("%s: %v", operation, err)
	}
	n := c.probe.Counts()
	for _, aside := range c.aside() {
		n.Writes, n.WriteUnits, n.IndexUnits = n.Writes-1, n.WriteUnits-aside.WriteUnits, n.IndexUnits-aside.IndexUnits
	}
	if n.Writes+n.Transactions > 0 {
		c.spent[operation] = append(c.spent[operation], n)
	}
	for _, call := range c.probe.Calls() {
		if call.Method != probe.Write {
			continue
		}
		items, err := c.world.store.Get(c.world.t.Context(), call.Keys...)
		if err != nil {
			c.world.t.Fatal(err)
		}
		for i, item := range items {
			ref := rows.RefOf(call.Keys[i])
			if c.items[ref.Table] == nil {
				c.items[ref.Table] = map[string]int{}
			}
			c.items[ref.Table][ref.ID] = max(c.items[ref.Table][ref.ID], item.Size())
		}
	}
}

// aside counts the puts of one item that are operations of their own, and returns them.
func (c *costs) aside() (all []probe.Counts) {
	c.world.t.Helper()
	for _, call := range c.probe.Calls() {
		if call.Method != probe.Write {
			continue
		}
		operation, ok := asides()[rows.RefOf(call.Keys[0]).Table]
		if !ok {
			continue
		}
		items, err := c.world.store.Get(c.world.t.Context(), call.Keys...)
		if err != nil || len(items) != 1 || items[0] == nil {
			c.world.t.Fatalf("%d items in one put: %v", len(items), err)
		}
		counts := probe.Counts{Writes: 1, WriteUnits: math.Ceil(float64(items[0].Size()) / 1024)}
		for _, index := range rows.Indexes() { // a put of a new item
			if _, in := items[0][index.PK]; in {
				counts.IndexUnits++
			}
		}
		all = append(all, counts)
		c.spent[operation] = append(c.spent[operation], counts)
	}
	return all
}

// mean returns the units of an operation on average, of items and of index entries.
func (c *costs) mean(operation string) (base, indexed float64) {
	all := c.spent[operation]
	for _, n := range all {
		base += n.WriteUnits
		indexed += n.IndexUnits
	}
	return base / float64(len(all)), indexed / float64(len(all))
}

// TestWriteUnits does with each lead and opportunity of the demo what happens to one in
// its life, on behalf of a user, whom rows name twice, and counts write units as DynamoDB
// does: each item rounded up to 1 KB, the larger of before and after, twice in a
// transaction, and one unit for each entry that comes to or leaves an index.
func TestWriteUnits(t *testing.T) {
	c := measure(t)
	var table strings.Builder
	table.WriteString("| operation | write units | of these index entries | dollars per million |\n|---|---|---|---|\n")
	for _, o := range operations() {
		base, indexed := c.mean(o.name)
		t.Logf("%-28s %.2f + %.2f of at most %.0f + %.2f, %d times", o.name, base, indexed, o.base, o.indexed(), len(c.spent[o.name]))
		if base > o.base+0.005 || indexed > o.indexed()+0.005 {
			t.Errorf("%s costs %.3f + %.3f units, more than %.0f + %.2f", o.name, base, indexed, o.base, o.indexed())
		}
		var uses []string
		for _, e := range o.entries {
			uses = append(uses, fmt.Sprintf("%.2f %s (%s)", e.units, e.index, e.serves))
		}
		fmt.Fprintf(&table, "| %s | %.2f + %.2f | %s | %.2f |\n", o.name, base, indexed, strings.Join(uses, ", "), perMillion*(base+indexed))
	}
	for _, document := range []string{"../../docs/operations.md", "../../README.md"} {
		doctest.Block(t, document, "write units", table.String())
	}
	c.checkSizes()
}

// TestEraseUnits counts what an erasure reads of the records that may say they are about
// the same person, for which no index pays: all of them, in each round of its job. The
// erasure of an opportunity, which nothing names as a person, is all but that.
func TestEraseUnits(t *testing.T) {
	const leads = 2000
	w, p := probed(t)
	if _, err := New(1, leads).Load(t.Context(), w.direct(), w.DB.Schema(), nil); err != nil {
		t.Fatal(err)
	}
	w.drain()
	erase := func(table string) probe.Counts {
		t.Helper()
		p.Reset()
		if err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
			_, err := w.Erasures.EraseIn(t.Context(), tx, rows.Ref{Table: table, ID: guid.FromName("nobody")})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		w.drain()
		return p.Counts()
	}
	walks, rest := erase(name.Contact), erase(name.Opportunity)
	units, requests := walks.ReadUnits-rest.ReadUnits, walks.Queries+walks.Gets-rest.Queries-rest.Gets
	t.Logf("of %d leads: %.0f read units, %d requests", leads, units, requests)
	if most := 2 * (leads/100 + schema.Shards); requests > most {
		t.Errorf("%d requests for %d leads, want at most %d", requests, leads, most)
	}
	const per = 100000
	units *= per / leads
	doctest.Block(t, "../../docs/operations.md", "erasure", fmt.Sprintf(
		"| operation | read units | dollars |\n|---|---|---|\n| erase a contact beside 100,000 leads | %.0f | %.4f |\n", units, units*perMillionRead/1e6))
}

// checkSizes prints how large the rows were at most, with room for later columns.
func (c *costs) checkSizes() {
	t := c.world.t
	for _, table := range []string{name.Lead, name.Opportunity, name.SequenceTarget, name.SequenceTargetStep, name.SalesRoutingRun} {
		var sizes []int
		over := 0
		for _, size := range c.items[table] {
			size += later()[table]
			sizes = append(sizes, size)
			if size > 1024 {
				over++
			}
		}
		slices.Sort(sizes)
		share := float64(over) / float64(len(sizes))
		t.Logf("%s: %d rows, median %d, 95 of 100 at most %d, largest %d bytes, %d of them for later columns; %.1f %% over 1 KB",
			table, len(sizes), sizes[len(sizes)/2], sizes[len(sizes)*95/100], sizes[len(sizes)-1], later()[table], 100*share)
		const step = 64
		for from := sizes[0] / step * step; from <= sizes[len(sizes)-1]; from += step {
			low, _ := slices.BinarySearch(sizes, from)
			high, _ := slices.BinarySearch(sizes, from+step)
			t.Logf("  %4d to %4d bytes: %5d %s", from, from+step-1, high-low, strings.Repeat("#", 60*(high-low)/len(sizes)))
		}
		if share > mostOver {
			t.Errorf("%s: %.1f %% of the rows have more than 1 KB, want at most %.0f %%", table, 100*share, 100*mostOver)
		}
	}
}

// measure loads the definitions of the demo and leads each record through its life.
func measure(t *testing.T) *costs {
	t.Helper()
	w, p := probed(t)
	c := &costs{w, p, map[string]map[string]int{}, map[string][]probe.Counts{}, sales.Caller{ID: name.UserID(guid.FromName("segue:demo:loader")), Roles: []string{sales.SystemAdministrator}}}
	d := New(1, 2000)
	definitions := d
	definitions.Leads, definitions.Opportunities = nil, nil
	if _, err := definitions.Load(t.Context(), w.direct(), w.DB.Schema(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Principals.Admit(t.Context(), c.caller); err != nil {
		t.Fatal(err)
	}
	w.drain()
	connected := 0
	for _, row := range slices.Concat(d.Leads, d.Opportunities) {
		if c.create(row) {
			connected++
			c.life(row, connected)
		}
	}
	t.Logf("%d of %d records were connected", connected, len(d.Leads)+len(d.Opportunities))
	return c
}

// probed is a world whose calls of the store are counted.
func probed(t *testing.T) (world, *probe.Probe) {
	t.Helper()
	w := newWorld(t)
	p := probe.New(w.store, rows.Indexes()...)
	w.Parts = boot.Assemble(rows.New(p, tables(t), clock.System()), boot.Options{})
	return w, p
}

// create makes a record and lets the segments take it; it reports whether it is on a
// sequence then.
func (c *costs) create(row Row) (connected bool) {
	create, evaluate := "create a lead", "evaluate and connect"
	if row.Table != name.Lead {
		create += ": not one"
	}
	c.note(create, func() error {
		_, err := c.world.Entities.Create(c.world.t.Context(), c.caller, row.Table, row.ID, row.Values)
		return err
	})
	c.note(evaluate, func() error {
		return c.world.store.Drain(c.world.t.Context(), "evaluate", c.world.Changes)
	})
	if record := c.row(row.Table, row.ID); !(sales.Record{Row: record}).Connected() {
		// It entered a segment without a sequence: a put of one item, which is no connect.
		if n := len(c.spent[evaluate]); n > 0 && c.spent[evaluate][n-1].Transactions == 0 {
			c.spent[evaluate] = c.spent[evaluate][:n-1]
		}
		return false
	}
	return true
}

// life completes a step of a connected record and then closes it, or disconnects it: the
// one as often as the other.
func (c *costs) life(row Row, n int) {
	ctx := c.world.t.Context()
	step := c.openStep(row)
	if (sequence.TargetStep{Row: step}).Type() == sequence.Wait {
		c.world.t.Fatalf("%v is a wait; sequences of the demo begin with a task", step.Ref())
	}
	c.note("complete a step, next step", func() error {
		_, _, err := c.world.Entities.Update(ctx, c.caller, step.Ref(), values{name.Statuscode: schema.Int(2)}, entity.If{Exists: true})
		return err
	})
	if n%2 == 0 {
		c.note("disconnect", func() error {
			_, err := c.world.Connections.Disconnect(ctx, c.caller, rows.Ref{Table: row.Table, ID: row.ID}, "")
			return err
		})
	} else {
		c.note("close a connected lead", func() error {
			_, _, err := c.world.Entities.Update(ctx, c.caller, rows.Ref{Table: row.Table, ID: row.ID}, values{name.Statecode: schema.Int(2)}, entity.If{Exists: true})
			return err
		})
	}
}

func (c *costs) row(table, id string) *rows.Row {
	found, err := c.world.DB.Get(c.world.t.Context(), rows.Ref{Table: table, ID: id})
	if err != nil {
		c.world.t.Fatal(err)
	}
	return found[0]
}

// openStep is the open step of a record on one sequence.
func (c *costs) openStep(row Row) *rows.Row {
	live, err := connection.Live(c.row(row.Table, row.ID))
	if err != nil {
		c.world.t.Fatal(err)
	}
	for _, targetID := range live {
		return c.row(name.SequenceTargetStep, c.row(name.SequenceTarget, string(targetID)).Lookup(name.SegueCurrentstep).ID)
	}
	c.world.t.Fatalf("%s %s is on no sequence", row.Table, row.ID)
	return nil
}
