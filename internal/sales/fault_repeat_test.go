package sales_test

import (
	"context"
	"testing"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/store"
)

// fresh is the change records that no earlier call has answered.
func (w *world) fresh() []store.Change {
	w.t.Helper()
	var changes []store.Change
	err := w.store.Drain(w.t.Context(), "fresh", func(_ context.Context, batch []store.Change) []store.Failure {
		changes = append(changes, batch...)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return changes
}

// again delivers changes once more, which must succeed, and all that follows.
func (w *world) again(changes []store.Change) {
	w.t.Helper()
	if failures := w.Evaluate(w.t.Context(), changes); len(failures) > 0 {
		w.t.Fatal(failures)
	}
	w.settle()
}

const (
	web     = `{"attribute":"leadsourcecode","operator":"eq","values":[8]}`
	hot     = `{"attribute":"leadqualitycode","operator":"eq","values":[1]}`
	sources = "leadsourcecode"
	quality = "leadqualitycode"
)

// What became of a change that was evaluated is not done again when the change
// comes again, whatever the record went through in the meantime.
func TestRepeatedChangeOfARecord(t *testing.T) {
	for name, test := range map[string]struct {
		setup     func(w *world, lead rows.Ref) // before the change is evaluated
		meanwhile func(w *world, lead rows.Ref) // before it comes again
	}{
		"the user disconnected it": {
			meanwhile: func(w *world, lead rows.Ref) { w.disconnect(lead) },
		},
		"it could not be connected and now could": {
			setup:     func(w *world, lead rows.Ref) { w.update("lead", lead.ID, values{"statuscode": int64(2)}) },
			meanwhile: func(w *world, lead rows.Ref) { w.update("lead", lead.ID, values{"statuscode": int64(1)}) },
		},
		"it was on another sequence and is no more": {
			setup:     func(w *world, lead rows.Ref) { w.connect(lead, id("sequence", 2)) },
			meanwhile: func(w *world, lead rows.Ref) { w.disconnect(lead) },
		},
		"it was closed and opened again": {
			meanwhile: func(w *world, lead rows.Ref) {
				w.update("lead", lead.ID, values{"statecode": int64(2)})
				w.update("lead", lead.ID, values{"statecode": int64(0)})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sales.Options{})
			w.sequence(2, "lead")
			w.segment(1, web, w.sequence(1, "lead"), nil)
			w.settle()
			w.fresh()
			lead := w.lead(1, values{sources: int64(8)})
			if test.setup != nil {
				test.setup(w, lead)
			}
			changes := w.fresh()
			w.settle()
			if got := w.row("lead", lead.ID).Lookup("msdyn_segmentid").ID; got != id("segment", 1) {
				t.Fatalf("the lead is in segment %q", got)
			}
			test.meanwhile(w, lead)
			w.settle()
			before := w.row("lead", lead.ID)
			w.again(changes)
			if after := w.row("lead", lead.ID); after.Version != before.Version {
				t.Errorf("the repeated change was followed again:\nbefore %v\nafter %v", before.Values(), after.Values())
			}
			w.sound(true)
		})
	}
}

// A member is connected to a sequence that was attached after it entered, once.
func TestRepeatedChangeOfAMember(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.segment(1, web, "", nil)
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	seq := w.sequence(1, "lead")
	w.update("msdyn_segment", seg, values{"msdyn_sequence": schema.Lookup{Table: "msdyn_sequence", ID: seq}})
	w.update("lead", lead.ID, values{"statuscode": int64(2), sources: int64(4)})
	w.update("lead", lead.ID, values{sources: int64(8)})
	w.settle() // a member now, but not to be connected: its status is Contacted
	w.fresh()
	w.update("lead", lead.ID, values{sources: int64(7)})
	w.update("lead", lead.ID, values{sources: int64(8)})
	changes := w.fresh()
	w.settle()
	w.update("lead", lead.ID, values{"statuscode": int64(1)})
	w.settle()
	w.again(changes)
	if w.row("lead", lead.ID).Is("segue_connected") {
		t.Error("a change of before the lead was New again connected it")
	}
	w.update("lead", lead.ID, values{sources: int64(7)})
	w.update("lead", lead.ID, values{sources: int64(8)})
	changes = w.fresh()
	w.settle()
	if !w.row("lead", lead.ID).Is("segue_connected") {
		t.Error("the lead was not connected when it was evaluated again")
	}
	w.disconnect(lead)
	w.settle()
	w.again(changes)
	if w.row("lead", lead.ID).Is("segue_connected") {
		t.Error("a repeated change connected the lead again")
	}
	w.sound(true)
}

// A change that leads away and back again, both before the first is evaluated,
// does not connect a member again that was disconnected.
func TestThereAndBack(t *testing.T) {
	w := newWorld(t, sales.Options{})
	w.segment(1, web, w.sequence(1, "lead"), nil)
	w.segment(2, hot, w.sequence(2, "lead"), values{"msdyn_isresegmentationenabled": true})
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	w.disconnect(lead)
	w.settle()
	w.update("lead", lead.ID, values{quality: int64(1)})
	w.update("lead", lead.ID, values{quality: int64(2)})
	w.settle()
	row := w.row("lead", lead.ID)
	if got := row.Lookup("msdyn_segmentid").ID; got != id("segment", 1) || row.Is("segue_connected") {
		t.Errorf("the lead is in segment %s, connected %v", got, row.Is("segue_connected"))
	}
}

// A deactivation that comes again when the sequence is active again ends nothing.
func TestRepeatedDeactivation(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	first, second := w.lead(1, nil), w.lead(2, nil)
	w.connect(first, seq)
	w.settle()
	w.fresh()
	w.update("msdyn_sequence", seq, values{"statecode": int64(0)})
	changes := w.fresh()
	w.settle()
	if w.row("lead", first.ID).Is("segue_connected") {
		t.Fatal("the deactivation ended nothing")
	}
	w.update("msdyn_sequence", seq, values{"statecode": int64(1)})
	w.connect(second, seq)
	w.settle()
	w.again(changes)
	if !w.row("lead", second.ID).Is("segue_connected") {
		t.Error("the repeated change ended a connection to the active sequence")
	}
	w.sound(true)
}

// disconnect ends all connections of a record, which must be accepted.
func (w *world) disconnect(record rows.Ref) {
	w.t.Helper()
	if _, err := w.Disconnect(w.t.Context(), manager(), record, ""); err != nil {
		w.t.Fatalf("disconnect %v: %v", record, err)
	}
}
