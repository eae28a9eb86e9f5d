package odata

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"segue/internal/excerpt"
)

// MaxBody is the largest request body, in bytes.
const MaxBody = 1 << 20

// ReadBody reads a request's body, which is JSON or has no content type.
// A missing body reads as an empty one.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		e := Errorf(CrmHTTPError, "the body has more than %d bytes", MaxBody)
		e.Status = http.StatusRequestEntityTooLarge
		return nil, e
	}
	if err != nil {
		return nil, Errorf(CrmHTTPError, "the body could not be read to its end")
	}
	contentType := r.Header.Get("Content-Type")
	if len(body) == 0 || contentType == "" {
		return body, nil
	}
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != "application/json" {
		e := Errorf(CrmHTTPError, "the body must be application/json, not '%s'", excerpt.Of(contentType))
		e.Status = http.StatusUnsupportedMediaType
		return nil, e
	}
	return body, nil
}

// WriteJSON writes a response with a JSON body. Headers that only some
// responses have (ETag, Preference-Applied) must be set before the call.
func WriteJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("OData-Version", "4.0")
	h.Set("Content-Type", "application/json; odata.metadata=minimal")
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails when the client has gone; there is nobody to tell
}

// WriteNoContent writes a 204. After a create or update entityURL is the URL of the
// row, written to both headers in which clients look for it; otherwise it is "".
func WriteNoContent(w http.ResponseWriter, entityURL string) {
	h := w.Header()
	h.Set("OData-Version", "4.0")
	if entityURL != "" {
		h.Set("OData-EntityId", entityURL)
		h.Set("Location", entityURL)
	}
	w.WriteHeader(http.StatusNoContent)
}

// WriteError writes a response with an error. A 401 names the scheme to use
// unless the caller has named one already.
func WriteError(w http.ResponseWriter, e *Error) {
	h := w.Header()
	if e.Status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	var inner, outer object
	inner.text("code", string(e.Code))
	inner.text("message", e.Message)
	outer.raw("error", inner.close())
	WriteJSON(w, e.Status, outer.close())
}

// NextLink returns the URL of the page that token starts: that of the request, as
// the client knows it (ServiceRoot and what followed), with the same options, encoded as
// they were, and the new token. top is what is left of $top, less than 0 to leave it
// as it is.
func NextLink(requestURL, token string, top int) string {
	path, query, _ := strings.Cut(requestURL, "?")
	var options []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, err := decodePair(pair)
		if pair == "" || err != nil || name == "$skiptoken" || name == "$top" && top >= 0 {
			continue
		}
		options = append(options, pair)
	}
	if top >= 0 {
		options = append(options, "$top="+strconv.Itoa(top))
	}
	options = append(options, "$skiptoken="+url.QueryEscape(token))
	return path + "?" + strings.Join(options, "&")
}
