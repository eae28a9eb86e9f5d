package batch

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Response is what came of an inner request.
type Response struct {
	ContentID string // of the request, "" for none
	Status    int
	Header    http.Header
	Body      []byte
}

// Writer writes the answer to a batch. What clients need of it beyond the standard: its
// boundaries begin with "batchresponse_" and "changesetresponse_" and stand without
// quotes, nothing comes before the first delimiter, and a change set has one header.
type Writer struct {
	boundary string
	body     []byte
}

// NewWriter returns a writer whose delimiters contain id, a GUID.
func NewWriter(id string) *Writer { return &Writer{boundary: "batchresponse_" + id} }

// ContentType returns the type of the answer.
func (w *Writer) ContentType() string { return mixed + "; boundary=" + w.boundary }

// Len returns how many bytes have been written.
func (w *Writer) Len() int { return len(w.body) }

// Response writes the response to a request.
func (w *Writer) Response(r Response) {
	w.printf("--%s\r\n", w.boundary)
	w.part(r)
}

// ChangeSet writes the responses to a change set, whose delimiters contain id, a GUID. One
// that failed has one response.
func (w *Writer) ChangeSet(id string, responses ...Response) {
	boundary := "changesetresponse_" + id
	w.printf("--%s\r\nContent-Type: %s; boundary=%s\r\n\r\n", w.boundary, mixed, boundary)
	for _, r := range responses {
		w.printf("--%s\r\n", boundary)
		w.part(r)
	}
	w.printf("--%s--\r\n", boundary)
}

// Close ends the answer and returns it.
func (w *Writer) Close() []byte {
	w.printf("--%s--\r\n", w.boundary)
	return w.body
}

// part writes a part with a response. A client takes all between the first and the last
// brace for the body, so the headers must have none.
func (w *Writer) part(r Response) {
	w.printf("Content-Type: %s\r\nContent-Transfer-Encoding: binary\r\n", application)
	if r.ContentID != "" {
		w.printf("Content-ID: %s\r\n", r.ContentID)
	}
	w.printf("\r\nHTTP/1.1 %d %s\r\n", r.Status, http.StatusText(r.Status))
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w.printf("%s: %s\r\n", spelled(name), strings.Join(r.Header[name], ", "))
	}
	w.printf("\r\n%s\r\n", r.Body)
}

// spelled returns the name of a header as the documents spell it. Names do not depend on
// the case, but a client that reads parts by a pattern does.
func spelled(name string) string {
	switch name {
	case "Odata-Entityid":
		return "OData-EntityId"
	case "Odata-Version":
		return "OData-Version"
	case "Etag":
		return "ETag"
	case "Req_id":
		return "REQ_ID"
	}
	return name
}

func (w *Writer) printf(format string, args ...any) { w.body = fmt.Appendf(w.body, format, args...) }
