package sales_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/store"
)

// scan reads every item of a store, by key.
func scan(t testing.TB, on store.Store) map[store.Key]store.Item {
	t.Helper()
	items := map[store.Key]store.Item{}
	for s := (store.Scan{Segments: 1}); ; {
		page, err := on.Scan(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			items[item.Key()] = item
		}
		if s.Cursor = page.Cursor; s.Cursor == "" {
			return items
		}
	}
}

// audit is the rows of a store as the invariants see them.
type audit struct {
	records   map[string]*rows.Row // of every table that can be connected
	sequences map[string]*rows.Row
	targets   map[string]*rows.Row
	steps     map[string]*rows.Row
	items     map[string]store.Item // of records and targets, with their index entries
	problems  []string
}

func (a *audit) report(format string, args ...any) {
	a.problems = append(a.problems, fmt.Sprintf(format, args...))
}

// sound fails the test unless guards, targets, steps and indexes of the whole
// store agree (the invariant of package sales). It is for a moment when nobody
// writes. drained says that no change record is left, so that no live target
// may belong to a sequence that is not active.
func (w *world) sound(drained bool) {
	w.t.Helper()
	a := w.audit()
	steps := a.openSteps()
	live := map[string]map[string]string{} // record → sequence → target
	bySequence := map[string][]string{}
	for id, target := range a.targets {
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
		record, of := target.Lookup("msdyn_target").ID, target.Lookup("msdyn_parentsequence").ID
		if live[record] == nil {
			live[record] = map[string]string{}
		}
		if twin := live[record][of]; twin != "" {
			a.report("record %s has two live targets to sequence %s: %s and %s", record, of, twin, id)
		}
		live[record][of] = id
		bySequence[of] = append(bySequence[of], id)
		if s := a.sequences[of]; drained && (s == nil || s.Int("statecode") != 1) {
			a.report("live target %s belongs to sequence %s, which is not active", id, of)
		}
	}
	a.guards(live)
	for id, s := range a.sequences {
		if phase := s.Text("segue_phase"); drained && phase != "" {
			a.report("sequence %s is still %s", id, phase)
		}
		a.index(w, id, bySequence[id])
	}
	slices.Sort(a.problems)
	for _, p := range a.problems[:min(len(a.problems), 10)] {
		w.t.Error(p)
	}
	if len(a.problems) > 10 {
		w.t.Errorf("and %d more problems", len(a.problems)-10)
	}
}

// audit reads the whole store, not through the probe.
func (w *world) audit() *audit {
	w.t.Helper()
	a := &audit{
		records: map[string]*rows.Row{}, sequences: map[string]*rows.Row{},
		targets: map[string]*rows.Row{}, steps: map[string]*rows.Row{}, items: map[string]store.Item{},
	}
	for key, item := range scan(w.t, w.store) {
		change, err := w.DB().Change(store.Change{Key: key, New: item})
		if err != nil {
			w.t.Fatal(err)
		}
		row, err := change.New.Row()
		if err != nil {
			w.t.Fatal(err)
		}
		switch {
		case row.Table.Is("record"):
			a.records[row.ID], a.items[row.ID] = row, item
		case row.Table.Name == "msdyn_sequence":
			a.sequences[row.ID] = row
		case row.Table.Name == "msdyn_sequencetarget":
			a.targets[row.ID], a.items[row.ID] = row, item
		case row.Table.Name == "msdyn_sequencetargetstep":
			a.steps[row.ID] = row
			if row.Lookup("msdyn_sequencetarget").ID == "" {
				a.report("step %s has no target", row.ID)
			}
		}
	}
	return a
}

// openSteps are the open steps of each target.
func (a *audit) openSteps() map[string][]string {
	open := map[string][]string{}
	for id, step := range a.steps {
		if step.Int("statecode") == 0 {
			of := step.Lookup("msdyn_sequencetarget").ID
			open[of] = append(open[of], id)
		}
	}
	return open
}

// guards compares what the records say with the live targets.
func (a *audit) guards(live map[string]map[string]string) {
	for id, record := range a.records {
		guard := guardOf(record.Text("segue_live"))
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
		if len(guard) > 1 {
			a.report("record %s is on %d sequences, the policy allows one: %v", id, len(guard), guard)
		}
		if free, want := a.items[id]["g1pk"].Text() != "", open && len(guard) == 0; free != want {
			a.report("record %s is in the index of free records: %v, want %v", id, free, want)
		}
	}
	for id, targets := range live {
		if a.records[id] == nil {
			a.report("record %s is not there and has live targets %v", id, targets)
		}
	}
}

// index compares the index of a sequence's live targets with the live targets.
func (a *audit) index(w *world, sequence string, want []string) {
	var got []string
	equal := func(column string, v schema.Value) filter.Node {
		return &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{v}}
	}
	where := &filter.Group{Logic: filter.And, Items: []filter.Node{
		equal("msdyn_parentsequence", schema.Lookup{Table: "msdyn_sequence", ID: sequence}), equal("statecode", int64(0))}}
	for row, err := range query.New(w.DB()).Each(w.t.Context(), query.Query{Table: w.DB().Schema().Table("msdyn_sequencetarget"), Where: where}) {
		if err != nil {
			w.t.Fatal(err)
		}
		got = append(got, row.ID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		a.report("sequence %s: the index of live targets is wrong (-want +got):\n%s", sequence, d)
	}
	for id, target := range a.targets {
		if target.Lookup("msdyn_parentsequence").ID != sequence {
			continue
		}
		if in, open := a.items[id]["g2pk"].Text() != "", target.Int("statecode") == 0; in != open {
			a.report("target %s is in the index of live targets: %v, want %v", id, in, open)
		}
	}
}

// guardOf is what segue_live says: sequence → target.
func guardOf(text string) map[string]string {
	guard := map[string]string{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &guard); err != nil {
			return map[string]string{"broken": text}
		}
	}
	return guard
}
