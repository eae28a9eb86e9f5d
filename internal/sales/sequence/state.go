package sequence

import "segue/internal/schema/name"

// State is the state of a sequence, a value of its statecode (docs/domain.md
// §4.1); a segment has the same two the other way around.
type State int64

// The states of a sequence.
const (
	Inactive State = 0
	Active   State = 1
)

// The statuses of a sequence that the product speaks of.
const (
	StatusInactive int64 = 1
	StatusActive   int64 = 2
	StatusRevision int64 = 3 // an active sequence that is edited in place
)

// The types of a sequence's row, values of msdyn_type.
const (
	TypeDefinition int64 = 0 // the sequence itself
	TypeActivation int64 = 1 // a version of it that was activated
)

// IsVersion reports whether the row is a version of a sequence that was activated, and not
// the sequence itself.
func (s Sequence) IsVersion() bool { return s.Row.Int(name.MsdynType) == TypeActivation }

// Definition is the sequence that a row of a version belongs to.
func (s Sequence) Definition() name.SequenceID {
	return name.SequenceID(s.Row.Lookup(name.MsdynParentsequence).ID)
}

// TargetState is the state of a target, a value of its statecode (docs/domain.md
// §4.2). It follows from the Status.
type TargetState int64

// The states of a target.
const (
	TargetActive   TargetState = 0 // a live connection
	TargetInactive TargetState = 1 // it has ended
)

// StepState is the state of a step, a value of its statecode (docs/domain.md
// §4.3). It follows from the StepStatus.
type StepState int64

// The states of a step.
const (
	StepActive   StepState = 0 // a seller or the system has to do it
	StepInactive StepState = 1 // it is done, skipped or cancelled
)

// StepStatus is the status of a step, a value of its statuscode (docs/domain.md
// §4.3).
type StepStatus int64

// The statuses of a step.
const (
	StepOpen      StepStatus = 1
	StepCompleted StepStatus = 2
	StepSkipped   StepStatus = 3
	StepCancelled StepStatus = 4
)

// Phase is what a sequence goes through while its connections end.
type Phase string

// The phases. NoPhase is the usual one.
const (
	NoPhase      Phase = ""
	Deactivating Phase = "deactivating"
	Deleting     Phase = "deleting" // nobody sees the sequence any more
)
