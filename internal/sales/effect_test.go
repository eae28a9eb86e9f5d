package sales_test

import (
	"testing"

	"segue/internal/rows"
	"segue/internal/sales"
)

func TestSegment_8_6_EditLeavesMembersAlone(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.segment(1, web, w.sequence(1, "lead"), nil)
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	w.update("msdyn_segment", seg, values{"msdyn_entityfilter": where(hot)})
	later, now := w.lead(2, values{sources: int64(8)}), w.lead(3, values{quality: int64(1)})
	w.settle()
	w.member(lead, seg, true)
	w.member(later, "", false)
	w.member(now, seg, true)
}

func TestSegment_8_6_DeactivateLeavesMembersConnected(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.segment(1, web, w.sequence(1, "lead"), nil)
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	w.update("msdyn_segment", seg, values{"statecode": int64(1)})
	later := w.lead(2, values{sources: int64(8)})
	w.settle()
	w.member(lead, seg, true)
	w.member(later, "", false)
	w.update("msdyn_segment", seg, values{"statecode": int64(0)})
	w.update("lead", later.ID, values{sources: int64(1)})
	w.update("lead", later.ID, values{sources: int64(8)})
	w.settle()
	w.member(later, seg, true)
}

func TestSegment_8_6_DeleteEmptiesTheLinks(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.segment(1, web, w.sequence(1, "lead"), nil)
	other := w.segment(2, hot, w.sequence(2, "lead"), nil)
	lead, stranger := w.lead(1, values{sources: int64(8)}), w.lead(2, values{quality: int64(1)})
	w.settle()
	if err := w.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: seg}, sales.If{}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.member(lead, "", true)
	w.member(stranger, other, true)
	target := w.target(lead)
	if got := target.Lookup("msdyn_segment").ID; got != "" || target.Int("statecode") != 0 {
		t.Errorf("the target's segment is %q, its state %d", got, target.Int("statecode"))
	}
	w.update("lead", lead.ID, values{quality: int64(1)}) // free for the next segment
	w.settle()
	w.member(lead, other, true)
	w.sound(true)
}

func TestSegment_8_6_SequenceDeactivatedEndsConnectionsOnly(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	seg := w.segment(1, web, seq, nil)
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	target := w.target(lead)
	w.update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.settle()
	w.ended(target, disconnected, sequenceGone, stepCancelled)
	w.member(lead, seg, false)
}
