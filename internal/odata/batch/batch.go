// Package batch reads and writes the multipart bodies of $batch (docs/webapi.md §12).
// It knows the two envelopes, not what is in them: the parts of a request become
// requests with a method, a URL, headers and a body, and responses become the parts of
// the answer.
//
// Clients in use write the inner requests in ways that net/http does not read: without
// the empty line after the headers, with blanks in the URL, without a length or with a
// wrong one. mime/multipart splits what all of them send, and request.go reads the
// inner requests; the answer is written so that the strictest of them reads it.
//
// Invariant: a body is read to its end before any of its requests is returned, so that
// a batch that was cut off does nothing. An error in one inner request is reported in its
// place and does not affect those before it.
package batch

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"

	"segue/internal/excerpt"
	"segue/internal/odata"
)

// MaxRequests is how many requests a batch may have, those of its change sets included.
const MaxRequests = 1000

// MaxBody is the largest body of a batch, in bytes: base64, as a gateway hands it over,
// makes it a third longer, and AWS Lambda takes 6 MB.
const MaxBody = 4 << 20

// The media types of the envelopes.
const (
	mixed       = "multipart/mixed"
	application = "application/http"
)

// Item is a part of a batch: one request, or the requests of a change set.
type Item struct {
	ChangeSet bool
	Requests  []Request
}

// Request is an inner request.
type Request struct {
	ContentID string // "" for none
	Method    string
	URL       string // as it was written: absolute, from the host's or the service's root, or $<content id>…
	Header    http.Header
	Body      []byte // without white space around it
	Err       error  // why it is no request, an *odata.Error; Method, URL and the rest are zero then
}

// Read reads the body of a batch request. An error means that nothing of it may be
// carried out.
func Read(contentType string, body []byte) ([]Item, error) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || kind != mixed || parameters["boundary"] == "" {
		refusal := odata.Errorf(odata.BadRequest, "a batch must be %s with a boundary, not '%s'", mixed, excerpt.Of(contentType))
		refusal.Status = http.StatusUnsupportedMediaType
		return nil, refusal
	}
	r := reader{}
	if err := r.items(multipart.NewReader(bytes.NewReader(body), parameters["boundary"])); err != nil {
		return nil, err
	}
	if r.requests == 0 {
		return nil, odata.Errorf(odata.BadRequest, "the batch has no requests")
	}
	return r.list, nil
}

// reader collects the items of a batch.
type reader struct {
	list     []Item
	requests int
}

// items reads the parts of a batch.
func (r *reader) items(parts *multipart.Reader) error {
	return eachPart(parts, func(header textproto.MIMEHeader, body []byte) error {
		kind, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
		if err == nil && kind == mixed {
			return r.changeSet(parameters["boundary"], body)
		}
		request, err := r.request(header, body)
		r.list = append(r.list, Item{Requests: []Request{request}})
		return err
	})
}

// changeSet reads the parts of a change set.
func (r *reader) changeSet(boundary string, body []byte) error {
	if boundary == "" {
		return odata.Errorf(odata.BadRequest, "a change set has no boundary")
	}
	set := Item{ChangeSet: true}
	err := eachPart(multipart.NewReader(bytes.NewReader(body), boundary), func(header textproto.MIMEHeader, body []byte) error {
		request, err := r.request(header, body)
		set.Requests = append(set.Requests, request)
		return err
	})
	if len(set.Requests) > 0 {
		r.list = append(r.list, set)
	}
	return err
}

// request reads a part that holds a request. The error is about the batch, not about
// the request.
func (r *reader) request(header textproto.MIMEHeader, body []byte) (Request, error) {
	if r.requests++; r.requests > MaxRequests {
		return Request{}, odata.Errorf(odata.BadRequest, "a batch may have at most %d requests; this one has more", MaxRequests).Exceeds("BatchRequests", MaxRequests, 0)
	}
	var request Request
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || kind != application {
		err = odata.Errorf(odata.BadRequest, "a part of a batch must be %s or a change set, %s, not '%s'", application, mixed, excerpt.Of(header.Get("Content-Type")))
	} else {
		request, err = parseRequest(body)
	}
	if err != nil {
		request = Request{Err: err}
	}
	request.ContentID = header.Get("Content-ID")
	return request, nil
}

// eachPart calls do with each part of a multipart body, which must have an end.
func eachPart(parts *multipart.Reader, do func(textproto.MIMEHeader, []byte) error) error {
	for n := 1; ; n++ {
		part, err := parts.NextRawPart()
		if err == io.EOF { //nolint:errorlint // one that is wrapped tells that the last delimiter is missing
			return nil
		}
		var body []byte
		if err == nil {
			body, err = io.ReadAll(part)
		}
		if err != nil {
			return odata.Errorf(odata.BadRequest, "part %d of the batch cannot be read: %s", n, cut(err))
		}
		if err := do(part.Header, body); err != nil {
			return err
		}
	}
}

// cut says why a multipart body cannot be read.
func cut(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the body ends before the last delimiter"
	}
	return excerpt.Of(err.Error())
}
