package sales_test

import (
	"testing"

	"segue/internal/rows"
	"segue/internal/sales"
)

// Segmentation and connection statuses as the wire has them (domain.md §4.7).
const (
	segmented, unchanged = 1, 4

	connectDone, connectFailed, connectNoSequence, connectUnchanged, connectInactive = 1, 2, 4, 5, 7
)

func TestEvaluate_8_3_RecordCreated(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.segment(1, web, "", nil)
	in, out := w.lead(1, values{sources: int64(8)}), w.lead(2, values{sources: int64(1)})
	w.settle()
	w.member(in, seg, false)
	w.decided(in, segmented, connectNoSequence)
	w.member(out, "", false)
	w.decided(out, 0, 0)
}

// A change of a column that any segment reads makes all segments run.
func TestEvaluate_8_3_AttributeOfAnySegmentChanged(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.segment(1, web, "", nil)
	w.segment(2, hot, "", nil)
	w.update("msdyn_segment", seg, values{"statecode": int64(1)})
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	w.member(lead, "", false)
	w.update("msdyn_segment", seg, values{"statecode": int64(0)})
	w.update("lead", lead.ID, values{quality: int64(3)}) // segment 2 reads it, segment 1 takes the lead
	w.settle()
	w.member(lead, seg, false)
}

func TestEvaluate_8_3_OtherAttributesCostNothing(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.segment(1, web, "", nil)
	w.update("msdyn_segment", seg, values{"statecode": int64(1)})
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	w.update("msdyn_segment", seg, values{"statecode": int64(0)})
	w.settle()
	w.update("lead", lead.ID, values{"subject": "another"})
	w.update("lead", lead.ID, values{"ownerid": link("systemuser", id("user", 2))})
	changes := w.fresh()
	w.probe.Reset()
	w.untouched(t, func() { w.again(changes[len(changes)-1:]) })
	if c := w.probe.Counts(); c.GetKeys+c.Queries+c.Ops > 0 {
		t.Errorf("a change that no segment reads cost %+v", c)
	}
	w.settle()
	w.member(lead, "", false)
}

func TestEvaluate_8_3_ActivationAndEditAreNotRetroactive(t *testing.T) {
	w := newWorld(t, sales.Options{})
	web8, web1 := w.lead(1, values{sources: int64(8)}), w.lead(2, values{sources: int64(1)})
	w.settle()
	seg := w.segment(1, web, "", nil)
	w.settle()
	w.member(web8, "", false)
	w.update("msdyn_segment", seg, values{"msdyn_entityfilter": where(`{"attribute":"leadsourcecode","operator":"eq","values":[1]}`)})
	w.settle()
	w.member(web1, "", false)
	w.update("lead", web1.ID, values{sources: int64(2)})
	w.update("lead", web1.ID, values{sources: int64(1)})
	w.settle()
	w.member(web1, seg, false)
}

func TestEvaluate_8_3_ClosedRecordsAreSkipped(t *testing.T) {
	w := newWorld(t, sales.Options{})
	w.segment(1, web, w.sequence(1, "lead"), nil)
	lead := w.lead(1, values{sources: int64(8), "statuscode": leadQualified})
	deal := w.lead(2, values{sources: int64(8)})
	w.update("lead", deal.ID, values{"statecode": int64(1)}) // before its creation is evaluated
	w.settle()
	w.member(lead, "", false)
	w.member(deal, "", false)
	w.sound(true)
}

func TestEvaluate_8_4_HighestPriorityWins(t *testing.T) {
	w := newWorld(t, sales.Options{})
	low := w.segment(1, web, "", nil)
	high := w.segment(2, hot, "", nil)
	lead := w.lead(1, values{sources: int64(8), quality: int64(1)})
	w.settle()
	w.member(lead, high, false)
	w.update("msdyn_segment", high, values{"segue_priority": int64(2)})
	second := w.lead(2, values{sources: int64(8), quality: int64(1)})
	w.settle()
	w.member(second, low, false)
	w.member(lead, high, false) // §8.6: present members stay
}

func TestEvaluate_8_4_ConnectsToTheSegmentsSequence(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	seg := w.segment(1, web, seq, nil)
	owner := link("systemuser", id("user", 5))
	lead := w.lead(1, values{sources: int64(8), "ownerid": owner})
	w.settle()
	w.member(lead, seg, true)
	w.decided(lead, segmented, connectDone)
	target := w.target(lead)
	if target.Lookup("msdyn_segment") != link("msdyn_segment", seg) || target.Lookup("msdyn_parentsequence").ID != seq || target.Lookup("ownerid") != owner {
		t.Errorf("the target is %v", target.Values())
	}
	w.sound(true)
}

// domain.md §17.5: it does not fall through to a segment that has a sequence.
func TestEvaluate_17_5_HigherSegmentWithoutSequence(t *testing.T) {
	w := newWorld(t, sales.Options{})
	w.segment(1, web, w.sequence(1, "lead"), nil)
	high := w.segment(2, hot, "", nil)
	lead := w.lead(1, values{sources: int64(8), quality: int64(1)})
	w.settle()
	w.member(lead, high, false)
	w.decided(lead, segmented, connectNoSequence)
}

// domain.md §17.8.
func TestEvaluate_17_8_InactiveSequence(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	seg := w.segment(1, web, seq, nil)
	w.update("msdyn_sequence", seq, values{"statecode": int64(0)})
	first := w.lead(1, values{sources: int64(8)})
	w.settle()
	w.member(first, seg, false)
	w.decided(first, segmented, connectInactive)
	if err := w.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_sequence", ID: seq}, sales.If{}); err != nil {
		t.Fatal(err)
	}
	second := w.lead(2, values{sources: int64(8)})
	w.settle()
	w.member(second, seg, false)
	w.decided(second, segmented, connectInactive)
}

func TestEvaluate_8_4_RecordOnItsSegmentsSequenceAlready(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	seg := w.segment(1, web, seq, nil)
	lead := w.lead(1, nil)
	target := w.connect(lead, seq)
	w.update("lead", lead.ID, values{sources: int64(8)})
	w.settle()
	w.member(lead, seg, true)
	w.decided(lead, segmented, connectUnchanged)
	if got := w.target(lead); got.ID != target.ID || got.Int("statecode") != 0 {
		t.Errorf("the connection was replaced by %v", got.Values())
	}
}

func TestEvaluate_8_4_RecordOnAnotherSequence(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.segment(1, web, w.sequence(1, "lead"), nil)
	lead, other := w.lead(1, nil), w.sequence(2, "lead")
	w.connect(lead, other)
	w.update("lead", lead.ID, values{sources: int64(8)})
	w.settle()
	w.member(lead, seg, true)
	w.decided(lead, segmented, connectUnchanged)
	if of := w.target(lead).Lookup("msdyn_parentsequence").ID; of != other {
		t.Error("entering its first segment took the record off its sequence")
	}
}

func TestEvaluate_8_4_RefusedConnectionIsAnOutcome(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.segment(1, web, w.sequence(1, "lead"), nil)
	lead := w.lead(1, values{sources: int64(8), "statuscode": leadContacted})
	w.settle()
	w.member(lead, seg, false)
	w.decided(lead, segmented, connectFailed)
}

// domain.md §17.7.
func TestEvaluate_17_7_StickyWithoutResegmentation(t *testing.T) {
	w := newWorld(t, sales.Options{})
	low := w.segment(1, web, w.sequence(1, "lead"), nil)
	w.segment(2, hot, w.sequence(2, "lead"), nil)
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	w.update("lead", lead.ID, values{quality: int64(1)}) // matches both
	w.untouched(t, w.settle)
	w.member(lead, low, true)
	w.update("lead", lead.ID, values{sources: int64(1)}) // matches the higher one alone
	w.untouched(t, w.settle)
	w.member(lead, low, true)
}

func TestEvaluate_17_7_ResegmentationMovesAndReconnects(t *testing.T) {
	w := newWorld(t, sales.Options{})
	first, second := w.sequence(1, "lead"), w.sequence(2, "lead")
	w.segment(1, web, first, nil)
	high := w.segment(2, hot, second, values{"msdyn_isresegmentationenabled": true})
	owner := link("systemuser", id("user", 5))
	lead := w.lead(1, values{sources: int64(8), "ownerid": owner})
	w.settle()
	old := w.target(lead)
	w.update("lead", lead.ID, values{quality: int64(1)})
	w.settle()
	w.member(lead, high, true)
	w.decided(lead, segmented, connectDone)
	w.ended(old, disconnected, byUser, stepCancelled)
	live := w.list("msdyn_sequencetarget", values{"msdyn_target": lookup(lead), "statecode": int64(0)})
	if len(live) != 1 || live[0].Lookup("msdyn_parentsequence").ID != second || live[0].Lookup("msdyn_segment").ID != high {
		t.Errorf("%d live targets", len(live))
	}
	if got := w.row("lead", lead.ID).Lookup("ownerid"); got != owner {
		t.Errorf("the move gave the lead to %v", got)
	}
	w.sound(true)
}

// A move whose connection is refused must not cost the record the one it has.
func TestEvaluate_8_4_MoveThatCannotConnectKeepsTheConnection(t *testing.T) {
	w := newWorld(t, sales.Options{})
	w.segment(1, web, w.sequence(1, "lead"), nil)
	high := w.segment(2, hot, w.sequence(2, "lead"), values{"msdyn_isresegmentationenabled": true})
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	target := w.target(lead)
	w.update("lead", lead.ID, values{quality: int64(1), "statuscode": leadContacted})
	w.settle()
	w.member(lead, high, true)
	w.decided(lead, segmented, connectFailed)
	if got := w.target(lead); got.ID != target.ID || got.Int("statecode") != 0 {
		t.Errorf("the connection has ended: %v", got.Values())
	}
	w.sound(true)
}

func TestEvaluate_8_4_MoveToASegmentWithoutSequenceKeepsTheConnection(t *testing.T) {
	w := newWorld(t, sales.Options{})
	w.segment(1, web, w.sequence(1, "lead"), nil)
	high := w.segment(2, hot, "", values{"msdyn_isresegmentationenabled": true})
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	w.update("lead", lead.ID, values{quality: int64(1)})
	w.settle()
	w.member(lead, high, true)
	w.decided(lead, segmented, connectNoSequence)
}

func TestEvaluate_8_4_RecordThatMatchesNothingStays(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.segment(1, web, w.sequence(1, "lead"), nil)
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	w.update("lead", lead.ID, values{sources: int64(1)})
	w.untouched(t, w.settle)
	w.member(lead, seg, true)
}

// domain.md §8.5: attaching is not retroactive; the next evaluation connects.
func TestEvaluate_8_5_AttachedLater(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	seg := w.segment(1, web+","+`{"attribute":"companyname","operator":"ne","values":["x"]}`, "", nil)
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	w.member(lead, seg, false)
	w.update("msdyn_segment", seg, values{"msdyn_sequence": link("msdyn_sequence", seq)})
	w.settle()
	w.member(lead, seg, false)
	w.update("lead", lead.ID, values{"companyname": "C"})
	w.settle()
	w.member(lead, seg, true)
	w.decided(lead, unchanged, connectDone)

	w.update("msdyn_segment", seg, values{"msdyn_sequence": nil}) // detaching leaves live connections
	w.update("lead", lead.ID, values{"companyname": "D"})
	w.settle()
	w.member(lead, seg, true)
	w.sound(true)
}

func TestEvaluate_8_5_AttachedLaterToAMemberOnAnotherSequence(t *testing.T) {
	for name, several := range map[string]bool{"one sequence at a time": false, "several": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sales.Options{Policy: sales.Policy{Several: several}})
			seq, other := w.sequence(1, "lead"), w.sequence(2, "lead")
			seg := w.segment(1, web+","+`{"attribute":"companyname","operator":"ne","values":["x"]}`, "", nil)
			lead := w.lead(1, values{sources: int64(8)})
			w.settle()
			w.connect(lead, other)
			w.update("msdyn_segment", seg, values{"msdyn_sequence": link("msdyn_sequence", seq)})
			w.update("lead", lead.ID, values{"companyname": "C"})
			w.settle()
			live := w.list("msdyn_sequencetarget", values{"msdyn_target": lookup(lead), "statecode": int64(0)})
			if want := map[bool]int{false: 1, true: 2}[several]; len(live) != want {
				t.Errorf("%d live connections, want %d", len(live), want)
			}
		})
	}
}

func TestEvaluate_CompletedMemberIsNotEnrolledAgain(t *testing.T) {
	for name, end := range map[string]func(w *world, lead rows.Ref){
		"completed": func(w *world, lead rows.Ref) {
			target := w.target(lead)
			for range 3 {
				target = w.finish(target, stepSkipped)
			}
		},
		"disconnected by hand": func(w *world, lead rows.Ref) { w.disconnect(lead) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sales.Options{})
			seg := w.segment(1, web+","+`{"attribute":"companyname","operator":"ne","values":["x"]}`, w.sequence(1, "lead"), nil)
			lead := w.lead(1, values{sources: int64(8)})
			w.settle()
			end(w, lead)
			w.settle()
			w.update("lead", lead.ID, values{"companyname": "C"})
			w.untouched(t, w.settle)
			w.member(lead, seg, false)
		})
	}
}
