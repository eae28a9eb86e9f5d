package smtp_test

import (
	"context"
	"errors"
	"mime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/clock"
	"segue/internal/mail"
	"segue/internal/mail/mailtest"
	"segue/internal/mail/smtp"
)

func message() mail.Message {
	return mail.Message{
		ID: "11111111-1111-4111-8111-111111111111", From: mail.Address{Name: "Contoso Sales", Email: "sales@contoso.test"},
		To: mail.Address{Name: "Jürgen Groß", Email: "juergen@example.test"}, ReplyTo: mail.Address{Email: "seller@contoso.test"},
		Subject: "Grüße: " + strings.Repeat("lang ", 40), Plain: "Guten Tag,\n.\nein Punkt allein", HTML: "<p>Grüße</p>\n" + strings.Repeat("x", 2000),
		Unsubscribe: "https://segue.test/track/unsubscribe/" + strings.Repeat("t", 200),
	}
}

func open(t *testing.T, url string) *smtp.Server {
	t.Helper()
	s, err := smtp.Open(url, clock.NewManual(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMessageArrivesAsItIs(t *testing.T) {
	server := mailtest.Start(t)
	m := message()
	id, err := open(t, server.URL).Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	received := server.Received()
	if len(received) != 1 {
		t.Fatalf("%d messages arrived, want 1", len(received))
	}
	got := received[0]
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	to, err := got.Header.AddressList("To")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"envelope": "sales@contoso.test to juergen@example.test", "id": "<11111111-1111-4111-8111-111111111111@contoso.test>", "returned": "11111111-1111-4111-8111-111111111111@contoso.test",
		"subject": m.Subject, "to": "Jürgen Groß", "date": "Mon, 30 Nov 2026 12:00:00 +0000", "reply": "<seller@contoso.test>",
		"unsubscribe": "<" + m.Unsubscribe + ">", "post": "List-Unsubscribe=One-Click", "plain": m.Plain, "html": m.HTML,
	}
	if diff := cmp.Diff(want, map[string]string{
		"envelope": got.From + " to " + got.To, "id": got.Header.Get("Message-ID"), "returned": id,
		"subject": subject, "to": to[0].Name, "date": got.Header.Get("Date"), "reply": got.Header.Get("Reply-To"),
		"unsubscribe": got.Header.Get("List-Unsubscribe"), "post": got.Header.Get("List-Unsubscribe-Post"), "plain": strings.TrimSuffix(got.Plain, "\n"), "html": strings.TrimSuffix(got.HTML, "\n"),
	}); diff != "" {
		t.Error(diff)
	}
}

func TestOnePart(t *testing.T) {
	server := mailtest.Start(t)
	m := message()
	m.HTML = ""
	if _, err := open(t, server.URL).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	m = message()
	m.Plain = ""
	if _, err := open(t, server.URL).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	received := server.Received()
	if len(received) != 2 || received[0].HTML != "" || received[0].Plain == "" || received[1].HTML == "" || received[1].Plain != "" {
		t.Errorf("received %+v", received)
	}
}

// What is said to be not sent did not arrive, and what arrived is never said to be not
// sent.
func TestFailures(t *testing.T) {
	for _, test := range []struct {
		name    string
		at      mailtest.Point
		failure error
		want    error
		arrived int
	}{
		{"sender later", mailtest.AtSender, mailtest.Reply(451, "busy"), mail.ErrLater, 0},
		{"sender refused", mailtest.AtSender, mailtest.Reply(550, "not you"), mail.ErrRefused, 0},
		{"sender hangs up", mailtest.AtSender, mailtest.ErrHangUp, mail.ErrLater, 0},
		{"recipient later", mailtest.AtRecipient, mailtest.Reply(450, "greylisted"), mail.ErrLater, 0},
		{"recipient refused", mailtest.AtRecipient, mailtest.Reply(550, "no such user"), mail.ErrRefused, 0},
		{"recipient hangs up", mailtest.AtRecipient, mailtest.ErrHangUp, mail.ErrLater, 0},
		{"content later", mailtest.AtContent, mailtest.Reply(452, "full"), mail.ErrLater, 0},
		{"content refused", mailtest.AtContent, mailtest.Reply(554, "spam"), mail.ErrRefused, 0},
		{"taken and not confirmed", mailtest.AtEnd, mailtest.ErrHangUp, mail.ErrUnknown, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := mailtest.Start(t)
			server.Fail(test.at, test.failure)
			if id, err := open(t, server.URL).Send(t.Context(), message()); !errors.Is(err, test.want) || id != "" {
				t.Errorf("send: %q, %v, want %v", id, err, test.want)
			}
			if got := len(server.Received()); got != test.arrived {
				t.Errorf("%d arrived, want %d", got, test.arrived)
			}
		})
	}
}

func TestNoServer(t *testing.T) {
	if _, err := open(t, "smtp://127.0.0.1:1").Send(t.Context(), message()); !errors.Is(err, mail.ErrLater) {
		t.Errorf("send: %v, want %v", err, mail.ErrLater)
	}
}

func TestEndedContext(t *testing.T) {
	server := mailtest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, server.URL).Send(ctx, message()); !errors.Is(err, mail.ErrLater) {
		t.Errorf("send: %v, want %v", err, mail.ErrLater)
	}
	if got := server.Received(); len(got) != 0 {
		t.Errorf("%d arrived, want none", len(got))
	}
}

func TestAMessageThatNoServerIsGiven(t *testing.T) {
	server := mailtest.Start(t)
	for name, change := range map[string]func(*mail.Message){
		"subject of two lines": func(m *mail.Message) { m.Subject = "a\r\nBcc: everybody@example.test" },
		"no recipient":         func(m *mail.Message) { m.To.Email = "" },
		"two recipients":       func(m *mail.Message) { m.To.Email = "a@example.test, b@example.test" },
		"a name of two lines":  func(m *mail.Message) { m.To.Name = "a\nb" },
		"no sender":            func(m *mail.Message) { m.From.Email = "sales" },
		"no body":              func(m *mail.Message) { m.Plain, m.HTML = "", "" },
		"unsubscribe":          func(m *mail.Message) { m.Unsubscribe = "https://a\r\nX: y" },
	} {
		m := message()
		change(&m)
		if _, err := open(t, server.URL).Send(t.Context(), m); !errors.Is(err, mail.ErrRefused) {
			t.Errorf("%s: %v, want %v", name, err, mail.ErrRefused)
		}
	}
	if got := server.Received(); len(got) != 0 {
		t.Errorf("%d arrived, want none", len(got))
	}
}

// A password never goes over a connection that is not encrypted.
func TestPasswordNeedsEncryption(t *testing.T) {
	server := mailtest.Start(t)
	url := strings.Replace(server.URL, "smtp://", "smtp://user:secret@", 1)
	_, err := open(t, url).Send(t.Context(), message())
	if !errors.Is(err, mail.ErrLater) || strings.Contains(err.Error(), "secret") {
		t.Errorf("send: %v, want %v without the password", err, mail.ErrLater)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, url := range []string{"", "mail.example.test:25", "http://mail.example.test", "smtp://", "smtp://user:secret@mail example", "smtp://u:secret@host:x", "smtp://host/path", "smtp://host?tls=no"} {
		_, err := smtp.Open(url, clock.System())
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want an error without the password", url, err)
		}
	}
	for _, url := range []string{"smtp://host", "smtps://user:secret@host:465"} {
		if _, err := smtp.Open(url, clock.System()); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
}
