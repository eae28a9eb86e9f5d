package sequence

import (
	"strings"
	"time"

	"segue/internal/guid"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Sequence is a typed view of a row of sequences.
type Sequence struct{ Row schema.Columns }

// Name is what people call the sequence.
func (s Sequence) Name() string { return s.Row.Text(name.MsdynName) }

// RecordType is the table whose records can be connected to it.
func (s Sequence) RecordType() string { return s.Row.Text(name.MsdynRegardingentityname) }

// State is whether records can be connected.
func (s Sequence) State() State { return State(s.Row.Int(name.Statecode)) }

// InRevision reports whether the sequence is active and edited in place.
func (s Sequence) InRevision() bool { return s.Row.Int(name.Statuscode) == StatusRevision }

// Version counts the definitions that were activated, from 1.
func (s Sequence) Version() int64 { return s.Row.Int(name.MsdynVersion) }

// Text is the definition as it was written; [Parse] reads it.
func (s Sequence) Text() string { return s.Row.Text(name.MsdynDefinition) }

// Digest is of the definition that was activated last, "" before the first time.
func (s Sequence) Digest() string { return s.Row.Text(name.SegueDigest) }

// Sweep is the job that ends the sequence's connections, "" when there is none.
func (s Sequence) Sweep() name.JobID { return name.JobID(s.Row.Text(name.SegueSweep)) }

// Phase is what the sequence goes through.
func (s Sequence) Phase() Phase { return Phase(s.Row.Text(name.SeguePhase)) }

// Target is a typed view of a row of sequence targets.
type Target struct{ Row schema.Columns }

// Live reports whether the target is a live connection.
func (t Target) Live() bool { return TargetState(t.Row.Int(name.Statecode)) == TargetActive }

// Status is the target's status.
func (t Target) Status() Status { return Status(t.Row.Int(name.Statuscode)) }

// Record is the connected record.
func (t Target) Record() schema.Lookup { return t.Row.Lookup(name.MsdynTarget) }

// Sequence is the sequence that the record is on.
func (t Target) Sequence() name.SequenceID {
	return name.SequenceID(t.Row.Lookup(name.MsdynParentsequence).ID)
}

// Version is that of the definition by which the target goes on.
func (t Target) Version() int64 { return t.Row.Int(name.MsdynParentsequenceversion) }

// BySystem reports whether the current step is done by the system; see [TargetStep.BySystem].
func (t Target) BySystem() bool { return t.Row.Is(name.SegueSystem) }

// CurrentType is the type of the current step.
func (t Target) CurrentType() StepType { return StepType(t.Row.Int(name.MsdynCurrentsteptype)) }

// CurrentStep is the open step, or the last one of a target that has ended.
func (t Target) CurrentStep() name.SequenceTargetStepID {
	return name.SequenceTargetStepID(t.Row.Lookup(name.SegueCurrentstep).ID)
}

// Activity is the activity of the current step, if it has one.
func (t Target) Activity() (activity schema.Lookup, ok bool) {
	if !t.Row.Is(name.SegueActivity) {
		return schema.Lookup{}, false
	}
	return ActivityOf(t.CurrentType(), t.CurrentStep())
}

// TargetStep is a typed view of a row of sequence target steps.
type TargetStep struct{ Row schema.Columns }

// Name is what the step is called in the definition.
func (s TargetStep) Name() string { return s.Row.Text(name.MsdynName) }

// State is whether the step is still to be done.
func (s TargetStep) State() StepState { return StepState(s.Row.Int(name.Statecode)) }

// Status is the step's status.
func (s TargetStep) Status() StepStatus { return StepStatus(s.Row.Int(name.Statuscode)) }

// Type is the step's type.
func (s TargetStep) Type() StepType { return StepType(s.Row.Int(name.MsdynType)) }

// BySystem reports whether the system does the step, which is then in the due list and not in
// the list of its owner. One that it cannot do is its owner's.
func (s TargetStep) BySystem() bool { return s.Row.Is(name.SegueSystem) }

// Due is when the step is due; of a wait or a condition when it is over.
func (s TargetStep) Due() time.Time { return s.Row.Time(name.MsdynDuetime) }

// Limit is until when a condition waits, or when a wait is over.
func (s TargetStep) Limit() time.Time {
	if s.Type() == Condition { // a try that failed moves its due time
		return s.Row.Time(name.MsdynSequenceduetime)
	}
	return s.Due()
}

// Error is why the step is held, [NoError] where it is not.
func (s TargetStep) Error() StepError { return StepError(s.Row.Int(name.MsdynErrorstate)) }

// Sequence is the sequence that the step comes from.
func (s TargetStep) Sequence() name.SequenceID {
	return name.SequenceID(s.Row.Lookup(name.SegueSequence).ID)
}

// Activity is the activity of the step, if it has one.
func (s TargetStep) Activity() (activity schema.Lookup, ok bool) {
	linked := s.Row.Text(name.MsdynLinkedactivityid)
	if linked == "" {
		return schema.Lookup{}, false
	}
	activity, ok = ActivityOf(s.Type(), "")
	activity.ID = linked
	return activity, ok
}

// ActivityOf returns which activity a step of a type has, if it has one; ok is false for types
// that have none. Its id derives from the step's, so a step has one at most.
func ActivityOf(t StepType, step name.SequenceTargetStepID) (activity schema.Lookup, ok bool) {
	table := ""
	switch t {
	case Email:
		table = name.Email
	case PhoneCall:
		table = name.PhoneCall
	case Task:
		table = name.Task
	case Wait, Condition, LinkedIn, ABTest, AutomatedEmail, AutomatedText, AutoAction, TextMessage:
		return schema.Lookup{}, false
	}
	return schema.Lookup{Table: table, ID: guid.Derive("activity", string(step))}, table != ""
}

// Position is what finishing the step goes by.
func (s TargetStep) Position() Position {
	table, id, _ := strings.Cut(s.Row.Text(name.SegueRecord), ":")
	return Position{
		Target:  name.SequenceTargetID(s.Row.Lookup(name.MsdynSequencetarget).ID),
		Record:  schema.Lookup{Table: table, ID: id},
		Owner:   s.Row.Lookup(name.SegueOwner),
		Step:    StepID(s.Row.Text(name.MsdynSequencestepid)),
		Type:    s.Type(),
		Version: s.Row.Int(name.SegueVersion),
		Passed:  int(s.Row.Int(name.SeguePosition)),
		Done:    int(s.Row.Int(name.SegueDone)),
	}
}
