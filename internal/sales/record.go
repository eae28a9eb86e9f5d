package sales

import (
	"time"

	"segue/internal/schema"
	"segue/internal/schema/name"
)

// RecordOpen is the state of a record that sellers work on, whatever its table
// calls it (docs/domain.md §4); every other state is closed.
const RecordOpen int64 = 0

// Record is a typed view of a row that can be connected and segmented: of a table
// with the trait record.
type Record struct{ Row schema.Columns }

// State is the record's statecode.
func (r Record) State() int64 { return r.Row.Int(name.Statecode) }

// Status is the record's statuscode.
func (r Record) Status() int64 { return r.Row.Int(name.Statuscode) }

// Open reports whether sellers work on the record.
func (r Record) Open() bool { return r.State() == RecordOpen }

// Owner is the user or team that has the record.
func (r Record) Owner() schema.Lookup { return r.Row.Lookup(name.Ownerid) }

// Segment is the segment that the record is in, or "".
func (r Record) Segment() name.SegmentID {
	return name.SegmentID(r.Row.Lookup(name.MsdynSegmentid).ID)
}

// Entered is the sequence that the record was put on as a member of its segment, or
// "": by the segment, or by hand if that was before. It outlives the connection, so
// that nobody is enrolled a second time.
func (r Record) Entered() name.SequenceID {
	return name.SequenceID(r.Row.Lookup(name.SegueSequence).ID)
}

// Erased is when the record was made to tell nothing of a person, the zero time for one
// that was not (package erasure).
func (r Record) Erased() time.Time { return r.Row.Time(name.SegueErasedon) }

// Connected reports whether the record is on a sequence.
func (r Record) Connected() bool { return r.Row.Is(name.SegueConnected) }

// Entries counts how often the record was connected.
func (r Record) Entries() int64 { return r.Row.Int(name.SegueEntries) }

// Connectable refuses tables whose rows cannot be connected (docs/domain.md
// §7.1 rule 7).
func Connectable(s *schema.Schema, table string) error {
	t := s.Table(table)
	if t == nil {
		return Refuse(Invalid, "table %q does not exist", table)
	}
	if !t.Is(name.RecordTrait) {
		return Refuse(Invalid, "rows of %s cannot be connected to sequences", table)
	}
	return nil
}
