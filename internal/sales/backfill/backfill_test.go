package backfill_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// Activating a segment moves nobody; applying it moves those that it matches, and no others.
func TestApplySegment(t *testing.T) {
	w := newWorld(t)
	first := w.Segment(1, hot, "", nil)
	hotLead := w.Lead(1, values{quality: int64(1)})
	webLead := w.Lead(2, values{sources: int64(8)})
	both := w.Lead(3, values{sources: int64(8), quality: int64(1)})
	stranger := w.Lead(4, values{sources: int64(7)})
	closed := w.Lead(5, values{sources: int64(8)})
	w.Update(name.Lead, closed.ID, values{"statecode": int64(2), "statuscode": int64(4)})
	w.Settle()
	second := w.Segment(2, web, w.Sequence(1, "lead"), values{"segue_priority": int64(2)})
	third := w.Segment(3, `{"attribute":"leadsourcecode","operator":"eq","values":[7]}`, "", nil)
	w.Settle()
	w.Member(webLead, "", false)

	got := w.apply(second)
	w.Member(hotLead, first, false)
	w.Member(webLead, second, true)
	w.Member(both, first, false) // the first segment has it, and the second does not take records from others
	w.Member(stranger, "", false)
	w.Member(closed, "", false)
	if d := cmp.Diff(outcome{"completed", 5, 1, 0, counts(1, 0, 1)}, outcomeOf(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	w.Decided(webLead, 1, 1)

	got = w.apply("")
	w.Member(stranger, third, false)
	if d := cmp.Diff(outcome{"completed", 5, 1, 0, counts(1, 0, 0)}, outcomeOf(got)); d != "" {
		t.Errorf("all segments (-want +got):\n%s", d)
	}
}

// Members of a segment are concerned too: another one may take them from it.
func TestApplySegmentThatLoses(t *testing.T) {
	w := newWorld(t)
	first := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	lead := w.Lead(1, values{sources: int64(8), quality: int64(1)})
	w.Settle()
	second := w.Segment(2, hot, w.Sequence(2, "lead"), values{"msdyn_isresegmentationenabled": true, "segue_priority": int64(1)})
	w.Settle()
	w.Member(lead, first, true)
	got := w.apply(first)
	w.Member(lead, second, true)
	if d := cmp.Diff(outcome{"completed", 1, 1, 0, counts(1, 1, 1)}, outcomeOf(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	w.Sound(true)
}

// A sequence that is attached later gets the members that are on none.
func TestApplyConnectsMembers(t *testing.T) {
	w := newWorld(t)
	seg := w.Segment(1, web, "", nil)
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Update(name.Segment, seg, values{"msdyn_sequence": salestest.Link("msdyn_sequence", w.Sequence(1, "lead"))})
	w.Settle()
	w.Member(lead, seg, false)
	got := w.apply(seg)
	w.Member(lead, seg, true)
	if d := cmp.Diff(outcome{"completed", 1, 1, 0, counts(0, 0, 1)}, outcomeOf(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A job over records that stay as they are reads the pages of its tasks and no record
// besides, and writes nothing but its own row: one time as it begins, and one for each call
// that ends tasks.
func TestApplyCosts(t *testing.T) {
	const leads, tasks, calls = 200, 256, 26 // ten tasks a call
	w := newWorld(t)
	w.Segment(1, web, w.Sequence(1, "lead"), nil)
	for n := range leads {
		w.Lead(n, values{sources: int64(7 + n%2)})
	}
	w.Settle()
	w.begin("")
	if err := w.Store.Drain(t.Context(), "evaluate", w.Changes); err != nil { // it queues the tasks
		t.Fatal(err)
	}
	w.Probe.Reset()
	w.Settle()
	jobs, pages := 0, 0
	for _, call := range w.Probe.Calls() {
		switch {
		case call.Method == probe.Query && call.Query.Index == "":
			pages++
		case call.Method == probe.Write && rows.RefOf(call.Keys[0]).Table == name.Job:
			jobs++
		case call.Method == probe.Write:
			t.Errorf("it writes %v", call.Keys)
		}
		for _, key := range call.Keys {
			if table := rows.RefOf(key).Table; table == name.Lead {
				t.Errorf("it reads or writes %v", key)
			}
		}
	}
	if pages != tasks || jobs != calls {
		t.Errorf("%d pages and %d writes of the job's row, want %d and %d", pages, jobs, tasks, calls)
	}
}

// What one record that changes costs beside the pages is what its change would cost.
func TestApplyCostsOfChanges(t *testing.T) {
	cost := func(apply bool) probe.Counts {
		w := newWorld(t)
		w.Segment(1, web, w.Sequence(1, "lead"), nil)
		lead := w.Lead(1, values{sources: int64(8)})
		if !apply {
			if _, err := w.DB.Get(t.Context(), lead); err != nil {
				t.Fatal(err)
			}
			w.Probe.Reset()
			w.Settle()
			w.Member(lead, salestest.ID("segment", 1), true)
			return costOfRecords(w)
		}
		w.Update(name.Segment, salestest.ID("segment", 1), values{"statecode": int64(1)})
		w.Settle()
		w.Update(name.Segment, salestest.ID("segment", 1), values{"statecode": int64(0)})
		w.Settle()
		w.Member(lead, "", false)
		w.Probe.Reset()
		w.apply("")
		w.Member(lead, salestest.ID("segment", 1), true)
		return costOfRecords(w)
	}
	if d := cmp.Diff(cost(false), cost(true)); d != "" {
		t.Errorf("(-change +backfill):\n%s", d)
	}
}

// costOfRecords is the writes of the rows that an evaluation writes.
func costOfRecords(w *world) (n probe.Counts) {
	for _, call := range w.Probe.Calls() {
		if call.Method != probe.Write || rows.RefOf(call.Keys[0]).Table == name.Job || salestest.IsLog(call.Keys[0]) {
			continue
		}
		n.Writes++
		n.Ops += len(call.Keys)
	}
	return n
}

// A record that cannot be evaluated is parked with its reason, counts as failed and holds up
// none of the others.
func TestApplyFails(t *testing.T) {
	w := newWorld(t)
	seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	w.Update(name.Segment, seg, values{"statecode": int64(1)})
	w.Settle()
	var leads []rows.Ref
	for n := range 20 {
		leads = append(leads, w.Lead(n, values{sources: int64(8)}))
	}
	w.Settle()
	w.Update(name.Segment, seg, values{"statecode": int64(0)})
	w.Settle()
	broken := leads[7]
	spoil(t, w, broken, sources)
	got := w.apply(seg)
	if d := cmp.Diff(outcome{"completed", 20, 19, 1, counts(19, 0, 19)}, outcomeOf(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if reason := got.Row.Text(name.SegueReason); !strings.Contains(reason, broken.ID) || !strings.Contains(reason, sources) {
		t.Errorf("the job says %q", reason)
	}
	parked := w.Parked()
	if len(parked) != 1 || parked[0].Subject() != broken || parked[0].Handler() != "segmentation.evaluate" {
		t.Errorf("parked: %v", parked)
	}
	for _, lead := range leads {
		if lead != broken {
			w.Member(lead, seg, true)
		}
	}
	mend(t, w, broken, sources, store.Int(8))
	if err := w.Reactions.Retry(t.Context(), parked[0].Row); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Member(broken, seg, true)
	if left := w.Parked(); len(left) > 0 {
		t.Errorf("still parked: %v", left)
	}
}

// spoil stores in a record a value that no reader of the column takes.
func spoil(t *testing.T, w *world, ref rows.Ref, column string) {
	t.Helper()
	mend(t, w, ref, column, store.S("broken"))
}

func mend(t *testing.T, w *world, ref rows.Ref, column string, v store.Value) {
	t.Helper()
	for key := range salestest.Scan(t, w.Store) {
		if rows.RefOf(key) != ref {
			continue
		}
		attribute := column
		if c := w.DB.Schema().Table(ref.Table).Column(column); c.Attribute != "" {
			attribute = c.Attribute
		}
		if err := w.Store.Write(t.Context(), store.Update(key, store.Item{attribute: v}, nil, store.Condition{})); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("there is no %v", ref)
}

// While a segment of the type cannot be compiled nothing begins, and a job that is under way
// fails with the reason instead of parking each record; it goes on when that is mended.
func TestApplyBrokenCatalogue(t *testing.T) {
	w := newWorld(t)
	seg := w.Segment(1, web, "", nil)
	lead := w.Lead(1, values{sources: int64(8)})
	id := w.begin("")
	conditions := func(text string) {
		w.Corrupt(name.Segment, seg, func(row *rows.Row) {
			row.Set(name.MsdynEntityfilter, schema.Text(text))
		})
		w.Restart() // its caches know nothing of it
	}
	conditions(salestest.Where(`{"attribute":"new_gone","operator":"eq","values":[8]}`))
	if _, err := w.Work(); err != nil {
		t.Fatal(err)
	}
	followJobs(t, w)
	if _, err := w.Work(); err != nil {
		t.Fatal(err)
	}
	if j := w.job(id); j.State() != sales.JobFailed || !strings.Contains(j.Row.Text(name.SegueReason), "new_gone") {
		t.Errorf("the job is %v: %s", j.State(), j.Row.Text(name.SegueReason))
	}
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		_, err := w.Backfill.BeginTable(t.Context(), tx, name.Lead)
		return err
	})
	if !errors.Is(err, sales.Precondition) || !strings.Contains(err.Error(), "new_gone") {
		t.Errorf("begin another: %v", err)
	}
	if parked := w.Parked(); len(parked) > 0 {
		t.Errorf("parked: %v", parked)
	}
	conditions(salestest.Where(web))
	if err := w.SetJob(t.Context(), string(id), sales.JobQueued); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Member(lead, seg, false)
	if j := w.job(id); j.State() != sales.JobCompleted {
		t.Errorf("the job is %v: %s", j.State(), j.Row.Text(name.SegueReason))
	}
}

// followJobs follows the changes of jobs alone, which queues their tasks.
func followJobs(t *testing.T, w *world) {
	t.Helper()
	err := w.Store.Drain(t.Context(), "jobs", func(ctx context.Context, batch []store.Change) []store.Failure {
		batch = slices.DeleteFunc(batch, func(c store.Change) bool { return rows.RefOf(c.Key).Table != name.Job })
		return w.Changes(ctx, batch)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Tables without segments are refused.
func TestApplyToOtherTables(t *testing.T) {
	w := newWorld(t)
	for _, table := range []string{name.SequenceTarget, "nothing"} {
		err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
			_, err := w.Backfill.BeginTable(t.Context(), tx, table)
			return err
		})
		if _, refused := errors.AsType[*sales.Error](err); !refused || !strings.Contains(err.Error(), table) {
			t.Errorf("%s: %v", table, err)
		}
	}
}
