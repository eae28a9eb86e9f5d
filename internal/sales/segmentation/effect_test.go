package segmentation_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
)

func TestSegment_8_6_EditLeavesMembersAlone(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Update("msdyn_segment", seg, values{"msdyn_entityfilter": where(hot)})
	later, now := w.Lead(2, values{sources: int64(8)}), w.Lead(3, values{quality: int64(1)})
	w.Settle()
	w.Member(lead, seg, true)
	w.Member(later, "", false)
	w.Member(now, seg, true)
}

func TestSegment_8_6_DeactivateLeavesMembersConnected(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Update("msdyn_segment", seg, values{"statecode": int64(1)})
	later := w.Lead(2, values{sources: int64(8)})
	w.Settle()
	w.Member(lead, seg, true)
	w.Member(later, "", false)
	w.Update("msdyn_segment", seg, values{"statecode": int64(0)})
	w.Update("lead", later.ID, values{sources: int64(1)})
	w.Update("lead", later.ID, values{sources: int64(8)})
	w.Settle()
	w.Member(later, seg, true)
}

func TestSegment_8_6_DeleteEmptiesTheLinks(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	other := w.Segment(2, hot, w.Sequence(2, "lead"), nil)
	lead, stranger := w.Lead(1, values{sources: int64(8)}), w.Lead(2, values{quality: int64(1)})
	w.Settle()
	if err := w.Entities.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: seg}, entity.If{}); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Member(lead, "", true)
	w.Member(stranger, other, true)
	target := w.Target(lead)
	if got := target.Lookup("msdyn_segment").ID; got != "" || target.Int("statecode") != 0 {
		t.Errorf("the target's segment is %q, its state %d", got, target.Int("statecode"))
	}
	w.Update("lead", lead.ID, values{quality: int64(1)}) // free for the next segment
	w.Settle()
	w.Member(lead, other, true)
	w.Sound(true)
}

func TestSegment_8_6_SequenceDeactivatedEndsConnectionsOnly(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	seg := w.Segment(1, web, seq, nil)
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	target := w.Target(lead)
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.Settle()
	w.Ended(target, disconnected, sequenceGone, stepCancelled)
	w.Member(lead, seg, false)
}
