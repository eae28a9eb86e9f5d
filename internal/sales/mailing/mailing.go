// Package mailing is the emails of sequences: what a template becomes for a record, who gets
// it and who does not, what was sent, and what the recipient did with it.
//
// An email cannot be taken back, so it is sent in two halves around a row of the ledger,
// segue_send, whose id derives from that of the step: [Mailing.Claim] writes the row, under
// the condition that the recipient still wants emails and that nobody has claimed the step
// before; [Mailing.Deliver] sends; [Receipt.SentIn] says so in the transaction that closes the
// step. A crash in between leaves a claim that nothing confirms. It is never sent again by
// itself: a notification of the provider, an opening or a reply may tell that it was sent;
// else, after an hour, a person decides ([UnknownError]).
//
// Size: the ledger's row is written by each of them, sending, tracking and notifications, under
// conditions on what the others have written.
//
// What comes back (an opening, a click, a bounce) is the first moment of its kind, written
// once: a repeat reads one row and writes nothing.
//
// Invariant: for each step at most one message is given to the transport whose sending is
// confirmed or unknown; another one follows only what surely was not sent, or a person's word.
package mailing

import (
	"context"
	"fmt"
	"time"

	"segue/internal/guid"
	"segue/internal/mail"
	"segue/internal/rows"
	"segue/internal/sales/connection"
	"segue/internal/sales/sequence"
	"segue/internal/sales/setting"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Config is how an installation sends emails.
type Config struct {
	Sender mail.Sender
	From   mail.Address
	Base   string // URL under which the addresses in emails lead to Segue, without a slash at its end
	Key    []byte // signs them
	// Missing names the settings that are not there; then nothing is sent, and the other
	// fields may be empty.
	Missing string
}

// Mailing is the use cases of emails. It is safe for concurrent use.
type Mailing struct {
	Config

	db          *rows.DB
	settings    *setting.Settings
	connections *connection.Connections
	retention   time.Duration
}

// New returns the use cases on the rows of db. retention is how long steps are kept after
// they are done, 0 for ever.
func New(db *rows.DB, settings *setting.Settings, connections *connection.Connections, retention time.Duration, config Config) *Mailing {
	return &Mailing{Config: config, db: db, settings: settings, connections: connections, retention: retention}
}

// States of a row of the ledger, values of segue_sendstate.
const (
	claimed    int64 = 1 // given to the transport, or about to be
	sent       int64 = 2
	unknown    int64 = 3 // the transport does not know either
	failed     int64 = 4 // surely not sent
	suppressed int64 = 5 // not sent, because the recipient takes no emails
)

// factsLast is how long after it was sent an email may be asked about: longer than a
// condition waits (docs/domain.md §6.3), and than an email lies unread.
const factsLast = 60 * 24 * time.Hour

// SendID is the id of the ledger row of a step.
func SendID(step name.SequenceTargetStepID) name.SentEmailID {
	return name.SentEmailID(guid.Derive("send", string(step)))
}

// Facts returns what is known of the email of a step.
func (m *Mailing) Facts(ctx context.Context, step name.SequenceTargetStepID) (sequence.EmailFacts, error) {
	found, err := m.db.Get(ctx, rows.RefTo(name.SentEmail, SendID(step)))
	if err != nil || found[0] == nil {
		return sequence.EmailFacts{}, err
	}
	row := found[0]
	return sequence.EmailFacts{
		Sent: row.Time(name.SegueSenton), Opened: row.Time(name.SegueOpenedon), Clicked: row.Time(name.SegueClickedon),
		Downloaded: row.Time(name.SegueDownloadedon), Replied: row.Time(name.SegueRepliedon),
	}, nil
}

// HeldError says why an email is not sent until a person has mended something.
type HeldError struct{ Reason string }

// Error is the reason.
func (e *HeldError) Error() string { return e.Reason }

func held(format string, args ...any) error { return &HeldError{fmt.Sprintf(format, args...)} }

// Reconciled is how long a claim that nothing confirms waits for what may tell.
const Reconciled = time.Hour

// UnknownError says that an email was claimed and that nobody knows whether it was sent.
// Until its time has come, something may tell. After that a person has to decide:
// [Mailing.ForgetIn] has it sent again.
type UnknownError struct {
	Claimed time.Time
	Reason  string // what the transport said, "" for nothing
}

// Until is when a person has to decide.
func (e *UnknownError) Until() time.Time { return e.Claimed.Add(Reconciled) }

// Error says so for people.
func (e *UnknownError) Error() string {
	text := "unknown whether it was sent: the email was handed over on " + e.Claimed.Format(time.RFC3339) + ", and nothing has confirmed it"
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// change changes a row of the ledger, if it is there, in a unit of work of its own.
func (m *Mailing) change(ctx context.Context, id name.SentEmailID, do func(row *rows.Row)) error {
	return m.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, rows.RefTo(name.SentEmail, id))
		if err != nil {
			return err
		}
		if found[0] != nil {
			do(found[0])
		}
		return nil
	})
}

// first sets a moment of a row of the ledger, unless it has it already.
func first(row *rows.Row, column string, on time.Time) {
	if row.Time(column).IsZero() {
		row.Set(column, schema.Time(on))
	}
}

// confirm notes that an email was sent, by whatever tells it. The first moment counts.
func confirm(row *rows.Row, on time.Time) {
	row.Set(name.SegueSendstate, schema.Int(sent))
	first(row, name.SegueSenton, on)
}

// key returns what a Message-ID is found by. SES tells its own without the domain that it
// has in the message.
func key(messageID string) schema.Value {
	return schema.Text(guid.Derive("message", localID(messageID)))
}
