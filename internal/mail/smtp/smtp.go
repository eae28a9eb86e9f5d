// Package smtp is [mail.Sender] over a server that speaks SMTP: for a laptop, and for
// whoever has a server of their own. A message gets a connection of its own.
//
// Invariant: a connection on which the content of a message broke off is cut. A polite
// QUIT would end the content first, and the server would deliver what it has of it.
package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"segue/internal/clock"
	"segue/internal/mail"
)

// timeout is how long one step of the conversation may take.
const timeout = 20 * time.Second

// Server is a server that takes messages. It is safe for concurrent use.
type Server struct {
	host    string
	options []gomail.Option
	tls     *tls.Config // speaks TLS from the start; nil for STARTTLS where it is offered
	clock   clock.Clock
}

var _ mail.Sender = (*Server)(nil)

// Open returns the server at a URL: smtp://user:password@host:port, which is encrypted by
// STARTTLS where the server offers it and always where there is a password, or
// smtps://…, which is encrypted from the start. The ports are 587 and 465 by default.
// c tells the date of messages.
func Open(address string, c clock.Clock) (*Server, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("it is no URL") // the cause repeats it, password included
	}
	if parsed.Hostname() == "" || (parsed.Path != "" && parsed.Path != "/") || parsed.RawQuery != "" {
		return nil, errors.New("it is not of the form smtp://user:password@host:port")
	}
	s := &Server{host: parsed.Hostname(), clock: c}
	port, policy := "587", gomail.TLSOpportunistic
	password, hasPassword := parsed.User.Password()
	if hasPassword {
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(parsed.User.Username()), gomail.WithPassword(password))
		policy = gomail.TLSMandatory
	}
	switch parsed.Scheme {
	case "smtp":
		s.options = append(s.options, gomail.WithTLSPolicy(policy))
	case "smtps":
		port = "465"
		s.tls = &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
		s.options = append(s.options, gomail.WithSSL())
	default:
		return nil, fmt.Errorf("its scheme is %q, want smtp or smtps", parsed.Scheme)
	}
	if parsed.Port() != "" {
		port = parsed.Port()
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("its port is %q, want a number", port)
	}
	s.options = append(s.options, gomail.WithPort(number), gomail.WithTimeout(timeout), gomail.WithoutRset())
	if _, err := gomail.NewClient(s.host, s.options...); err != nil {
		return nil, err
	}
	return s, nil
}

// Send implements [mail.Sender]. The message's ID is in the Message-ID.
func (s *Server) Send(ctx context.Context, m mail.Message) (string, error) {
	if err := m.Check(); err != nil {
		return "", err
	}
	id, message := s.message(m)
	var conn net.Conn
	client, err := gomail.NewClient(s.host, append(s.options[:len(s.options):len(s.options)], gomail.WithDialContextFunc(
		func(ctx context.Context, network, address string) (net.Conn, error) {
			var err error
			conn, err = s.dial(ctx, network, address)
			return conn, err
		}))...)
	if err != nil {
		return "", fmt.Errorf("%w: %w", mail.ErrRefused, err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if conn != nil {
		defer func() { _ = conn.Close() }() // see the package's invariant
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", mail.ErrLater, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	err = client.SendWithSMTPClient(session, message)
	if !message.IsDelivered() {
		return "", kindOf(err)
	}
	_ = client.CloseWithSMTPClient(session) // the server has the message whatever it says now
	return id, nil
}

func (s *Server) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if s.tls != nil {
		return (&tls.Dialer{Config: s.tls}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// message returns a message for the wire, with its Message-ID.
func (s *Server) message(m mail.Message) (string, *gomail.Msg) {
	_, domain, _ := strings.Cut(m.From.Email, "@")
	id := m.ID + "@" + domain
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	message.SetMessageIDWithValue(id)
	message.SetDateWithValue(s.clock.Now())
	message.FromMailAddress(&netmail.Address{Name: m.From.Name, Address: m.From.Email})
	message.ToMailAddress(&netmail.Address{Name: m.To.Name, Address: m.To.Email})
	if m.ReplyTo.Email != "" {
		message.ReplyToMailAddress(&netmail.Address{Name: m.ReplyTo.Name, Address: m.ReplyTo.Email})
	}
	message.Subject(m.Subject)
	for _, h := range m.Headers() {
		message.SetGenHeaderPreformatted(gomail.Header(h.Name), h.Value) // a folded URL is none
	}
	switch {
	case m.Plain == "":
		message.SetBodyString(gomail.TypeTextHTML, m.HTML)
	case m.HTML == "":
		message.SetBodyString(gomail.TypeTextPlain, m.Plain)
	default:
		message.SetBodyString(gomail.TypeTextPlain, m.Plain)
		message.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return id, message
}

// kindOf says what is known of a message that the server did not confirm. A server
// delivers nothing before it has the whole content (RFC 5321 §4.2.5), so all that broke
// off before is not sent.
func kindOf(err error) error {
	var failure *gomail.SendError
	if !errors.As(err, &failure) {
		return fmt.Errorf("%w: %w", mail.ErrUnknown, err)
	}
	kind := mail.ErrLater
	switch {
	case failure.ErrorCode() >= 500:
		kind = mail.ErrRefused
	case failure.ErrorCode() >= 400:
	case failure.Reason == gomail.ErrSMTPDataClose: // sent, and no answer
		kind = mail.ErrUnknown
	case failure.Reason == gomail.ErrGetSender, failure.Reason == gomail.ErrGetRcpts:
		kind = mail.ErrRefused
	}
	return fmt.Errorf("%w: %w", kind, failure)
}
