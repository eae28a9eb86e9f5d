package segmentation_test

import (
	"context"
	"slices"
	"testing"

	"segue/internal/boot"
	"segue/internal/probe"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales/connection"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// A segment that is made again under its id before the links to its predecessor have
// been emptied keeps its members, new and old.
func TestUnlink_8_6_RecreatedSegmentKeepsItsMembers(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, "", nil)
	old := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Fresh()
	w.Remove("msdyn_segment", seg)
	deletion := w.Fresh()
	w.Segment(1, web, "", nil)
	fresh := w.Lead(2, values{sources: int64(8)})
	w.Settle()
	w.Member(old, seg, false)
	w.Member(fresh, seg, false)
	w.Again(deletion)
	w.Restart()
	w.Again(deletion)
	w.Member(old, seg, false)
	w.Member(fresh, seg, false)
}

// So it does when it is made again between the moment when a task finds that it is
// gone and the write that would empty a link.
func TestUnlink_8_6_RecreatedInTheMiddle(t *testing.T) {
	for _, moment := range []struct {
		name   string
		method probe.Method
		table  string
	}{
		{"before the rows are listed", probe.Query, ""},
		{"before the row is read", probe.Get, "lead"},
		{"before the row is written", probe.Write, "lead"},
	} {
		t.Run(moment.name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			seg := w.Segment(1, web, "", nil)
			lead := w.Lead(1, values{sources: int64(8)})
			w.Settle()
			w.Remove("msdyn_segment", seg)
			w.Before(func(call probe.Call) bool {
				if call.Method != moment.method {
					return false
				}
				if moment.table == "" {
					return call.Query.Index == ""
				}
				return len(call.Keys) > 0 && tableOf(call.Keys[0]) == moment.table
			}, func(other *world) {
				other.Segment(1, web, "", nil)
			})
			w.Settle()
			w.Member(lead, seg, false)
		})
	}
}

// Two lives of an id that end are two jobs, the second of which empties what the first
// has left.
func TestUnlink_8_6_EachLifeHasItsJob(t *testing.T) {
	w := newWorld(t, boot.Options{})
	for range 2 {
		w.Segment(1, web, "", nil)
		w.Remove("msdyn_segment", id("segment", 1))
	}
	seg := w.Segment(1, web, "", nil)
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Remove("msdyn_segment", seg)
	w.Settle()
	w.Member(lead, "", false)
	jobs := w.List("segue_job", nil)
	if len(jobs) != 3 {
		t.Errorf("there are %d jobs of three lives", len(jobs))
	}
	for _, job := range jobs {
		if got := job.Int(name.SegueState); got != 2 {
			t.Errorf("%q has state %d", job.Text(name.SegueName), got)
		}
	}
}

// What one message does is bounded, however many members a segment has, and nothing
// of it happens in the reaction to a change.
func TestUnlink_8_6_IsBounded(t *testing.T) {
	const members = 4000
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, "", nil)
	table := w.DB.Schema().Table("lead")
	for from := 0; from < members; from += 80 {
		tx := w.DB.Begin("")
		for n := from; n < from+80; n++ {
			tx.Create(table, id("member", n), map[string]schema.Value{name.MsdynSegmentid: schema.Ref(link("msdyn_segment", seg))})
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.Settle()
	w.Remove("msdyn_segment", seg)
	w.Probe.Reset()
	if err := w.Store.Drain(t.Context(), "evaluate", w.Changes); err != nil {
		t.Fatal(err)
	}
	if calls := len(w.Probe.Calls()); calls > 20 {
		t.Errorf("the changes of a deletion cost %d calls", calls)
	}
	worst := struct{ calls, items, rows int }{}
	err := w.Local.Drain(t.Context(), func(ctx context.Context, messages []queue.Message) []queue.Failure {
		w.Probe.Reset()
		failures := w.Jobs.Handle(ctx, messages)
		rows := 0
		for _, call := range w.Probe.Calls() {
			worst.items = max(worst.items, len(call.Keys))
			if call.Method == probe.Write && slices.ContainsFunc(call.Keys, isLead) {
				rows++
			}
		}
		worst.calls, worst.rows = max(worst.calls, len(w.Probe.Calls())), max(worst.rows, rows)
		return failures
	})
	if err != nil {
		t.Fatal(err)
	}
	if worst.rows > 1000 || worst.items > 2*queue.MaxBatch+2 || worst.calls > 2500 {
		t.Errorf("the largest batch of messages costs %+v", worst)
	}
	t.Logf("the largest batch of messages costs %+v", worst)
	w.Settle()
	for n := range members {
		if got := w.Row("lead", id("member", n)).Lookup(name.MsdynSegmentid).ID; got != "" {
			t.Fatalf("member %d is still in %s", n, got)
		}
	}
}

func isLead(k store.Key) bool { return tableOf(k) == "lead" }

// What was decided before a segment was deleted, and is written when the job has been
// over all rows, leaves no link: each row's own change record empties it.
func TestUnlink_8_6_DecidedBeforeAndWrittenAfter(t *testing.T) {
	for _, by := range []struct {
		name   string
		decide func(w *world, lead rows.Ref, created []store.Change, seg string)
		member bool
	}{
		{"an evaluation", func(w *world, _ rows.Ref, created []store.Change, _ string) { w.Deliver(created) }, true},
		{"a connection by hand", func(w *world, lead rows.Ref, _ []store.Change, seg string) {
			request := connection.Request{Record: lead, Sequence: name.SequenceID(id("sequence", 1)), Segment: name.SegmentID(seg)}
			if _, err := w.Connections.Connect(t.Context(), manager(), request); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(by.name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
			w.Settle()
			w.Fresh()
			lead := w.Lead(1, values{sources: int64(8)})
			created := w.Fresh()
			w.Before(func(call probe.Call) bool {
				return call.Method == probe.Write && tableOf(call.Keys[0]) == "lead"
			}, func(other *world) {
				other.Remove("msdyn_segment", seg)
				other.Deliver(other.Fresh())
				if _, err := other.Work(); err != nil {
					t.Fatal(err)
				}
			})
			by.decide(w, lead, created, seg)
			if by.member {
				w.Member(lead, seg, true)
			}
			w.Settle()
			w.Member(lead, "", true)
			if got := w.Target(lead).Lookup(name.MsdynSegment); got.ID != "" {
				t.Errorf("the target is of the segment %s, which is not there", got.ID)
			}
			w.Sound(true)
		})
	}
}
