package segmentation

import (
	"context"
	"encoding/json"
	"fmt"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Evaluation is the receipt of one evaluation, kept with the record in
// segue_evaluation when it changed the record's segment or connection. What is stored
// is codes; which segment, sequence and target they are about is in columns of the
// record. A receipt is part of an item that every connection writes, so its words are
// worked out at a read ([Segmentation.ReceiptRules]).
type Evaluation struct {
	Segmentation segment.Status `json:"segmentation"`
	Connection   ConnectStatus  `json:"connection"`
	Moved        bool           `json:"moved,omitempty"`  // from another segment
	Left         bool           `json:"left,omitempty"`   // its segment, which it no longer matched
	Reason       reason         `json:"reason,omitempty"` // of a connection that stays as it is
	Refusal      string         `json:"refusal,omitempty"`
	// Because is all the words of a receipt that an older version wrote.
	Because string `json:"because,omitempty"`
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
	return Evaluation{Segmentation: decision.Status, Connection: status, Moved: decision.Moved, Left: decision.Left != nil, Reason: because.Code, Refusal: because.Text}
}

// setReceipt keeps with the record what its evaluation came to.
func setReceipt(record *rows.Row, evaluation Evaluation) error {
	text, err := json.Marshal(evaluation)
	if err != nil {
		return fmt.Errorf("%v: receipt: %w", record.Ref(), err)
	}
	record.Set(name.SegueEvaluation, schema.Text(string(text)))
	return nil
}

// receiptOf reads the receipt of a record; ok is false when there is none.
func receiptOf(record *rows.Row) (receipt Evaluation, ok bool) {
	err := json.Unmarshal([]byte(record.Text(name.SegueEvaluation)), &receipt)
	return receipt, err == nil
}

// enteredWithoutSequence reports whether the last evaluation that changed a record
// found no active sequence attached to its segment; one may have been attached or
// activated since.
func enteredWithoutSequence(record *rows.Row) bool {
	receipt, _ := receiptOf(record)
	return receipt.Connection == ConnectNoSequence || receipt.Connection == ConnectInactive
}

// ReceiptRules put the words of receipts beside them, in segue_because, when records
// are read.
func (s *Segmentation) ReceiptRules() entity.Rules { return receiptRules{} }

type receiptRules struct{ entity.Plain }

// Show implements [entity.Rules]. It reads nothing: the ids are those of the record.
func (receiptRules) Show(_ context.Context, list []*rows.Row) error {
	for _, record := range list {
		if receipt, ok := receiptOf(record); ok {
			record.Set(name.SegueBecause, schema.Text(receipt.words(record)))
		}
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
	case e.Left && e.Segmentation == segment.NoMatch:
		membership = "it no longer matched its segment, which members leave then"
	case e.Left:
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
