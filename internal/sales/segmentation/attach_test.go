package segmentation_test

import (
	"fmt"
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// quick makes a lead that matches a segment and updates it before that is evaluated,
// and returns the change records of both.
func quick(w *world) (lead rows.Ref, created, changed []store.Change) {
	w.Settle()
	w.Fresh()
	lead = w.Lead(1, values{sources: int64(8)})
	created = w.Fresh()
	w.Update("lead", lead.ID, values{sources: int64(1)})
	w.Update("lead", lead.ID, values{sources: int64(8)})
	return lead, created, w.Fresh()
}

// docs/domain.md §8.5: the first of two quick updates is evaluated, with the record
// as the second has left it; then a sequence is attached to the segment; then the
// second is evaluated, and the member is connected.
func TestEvaluate_8_5_AttachedBetweenTwoQuickUpdates(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	seg := w.Segment(1, web, "", nil)
	lead, created, changed := quick(w)
	w.Deliver(created)
	w.Member(lead, seg, false)
	w.Update("msdyn_segment", seg, values{"msdyn_sequence": link("msdyn_sequence", seq)})
	w.Deliver(changed)
	w.Member(lead, seg, true)
	w.Decided(lead, unchanged, connectDone)
	w.Settle()
	w.Sound(true)
}

// Somebody disconnects the member in between: no later delivery of a change puts
// it back.
func TestEvaluate_8_5_DisconnectedBetweenTwoQuickUpdates(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	lead, created, changed := quick(w)
	w.Deliver(created)
	w.Member(lead, seg, true)
	w.Disconnect(lead)
	for range 2 {
		w.Deliver(changed)
		w.Deliver(created)
		w.Member(lead, seg, false)
	}
	w.Settle()
	w.Sound(true)
}

// The same when the sequence that is attached becomes active in between.
func TestEvaluate_8_5_ActivatedBetweenTwoQuickUpdates(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Draft(1, salestest.Steps)
	seg := w.Segment(1, web, seq, nil)
	lead, created, changed := quick(w)
	w.Deliver(created)
	w.Decided(lead, segmented, connectInactive)
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	w.Deliver(changed)
	w.Member(lead, seg, true)
	w.Settle()
	w.Sound(true)
}

// Somebody connects the member to the attached sequence, and disconnects it: that is
// not undone either.
func TestEvaluate_8_5_ConnectedAndDisconnectedByHand(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	seg := w.Segment(1, web, "", nil)
	lead, created, changed := quick(w)
	w.Deliver(created)
	w.Update("msdyn_segment", seg, values{"msdyn_sequence": link("msdyn_sequence", seq)})
	w.Connect(lead, seq)
	w.Disconnect(lead)
	w.Deliver(changed)
	w.Member(lead, seg, false)
	w.Update("lead", lead.ID, values{sources: int64(1)})
	w.Update("lead", lead.ID, values{sources: int64(8)})
	w.Settle()
	w.Member(lead, seg, false)
	w.Sound(true)
}

// docs/domain.md §8.5: a sequence that is deleted, or made again for another record
// type, just before it is attached is not attached.
func TestAttach_SequenceGoesMeanwhile(t *testing.T) {
	for _, test := range []struct {
		name string
		goes func(other *world)
		kind sales.Kind
	}{
		{"deleted", func(other *world) { other.Remove("msdyn_sequence", id("sequence", 1)) }, sales.NotFound},
		{"made again for accounts", func(other *world) {
			other.Remove("msdyn_sequence", id("sequence", 1))
			other.Create("msdyn_sequence", id("sequence", 1), values{"msdyn_name": "S", "msdyn_regardingentityname": "account"})
		}, sales.Precondition},
	} {
		for _, creates := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, segment made with it: %v", test.name, creates), func(t *testing.T) {
				w := newWorld(t, boot.Options{})
				seq := w.Draft(1, salestest.Steps)
				v := values{"msdyn_sequence": link("msdyn_sequence", seq)}
				if !creates {
					w.Inactive(1, nil)
				} else {
					v["msdyn_name"], v["msdyn_objecttype"] = "Segment 1", "lead"
				}
				w.Before(func(call probe.Call) bool { return call.Method == probe.Write }, test.goes)
				_, _, err := w.Entities.Update(t.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: id("segment", 1)}, schematest.Row(v), entity.If{})
				salestest.Refused(t, err, test.kind)
			})
		}
	}
}
