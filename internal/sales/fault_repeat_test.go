package sales_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/schema"
)

// What became of a change that was evaluated is not done again when the change
// comes again, whatever the record went through in the meantime.
func TestRepeatedChangeOfARecord(t *testing.T) {
	for name, test := range map[string]struct {
		setup     func(w *world, lead rows.Ref) // before the change is evaluated
		meanwhile func(w *world, lead rows.Ref) // before it comes again
	}{
		"the user disconnected it": {
			meanwhile: func(w *world, lead rows.Ref) { w.Disconnect(lead) },
		},
		"it could not be connected and now could": {
			setup:     func(w *world, lead rows.Ref) { w.Update("lead", lead.ID, values{"statuscode": int64(2)}) },
			meanwhile: func(w *world, lead rows.Ref) { w.Update("lead", lead.ID, values{"statuscode": int64(1)}) },
		},
		"it was on another sequence and is no more": {
			setup:     func(w *world, lead rows.Ref) { w.Connect(lead, id("sequence", 2)) },
			meanwhile: func(w *world, lead rows.Ref) { w.Disconnect(lead) },
		},
		"it was closed and opened again": {
			meanwhile: func(w *world, lead rows.Ref) {
				w.Update("lead", lead.ID, values{"statecode": int64(2)})
				w.Update("lead", lead.ID, values{"statecode": int64(0)})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			w.Sequence(2, "lead")
			w.Segment(1, web, w.Sequence(1, "lead"), nil)
			w.Settle()
			w.Fresh()
			lead := w.Lead(1, values{sources: int64(8)})
			if test.setup != nil {
				test.setup(w, lead)
			}
			changes := w.Fresh()
			w.Settle()
			if got := w.Row("lead", lead.ID).Lookup("msdyn_segmentid").ID; got != id("segment", 1) {
				t.Fatalf("the lead is in segment %q", got)
			}
			test.meanwhile(w, lead)
			w.Settle()
			before := w.Row("lead", lead.ID)
			w.Again(changes)
			if after := w.Row("lead", lead.ID); after.Version != before.Version {
				t.Errorf("the repeated change was followed again:\nbefore %v\nafter %v", before.Values(), after.Values())
			}
			w.Sound(true)
		})
	}
}

// A member is connected to a sequence that was attached after it entered, once.
func TestRepeatedChangeOfAMember(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, "", nil)
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	seq := w.Sequence(1, "lead")
	w.Update("msdyn_segment", seg, values{"msdyn_sequence": schema.Lookup{Table: "msdyn_sequence", ID: seq}})
	w.Update("lead", lead.ID, values{"statuscode": int64(2), sources: int64(4)})
	w.Update("lead", lead.ID, values{sources: int64(8)})
	w.Settle() // a member now, but not to be connected: its status is Contacted
	w.Fresh()
	w.Update("lead", lead.ID, values{sources: int64(7)})
	w.Update("lead", lead.ID, values{sources: int64(8)})
	changes := w.Fresh()
	w.Settle()
	w.Update("lead", lead.ID, values{"statuscode": int64(1)})
	w.Settle()
	w.Again(changes)
	if w.Row("lead", lead.ID).Is("segue_connected") {
		t.Error("a change of before the lead was New again connected it")
	}
	w.Update("lead", lead.ID, values{sources: int64(7)})
	w.Update("lead", lead.ID, values{sources: int64(8)})
	changes = w.Fresh()
	w.Settle()
	if !w.Row("lead", lead.ID).Is("segue_connected") {
		t.Error("the lead was not connected when it was evaluated again")
	}
	w.Disconnect(lead)
	w.Settle()
	w.Again(changes)
	if w.Row("lead", lead.ID).Is("segue_connected") {
		t.Error("a repeated change connected the lead again")
	}
	w.Sound(true)
}

// A change that leads away and back again, both before the first is evaluated,
// does not connect a member again that was disconnected.
func TestThereAndBack(t *testing.T) {
	w := newWorld(t, boot.Options{})
	w.Segment(1, web, w.Sequence(1, "lead"), nil)
	w.Segment(2, hot, w.Sequence(2, "lead"), values{"msdyn_isresegmentationenabled": true})
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Disconnect(lead)
	w.Settle()
	w.Update("lead", lead.ID, values{quality: int64(1)})
	w.Update("lead", lead.ID, values{quality: int64(2)})
	w.Settle()
	row := w.Row("lead", lead.ID)
	if got := row.Lookup("msdyn_segmentid").ID; got != id("segment", 1) || row.Is("segue_connected") {
		t.Errorf("the lead is in segment %s, connected %v", got, row.Is("segue_connected"))
	}
}

// A deactivation that comes again when the sequence is active again ends nothing.
func TestRepeatedDeactivation(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	first, second := w.Lead(1, nil), w.Lead(2, nil)
	w.Connect(first, seq)
	w.Settle()
	w.Fresh()
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	changes := w.Fresh()
	w.Settle()
	if w.Row("lead", first.ID).Is("segue_connected") {
		t.Fatal("the deactivation ended nothing")
	}
	w.Update("msdyn_sequence", seq, values{"statecode": int64(1)})
	w.Connect(second, seq)
	w.Settle()
	w.Again(changes)
	if !w.Row("lead", second.ID).Is("segue_connected") {
		t.Error("the repeated change ended a connection to the active sequence")
	}
	w.Sound(true)
}
