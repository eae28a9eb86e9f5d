package webserver

import (
	"errors"
	"io"
	"net/http"
	"time"

	"segue/internal/clock"
)

// paced has clients of h send bodies and read responses at the rate of the limits.
// http.Server's own ReadTimeout would bound a long body like a short one, and end the
// context of a handler that takes long.
func paced(h http.Handler, limits Limits, c clock.Clock) http.Handler {
	p := pace{limits, c}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := http.NewResponseController(w)
		if r.ContentLength != 0 {
			b := &body{ReadCloser: r.Body, pace: p, conn: conn, began: c.Now()}
			_ = conn.SetReadDeadline(p.deadline(b.began, 0)) // it is a connection; a test's recorder has no deadlines
			r.Body = b
		}
		_ = conn.SetWriteDeadline(time.Time{}) // that of the response before
		h.ServeHTTP(&response{ResponseWriter: w, pace: p, conn: conn}, r)
	})
}

type pace struct {
	limits Limits
	clock  clock.Clock
}

// deadline returns when a transfer that began is too slow, if it has come to n bytes.
func (p pace) deadline(began time.Time, n int64) time.Time {
	return began.Add(p.limits.Patience + time.Duration(n)*time.Second/time.Duration(p.limits.Rate))
}

// body is a body that must come in time. One that nobody reads keeps its first
// deadline, by which the server gives up looking for its end.
type body struct {
	io.ReadCloser
	pace  pace
	conn  *http.ResponseController
	began time.Time
	read  int64
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	deadline := b.pace.deadline(b.began, b.read)
	if errors.Is(err, io.EOF) { // from now on the server only looks whether the client is there
		deadline = time.Time{}
	}
	_ = b.conn.SetReadDeadline(deadline) // as in paced
	return n, err
}

// response is a response that must go in time.
type response struct {
	http.ResponseWriter
	pace pace
	conn *http.ResponseController
}

// Write implements io.Writer.
func (w *response) Write(p []byte) (int, error) {
	_ = w.conn.SetWriteDeadline(w.pace.deadline(w.pace.clock.Now(), int64(len(p)))) // as in paced
	return w.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
