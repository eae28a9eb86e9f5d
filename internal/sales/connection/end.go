package connection

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Disconnect takes a record off a sequence, or off all with sequenceID ""
// (docs/domain.md §7.4). It returns how many connections ended; none is success
// too.
func (s *Connections) Disconnect(ctx context.Context, c sales.Caller, ref rows.Ref, sequenceID name.SequenceID) (int, error) {
	return s.disconnect(ctx, c, ref, sequenceID, nil)
}

// disconnect is Disconnect with the record possibly read already.
func (s *Connections) disconnect(ctx context.Context, c sales.Caller, ref rows.Ref, sequenceID name.SequenceID, record *rows.Row) (ended int, err error) {
	err = s.db.DoBy(ctx, c.By(), func(tx *rows.Tx) error {
		if record != nil && !tx.Again() { // a repeated try reads it itself
			tx.Hold(record)
		}
		ended, err = s.DisconnectIn(ctx, tx, c, ref, sequenceID)
		return err
	})
	return ended, sales.Public(err)
}

// DisconnectIn is Disconnect in a unit of work.
func (s *Connections) DisconnectIn(ctx context.Context, tx *rows.Tx, c sales.Caller, ref rows.Ref, sequenceID name.SequenceID) (int, error) {
	record, err := s.loadRecord(ctx, tx, c, ref)
	if err != nil {
		return 0, err
	}
	return s.EndConnections(ctx, tx, record, sequence.DisconnectAsked, sequenceID)
}

// DisconnectTarget takes a record off one connection, named by its target. A
// target that is not the record's, or not of the sequence given ("" for any), is
// refused; one that has ended already is success and changes nothing, whatever
// the record is connected to since.
func (s *Connections) DisconnectTarget(ctx context.Context, c sales.Caller, ref rows.Ref, targetID name.SequenceTargetID, sequenceID name.SequenceID) (ended int, err error) {
	err = s.db.DoBy(ctx, c.By(), func(tx *rows.Tx) error {
		ended, err = s.DisconnectTargetIn(ctx, tx, c, ref, targetID, sequenceID)
		return err
	})
	return ended, sales.Public(err)
}

// DisconnectTargetIn is DisconnectTarget in a unit of work.
func (s *Connections) DisconnectTargetIn(ctx context.Context, tx *rows.Tx, c sales.Caller, ref rows.Ref, targetID name.SequenceTargetID, sequenceID name.SequenceID) (int, error) {
	row, err := s.entities.RetrieveIn(ctx, tx, c, rows.RefTo(name.SequenceTarget, targetID))
	if err != nil {
		return 0, err
	}
	target := sequence.Target{Row: row}
	parent, owner := target.Sequence(), target.Record()
	if owner != (schema.Lookup{Table: ref.Table, ID: ref.ID}) || sequenceID != "" && sequenceID != parent {
		return 0, sales.Refuse(sales.Invalid, "SequenceTargetId %s is a connection of %s %s to sequence %s", targetID, owner.Table, owner.ID, parent)
	}
	record, err := s.loadRecord(ctx, tx, c, ref)
	if err != nil {
		return 0, err
	}
	live, err := Live(record)
	if err != nil {
		return 0, err
	}
	if live[parent] != targetID { // it has ended, and a later connection to its sequence is not meant
		return 0, nil
	}
	return s.EndConnections(ctx, tx, record, sequence.DisconnectAsked, parent)
}

// loadRecord loads the record that a caller disconnects.
func (s *Connections) loadRecord(ctx context.Context, tx *rows.Tx, c sales.Caller, ref rows.Ref) (*rows.Row, error) {
	if err := s.admit(ctx, c, ref.Table); err != nil {
		return nil, err
	}
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("disconnect %v: %w", ref, err)
	}
	if found[0] == nil {
		return nil, sales.NoRow(ref)
	}
	return found[0], s.authorizeRecord(ctx, c, found[0])
}

// EndConnections ends live connections of a record that the unit of work holds:
// all of them, or with sequenceID the one to that sequence. Targets are read
// together; open steps are cancelled with them. It returns how many it ended.
func (s *Connections) EndConnections(ctx context.Context, tx *rows.Tx, record *rows.Row, event sequence.Event, sequenceID name.SequenceID) (int, error) {
	live, err := Live(record)
	if err != nil {
		return 0, err
	}
	var refs []rows.Ref
	for _, id := range slices.Sorted(maps.Keys(live)) {
		if sequenceID == "" || sequenceID == id {
			refs = append(refs, rows.RefTo(name.SequenceTarget, live[id]))
			delete(live, id)
		}
	}
	if len(refs) == 0 {
		return 0, nil
	}
	targets, err := tx.Load(ctx, refs...)
	if err != nil {
		return 0, err
	}
	for _, target := range targets {
		if target == nil {
			continue
		}
		if err := s.closeTarget(ctx, tx, target, event); err != nil {
			return 0, err
		}
	}
	setLive(record, live)
	return len(refs), nil
}

// EndTarget ends the connection of a target that was read and takes it out of its record's
// guard, where it is; it reports whether it was live.
func (s *Connections) EndTarget(ctx context.Context, tx *rows.Tx, target *rows.Row, event sequence.Event) (live bool, err error) {
	listed := sequence.Target{Row: target}
	record := listed.Record()
	found, err := tx.Load(ctx, rows.Ref{Table: record.Table, ID: record.ID}, target.Ref())
	if err != nil {
		return false, err
	}
	row := found[1]
	if row == nil || !(sequence.Target{Row: row}).Live() { // it has ended meanwhile
		return false, nil
	}
	if err := s.closeTarget(ctx, tx, row, event); err != nil {
		return false, err
	}
	return true, FreeGuard(found[0], listed.Sequence(), name.SequenceTargetID(target.ID))
}

// closeTarget ends a held target and cancels its open step, with its activity.
func (s *Connections) closeTarget(ctx context.Context, tx *rows.Tx, target *rows.Row, event sequence.Event) error {
	view := sequence.Target{Row: target}
	columns, ok := sequence.End(view.Status(), event)
	if !ok { // it has ended already
		return nil
	}
	if linked, ok := view.Activity(); ok {
		if err := s.activities.Close(ctx, tx, linked, sequence.StepCancelled, 0); err != nil {
			return err
		}
	}
	target.SetAll(s.Expiring(columns))
	patchOpenStep(tx, target, s.Expiring(sequence.Cancelled()))
	return nil
}

// Expiring adds to the columns of a target or step that ends until when it is kept. A
// step may go before its target: it may have been done long before the target ends,
// and then to look for it would cost a write more.
func (s *Connections) Expiring(columns map[string]schema.Value) map[string]schema.Value {
	if s.policy.Retention > 0 {
		columns[name.SegueExpireson] = schema.Time(s.db.Now().Add(s.policy.Retention))
	}
	return columns
}

// patchOpenStep changes the open step of a held target without reading it.
func patchOpenStep(tx *rows.Tx, target *rows.Row, set map[string]schema.Value) {
	stepID := string(sequence.Target{Row: target}.CurrentStep())
	tx.Patch(tx.Schema().Table(name.SequenceTargetStep), stepID, set, map[string]schema.Value{
		name.Statecode: schema.Int(int64(sequence.StepActive)), name.SegueSystem: target.Columns()[name.SegueSystem], // the lists that it leaves
	})
}
