package lambdaio

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// maxAnswer is Lambda's limit of a synchronous answer, counted on the whole
// answer as JSON, where each quote of a JSON body costs two bytes.
const maxAnswer = 6 << 20

// The error codes of webapi.md §5 that this package answers itself.
const (
	codeInvalidArgument = "0x80040203"
	codeUnexpected      = "0x80040216"
	codeHTTPError       = "0x8006088a"
)

// recorder is the http.ResponseWriter of one request. Like net/http's, it
// takes the header as it is at the first WriteHeader or Write, and refuses a
// body where the status allows none.
type recorder struct {
	header http.Header // what the handler edits
	sent   http.Header // what counts, once status is set
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status != 0 || status < 200 { // the gateway passes on no 1xx
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(p)
}

// answer is what the handler left behind as the gateway wants it. Format 2.0
// has no multi-value headers: values are joined by commas, which for every
// header but Set-Cookie means the same.
func (w *recorder) answer(method string) events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	body := w.body.Bytes()
	if len(body) > 0 && w.sent.Get("Content-Type") == "" {
		w.sent.Set("Content-Type", http.DetectContentType(body))
	}
	a := events.APIGatewayV2HTTPResponse{
		StatusCode: w.status,
		Headers:    make(map[string]string, len(w.sent)),
		Cookies:    w.sent.Values("Set-Cookie"),
	}
	w.sent.Del("Set-Cookie")
	for name, values := range w.sent {
		a.Headers[name] = strings.Join(values, ", ")
	}
	switch {
	case method == http.MethodHead:
	case utf8.Valid(body):
		a.Body = string(body)
	default:
		a.Body, a.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	if size := encodedSize(a); size > maxAnswer {
		return failure(http.StatusRequestEntityTooLarge, codeHTTPError, fmt.Sprintf(
			"The answer has %d bytes, the limit is %d. Ask for fewer rows (Prefer: odata.maxpagesize) or fewer columns ($select).",
			size, maxAnswer))
	}
	return a
}

// encodedSize is the size of a as the runtime will encode it, or 0 when even
// the worst encoding, six bytes a byte, is far from the limit: the common case
// pays nothing.
func encodedSize(a events.APIGatewayV2HTTPResponse) int {
	const headroom = 1 << 20 // headers; the gateway itself allows 10 KB
	if len(a.Body) <= (maxAnswer-headroom)/6 {
		return 0
	}
	var n counter
	enc := json.NewEncoder(&n)
	enc.SetEscapeHTML(false) // as aws-lambda-go does
	if err := enc.Encode(a); err != nil {
		return maxAnswer + 1
	}
	return int(n)
}

type counter int

func (n *counter) Write(p []byte) (int, error) {
	*n += counter(len(p))
	return len(p), nil
}

// failure is an error of this package itself in the form of the Web API.
func failure(status int, code, message string) events.APIGatewayV2HTTPResponse {
	// Strings always encode, so there is no error to handle.
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": message}})
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status,
		Headers: map[string]string{
			"Content-Type":  "application/json; odata.metadata=minimal",
			"OData-Version": "4.0",
		},
		Body: string(body),
	}
}
