package lambdaio

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// maxResponse is Lambda's limit for a synchronous response. It applies to the whole
// response as JSON, in which each quote of a JSON body takes two bytes.
const maxResponse = 6 << 20

// recorder is the http.ResponseWriter of one request. Like net/http's, it
// takes the header as it is at the first WriteHeader or Write, and refuses a
// body where the status allows none.
type recorder struct {
	header http.Header // what the handler edits
	sent   http.Header // what the client gets, once status is set
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status != 0 || status < 200 { // the gateway does not pass on a 1xx
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

// response returns what was written as the gateway wants it. Format 2.0 has no
// multi-value headers: values are joined by commas, which for every header but
// Set-Cookie means the same.
func (w *recorder) response(withBody bool) events.APIGatewayV2HTTPResponse {
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
	if withBody {
		a.Body = string(body)
	}
	if !utf8.ValidString(a.Body) {
		return asBase64(a)
	}
	return a
}

// asBase64 returns a with its body in base64, which the gateway decodes. It makes four
// bytes of three, while as a JSON string a text of quotes or controls grows up to six
// times.
func asBase64(a events.APIGatewayV2HTTPResponse) events.APIGatewayV2HTTPResponse {
	if !a.IsBase64Encoded {
		a.Body, a.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(a.Body)), true
	}
	return a
}

// encodedSize returns the size of a as the runtime will encode it. It returns 0 if even
// the worst encoding, six bytes a byte, is far from the limit, so that the common case
// costs nothing.
func encodedSize(a events.APIGatewayV2HTTPResponse) int {
	const headroom = 1 << 20 // headers; the gateway itself allows 10 KB
	if len(a.Body) <= (maxResponse-headroom)/6 {
		return 0
	}
	var n counter
	enc := json.NewEncoder(&n)
	enc.SetEscapeHTML(false) // as aws-lambda-go does
	if err := enc.Encode(a); err != nil {
		return maxResponse + 1
	}
	return int(n)
}

type counter int

func (n *counter) Write(p []byte) (int, error) {
	*n += counter(len(p))
	return len(p), nil
}
