package segment

import (
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// State is the state of a segment, a value of its statecode (docs/domain.md
// §4.4); a sequence has the first two the other way around.
type State int64

// The states of a segment.
const (
	Active   State = 0
	Inactive State = 1
	Paused   State = 2 // not active; no page of the reference describes it
)

// Segment is a typed view of a row of segments.
type Segment struct{ Row schema.Columns }

// Name is what people call the segment.
func (s Segment) Name() string { return s.Row.Text(name.MsdynName) }

// RecordType is the table whose records it takes.
func (s Segment) RecordType() string { return s.Row.Text(name.MsdynObjecttype) }

// State is whether it takes records.
func (s Segment) State() State { return State(s.Row.Int(name.Statecode)) }

// Conditions is the condition tree as it was written, "" for none.
func (s Segment) Conditions() string { return s.Row.Text(name.MsdynEntityfilter) }

// Sequence is the attached sequence, or "".
func (s Segment) Sequence() name.SequenceID {
	return name.SequenceID(s.Row.Lookup(name.MsdynSequence).ID)
}

// Takes reports whether it takes records from other segments.
func (s Segment) Takes() bool { return s.Row.Is(name.MsdynIsresegmentationenabled) }

// Leaves reports whether a member that it no longer matches leaves it.
func (s Segment) Leaves() bool { return s.Row.Is(name.SegueLeaves) }

// Default reports whether it is the built-in one of its record type.
func (s Segment) Default() bool { return s.Row.Is(name.SegueIsdefault) }

// Priority is the position that a write asks for, from 1; 0 asks for none. It is
// not stored: the order row has it.
func (s Segment) Priority() int { return int(s.Row.Int(name.SeguePriority)) }
