package salestest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"segue/internal/filter"
	"segue/internal/probe"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
	"segue/internal/storetest"
)

// Scan reads every item of a store, by key, but for the log of changes: it tells how often
// and when they were followed, and a repeat of one is another entry. Package tracking
// tests it. A store that a test puts around another embeds it as its ChangeStore and says
// so by Inner.
func Scan(t testing.TB, on store.Store) map[store.Key]store.Item {
	t.Helper()
	items := scan(t, on)
	maps.DeleteFunc(items, func(key store.Key, _ store.Item) bool { return IsLog(key) })
	return items
}

// IsLog reports whether a key is that of an entry of the log of changes.
func IsLog(key store.Key) bool { return rows.RefOf(key).Table == name.TrackedChange }

// WithoutLog returns the counts of a probe without the puts in the log of changes, each
// of which is one put of one item.
func WithoutLog(t testing.TB, p *probe.Probe) probe.Counts {
	t.Helper()
	n := p.Counts()
	for _, call := range p.Calls() {
		if call.Method != probe.Write || !IsLog(call.Keys[0]) {
			continue
		}
		if len(call.Keys) != 1 {
			t.Errorf("%d items in one write of the log", len(call.Keys))
		}
		n.Writes, n.Ops, n.WriteUnits = n.Writes-1, n.Ops-1, n.WriteUnits-1
	}
	return n
}

func scan(t testing.TB, on store.Store) map[store.Key]store.Item {
	t.Helper()
	switch on := on.(type) {
	case interface{ Inner() ChangeStore }:
		return scan(t, on.Inner())
	case interface {
		Items(t testing.TB) map[store.Key]store.Item
	}: // at once, not in hundreds of requests
		return on.Items(t)
	}
	tables := schematest.Tables(t)
	var partitions []string
	for _, table := range tables.Tables() {
		for shard := range schema.Shards {
			partitions = append(partitions, fmt.Sprintf("%s#%d", table.Name, shard))
		}
	}
	items := map[store.Key]store.Item{}
	for _, item := range storetest.Items(t, on, partitions...) {
		items[item.Key()] = item
	}
	return items
}

// Audit is the rows of a store as the invariants see them.
type Audit struct {
	Records   map[string]*rows.Row // of every table that can be connected
	Sequences map[string]*rows.Row
	Segments  map[string]*rows.Row
	Targets   map[string]*rows.Row
	Steps     map[string]*rows.Row
	orders    map[string]*rows.Row  // by record type
	ledgers   map[string]*rows.Row  // by the table whose active rows they list
	items     map[string]store.Item // of records and targets, with their index entries
	several   bool                  // the policy lets a record be on several sequences
	problems  []string
}

func (a *Audit) report(format string, args ...any) {
	a.problems = append(a.problems, fmt.Sprintf(format, args...))
}

// Sound fails the test unless guards, targets, steps, orders, ledgers and indexes
// of the whole store agree (the invariant of package sales). It is for a moment
// when nobody writes. drained says that no change record is left, so that no live target
// may belong to a sequence that is not active.
func (w *World) Sound(drained bool) {
	w.T.Helper()
	a := w.Audit()
	live, bySequence := a.liveTargets(drained)
	a.guards(live)
	a.orderedOnce()
	a.listedWhenActive(name.Sequence, a.Sequences, int64(sequence.Active))
	a.listedWhenActive(name.Segment, a.Segments, int64(segment.Active))
	for id, s := range a.Sequences {
		if phase := s.Text("segue_phase"); drained && phase != "" {
			a.report("sequence %s is still %s", id, phase)
		}
		a.index(w, id, bySequence[id])
	}
	slices.Sort(a.problems)
	for _, p := range a.problems[:min(len(a.problems), 10)] {
		w.T.Error(p)
	}
	if len(a.problems) > 10 {
		w.T.Errorf("and %d more problems", len(a.problems)-10)
	}
}

// liveTargets are the live targets by record and sequence, and by sequence; what
// is wrong with a target alone is reported.
func (a *Audit) liveTargets(drained bool) (live map[string]map[string]string, bySequence map[string][]string) {
	steps := a.openSteps()
	live, bySequence = map[string]map[string]string{}, map[string][]string{}
	for id, target := range a.Targets {
		open := steps[id]
		if target.Int("statecode") != 0 {
			if len(open) > 0 {
				a.report("target %s has ended and has open steps %v", id, open)
			}
			continue
		}
		if want := []string{target.Lookup("segue_currentstep").ID}; !slices.Equal(open, want) {
			a.report("live target %s has open steps %v, its current step is %v", id, open, want)
		}
		record, sequence := target.Lookup("msdyn_target").ID, target.Lookup("msdyn_parentsequence").ID
		if live[record] == nil {
			live[record] = map[string]string{}
		}
		if twin := live[record][sequence]; twin != "" {
			a.report("record %s has two live targets to sequence %s: %s and %s", record, sequence, twin, id)
		}
		live[record][sequence] = id
		bySequence[sequence] = append(bySequence[sequence], id)
		if s := a.Sequences[sequence]; drained && (s == nil || s.Int("statecode") != 1) {
			a.report("live target %s belongs to sequence %s, which is not active", id, sequence)
		}
	}
	return live, bySequence
}

// Audit reads the whole store, not through the probe.
func (w *World) Audit() *Audit {
	w.T.Helper()
	a := &Audit{
		Records: map[string]*rows.Row{}, Sequences: map[string]*rows.Row{}, Segments: map[string]*rows.Row{},
		Targets: map[string]*rows.Row{}, Steps: map[string]*rows.Row{}, orders: map[string]*rows.Row{},
		ledgers: map[string]*rows.Row{}, items: map[string]store.Item{}, several: w.policy.Several,
	}
	for key, item := range Scan(w.T, w.Store) {
		change, err := w.DB.Change(store.Change{Key: key, New: item})
		if err != nil {
			w.T.Fatal(err)
		}
		row, err := change.New.Row()
		if err != nil {
			w.T.Fatal(err)
		}
		a.take(row, item)
	}
	return a
}

// take sorts a row in.
func (a *Audit) take(row *rows.Row, item store.Item) {
	if row.Table.Is(name.RecordTrait) {
		a.Records[row.ID], a.items[row.ID] = row, item
		return
	}
	switch row.Table.Name {
	case name.Sequence:
		a.Sequences[row.ID] = row
	case name.Segment:
		a.Segments[row.ID] = row
	case name.SequenceTarget:
		a.Targets[row.ID], a.items[row.ID] = row, item
	case name.SequenceTargetStep:
		a.Steps[row.ID] = row
		if row.Lookup(name.MsdynSequencetarget).ID == "" {
			a.report("step %s has no target", row.ID)
		}
	case name.SegmentAttribute:
		a.orders[row.Text(name.MsdynObjecttype)] = row
	case name.Ledger:
		a.ledgers[row.Text(name.SegueName)] = row
	}
}

// orderedOnce demands that the order of each record type names each of its segments
// once and nothing else, the default segment last.
func (a *Audit) orderedOnce() {
	want := map[string][]string{}
	for id, row := range a.Segments {
		recordType := row.Text(name.MsdynObjecttype)
		want[recordType] = append(want[recordType], id)
	}
	for recordType := range a.orders {
		if want[recordType] == nil {
			want[recordType] = []string{} // the default segment at least
		}
	}
	for recordType, segments := range want {
		got := a.listed(a.orders[recordType], name.MsdynSegmentpriorityorder)
		if n := len(got); n > 0 && a.Segments[got[n-1]] != nil && !a.Segments[got[n-1]].Is(name.SegueIsdefault) {
			a.report("the last segment of %s is %s, not the default segment", recordType, got[n-1])
		}
		slices.Sort(got)
		slices.Sort(segments)
		if d := cmp.Diff(segments, got, cmpopts.EquateEmpty()); d != "" {
			a.report("the order of %s is not its segments (-segments +order):\n%s", recordType, d)
		}
	}
}

// listedWhenActive demands that the ledger of a table lists its active rows.
func (a *Audit) listedWhenActive(table string, all map[string]*rows.Row, state int64) {
	var want []string
	for id, row := range all {
		if row.Int(name.Statecode) == state {
			want = append(want, id)
		}
	}
	got := a.listed(a.ledgers[table], name.SegueMembers)
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		a.report("the ledger of %s is not its active rows (-active +ledger):\n%s", table, d)
	}
}

// listed is the ids that a column of a row lists, none for no row.
func (a *Audit) listed(row *rows.Row, column string) []string {
	if row == nil {
		return nil
	}
	ids, err := sales.IDs[string](row, column)
	if err != nil {
		a.report("%v", err)
	}
	return ids
}

// openSteps are the open steps of each target.
func (a *Audit) openSteps() map[string][]string {
	open := map[string][]string{}
	for id, step := range a.Steps {
		if step.Int("statecode") == 0 {
			of := step.Lookup("msdyn_sequencetarget").ID
			open[of] = append(open[of], id)
		}
	}
	return open
}

// guards compares what the records say with the live targets.
func (a *Audit) guards(live map[string]map[string]string) {
	for id, record := range a.Records {
		guard := GuardOf(record.Text("segue_live"))
		if d := cmp.Diff(live[id], guard, cmpopts.EquateEmpty()); d != "" {
			a.report("record %s: segue_live is not its live targets (-targets +segue_live):\n%s", id, d)
		}
		if is, want := record.Is("segue_connected"), len(guard) > 0; is != want {
			a.report("record %s: segue_connected is %v, segue_live %v", id, is, guard)
		}
		open := record.Int("statecode") == 0
		if !open && len(guard) > 0 {
			a.report("record %s is closed and connected: %v", id, guard)
		}
		if len(guard) > 1 && !a.several {
			a.report("record %s is on %d sequences, the policy allows one: %v", id, len(guard), guard)
		}
		listed := record.Table.Is(name.PoolTrait) && open && len(guard) == 0
		if free, want := strings.HasPrefix(a.items[id]["g1pk"].Text(), "free#"), listed; free != want {
			a.report("record %s is in the index of free records: %v, want %v", id, free, want)
		}
	}
	for id, targets := range live {
		if a.Records[id] == nil {
			a.report("record %s is not there and has live targets %v", id, targets)
		}
	}
}

// index compares the index of a sequence's live targets with the live targets.
func (a *Audit) index(w *World, sequence string, want []string) {
	var got []string
	equal := func(column string, v schema.Value) filter.Node {
		return &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{v}}
	}
	where := &filter.Group{Logic: filter.And, Items: []filter.Node{
		equal("msdyn_parentsequence", schema.Ref(Link("msdyn_sequence", sequence))), equal("statecode", schema.Int(0)),
	}}
	for row, err := range query.New(w.DB).Each(w.T.Context(), query.Query{Table: w.DB.Schema().Table("msdyn_sequencetarget"), Where: where}) {
		if err != nil {
			w.T.Fatal(err)
		}
		got = append(got, row.ID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		a.report("sequence %s: the index of live targets is wrong (-want +got):\n%s", sequence, d)
	}
	for id, target := range a.Targets {
		if target.Lookup("msdyn_parentsequence").ID != sequence {
			continue
		}
		if in, open := a.items[id]["g2pk"].Text() != "", target.Int("statecode") == 0; in != open {
			a.report("target %s is in the index of live targets: %v, want %v", id, in, open)
		}
	}
}

// GuardOf is what segue_live says: sequence → target.
func GuardOf(text string) map[string]string {
	guard := map[string]string{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &guard); err != nil {
			return map[string]string{"broken": text}
		}
	}
	return guard
}
