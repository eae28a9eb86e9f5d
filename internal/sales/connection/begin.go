package connection

import (
	"context"
	"maps"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// ConnectLoaded adds a connection to a record that the unit of work holds: the
// decision of Connect, and of an evaluation for its segment's sequence. A
// refusal leaves the record as it is.
func (s *Connections) ConnectLoaded(ctx context.Context, tx *rows.Tx, record *rows.Row, parent authoring.Sequence, request Request) (Connection, error) {
	switch {
	case parent.ID == "":
		return Connection{}, sales.NoRow(rows.RefTo(name.Sequence, request.Sequence))
	case !parent.Active:
		return Connection{}, sales.Refuse(sales.Precondition, "sequence %q (%s) is not active; only an active sequence can be connected", parent.Name, parent.ID)
	case parent.Table != record.Table.Name:
		return Connection{}, sales.Refuse(sales.Precondition, "sequence %q (%s) is for records of %s, not of %s", parent.Name, parent.ID, parent.Table, record.Table.Name)
	}
	live, err := Live(record)
	if err != nil {
		return Connection{}, err
	}
	// Before the question whether the record may be connected: one that is on
	// the sequence stays on it, also as a lead that is not New any more.
	if target, ok := live[parent.ID]; ok {
		return Connection{Target: target, Already: true}, nil
	}
	if err := s.RefuseIneligible(record); err != nil {
		return Connection{}, err
	}
	if len(live) > 0 && !s.policy.Several {
		return Connection{}, s.refuseSecondSequence(ctx, record, slices.Sorted(maps.Keys(live))[0])
	}
	return s.begin(ctx, tx, record, parent, request, live)
}

// begin writes target, first step and guard into the unit of work.
func (s *Connections) begin(ctx context.Context, tx *rows.Tx, record *rows.Row, parent authoring.Sequence, request Request, live LiveConnections) (Connection, error) {
	connection := sequence.Connection{
		Record:   schema.Lookup{Table: record.Table.Name, ID: record.ID},
		Name:     record.Text(record.Table.PrimaryName),
		Owner:    ownerOf(parent.Definition, record, request.by()),
		Sequence: parent.ID,
		Segment:  request.Segment,
		Version:  record.Next(), // no other connection of any row with this id begins with this version
		Entry:    sales.Record{Row: record}.Entries() + 1,
		Start:    s.db.Now().Add(request.Delay),
		From:     request.From,
		Winners:  parent.Definition.Winners(parent.Verdicts, s.db.Now()),
	}
	schedule, err := s.calendars.Schedule(ctx, connection.Owner, parent.Definition.WorkingTime)
	if err != nil {
		return Connection{}, err
	}
	target, step, stepID := sequence.Begin(parent.Definition, connection, schedule)
	unit, err := s.unitOf(ctx, record, connection.Owner)
	if err != nil {
		return Connection{}, err
	}
	target[name.Owningbusinessunit] = unit
	if stepID != "" {
		step[name.Owningbusinessunit] = unit
		if err := s.activities.Open(ctx, tx, stepID, step, target); err != nil {
			return Connection{}, err
		}
	}
	tx.Create(tx.Schema().Table(name.SequenceTarget), string(connection.Target()), target)
	if stepID == "" { // a test sent the record down a branch without a step: it has been on the sequence
		return Connection{Target: connection.Target()}, nil
	}
	tx.Create(tx.Schema().Table(name.SequenceTargetStep), string(stepID), step)
	live[parent.ID] = connection.Target()
	setLive(record, live)
	record.Set(name.SegueEntries, schema.Int(connection.Entry))
	if view := (sales.Record{Row: record}); view.Segment() != "" && view.Entered() == "" {
		// Also by hand: should it be the sequence that is attached to the segment, the
		// next evaluation must not put the record on it again.
		record.Set(name.SegueSequence, schema.RefTo(name.Sequence, parent.ID))
	}
	return Connection{Target: connection.Target()}, nil
}

// refuseSecondSequence says which sequence the record is on.
func (s *Connections) refuseSecondSequence(ctx context.Context, record *rows.Row, sequenceID name.SequenceID) error {
	on := schema.Lookup{Table: name.Sequence, ID: string(sequenceID)}
	names, err := s.entities.Names(ctx, []schema.Lookup{on})
	if err != nil {
		return err
	}
	return sales.Refuse(sales.Precondition, "%v is connected to sequence %q (%s); disconnect it first", record.Ref(), names[on], sequenceID)
}
