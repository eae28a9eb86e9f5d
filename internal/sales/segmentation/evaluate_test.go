package segmentation_test

import (
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
)

// Segmentation and connection statuses as the wire has them (docs/domain.md §4.7).
const (
	segmented, unchanged = 1, 4

	connectDone, connectFailed, connectNoSequence, connectUnchanged, connectInactive = 1, 2, 4, 5, 7
)

func TestEvaluate_8_3_RecordCreated(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, "", nil)
	in, out := w.Lead(1, values{sources: int64(8)}), w.Lead(2, values{sources: int64(1)})
	w.Settle()
	w.Member(in, seg, false)
	w.Decided(in, segmented, connectNoSequence)
	w.Member(out, "", false)
	w.Decided(out, 0, 0)
}

// A change of a column that any segment reads makes all segments run.
func TestEvaluate_8_3_AttributeOfAnySegmentChanged(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, "", nil)
	w.Segment(2, hot, "", nil)
	w.Update("msdyn_segment", seg, values{"statecode": int64(1)})
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Member(lead, "", false)
	w.Update("msdyn_segment", seg, values{"statecode": int64(0)})
	w.Update("lead", lead.ID, values{quality: int64(3)}) // segment 2 reads it, segment 1 takes the lead
	w.Settle()
	w.Member(lead, seg, false)
}

func TestEvaluate_8_3_OtherAttributesCostNothing(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, "", nil)
	w.Update("msdyn_segment", seg, values{"statecode": int64(1)})
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Update("msdyn_segment", seg, values{"statecode": int64(0)})
	w.Settle()
	w.Update("lead", lead.ID, values{"subject": "another"})
	w.Settle() // reads the definitions
	w.Update("lead", lead.ID, values{"ownerid": w.User(2)})
	changes := w.Fresh()
	w.Probe.Reset()
	w.Untouched(t, func() { w.Again(changes[len(changes)-1:]) })
	if c := salestest.WithoutLog(t, w.Probe); c.GetKeys+c.Queries+c.Ops > 0 {
		t.Errorf("a change that no segment reads cost %+v", c)
	}
	w.Settle()
	w.Member(lead, "", false)
}

func TestEvaluate_8_3_ActivationAndEditAreNotRetroactive(t *testing.T) {
	w := newWorld(t, boot.Options{})
	web8, web1 := w.Lead(1, values{sources: int64(8)}), w.Lead(2, values{sources: int64(1)})
	w.Settle()
	seg := w.Segment(1, web, "", nil)
	w.Settle()
	w.Member(web8, "", false)
	w.Update("msdyn_segment", seg, values{"msdyn_entityfilter": where(`{"attribute":"leadsourcecode","operator":"eq","values":[1]}`)})
	w.Settle()
	w.Member(web1, "", false)
	w.Update("lead", web1.ID, values{sources: int64(2)})
	w.Update("lead", web1.ID, values{sources: int64(1)})
	w.Settle()
	w.Member(web1, seg, false)
}

func TestEvaluate_8_3_ClosedRecordsAreSkipped(t *testing.T) {
	w := newWorld(t, boot.Options{})
	w.Segment(1, web, w.Sequence(1, "lead"), nil)
	lead := w.Lead(1, values{sources: int64(8), "statuscode": leadQualified})
	deal := w.Lead(2, values{sources: int64(8)})
	w.Update("lead", deal.ID, values{"statecode": int64(1)}) // before its creation is evaluated
	w.Settle()
	w.Member(lead, "", false)
	w.Member(deal, "", false)
	w.Sound(true)
}

func TestEvaluate_8_4_HighestPriorityWins(t *testing.T) {
	w := newWorld(t, boot.Options{})
	low := w.Segment(1, web, "", nil)
	high := w.Segment(2, hot, "", nil)
	lead := w.Lead(1, values{sources: int64(8), quality: int64(1)})
	w.Settle()
	w.Member(lead, high, false)
	w.Update("msdyn_segment", high, values{"segue_priority": int64(2)})
	second := w.Lead(2, values{sources: int64(8), quality: int64(1)})
	w.Settle()
	w.Member(second, low, false)
	w.Member(lead, high, false) // §8.6: present members stay
}

func TestEvaluate_8_4_ConnectsToTheSegmentsSequence(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	seg := w.Segment(1, web, seq, nil)
	owner := w.User(5)
	lead := w.Lead(1, values{sources: int64(8), "ownerid": owner})
	w.Settle()
	w.Member(lead, seg, true)
	w.Decided(lead, segmented, connectDone)
	target := w.Target(lead)
	if target.Lookup("msdyn_segment") != link("msdyn_segment", seg) || target.Lookup("msdyn_parentsequence").ID != seq || target.Lookup("ownerid") != owner {
		t.Errorf("the target is %v", target.Values())
	}
	w.Sound(true)
}

// docs/domain.md §17.5: it does not fall through to a segment that has a sequence.
func TestEvaluate_17_5_HigherSegmentWithoutSequence(t *testing.T) {
	w := newWorld(t, boot.Options{})
	w.Segment(1, web, w.Sequence(1, "lead"), nil)
	high := w.Segment(2, hot, "", nil)
	lead := w.Lead(1, values{sources: int64(8), quality: int64(1)})
	w.Settle()
	w.Member(lead, high, false)
	w.Decided(lead, segmented, connectNoSequence)
}

// docs/domain.md §17.8.
func TestEvaluate_17_8_InactiveSequence(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	seg := w.Segment(1, web, seq, nil)
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	first := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Member(first, seg, false)
	w.Decided(first, segmented, connectInactive)
	if err := w.Entities.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_sequence", ID: seq}, entity.If{}); err != nil {
		t.Fatal(err)
	}
	second := w.Lead(2, values{sources: int64(8)})
	w.Settle()
	w.Member(second, seg, false)
	w.Decided(second, segmented, connectInactive)
}

func TestEvaluate_8_4_RecordOnItsSegmentsSequenceAlready(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	seg := w.Segment(1, web, seq, nil)
	lead := w.Lead(1, nil)
	target := w.Connect(lead, seq)
	w.Update("lead", lead.ID, values{sources: int64(8)})
	w.Settle()
	w.Member(lead, seg, true)
	w.Decided(lead, segmented, connectUnchanged)
	if got := w.Target(lead); got.ID != target.ID || got.Int("statecode") != 0 {
		t.Errorf("the connection was replaced by %v", got.Values())
	}
}

func TestEvaluate_8_4_RecordOnAnotherSequence(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	lead, other := w.Lead(1, nil), w.Sequence(2, "lead")
	w.Connect(lead, other)
	w.Update("lead", lead.ID, values{sources: int64(8)})
	w.Settle()
	w.Member(lead, seg, true)
	w.Decided(lead, segmented, connectUnchanged)
	if of := w.Target(lead).Lookup("msdyn_parentsequence").ID; of != other {
		t.Error("entering its first segment took the record off its sequence")
	}
}

func TestEvaluate_8_4_RefusedConnectionIsAnOutcome(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	lead := w.Lead(1, values{sources: int64(8), "statuscode": leadContacted})
	w.Settle()
	w.Member(lead, seg, false)
	w.Decided(lead, segmented, connectFailed)
}

// docs/domain.md §17.7.
func TestEvaluate_17_7_StickyWithoutResegmentation(t *testing.T) {
	w := newWorld(t, boot.Options{})
	low := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	w.Segment(2, hot, w.Sequence(2, "lead"), nil)
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Update("lead", lead.ID, values{quality: int64(1)}) // matches both
	w.Untouched(t, w.Settle)
	w.Member(lead, low, true)
	w.Update("lead", lead.ID, values{sources: int64(1)}) // matches the higher one alone
	w.Untouched(t, w.Settle)
	w.Member(lead, low, true)
}

func TestEvaluate_17_7_ResegmentationMovesAndReconnects(t *testing.T) {
	w := newWorld(t, boot.Options{})
	first, second := w.Sequence(1, "lead"), w.Sequence(2, "lead")
	w.Segment(1, web, first, nil)
	high := w.Segment(2, hot, second, values{"msdyn_isresegmentationenabled": true})
	owner := w.User(5)
	lead := w.Lead(1, values{sources: int64(8), "ownerid": owner})
	w.Settle()
	old := w.Target(lead)
	w.Update("lead", lead.ID, values{quality: int64(1)})
	w.Settle()
	w.Member(lead, high, true)
	w.Decided(lead, segmented, connectDone)
	w.Ended(old, disconnected, byUser, stepCancelled)
	live := w.List("msdyn_sequencetarget", values{"msdyn_target": lookup(lead), "statecode": int64(0)})
	if len(live) != 1 || live[0].Lookup("msdyn_parentsequence").ID != second || live[0].Lookup("msdyn_segment").ID != high {
		t.Errorf("%d live targets", len(live))
	}
	if got := w.Row("lead", lead.ID).Lookup("ownerid"); got != owner {
		t.Errorf("the move gave the lead to %v", got)
	}
	w.Sound(true)
}

// A move whose connection is refused must not cost the record the one it has.
func TestEvaluate_8_4_MoveThatCannotConnectKeepsTheConnection(t *testing.T) {
	w := newWorld(t, boot.Options{})
	w.Segment(1, web, w.Sequence(1, "lead"), nil)
	high := w.Segment(2, hot, w.Sequence(2, "lead"), values{"msdyn_isresegmentationenabled": true})
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	target := w.Target(lead)
	w.Update("lead", lead.ID, values{quality: int64(1), "statuscode": leadContacted})
	w.Settle()
	w.Member(lead, high, true)
	w.Decided(lead, segmented, connectFailed)
	if got := w.Target(lead); got.ID != target.ID || got.Int("statecode") != 0 {
		t.Errorf("the connection has ended: %v", got.Values())
	}
	w.Sound(true)
}

func TestEvaluate_8_4_MoveToASegmentWithoutSequenceKeepsTheConnection(t *testing.T) {
	w := newWorld(t, boot.Options{})
	w.Segment(1, web, w.Sequence(1, "lead"), nil)
	high := w.Segment(2, hot, "", values{"msdyn_isresegmentationenabled": true})
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Update("lead", lead.ID, values{quality: int64(1)})
	w.Settle()
	w.Member(lead, high, true)
	w.Decided(lead, segmented, connectNoSequence)
}

func TestEvaluate_8_4_RecordThatMatchesNothingStays(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Update("lead", lead.ID, values{sources: int64(1)})
	w.Untouched(t, w.Settle)
	w.Member(lead, seg, true)
}

// docs/domain.md §8.5: attaching is not retroactive; the next evaluation connects.
func TestEvaluate_8_5_AttachedLater(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	seg := w.Segment(1, web+","+`{"attribute":"companyname","operator":"ne","values":["x"]}`, "", nil)
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Member(lead, seg, false)
	w.Update("msdyn_segment", seg, values{"msdyn_sequence": link("msdyn_sequence", seq)})
	w.Settle()
	w.Member(lead, seg, false)
	w.Update("lead", lead.ID, values{"companyname": "C"})
	w.Settle()
	w.Member(lead, seg, true)
	w.Decided(lead, unchanged, connectDone)

	w.Update("msdyn_segment", seg, values{"msdyn_sequence": nil}) // detaching leaves live connections
	w.Update("lead", lead.ID, values{"companyname": "D"})
	w.Settle()
	w.Member(lead, seg, true)
	w.Sound(true)
}

func TestEvaluate_8_5_AttachedLaterToAMemberOnAnotherSequence(t *testing.T) {
	for name, several := range map[string]bool{"one sequence at a time": false, "several": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, boot.Options{Policy: sales.Policy{Several: several}})
			seq, other := w.Sequence(1, "lead"), w.Sequence(2, "lead")
			seg := w.Segment(1, web+","+`{"attribute":"companyname","operator":"ne","values":["x"]}`, "", nil)
			lead := w.Lead(1, values{sources: int64(8)})
			w.Settle()
			w.Connect(lead, other)
			w.Update("msdyn_segment", seg, values{"msdyn_sequence": link("msdyn_sequence", seq)})
			w.Update("lead", lead.ID, values{"companyname": "C"})
			w.Settle()
			live := w.List("msdyn_sequencetarget", values{"msdyn_target": lookup(lead), "statecode": int64(0)})
			if want := map[bool]int{false: 1, true: 2}[several]; len(live) != want {
				t.Errorf("%d live connections, want %d", len(live), want)
			}
		})
	}
}

func TestEvaluate_CompletedMemberIsNotEnrolledAgain(t *testing.T) {
	for name, end := range map[string]func(w *world, lead rows.Ref){
		"completed": func(w *world, lead rows.Ref) {
			target := w.Target(lead)
			for range 3 {
				target = w.Finish(target, stepSkipped)
			}
		},
		"disconnected by hand": func(w *world, lead rows.Ref) { w.Disconnect(lead) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			seg := w.Segment(1, web+","+`{"attribute":"companyname","operator":"ne","values":["x"]}`, w.Sequence(1, "lead"), nil)
			lead := w.Lead(1, values{sources: int64(8)})
			w.Settle()
			end(w, lead)
			w.Settle()
			w.Update("lead", lead.ID, values{"companyname": "C"})
			w.Untouched(t, w.Settle)
			w.Member(lead, seg, false)
		})
	}
}

// An evaluation whose record moves on while it is being written decides again, by
// the segments as they are then.
func TestEvaluate_8_4_DecidesAgainByTheSegmentsAsTheyAre(t *testing.T) {
	now := clock.NewManual(salestest.Now())
	w := newWorld(t, boot.Options{Freshness: sales.Freshness{For: time.Second, Clock: now}})
	first := w.Segment(1, web, "", nil)
	second := w.Segment(2, `{"attribute":"leadsourcecode","operator":"not-null"}`, "", values{"segue_priority": int64(2)})
	w.Settle()
	w.Fresh()
	lead := w.Lead(1, values{sources: int64(8)})
	created := w.Fresh()
	w.Before(func(call probe.Call) bool {
		return call.Method == probe.Write && tableOf(call.Keys[0]) == "lead"
	}, func(other *world) {
		other.Update("msdyn_segment", first, values{"statecode": int64(1)})
		other.Update("lead", lead.ID, values{"jobtitle": "Buyer"})
		now.Advance(2 * time.Second) // who deactivated the segment has been answered
	})
	w.Deliver(created)
	w.Member(lead, second, false)
}
