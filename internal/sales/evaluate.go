package sales

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"segue/internal/rows"
	"segue/internal/sales/segment"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/store"
)

// ConnectStatus says what came of connecting a record to its segment's
// sequence, a value of msdyn_connectsequencestatus (domain.md §4.7).
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

// Evaluate is the handler of the table's change records: what follows from a
// change of a record, of a target, of a sequence, of a segment. It may be called
// again with the same changes at any time; what was done is not done again. A
// change that fails is reported; the changes of other rows go on, the later ones
// of the same row wait for it.
func (s *Service) Evaluate(ctx context.Context, batch []store.Change) []store.Failure {
	byRow := map[store.Key][]int{}
	for i, record := range batch {
		byRow[record.Key] = append(byRow[record.Key], i)
		if of := rows.TableOf(record); of == segmentTable || of == orderTable {
			s.segments.drop() // whoever changed it may not have come to that yet
		}
	}
	// One catalogue serves the batch: it is as new as its newest change needs.
	segments, err := s.catalogues(ctx)
	if err != nil {
		return []store.Failure{{Index: 0, Err: err}}
	}
	var mu sync.Mutex
	var failures []store.Failure
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, turns := range byRow {
		group.Go(func() error {
			if failed, err := s.inTurn(ctx, segments, batch, turns); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures = append(failures, store.Failure{Index: failed, Err: err})
			}
			return nil
		})
	}
	_ = group.Wait() // no function of the group fails
	slices.SortFunc(failures, func(a, b store.Failure) int { return a.Index - b.Index })
	return failures
}

// inTurn follows the changes of one row in their order, up to the first that
// fails.
func (s *Service) inTurn(ctx context.Context, segments catalogues, batch []store.Change, turns []int) (failed int, err error) {
	for _, i := range turns {
		change, err := s.db.Change(batch[i])
		if err == nil {
			err = s.follow(ctx, segments, change)
		}
		if err != nil {
			return i, err
		}
	}
	return 0, nil
}

// follow does what follows from one change.
func (s *Service) follow(ctx context.Context, segments catalogues, change rows.Change) error {
	switch {
	case change.Table.Is("record") && change.Kind != store.Remove:
		return s.evaluate(ctx, segments[change.Table.Name], change)
	case change.Table.Name == targetTable && change.Kind == store.Insert:
		return s.verify(ctx, change.New)
	case change.Table.Name == sequenceTable && change.Kind == store.Modify:
		return s.sweep(ctx, change)
	case change.Table.Name == segmentTable && change.Kind == store.Remove:
		return s.unlink(ctx, change)
	}
	return nil
}

// evaluate runs the segments of a record's type (domain.md §8.3, §8.4), if the
// record is new or a column that any of them reads has changed.
func (s *Service) evaluate(ctx context.Context, known compiled, change rows.Change) error {
	catalogue := known.Catalogue
	if known.broken != nil || len(catalogue.Segments) == 0 {
		return known.broken
	}
	touched, err := change.Touches(catalogue.Columns)
	if err != nil || !touched {
		return err
	}
	asked, pending, err := s.decide(ctx, catalogue, change.New)
	if err != nil || !pending {
		return err
	}
	row, err := change.New.Row()
	if err != nil {
		return err
	}
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		if row != nil {
			tx.Hold(row)
			row = nil // the row has moved on: the next try decides on it as it is
		}
		found, err := tx.Load(ctx, change.Ref)
		if err != nil || found[0] == nil {
			return err
		}
		return s.apply(ctx, tx, catalogue, found[0], asked)
	})
}

// decide says what the change asks for and whether that would write anything,
// from the few columns that it reads.
func (s *Service) decide(ctx context.Context, catalogue *segment.Catalogue, record *rows.Image) (asked segment.Status, pending bool, err error) {
	state, err := record.Value("statecode")
	if err != nil || state != int64(0) {
		return 0, false, err
	}
	in, err := record.Value(segmentID)
	if err != nil {
		return 0, false, err
	}
	present, _ := in.(schema.Lookup)
	decision, err := catalogue.Decide(record, present.ID)
	switch {
	case err != nil || decision.Segment == nil:
		return decision.Status, false, err
	case decision.Status == segment.Segmented:
		return decision.Status, true, nil
	}
	pending, err = s.late(ctx, record, decision.Segment.Sequence)
	return decision.Status, pending, err
}

// late says whether a member is to be connected now: a sequence was attached to
// its segment after it entered.
func (s *Service) late(ctx context.Context, record *rows.Image, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	was, err := record.Value(entered)
	if err != nil || was == (schema.Lookup{Table: sequenceTable, ID: id}) {
		return false, err
	}
	if on, err := record.Value(connected); err != nil || on == true && !s.options.Policy.Several {
		return false, err
	}
	run, err := s.sequence(ctx, id)
	return run.active, err
}

// apply decides on a held record and changes it. The record may have moved on
// since the change, which asked for something then: when it asked to enter a
// segment and the record now stays in its own, the entering was done, by this
// change or a later one, and is not done twice.
func (s *Service) apply(ctx context.Context, tx *rows.Tx, catalogue *segment.Catalogue, record *rows.Row, asked segment.Status) error {
	if record.Int("statecode") != 0 {
		return nil
	}
	decision, err := catalogue.Decide(record, record.Lookup(segmentID).ID)
	if err != nil || decision.Segment == nil || decision.Status == segment.Unchanged && asked == segment.Segmented {
		return err
	}
	if decision.Status == segment.Segmented {
		record.Set(segmentID, schema.Lookup{Table: segmentTable, ID: decision.Segment.ID})
		record.Set(entered, nil)
	}
	status, why, err := s.follower(ctx, tx, record, decision)
	if err != nil {
		return err
	}
	if !record.Changed() {
		return nil
	}
	evaluation := Evaluation{decision.Status, status, decision.Because}
	if why != "" {
		evaluation.Because += "; " + why
	}
	text, err := json.Marshal(evaluation)
	if err != nil {
		return fmt.Errorf("%v: receipt: %w", record.Ref(), err)
	}
	record.Set(receipt, string(text))
	return nil
}

// follower connects a record to the sequence of the segment that it is in or
// enters (domain.md §8.4, "connect step"). A refusal is an outcome with a
// reason, not an error.
func (s *Service) follower(ctx context.Context, tx *rows.Tx, record *rows.Row, decision segment.Decision) (ConnectStatus, string, error) {
	id := decision.Segment.Sequence
	if id == "" {
		return ConnectNoSequence, "no sequence is attached to it", nil
	}
	run, err := s.sequence(ctx, id)
	if err != nil {
		return 0, "", err
	}
	if !run.active {
		return ConnectInactive, fmt.Sprintf("its sequence %s is deleted or inactive", id), nil
	}
	connections, err := liveOf(record)
	if err != nil {
		return 0, "", err
	}
	if _, on := connections[id]; on {
		record.Set(entered, schema.Lookup{Table: sequenceTable, ID: id})
		return ConnectUnchanged, "the record is on its sequence", nil
	}
	if record.Lookup(entered).ID == id {
		return ConnectUnchanged, "the record was connected to its sequence before", nil
	}
	if len(connections) > 0 && !s.options.Policy.Several {
		if !decision.Moved {
			return ConnectUnchanged, "the record is on another sequence", nil
		}
		if refusal, ok := errors.AsType[*Error](s.open(record)); ok { // it keeps the connection it has
			return ConnectFailed, refusal.Text, nil
		}
		if _, err := s.end(ctx, tx, record, sequence.DisconnectAsked, ""); err != nil {
			return 0, "", err
		}
	}
	in := ConnectInput{Record: record.Ref(), Sequence: id, Segment: decision.Segment.ID}
	made, err := s.join(ctx, tx, record, run, in)
	if refusal, ok := errors.AsType[*Error](err); ok {
		return ConnectFailed, refusal.Text, nil
	}
	if err != nil {
		return 0, "", err
	}
	record.Set(entered, schema.Lookup{Table: sequenceTable, ID: id})
	return ConnectDone, "connected as " + made.Target, nil
}
