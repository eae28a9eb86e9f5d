package segmentation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/segment"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
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

// Evaluation is the receipt of one evaluation, kept with the record in
// segue_evaluation when it changed the record's segment.
type Evaluation struct {
	Segmentation segment.Status `json:"segmentation"`
	Connection   ConnectStatus  `json:"connection"`
	Because      string         `json:"because"`
}

// enter decides on a held record and changes it. The record may have moved on
// since the change, which requested something then.
func (s *Segmentation) enter(ctx context.Context, tx *rows.Tx, catalogue *segment.Catalogue, record *rows.Row, requested segment.Status) error {
	if !(sales.Record{Row: record}).Open() { // closed meanwhile
		return nil
	}
	decision, err := catalogue.Decide(record, sales.Record{Row: record}.Segment())
	if err != nil {
		return err
	}
	if decision.Segment == nil { // no segment takes it any more
		return nil
	}
	// The change asked to enter a segment and the record stays in its own now:
	// the entering was done, by this change or a later one, and is not done twice,
	// unless it had no sequence to connect to.
	if decision.Status == segment.Unchanged && requested == segment.Segmented && !enteredWithoutSequence(record) {
		return nil
	}
	if decision.Status == segment.Segmented {
		record.Set(name.MsdynSegmentid, schema.RefTo(name.Segment, decision.Segment.ID))
		record.Set(name.SegueSequence, schema.Null())
	}
	status, why, err := s.connectMember(ctx, tx, record, decision)
	if err != nil {
		return err
	}
	if !record.Changed() {
		return nil
	}
	return setReceipt(record, decision, status, why)
}

// enteredWithoutSequence reports whether the last evaluation that changed a record
// found no active sequence attached to its segment; one may have been attached or
// activated since.
func enteredWithoutSequence(record *rows.Row) bool {
	var receipt Evaluation
	if err := json.Unmarshal([]byte(record.Text(name.SegueEvaluation)), &receipt); err != nil {
		return false // there is none
	}
	return receipt.Connection == ConnectNoSequence || receipt.Connection == ConnectInactive
}

// setReceipt keeps with the record what its evaluation came to and why.
func setReceipt(record *rows.Row, decision segment.Decision, status ConnectStatus, why string) error {
	evaluation := Evaluation{decision.Status, status, decision.Because}
	if why != "" {
		evaluation.Because += "; " + why
	}
	text, err := json.Marshal(evaluation)
	if err != nil {
		return fmt.Errorf("%v: receipt: %w", record.Ref(), err)
	}
	record.Set(name.SegueEvaluation, schema.Text(string(text)))
	return nil
}

// connectMember connects a record to the sequence of the segment that it is in
// or enters (docs/domain.md §8.4, "connect step"). A refusal is an outcome with
// a reason, not an error.
func (s *Segmentation) connectMember(ctx context.Context, tx *rows.Tx, record *rows.Row, decision segment.Decision) (ConnectStatus, string, error) {
	sequenceID := decision.Segment.Sequence
	if sequenceID == "" {
		return ConnectNoSequence, "no sequence is attached to it", nil
	}
	parent, err := s.connections.Sequence(ctx, sequenceID)
	if err != nil {
		return 0, "", err
	}
	if !parent.Active {
		return ConnectInactive, fmt.Sprintf("its sequence %s is deleted or inactive", sequenceID), nil
	}
	live, err := connection.Live(record)
	if err != nil {
		return 0, "", err
	}
	if _, on := live[sequenceID]; on {
		record.Set(name.SegueSequence, schema.RefTo(name.Sequence, sequenceID))
		return ConnectUnchanged, "the record is on its sequence", nil
	}
	// A member that has completed the sequence, or was taken off it, is not
	// enrolled again by its next change.
	if (sales.Record{Row: record}).Entered() == sequenceID {
		return ConnectUnchanged, "the record was connected to its sequence before", nil
	}
	if len(live) > 0 && !s.policy.Several {
		status, why, err := s.leaveOthers(ctx, tx, record, decision)
		if err != nil || status != 0 {
			return status, why, err
		}
	}
	request := connection.Request{Record: record.Ref(), Sequence: sequenceID, Segment: decision.Segment.ID}
	made, err := s.connections.ConnectLoaded(ctx, tx, record, parent, request)
	if refusal, ok := errors.AsType[*sales.Error](err); ok {
		return ConnectFailed, refusal.Text, nil
	}
	if err != nil {
		return 0, "", err
	}
	record.Set(name.SegueSequence, schema.RefTo(name.Sequence, sequenceID))
	return ConnectDone, "connected as " + string(made.Target), nil
}

// leaveOthers ends the connections of a record that moves to another segment. A
// status other than 0 says why it keeps them.
func (s *Segmentation) leaveOthers(ctx context.Context, tx *rows.Tx, record *rows.Row, decision segment.Decision) (ConnectStatus, string, error) {
	if !decision.Moved { // entering a first segment takes nobody off a sequence
		return ConnectUnchanged, "the record is on another sequence", nil
	}
	// Ask before anything is ended: a move whose connection would be refused
	// must not cost the record the one it has.
	if refusal, ok := errors.AsType[*sales.Error](s.connections.RefuseIneligible(record)); ok {
		return ConnectFailed, refusal.Text, nil
	}
	_, err := s.connections.EndConnections(ctx, tx, record, sequence.DisconnectAsked, "")
	return 0, "", err
}
