// Package mail is how an email leaves: [Sender] takes one message for one recipient. On
// AWS that is SES ([segue/internal/mail/ses]), elsewhere a server that speaks SMTP
// ([segue/internal/mail/smtp]).
//
// An email cannot be taken back, and no transport can be asked afterwards whether it was
// sent. So an error says what is known of it: surely not sent, with or without hope for
// another try, or unknown. Who sends must not repeat what is unknown.
//
// Invariant: a Sender makes one attempt, and calls nothing "not sent" that may have been.
package mail

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
)

// What is known of a message that was not confirmed. Each error of a [Sender] is one of
// the three.
var (
	// ErrLater means that it was surely not sent, and that the same message may be
	// accepted later.
	ErrLater = errors.New("not sent, may be sent later")
	// ErrRefused means that it was surely not sent, and will not be as it is.
	ErrRefused = errors.New("refused")
	// ErrUnknown means that it may have been sent.
	ErrUnknown = errors.New("unknown whether it was sent")
)

// Tag is the name of the tag by which a notification of the provider names [Message.ID].
const Tag = "segue-send"

// Address is a mailbox, with the name that is shown beside it.
type Address struct{ Name, Email string }

// String returns the address as it stands in a header.
func (a Address) String() string {
	return (&mail.Address{Name: a.Name, Address: a.Email}).String()
}

// ParseAddress reads an address such as "sales@example.com" or "Sales <sales@example.com>".
func ParseAddress(text string) (Address, error) {
	parsed, err := mail.ParseAddress(text)
	if err != nil {
		return Address{}, fmt.Errorf("%q is not an email address: %w", text, err)
	}
	return Address{Name: parsed.Name, Email: parsed.Address}, nil
}

// Message is one email to one recipient.
type Message struct {
	// ID names the attempt, a GUID. The transport's notifications tell it again, and
	// where Segue chooses the Message-ID, as over SMTP, it is part of that.
	ID      string
	From    Address
	To      Address
	ReplyTo Address // its Email is "" for none
	Subject string  // one line
	Plain   string  // the body as plain text; "" for none
	HTML    string  // the body as HTML; "" for none
	// Unsubscribe is the URL that takes the recipient off the list by one POST (RFC 8058);
	// "" for none.
	Unsubscribe string
}

// Sender sends messages. It is safe for concurrent use.
type Sender interface {
	// Send makes one attempt, and returns the Message-ID by which notifications and
	// replies name the message, without angle brackets. Errors are [ErrLater],
	// [ErrRefused] or [ErrUnknown] (wrapped).
	Send(ctx context.Context, m Message) (messageID string, err error)
}

// Header is one line of a message's head.
type Header struct{ Name, Value string }

// Headers returns the headers that a message has beside those of every message.
func (m Message) Headers() []Header {
	if m.Unsubscribe == "" {
		return nil
	}
	return []Header{
		{"List-Unsubscribe", "<" + m.Unsubscribe + ">"},
		{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"},
	}
}

// Check returns [ErrRefused] with what is wrong with a message that no transport should
// be given: a line break in a header would begin another header.
func (m Message) Check() error {
	for _, a := range []struct{ what, email string }{{"sender", m.From.Email}, {"recipient", m.To.Email}, {"reply address", m.ReplyTo.Email}} {
		if a.what == "reply address" && a.email == "" {
			continue
		}
		if parsed, err := mail.ParseAddress(a.email); err != nil || parsed.Address != a.email {
			return fmt.Errorf("%w: the %s %q is not an email address", ErrRefused, a.what, a.email)
		}
	}
	for _, h := range []Header{{"subject", m.Subject}, {"unsubscribe link", m.Unsubscribe}, {"sender's name", m.From.Name}, {"recipient's name", m.To.Name}, {"name of the reply address", m.ReplyTo.Name}} {
		if strings.ContainsFunc(h.Value, unicode.IsControl) {
			return fmt.Errorf("%w: the %s %q has a control character", ErrRefused, h.Name, h.Value)
		}
	}
	if m.Plain == "" && m.HTML == "" {
		return fmt.Errorf("%w: the message has no body", ErrRefused)
	}
	return nil
}
