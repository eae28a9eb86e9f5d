package odata

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"segue/internal/excerpt"
)

// MaxBody is the largest request body, in bytes.
const MaxBody = 1 << 20

// ReadBody reads a request's body, which is JSON in UTF-8 or has no content type, and
// is not compressed. A missing body reads as an empty one.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := ReadBytes(w, r, MaxBody)
	if err != nil || len(body) == 0 {
		return body, err
	}
	if err := refuseType(r.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	return body, refuseOtherText(body)
}

// ReadBytes reads a request's body of any type, of at most limit bytes, which is not
// compressed.
func ReadBytes(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if err := refuseEncoding(w, r.Header); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge:
		return nil, refuseBody(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", limit).Exceeds("BodyBytes", int(limit), 0)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refuseBody(http.StatusRequestTimeout, "the body did not come in time")
	case err != nil:
		return nil, Errorf(CrmHTTPError, "the body could not be read to its end")
	}
	return body, nil
}

func refuseBody(status int, format string, args ...any) *Error {
	e := Errorf(CrmHTTPError, format, args...)
	e.Status = status
	return e
}

// refuseEncoding refuses a body that is encoded, before any of it is read. The response
// says which encodings would do, none (RFC 9110 §15.5.16).
func refuseEncoding(w http.ResponseWriter, header http.Header) error {
	for coding := range strings.SplitSeq(strings.Join(header.Values("Content-Encoding"), ","), ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
			w.Header().Set("Accept-Encoding", "identity")
			return refuseBody(http.StatusUnsupportedMediaType, "the body must not be encoded ('%s')", excerpt.Of(coding))
		}
	}
	return nil
}

// refuseType refuses a type of body that is not JSON, and a charset that is not UTF-8,
// of which ASCII is a part.
func refuseType(contentType string) error {
	if contentType == "" {
		return nil
	}
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/json" {
		return refuseBody(http.StatusUnsupportedMediaType, "the body must be application/json, not '%s'", excerpt.Of(contentType))
	}
	switch charset := strings.ToLower(parameters["charset"]); charset {
	case "", "utf-8", "utf8", "us-ascii":
		return nil
	default:
		return refuseBody(http.StatusUnsupportedMediaType, "the body must be in UTF-8, not '%s'", excerpt.Of(charset))
	}
}

// refuseOtherText refuses bytes that are not UTF-8. A JSON decoder would put U+FFFD in
// their place, which nobody sent.
func refuseOtherText(body []byte) error {
	for at := 0; at < len(body); {
		r, size := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && size == 1 {
			return Errorf(BadPayload, "the body is not in UTF-8: byte %d is not part of a character", at)
		}
		at += size
	}
	return nil
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

// WriteText writes a response with a text that is no JSON: a number of rows, or a property by
// itself.
func WriteText(w http.ResponseWriter, text string) {
	h := w.Header()
	h.Set("OData-Version", "4.0")
	h.Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(text)) // fails when the client has gone; there is nobody to tell
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

// WriteError writes a response with an error, with the annotations that the client asked
// for. A 401 names the scheme to use unless the caller has named one already.
func WriteError(w http.ResponseWriter, e *Error, wanted Annotations) {
	h := w.Header()
	if e.Status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	var body bytes.Buffer
	out := json.NewEncoder(&body)
	out.SetEscapeHTML(false)                                   // links and quoted input stay readable
	_ = out.Encode(map[string]any{"error": e.members(wanted)}) // texts always can
	WriteJSON(w, e.Status, bytes.TrimSuffix(body.Bytes(), []byte("\n")))
}

// NextLink returns the URL of the page that token starts: that of the request, as
// the client knows it (ServiceRoot and what followed), with the same options, encoded as
// they were, and the new token. top is what is left of $top, less than 0 to leave it
// as it is.
func NextLink(requestURL, token string, top int) string {
	path, options := linkWithout(requestURL, func(name string) bool { return name == "$skiptoken" || name == "$top" && top >= 0 })
	if top >= 0 {
		options = append(options, "$top="+strconv.Itoa(top))
	}
	options = append(options, "$skiptoken="+url.QueryEscape(token))
	return path + "?" + strings.Join(options, "&")
}

// DeltaLink returns the link to what has changed in the list that was asked for, from the
// place that a token stands for.
func DeltaLink(requestURL, token string) string {
	path, options := linkWithout(requestURL, func(name string) bool { return name == "$skiptoken" || name == "$deltatoken" })
	return path + "?" + strings.Join(append(options, "$deltatoken="+url.QueryEscape(token)), "&")
}

// linkWithout returns the path of a URL and its query options without some, encoded as
// they were.
func linkWithout(requestURL string, some func(name string) bool) (path string, options []string) {
	path, query, _ := strings.Cut(requestURL, "?")
	for pair := range strings.SplitSeq(query, "&") {
		encoded, _, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(encoded)
		if pair != "" && err == nil && !some(name) {
			options = append(options, pair)
		}
	}
	return path, options
}
