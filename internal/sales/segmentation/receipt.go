package segmentation

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Evaluation is the receipt of one evaluation, kept with the record in
// segue_evaluation when it changed the record's segment or connection: codes, versions
// and at most one id. Which segment, sequence and target they are about is in columns of
// the record. A receipt is part of an item that every connection writes, so it is stored
// in few characters ([Evaluation.stored]), and this form of it and its words are worked
// out at a read ([Segmentation.ReceiptRules]).
type Evaluation struct {
	Segmentation segment.Status `json:"segmentation"`
	Connection   ConnectStatus  `json:"connection"`
	Moved        bool           `json:"moved,omitempty"`  // from another segment
	Reason       reason         `json:"reason,omitempty"` // of a connection that stays as it is
	Refusal      string         `json:"refusal,omitempty"`
	Source       Source         `json:"source"`
	// Version is the one with which the evaluation wrote the record, so that no two receipts
	// of a record are the same; it decided on the one before. 0 in a receipt of an older
	// version of the program.
	Version    int64          `json:"version,omitempty"`
	Definition int64          `json:"definition,omitempty"` // version of the segment that it decided by: the one it entered or left
	Left       name.SegmentID `json:"left,omitempty"`       // the segment that the record has left
	Unmatched  bool           `json:"unmatched,omitempty"`  // because it no longer matched that one
	// Because is all the words of a receipt that an older version wrote.
	Because string `json:"because,omitempty"`
}

// Source is what made an evaluation take place, a value of msdyn_routingrequestsource
// (docs/domain.md §4.7).
type Source int64

// The sources.
const (
	SourceNew      Source = 0
	SourceChange   Source = 1
	SourceStanding Source = 4 // the record itself has not changed: somebody asked, the time has come, or a related row has changed
)

// SourceOf says what makes a change be evaluated.
func SourceOf(change rows.Change) Source {
	switch {
	case change.Present:
		return SourceStanding
	case change.Old == nil:
		return SourceNew
	}
	return SourceChange
}

// anew is the source where the row has moved on: it is what the record has changed to that is
// evaluated, whichever of its changes came first.
func (s Source) anew() Source {
	if s == SourceNew {
		return SourceChange
	}
	return s
}

// reason is why an evaluation leaves the connections of a record as they are.
type reason int64

// The reasons. They are stored.
const (
	onIts reason = iota + 1
	onItBefore
	onAnother
)

// why is what an outcome of connecting needs beside its status: a code, or the words of
// a refusal.
type why struct {
	Code reason
	Text string
}

func newEvaluation(decision segment.Decision, status ConnectStatus, because why) Evaluation {
	receipt := Evaluation{
		Segmentation: decision.Status, Connection: status, Moved: decision.Moved, Reason: because.Code, Refusal: because.Text,
		Unmatched: decision.Left != nil,
	}
	if decided := cmp.Or(decision.Segment, decision.Left); decided != nil {
		receipt.Definition = decided.Version
	}
	return receipt
}

// setReceipt keeps with the record what its evaluation came to. from is the segment that
// the record was in.
func setReceipt(record *rows.Row, evaluation Evaluation, from name.SegmentID) {
	evaluation.Version = record.Next()
	if evaluation.Moved || evaluation.Unmatched {
		evaluation.Left = from
	}
	record.Set(name.SegueEvaluation, schema.Text(evaluation.stored()))
}

// The parts of a stored receipt, with commas between; those at the end that are empty are
// left out. The refusal comes last, because it may have commas.
const (
	partSegmentation = iota
	partConnection
	partSource
	partVersion    // this and the next in digits and letters
	partDefinition //
	partReason
	partLeft
	partUnmatched // 1, or empty
	partRefusal
	receiptParts
)

// versionBase is the base in which versions are written: 11 characters at most.
const versionBase = 36

// stored returns the receipt as it is kept.
func (e Evaluation) stored() string {
	parts := [receiptParts]string{
		partSegmentation: strconv.FormatInt(int64(e.Segmentation), 10),
		partConnection:   strconv.FormatInt(int64(e.Connection), 10),
		partSource:       strconv.FormatInt(int64(e.Source), 10),
		partVersion:      strconv.FormatInt(e.Version, versionBase),
		partDefinition:   strconv.FormatInt(e.Definition, versionBase),
		partLeft:         string(e.Left),
		partRefusal:      e.Refusal,
	}
	if e.Reason != 0 {
		parts[partReason] = strconv.FormatInt(int64(e.Reason), 10)
	}
	if e.Unmatched {
		parts[partUnmatched] = "1"
	}
	n := receiptParts
	for parts[n-1] == "" {
		n--
	}
	return strings.Join(parts[:n], ",")
}

// ReceiptOf reads the receipt of a record; ok is false when there is none.
func ReceiptOf(record *rows.Row) (receipt Evaluation, ok bool) {
	text := record.Text(name.SegueEvaluation)
	if strings.HasPrefix(text, "{") { // an older version of the program wrote it, or it was read for people
		err := json.Unmarshal([]byte(text), &receipt)
		return receipt, err == nil
	}
	var parts [receiptParts]string
	copy(parts[:], strings.SplitN(text, ",", receiptParts))
	ok = true
	number := func(part, base int) int64 {
		n, err := strconv.ParseInt(parts[part], base, 64)
		ok = ok && err == nil
		return n
	}
	receipt = Evaluation{
		Segmentation: segment.Status(number(partSegmentation, 10)), Connection: ConnectStatus(number(partConnection, 10)),
		Source: Source(number(partSource, 10)), Version: number(partVersion, versionBase), Definition: number(partDefinition, versionBase),
		Left: name.SegmentID(parts[partLeft]), Unmatched: parts[partUnmatched] != "", Refusal: parts[partRefusal],
	}
	receipt.Moved = receipt.Left != "" && receipt.Segmentation == segment.Segmented
	if parts[partReason] != "" {
		receipt.Reason = reason(number(partReason, 10))
	}
	return receipt, ok
}

// enteredWithoutSequence reports whether the last evaluation that changed a record
// found no active sequence attached to its segment; one may have been attached or
// activated since.
func enteredWithoutSequence(record *rows.Row) bool {
	receipt, _ := ReceiptOf(record)
	return receipt.Connection == ConnectNoSequence || receipt.Connection == ConnectInactive
}

// ReceiptRules put receipts into the form that people and programs read, and their words
// beside them in segue_because, when records are read.
func (s *Segmentation) ReceiptRules() entity.Rules { return receiptRules{} }

type receiptRules struct{ entity.Plain }

// Show implements [entity.Rules]. It reads nothing: the ids are those of the record.
func (receiptRules) Show(_ context.Context, list []*rows.Row) error {
	for _, record := range list {
		receipt, ok := ReceiptOf(record)
		if !ok {
			continue
		}
		text, err := json.Marshal(receipt)
		if err != nil {
			return fmt.Errorf("%v: receipt: %w", record.Ref(), err)
		}
		record.Set(name.SegueEvaluation, schema.Text(string(text)))
		record.Set(name.SegueBecause, schema.Text(receipt.words(record)))
	}
	return nil
}

// words say why the evaluation came to its result.
func (e Evaluation) words(record *rows.Row) string {
	if e.Because != "" {
		return e.Because
	}
	membership := "its segment is the first that matches"
	switch {
	case e.Unmatched && e.Segmentation == segment.NoMatch:
		membership = "it no longer matched its segment, which members leave then"
	case e.Unmatched:
		membership = "it no longer matched its segment, which members leave then, and this one is the first that matches"
	case e.Segmentation == segment.Unchanged:
		membership = "it still matches its segment"
	case e.Moved:
		membership = "its segment matches first and takes records from other segments"
	}
	return membership + "; " + e.connectionWords(record)
}

// connectionWords say what came of connecting.
func (e Evaluation) connectionWords(record *rows.Row) string {
	switch e.Connection {
	case ConnectDone:
		entered := (sales.Record{Row: record}).Entered()
		if live, err := connection.Live(record); err == nil && live[entered] != "" {
			return "connected as " + string(live[entered])
		}
		return "it was connected to its sequence"
	case ConnectFailed:
		return e.Refusal
	case ConnectNoSequence:
		return "no sequence is attached to it"
	case ConnectInactive:
		return "its sequence is deleted or inactive"
	case ConnectSkipped:
		return "no segment was found"
	case ConnectUnchanged:
		switch e.Reason {
		case onIts:
			return "the record is on its sequence"
		case onItBefore:
			return "the record was connected to its sequence before"
		case onAnother:
			return "the record is on another sequence"
		}
	}
	return fmt.Sprintf("connection status %d", e.Connection)
}
