// Package recipient is what the recipients of emails reach over HTTP, who have no account
// and no token: the image that tells that an email was opened, its links, and the way off
// the list. What an address may do is in its signature ([mailing.Mailing.Verify]).
//
// Invariant: nothing is read or written for an address that this installation has not
// signed, and a link leads only where it led in the email that it was in.
package recipient

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"segue/internal/sales"
	"segue/internal/sales/mailing"
)

// Mailing is what happens to emails; [mailing.Mailing] is one.
type Mailing interface {
	Verify(act mailing.Act, text string) (t mailing.Token, ok bool)
	Opened(ctx context.Context, t mailing.Token) error
	Followed(ctx context.Context, t mailing.Token) (address string, err error)
	Unsubscribed(ctx context.Context, t mailing.Token) error
}

// Handler returns the handler of everything under [mailing.Path].
func Handler(m Mailing, log *slog.Logger) http.Handler { return handler{m, log} }

type handler struct {
	Mailing
	log *slog.Logger
}

// ServeHTTP implements [http.Handler].
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // the address is nobody else's business
	header.Set("X-Robots-Tag", "noindex, nofollow")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	act, text, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, mailing.Path), "/")
	if len(act) != 1 {
		nothing(w)
		return
	}
	token, ok := h.Verify(mailing.Act(act[0]), text)
	if !ok {
		nothing(w)
		return
	}
	if r.Method != http.MethodGet && (r.Method != http.MethodPost || token.Act != mailing.Unsubscribe) {
		// Whoever asks for the head alone looks whether the link works, and has not followed it.
		header.Set("Allow", "GET")
		page(w, http.StatusMethodNotAllowed, "This link is opened in a browser.", "")
		return
	}
	switch token.Act {
	case mailing.Open:
		h.open(w, r, token)
	case mailing.Follow:
		h.follow(w, r, token)
	case mailing.Unsubscribe:
		h.unsubscribe(w, r, token)
	default:
		nothing(w)
	}
}

// open answers with the image whatever happens: a failure is no reason for a broken one.
func (h handler) open(w http.ResponseWriter, r *http.Request, t mailing.Token) {
	if err := h.Opened(r.Context(), t); err != nil {
		h.log.WarnContext(r.Context(), "an opening was not noted", "send", t.Send, "err", err)
	}
	w.Header().Set("Content-Type", "image/gif")
	_, _ = io.WriteString(w, pixel)
}

// pixel is a transparent image of one pixel.
const pixel = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

func (h handler) follow(w http.ResponseWriter, r *http.Request, t mailing.Token) {
	address, err := h.Followed(r.Context(), t)
	switch {
	case err == nil:
		w.Header().Set("Location", address)
		w.WriteHeader(http.StatusFound)
	case errors.Is(err, sales.NotFound):
		nothing(w)
	default:
		h.failed(w, r, t, err)
	}
}

// unsubscribe asks first: what scans emails for danger opens every link of theirs, and does
// not send forms. The POST is also what a mail program sends by itself (RFC 8058).
func (h handler) unsubscribe(w http.ResponseWriter, r *http.Request, t mailing.Token) {
	if r.Method == http.MethodGet {
		page(w, http.StatusOK, "Do you want no more emails from us?", `<form method="post"><button>Unsubscribe</button></form>`)
		return
	}
	if err := h.Unsubscribed(r.Context(), t); err != nil {
		h.failed(w, r, t, err)
		return
	}
	page(w, http.StatusOK, "You will get no more emails from us.", "")
}

func (h handler) failed(w http.ResponseWriter, r *http.Request, t mailing.Token, err error) {
	h.log.ErrorContext(r.Context(), "what a recipient asked for was not done", "act", string(t.Act), "send", t.Send, "err", err)
	Refuser{}.Late(w)
}

// nothing is the answer to an address that nobody has signed, and to one whose email is
// forgotten: the two look alike.
func nothing(w http.ResponseWriter) {
	page(w, http.StatusNotFound, "This link leads nowhere any more.", "")
}

// page writes a page of text and HTML that are constants.
func page(w http.ResponseWriter, status int, text, more string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>`+text+
		`</title><body style="font-family:sans-serif;max-width:30em;margin:4em auto;padding:0 1em"><p>`+text+`</p>`+more)
}
