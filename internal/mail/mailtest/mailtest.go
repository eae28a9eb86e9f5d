// Package mailtest is where emails arrive in tests: an SMTP server on loopback, which
// keeps what it has taken and fails where a test wants it to.
//
// Invariant: what [Server.Received] returns is what the server has confirmed, or would
// have, had the connection lasted: what a recipient would find in the mailbox.
package mailtest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// Mail is a message that arrived.
type Mail struct {
	From, To string // of the envelope
	Header   mail.Header
	Plain    string // its part of text/plain, decoded
	HTML     string // its part of text/html, decoded
}

// Point is a moment of the conversation.
type Point string

// The points at which a server can fail.
const (
	AtSender    Point = "sender"    // MAIL FROM
	AtRecipient Point = "recipient" // RCPT TO
	AtContent   Point = "content"   // in the middle of the content, before it is taken
	AtEnd       Point = "end"       // the content is taken, and not confirmed
)

// ErrHangUp is a failure that cuts the connection without a word.
var ErrHangUp = errors.New("hang up")

// Server is an SMTP server. It is safe for concurrent use.
type Server struct {
	URL string // for [segue/internal/mail/smtp.Open]

	mutex    sync.Mutex
	failures map[Point]error
	received []Mail
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the test
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{URL: "smtp://" + listener.Addr().String(), failures: map[Point]error{}}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c.Conn()}, nil
	}))
	server.Domain = "mail.test"
	server.ErrorLog = discard{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = listener.Close() // a server that has not begun yet does not know it
		<-done
	})
	return s
}

// Fail has the server fail at a point from now on, with an [smtp.SMTPError] or [ErrHangUp];
// nil ends that.
func (s *Server) Fail(at Point, failure error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.failures[at] = failure
}

// Received returns what has arrived, the oldest first.
func (s *Server) Received() []Mail {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.received)
}

// Reply is what a server says when it does not take a message.
func Reply(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: text}
}

// session is one connection.
type session struct {
	server   *Server
	conn     net.Conn
	from, to string
}

func (s *session) fail(at Point) error {
	s.server.mutex.Lock()
	defer s.server.mutex.Unlock()
	failure := s.server.failures[at]
	if failure == ErrHangUp { //nolint:errorlint // never wrapped
		_ = s.conn.Close()
	}
	return failure
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return s.fail(AtSender)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return s.fail(AtRecipient)
}

func (s *session) Data(r io.Reader) error {
	if err := s.fail(AtContent); err != nil {
		return err
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	received, err := parse(content)
	if err != nil {
		return Reply(554, err.Error())
	}
	received.From, received.To = s.from, s.to
	s.server.mutex.Lock()
	s.server.received = append(s.server.received, received)
	s.server.mutex.Unlock()
	return s.fail(AtEnd)
}

func (*session) Reset()        {}
func (*session) Logout() error { return nil }

// parse reads a message of one part or of alternatives.
func parse(content []byte) (Mail, error) {
	message, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		return Mail{}, err
	}
	m := Mail{Header: message.Header}
	kind, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return m, err
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return m, m.add(kind, message.Header.Get("Content-Transfer-Encoding"), message.Body)
	}
	for parts := multipart.NewReader(message.Body, parameters["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			return m, err
		}
		if err := m.add(kind, part.Header.Get("Content-Transfer-Encoding"), part); err != nil {
			return m, err
		}
	}
}

func (m *Mail) add(kind, encoding string, body io.Reader) error {
	if strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	decoded := strings.ReplaceAll(string(text), "\r\n", "\n")
	if kind == "text/html" {
		m.HTML = decoded
	} else {
		m.Plain = decoded
	}
	return nil
}

// discard takes what the server logs of connections that a test has cut.
type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}
