package sales_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/schematest"
	"segue/internal/store"
	"segue/internal/storetest"
)

// edit is a change of a definition, which may be refused.
type edit struct {
	name string
	do   func(w *world) error
}

// edits are changes of the definitions that [defined] has made: segments 1 and 2
// of leads are active, 3 is not; sequence 1 is active, 2 is not.
func edits() []edit {
	create := func(table, key string, v values) func(w *world) error {
		return func(w *world) error { return create(w, table, key, v) }
	}
	update := func(table, key string, v values) func(w *world) error {
		return func(w *world) error { return w.TryUpdate(table, key, v) }
	}
	upsert := func(table, key string, v values) func(w *world) error {
		return func(w *world) error {
			_, _, err := w.Entities.Update(w.T.Context(), manager(), rows.Ref{Table: table, ID: key}, schematest.Row(v), entity.If{})
			return err
		}
	}
	remove := func(table, key string) func(w *world) error {
		return func(w *world) error {
			return w.Entities.Delete(w.T.Context(), manager(), rows.Ref{Table: table, ID: key}, entity.If{})
		}
	}
	both := func(first, second func(w *world) error) func(w *world) error {
		return func(w *world) error { return errors.Join(first(w), second(w)) }
	}
	segment := func(n int) string { return id("segment", n) }
	sequence := func(n int) string { return id("sequence", n) }
	of := func(table string) values { return values{"msdyn_name": "New", "msdyn_objecttype": table} }
	order := func(ids ...string) values {
		text, _ := json.Marshal(append(ids, guid.Derive("default segment", "lead")))
		return values{"msdyn_segmentpriorityorder": string(text)}
	}
	const seg, seq = "msdyn_segment", "msdyn_sequence"
	return []edit{
		{"make segment 4", create(seg, segment(4), of("lead"))},
		{"make segment 4 with sequence 2", create(seg, segment(4), values{"msdyn_name": "New", "msdyn_objecttype": "lead", "msdyn_sequence": link(seq, sequence(2))})},
		{"make segment 5, first of its type", create(seg, segment(5), of("opportunity"))},
		{"make segment 6, first of its type", create(seg, segment(6), of("opportunity"))},
		{"make or change segment 3", upsert(seg, segment(3), values{"msdyn_name": "Again", "msdyn_objecttype": "lead"})},
		{"make segment 3", create(seg, segment(3), of("lead"))},
		{"make segment 3 with a priority", create(seg, segment(3), values{"msdyn_name": "New", "msdyn_objecttype": "lead", "segue_priority": int64(3)})},
		{"delete segment 3", remove(seg, segment(3))},
		{"delete segment 3, and make it again", both(remove(seg, segment(3)), create(seg, segment(3), of("lead")))},
		{"delete segment 1", remove(seg, segment(1))},
		{"activate segment 3", update(seg, segment(3), values{"statecode": int64(0)})},
		{"activate segment 1 again", update(seg, segment(1), values{"statecode": int64(0), "msdyn_name": "Renamed"})},
		{"deactivate segment 1", update(seg, segment(1), values{"statecode": int64(1)})},
		{"pause segment 2", update(seg, segment(2), values{"statecode": int64(2)})},
		{"move segment 3", update(seg, segment(3), values{"segue_priority": int64(1)})},
		{"attach sequence 2 to segment 3", update(seg, segment(3), values{"msdyn_sequence": link(seq, sequence(2))})},
		{"reorder", update("msdyn_segmentattribute", guid.Derive("order", "lead"), order(segment(1), segment(3), segment(2)))},
		{"activate the default segment", update(seg, guid.Derive("default segment", "lead"), values{"statecode": int64(0)})},
		{"make sequence 2", create(seq, sequence(2), values{"msdyn_name": "New", "msdyn_regardingentityname": "lead"})},
		{"delete sequence 2", remove(seq, sequence(2))},
		{"delete sequence 2, and make it for another type", both(remove(seq, sequence(2)), create(seq, sequence(2), values{"msdyn_name": "New", "msdyn_regardingentityname": "account"}))},
		{"activate sequence 2", update(seq, sequence(2), values{"statecode": int64(1)})},
		{"deactivate sequence 1", update(seq, sequence(1), values{"statecode": int64(0)})},
		{"delete sequence 1", remove(seq, sequence(1))},
	}
}

// create makes a row, which may be refused.
func create(w *world, table, key string, v values) error {
	_, err := w.Entities.Create(w.T.Context(), manager(), table, key, schematest.Row(v))
	return err
}

// defined is the items of a store with the definitions that edits change.
func defined(t *testing.T) map[store.Key]store.Item {
	w := newWorld(t, boot.Options{})
	w.Sequence(1, "lead")
	w.Draft(2, salestest.Steps)
	w.Segment(1, web, "", nil)
	w.Segment(2, hot, "", nil)
	w.Inactive(3, values{"msdyn_entityfilter": salestest.Where(web)})
	return scan(t, w.Store)
}

// memory is a store without change records, whose items can be put back.
type memory struct{ *storetest.Model }

// Drain implements salestest.ChangeStore.
func (*memory) Drain(context.Context, string, store.Handler) error { return nil }

// restore makes items all that the store has.
func (m *memory) restore(t *testing.T, items map[store.Key]store.Item) {
	m.Model = storetest.NewModel(rows.Indexes())
	for _, item := range items {
		if err := m.Write(t.Context(), store.Put(item, store.Condition{})); err != nil {
			t.Fatal(err)
		}
	}
}

// result is what two edits came to: what each was told, and the rows without their
// versions. Of jobs it has the number that there are about each row, for their ids
// derive from versions.
type result struct {
	Told [2]string
	Rows map[store.Key]store.Item
	Jobs map[string]int
}

// told is the kind of a refusal.
func told(err error) string {
	if refusal, ok := errors.AsType[*sales.Error](err); ok {
		return fmt.Sprint(refusal.Kind)
	}
	return fmt.Sprint(err)
}

func resultOf(t *testing.T, w *world, first, second error) result {
	all, jobs := withoutVersions(scan(t, w.Store)), map[string]int{}
	for key, item := range all {
		if tableOf(key) == "segue_job" {
			jobs[item["segue_subjectid"].Text()]++
			delete(all, key)
		}
	}
	return result{[2]string{told(first), told(second)}, all, jobs}
}

// TestEditsAreSerial lets one change of a definition happen between any two requests
// of another one, for all pairs: what comes of them is what comes of one after the
// other, in either order. Each change writes once, so no other interleaving of two
// has more to it.
func TestEditsAreSerial(t *testing.T) {
	initial, m := defined(t), &memory{storetest.NewModel(rows.Indexes())}
	w := newWorldOn(t, m, salestest.Now, boot.Options{})
	other := *w
	other.Parts = w.Plain(boot.Options{})
	oneByOne := func(first, second edit) (a, b error) {
		m.restore(t, initial)
		a = first.do(&other)
		return a, second.do(&other)
	}
	for _, first := range edits() {
		if strings.Contains(first.name, ", and ") { // it is two changes
			continue
		}
		for i, second := range edits() {
			if salestest.Racing && i%4 != 0 { // it is all one goroutine
				continue
			}
			a, b := oneByOne(first, second)
			inOrder := resultOf(t, w, a, b)
			b, a = oneByOne(second, first)
			reversed := resultOf(t, w, a, b)
			for n := 1; ; n++ {
				m.restore(t, initial)
				calls := 0
				w.Probe.Inject(func(probe.Call) probe.Fault {
					if calls++; calls == n {
						b = second.do(&other)
					}
					return probe.None
				})
				a = first.do(w)
				if calls < n { // it needs fewer requests
					break
				}
				got := resultOf(t, w, a, b)
				if !cmp.Equal(inOrder, got) && !cmp.Equal(reversed, got) {
					t.Errorf("%s; before its request %d: %s: like neither order (-in order +got):\n%s(-reversed +got):\n%s",
						first.name, n, second.name, cmp.Diff(inOrder, got), cmp.Diff(reversed, got))
				}
				if w.Sound(false); t.Failed() {
					t.Fatalf("%s; before its request %d: %s", first.name, n, second.name)
				}
			}
		}
	}
}

// Sixteen processes change definitions at the same moment, all of one type, so that
// all write its order or the ledger: every one succeeds.
func TestSixteenEditsAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) {
		w := newWorldOn(t, on.Open(t), salestest.Now, boot.Options{})
		var processes []*world
		for range 16 {
			process := *w
			process.Parts = w.Plain(boot.Options{})
			processes = append(processes, &process)
		}
		for _, round := range []struct {
			name string
			do   func(w *world, n int) error
		}{
			{"create", func(w *world, n int) error {
				return create(w, "msdyn_segment", id("segment", n), values{"msdyn_name": fmt.Sprintf("Segment %d", n), "msdyn_objecttype": "lead", "msdyn_entityfilter": salestest.Where(web)})
			}},
			{"activate", func(w *world, n int) error {
				return w.TryUpdate("msdyn_segment", id("segment", n), values{"statecode": int64(0)})
			}},
			{"move", func(w *world, n int) error {
				return w.TryUpdate("msdyn_segment", id("segment", n), values{"segue_priority": int64(n + 1)})
			}},
			{"delete", func(w *world, n int) error {
				return w.Entities.Delete(w.T.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: id("segment", n)}, entity.If{})
			}},
		} {
			before := generationOf(t, w)
			crowd(16, func(n int) {
				if err := round.do(processes[n], n); err != nil {
					t.Errorf("%s %d: %v", round.name, n, err)
				}
			})
			w.Sound(false)
			if generationOf(t, w) == before {
				t.Errorf("%s left the generation as it was", round.name)
			}
		}
	})
}

// generationOf is the value of the generation row.
func generationOf(t *testing.T, w *world) string {
	for key, item := range scan(t, w.Store) {
		if tableOf(key) == "segue_generation" {
			return item["segue_value"].Text()
		}
	}
	return ""
}

// Managers put segments at one position at the same moment, while one request of the store
// in five fails or loses its answer, and ask again as clients do: all of them succeed, each segment is in the order once, those that were
// put there stand from that position on, and the others follow in the order that they had.
func TestManyAtOnePosition(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) {
		w := newWorldOn(t, on.Open(t), salestest.Now, boot.Options{})
		const there, put, position = 4, 6, 2
		for n := range there {
			w.Segment(n, web, "", values{"segue_priority": int64(n + 1)})
		}
		process := *w
		process.Parts = w.Plain(boot.Options{})
		processes := []*world{w, &process}
		w.Probe.Inject(probe.Sometimes(1, 5, probe.Before, probe.After))
		persist := func(do func() error) error {
			for again := false; ; again = true {
				err := do()
				if again && errors.Is(err, sales.Duplicate) { // the answer got lost
					return nil
				}
				if !errors.Is(err, sales.Unavailable) {
					return err
				}
			}
		}
		for _, round := range []struct {
			name string
			do   func(w *world, n int) error
		}{
			{"create", func(w *world, n int) error {
				return create(w, "msdyn_segment", id("segment", there+n), values{"msdyn_name": fmt.Sprint(n), "msdyn_objecttype": "lead", "segue_priority": int64(position)})
			}},
			{"move", func(w *world, n int) error {
				return w.TryUpdate("msdyn_segment", id("segment", there+n), values{"segue_priority": int64(position)})
			}},
		} {
			crowd(put, func(n int) {
				if err := persist(func() error { return round.do(processes[n%2], n) }); err != nil {
					t.Errorf("%s %d: %v", round.name, n, err)
				}
			})
		}
		w.Probe.Inject(nil)
		w.Sound(false)
		at := map[string]int64{}
		for _, row := range w.List("msdyn_segment", nil) {
			at[row.ID] = w.Row("msdyn_segment", row.ID).Int("segue_priority")
		}
		var those, first []int64
		for n := range put {
			those = append(those, at[id("segment", there+n)])
		}
		for n := range there {
			first = append(first, at[id("segment", n)])
		}
		slices.Sort(those)
		if d := cmp.Diff([]int64{2, 3, 4, 5, 6, 7}, those); d != "" {
			t.Errorf("places of those put at %d (-want +got):\n%s", position, d)
		}
		if d := cmp.Diff([]int64{1, 8, 9, 10}, first); d != "" {
			t.Errorf("places of the others (-want +got):\n%s", d)
		}
	})
}
