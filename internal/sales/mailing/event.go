package mailing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/guid"
	"segue/internal/mail"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Event is what a provider tells of an email, in the form in which SES does.
type Event struct {
	kind      string
	messageID string
	send      string    // id of the row of the ledger, "" where it is not told
	sent      time.Time // when the provider took the email
	on        time.Time // when what is told happened
	permanent bool      // of a bounce
	said      string    // the reason
	answered  []string  // Message-IDs that an email which has come in is an answer to
}

// sesEvent is the JSON of an event of SES, of one that SNS hands on (Type, Message) and of
// one that EventBridge does (detail).
type sesEvent struct {
	Type    string          `json:"Type"`
	Message string          `json:"Message"`
	Detail  json.RawMessage `json:"detail"`

	EventType        string `json:"eventType"`
	NotificationType string `json:"notificationType"`
	Mail             struct {
		MessageID string              `json:"messageId"`
		Timestamp time.Time           `json:"timestamp"`
		Tags      map[string][]string `json:"tags"`
		Headers   []mail.Header       `json:"headers"`
	} `json:"mail"`
	Delivery, Open, Click struct{ Timestamp time.Time }
	Bounce                struct {
		Timestamp         time.Time
		BounceType        string
		BouncedRecipients []struct{ DiagnosticCode string }
	}
	Complaint struct {
		Timestamp             time.Time
		ComplaintFeedbackType string
	}
}

// ParseEvent reads an event: JSON as SES writes it, by itself or in what SNS or EventBridge
// put around it.
func ParseEvent(text string) (Event, error) { return parseEvent(text, 0) }

// maxAround is how many envelopes may be around an event: EventBridge may get it from SNS.
const maxAround = 2

func parseEvent(text string, around int) (Event, error) {
	var e sesEvent
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return Event{}, fmt.Errorf("an event is no JSON as SES writes it: %w", err)
	}
	switch inner := string(e.Detail); {
	case e.Type != "Notification" && inner == "":
	case around == maxAround:
		return Event{}, errors.New("an event has too many envelopes around it")
	case inner != "":
		return parseEvent(inner, around+1)
	default:
		return parseEvent(e.Message, around+1)
	}
	return e.event()
}

// event is what the JSON of SES says.
func (e *sesEvent) event() (Event, error) {
	event := Event{kind: e.EventType, messageID: e.Mail.MessageID, sent: e.Mail.Timestamp, on: e.Mail.Timestamp}
	if event.kind == "" {
		event.kind = e.NotificationType
	}
	if tags := e.Mail.Tags[mail.Tag]; len(tags) == 1 {
		event.send, _ = guid.Parse(tags[0])
	}
	switch event.kind {
	case "Send":
	case "Delivery":
		event.on = e.Delivery.Timestamp
	case "Open":
		event.on = e.Open.Timestamp
	case "Click":
		event.on = e.Click.Timestamp
	case "Bounce":
		event.on, event.permanent, event.said = e.Bounce.Timestamp, e.Bounce.BounceType == "Permanent", e.Bounce.BounceType
		for _, r := range e.Bounce.BouncedRecipients {
			event.said += " " + r.DiagnosticCode
		}
	case "Complaint":
		event.on, event.said = e.Complaint.Timestamp, e.Complaint.ComplaintFeedbackType
	case "Received":
		event.answered = answered(e.Mail.Headers)
	case "Reject", "Rendering Failure", "DeliveryDelay", "Subscription":
	default:
		return Event{}, fmt.Errorf("an event is of type %q, which SES does not have", event.kind)
	}
	if event.messageID == "" {
		return Event{}, fmt.Errorf("a %s event does not name its message (mail.messageId)", event.kind)
	}
	return event, nil
}

// answered returns the Message-IDs that an email names as answered, the nearest first; none
// for what a program has written by itself, such as that somebody is away (RFC 3834).
func answered(headers []mail.Header) []string {
	var direct, references []string
	for _, h := range headers {
		switch strings.ToLower(h.Name) {
		case "auto-submitted":
			if !strings.EqualFold(strings.TrimSpace(h.Value), "no") {
				return nil
			}
		case "in-reply-to":
			direct = strings.Fields(h.Value)
		case "references":
			references = strings.Fields(h.Value)
			slices.Reverse(references)
		}
	}
	return append(direct, references...)
}

// ApplyIn notes what a provider tells, in a unit of work; what it has told before changes
// nothing, and neither does what is about no email of this installation.
func (m *Mailing) ApplyIn(ctx context.Context, tx *rows.Tx, e Event) error {
	if e.kind == "Received" {
		return m.repliedIn(ctx, tx, e.answered, moment(e.on, tx.Now()))
	}
	row, err := m.find(ctx, tx, e.send, e.messageID)
	if err != nil || row == nil {
		return err
	}
	on := moment(e.on, tx.Now())
	switch e.kind {
	case "Reject", "Rendering Failure", "DeliveryDelay", "Subscription":
		return nil
	}
	confirm(row, moment(e.sent, tx.Now())) // the same in each event of the email
	if row.Text(name.SegueMessageid) == "" {
		row.Set(name.SegueMessageid, schema.Text(e.messageID))
		row.Set(name.SegueMessagekey, key(e.messageID))
	}
	switch e.kind {
	case "Delivery":
		earliest(row, name.SegueDeliveredon, on)
	case "Open":
		earliest(row, name.SegueOpenedon, on)
	case "Click":
		earliest(row, name.SegueOpenedon, on)
		earliest(row, name.SegueClickedon, on)
	case "Bounce":
		if e.permanent { // a mailbox that is full today takes the next email
			earliest(row, name.SegueBouncedon, on)
			return suppressIn(ctx, tx, row.Text(name.SegueRecipient), bounced, e.said)
		}
	case "Complaint":
		if e.said != "not-spam" { // the recipient has taken it back
			earliest(row, name.SegueComplainedon, on)
			return suppressIn(ctx, tx, row.Text(name.SegueRecipient), complained, e.said)
		}
	}
	return nil
}

// moment is when something happened, as it is kept: no provider knows the future.
func moment(told, now time.Time) time.Time {
	if told.IsZero() || told.After(now) {
		told = now
	}
	return told.UTC().Truncate(time.Second)
}

// earliest sets a moment of a row of the ledger, unless it has an earlier one: events come
// in any order.
func earliest(row *rows.Row, column string, on time.Time) {
	if at := row.Time(column); at.IsZero() || on.Before(at) {
		row.Set(column, schema.Time(on))
	}
}

// Notified notes what the JSON of an event tells ([ParseEvent]), in a unit of work of its own.
func (m *Mailing) Notified(ctx context.Context, text string) error {
	event, err := ParseEvent(text)
	if err != nil {
		return err
	}
	return m.db.Do(ctx, "", func(tx *rows.Tx) error { return m.ApplyIn(ctx, tx, event) })
}

// find loads the row of the ledger that an event or a reply names, nil for none.
func (m *Mailing) find(ctx context.Context, tx *rows.Tx, send, messageID string) (*rows.Row, error) {
	ref := rows.Ref{Table: name.SentEmail, ID: send}
	if send == "" {
		t := m.db.Schema().Table(name.SentEmail)
		for _, index := range t.Indexes {
			if index.Name != messageIndex {
				continue
			}
			partitions, _ := rows.IndexPartitions(t, index, map[string]schema.Value{name.SegueMessagekey: key(messageID)})
			for _, p := range partitions {
				part, err := m.db.Read(ctx, t, p, "", 1)
				if err != nil {
					return nil, err
				}
				for _, row := range part.Rows {
					ref.ID = row.ID
				}
			}
		}
	}
	if ref.ID == "" {
		return nil, nil //nolint:nilnil // none
	}
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// messageIndex is the index of the ledger by Message-ID.
const messageIndex = "message"
