package segmentation

import (
	"context"
	"errors"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/connection"
	"segue/internal/sales/segment"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/tally"
)

// ConnectStatus says what came of connecting a record to its segment's
// sequence, a value of msdyn_connectsequencestatus (docs/domain.md §4.7).
type ConnectStatus int64

// The outcomes.
const (
	ConnectDone       ConnectStatus = 1
	ConnectFailed     ConnectStatus = 2
	ConnectSkipped    ConnectStatus = 3 // segmentation found nothing
	ConnectNoSequence ConnectStatus = 4 // no sequence attached to the segment
	ConnectUnchanged  ConnectStatus = 5
	ConnectInactive   ConnectStatus = 7 // sequence is deleted or inactive
)

// effect is what a change has led to.
type effect struct{ written, entered, moved, connected bool }

// count counts what is committed.
func (e effect) count(ctx context.Context) {
	for count, is := range map[tally.Count]bool{
		tally.Written: e.written, tally.Entered: e.entered, tally.Moved: e.moved, tally.Connected: e.connected,
	} {
		if is {
			tally.Add(ctx, count, 1)
		}
	}
}

// enter decides on a held record and changes it. The record may have moved on
// since the change, which requested something then.
func (s *Segmentation) enter(ctx context.Context, tx *rows.Tx, known compiled, record *rows.Row, requested segment.Status, source Source) (effect, error) {
	view := sales.Record{Row: record}
	if !view.Open() || !view.Erased().IsZero() { // closed or erased meanwhile
		return effect{}, nil
	}
	from := view.Segment()
	decision, err := known.Decide(record, from, known.scope())
	if err != nil {
		return effect{}, err
	}
	if decision.Segment == nil && decision.Left == nil { // no segment takes it any more
		return effect{}, nil
	}
	// The change asked to enter a segment and the record stays in its own now:
	// the entering was done, by this change or a later one, and is not done twice,
	// unless it had no sequence to connect to.
	if decision.Status == segment.Unchanged && requested == segment.Segmented && !enteredWithoutSequence(record) {
		return effect{}, nil
	}
	if decision.Changes() {
		joined := schema.Null()
		if decision.Segment != nil {
			joined = schema.RefTo(name.Segment, decision.Segment.ID)
		}
		record.Set(name.MsdynSegmentid, joined)
		record.Set(name.SegueSequence, schema.Null())
	}
	status, reason, err := s.connectMember(ctx, tx, record, decision)
	if err != nil {
		return effect{}, err
	}
	if !record.Changed() {
		return effect{}, nil
	}
	receipt := newEvaluation(decision, status, reason)
	receipt.Source = source
	setReceipt(record, receipt, from)
	return effect{written: true, entered: decision.Status == segment.Segmented, moved: decision.Moved, connected: status == ConnectDone}, nil
}

// connectMember connects a record to the sequence of the segment that it is in
// or enters (docs/domain.md §8.4, "connect step"), once it is off those of the segment that
// it leaves. A refusal is an outcome with a reason, not an error.
func (s *Segmentation) connectMember(ctx context.Context, tx *rows.Tx, record *rows.Row, decision segment.Decision) (ConnectStatus, why, error) {
	plan, err := s.plan(ctx, tx.Load, record, decision)
	if err != nil {
		return 0, why{}, err
	}
	if err := s.leaveSegment(ctx, tx, record, plan); err != nil {
		return 0, why{}, err
	}
	if decision.Segment == nil {
		return plan.Status, plan.because, nil
	}
	sequenceID := decision.Segment.Sequence
	if plan.because.Code == onIts {
		record.Set(name.SegueSequence, schema.RefTo(name.Sequence, sequenceID))
	}
	if plan.all {
		if _, err := s.connections.EndConnections(ctx, tx, record, sequence.DisconnectAsked, ""); err != nil {
			return 0, why{}, err
		}
	}
	if !plan.Begins {
		return plan.Status, plan.because, nil
	}
	request := connection.Request{Record: record.Ref(), Sequence: sequenceID, Segment: decision.Segment.ID}
	_, err = s.connections.ConnectLoaded(ctx, tx, record, plan.parent, request)
	if refusal, ok := errors.AsType[*sales.Error](err); ok {
		return ConnectFailed, why{Text: refusal.Text}, nil
	}
	if err != nil {
		return 0, why{}, err
	}
	record.Set(name.SegueSequence, schema.RefTo(name.Sequence, sequenceID))
	return ConnectDone, why{}, nil
}

// Plan is what connecting a record to the sequence of its segment would do.
type Plan struct {
	Status ConnectStatus // what it comes to, unless the connection is refused
	Begins bool          // a connection to the segment's sequence begins
	Ends   bool          // and connections that the record has end

	all     bool               // all that it has
	left    left               // those of the segment that the record leaves
	parent  authoring.Sequence // the sequence
	because why
}

// Plan says what connecting a record to the sequence of the segment that it is in or
// enters would do, and what leaving one would; it does nothing. decision has a segment, or
// the record leaves one.
func (s *Segmentation) Plan(ctx context.Context, record *rows.Row, decision segment.Decision) (Plan, error) {
	return s.plan(ctx, s.db.Get, record, decision)
}

// plan is Plan; read reads rows.
func (s *Segmentation) plan(ctx context.Context, read reading, record *rows.Row, decision segment.Decision) (Plan, error) {
	left, err := leftBy(ctx, read, record, decision)
	if err != nil {
		return Plan{}, err
	}
	plan, err := s.planConnection(ctx, record, decision, left)
	plan.left, plan.Ends = left, plan.all || len(left.ends) > 0
	return plan, err
}

// planConnection plans the connection of a record to the sequence of its segment, when it is
// off those of the segment that it has left.
func (s *Segmentation) planConnection(ctx context.Context, record *rows.Row, decision segment.Decision, left left) (Plan, error) {
	if decision.Segment == nil {
		return Plan{Status: ConnectSkipped}, nil
	}
	sequenceID := decision.Segment.Sequence
	if sequenceID == "" {
		return Plan{Status: ConnectNoSequence}, nil
	}
	parent, err := s.sequences.Sequence(ctx, sequenceID)
	if err != nil {
		return Plan{}, err
	}
	if !parent.Active {
		return Plan{Status: ConnectInactive}, nil
	}
	live, err := connection.Live(record)
	if err != nil {
		return Plan{}, err
	}
	for _, ended := range left.ends {
		delete(live, ended)
	}
	if _, on := live[sequenceID]; on {
		return Plan{Status: ConnectUnchanged, because: why{Code: onIts}}, nil
	}
	// A member that has completed the sequence, or was taken off it, is not
	// enrolled again by its next change.
	if decision.Status != segment.Segmented && (sales.Record{Row: record}).Entered() == sequenceID {
		return Plan{Status: ConnectUnchanged, because: why{Code: onItBefore}}, nil
	}
	plan := Plan{Status: ConnectDone, Begins: true, parent: parent}
	if len(live) == 0 || s.policy.Several {
		return plan, nil
	}
	if !decision.Moved || !decision.Segment.Takes { // entering a first segment takes nobody off a sequence
		return Plan{Status: ConnectUnchanged, because: why{Code: onAnother}}, nil
	}
	// Ask before anything is ended: a move whose connection would be refused
	// must not cost the record the one it has.
	if refusal, ok := errors.AsType[*sales.Error](s.connections.RefuseIneligible(record)); ok {
		return Plan{Status: ConnectFailed, because: why{Text: refusal.Text}}, nil
	}
	plan.all = true
	return plan, nil
}
