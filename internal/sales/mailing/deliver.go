package mailing

import (
	"context"
	"errors"
	"strings"
	"time"

	"segue/internal/excerpt"
	"segue/internal/mail"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Receipt says that an email was sent.
type Receipt struct {
	ID        name.SentEmailID
	MessageID string
	On        time.Time
}

// Deliver sends a claimed email, by one attempt.
//
// Errors: [sales.Unavailable] (wrapped) for one that surely was not sent and may be claimed
// again later; [*HeldError] for one that the transport refuses; [*UnknownError].
func (m *Mailing) Deliver(ctx context.Context, c *Claim) (*Receipt, error) {
	if c.receipt != nil {
		return c.receipt, nil
	}
	id := name.SentEmailID(c.message.ID)
	messageID, err := m.Sender.Send(ctx, c.message)
	if err == nil {
		return &Receipt{ID: id, MessageID: messageID, On: m.db.Now()}, nil
	}
	// Where its row cannot be changed it stays claimed, which is taken for unknown.
	reason := err.Error()
	switch {
	case errors.Is(err, mail.ErrLater):
		if err := m.settle(ctx, id, failed, reason); err != nil {
			return nil, err
		}
		return nil, &sales.Error{Kind: sales.Unavailable, Text: "the email was not sent: " + reason, Cause: err}
	case errors.Is(err, mail.ErrRefused):
		if err := m.settle(ctx, id, failed, reason); err != nil {
			return nil, err
		}
		return nil, held("the email was not sent: %s", reason)
	}
	if err := m.settle(ctx, id, unknown, reason); err != nil {
		return nil, err
	}
	return nil, &UnknownError{Claimed: m.db.Now(), Reason: reason}
}

// settle notes what became of a claimed email, unless something has told better since.
func (m *Mailing) settle(ctx context.Context, id name.SentEmailID, state int64, reason string) error {
	return m.change(ctx, id, func(row *rows.Row) {
		if row.Int(name.SegueSendstate) == claimed {
			row.Set(name.SegueSendstate, schema.Int(state))
			row.Set(name.SegueReason, schema.Text(excerpt.Bytes(reason, maxReason)))
		}
	})
}

// SentIn notes in a unit of work, that of the step's transition, that the email was sent.
func (r *Receipt) SentIn(ctx context.Context, tx *rows.Tx) error {
	found, err := tx.Load(ctx, rows.RefTo(name.SentEmail, r.ID))
	if err != nil || found[0] == nil {
		return err
	}
	confirm(found[0], r.On)
	found[0].Set(name.SegueReason, schema.Null())
	if r.MessageID != "" {
		found[0].Set(name.SegueMessageid, schema.Text(r.MessageID))
		found[0].Set(name.SegueMessagekey, key(r.MessageID))
	}
	return nil
}

// ForgetIn has an email that nobody knows to be sent claimed again, because a person says
// so in this unit of work. One that was sent stays sent.
func (m *Mailing) ForgetIn(ctx context.Context, tx *rows.Tx, step name.SequenceTargetStepID) error {
	found, err := tx.Load(ctx, rows.RefTo(name.SentEmail, SendID(step)))
	if err != nil || found[0] == nil {
		return err
	}
	if state := found[0].Int(name.SegueSendstate); state == claimed || state == unknown {
		found[0].Set(name.SegueSendstate, schema.Int(failed))
		found[0].Set(name.SegueReason, schema.Text("nobody knew whether it was sent, and a person had it sent again"))
	}
	return nil
}

// localID is a Message-ID as it is compared: without brackets, and where SES made it without
// the domain, which its notifications leave out.
func localID(messageID string) string {
	id := strings.Trim(strings.TrimSpace(messageID), "<>")
	if local, domain, _ := strings.Cut(id, "@"); strings.HasSuffix(strings.ToLower(domain), "amazonses.com") {
		return local
	}
	return id
}
