package lambdaio

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Refuser writes the response where the handler cannot: it knows the form of the
// API's errors, this package does not. Its responses are small.
type Refuser interface {
	// BadBody refuses a request whose body is marked as base64 and is not; err
	// tells where, in words for the client.
	BadBody(w http.ResponseWriter, err error)
	// Panicked reports that the handler failed. The panic has been logged and
	// must not be shown to the client.
	Panicked(w http.ResponseWriter)
	// Late reports that the handler has not responded in time. What it was to do may
	// have been done.
	Late(w http.ResponseWriter)
	// TooLarge replaces a response that Lambda cannot carry: it would have
	// size bytes, of at most limit.
	TooLarge(w http.ResponseWriter, size, limit int)
}

// HTTP returns a Lambda function that serves requests by h. The request that h sees is
// the one that a net/http server would have made of what the client sent to the gateway,
// with two exceptions that are due to the gateway: the path is percent-decoded, so that
// a %2F in it is a slash, and repeated headers arrive as one, joined by commas.
//
// The function never returns an error, which would be a bare 502 for the
// client: where h cannot respond, refuser does. A panic of h is logged with its
// stack. The context of the request ends two seconds before the function does, and
// where h has not responded a second later, refuser does.
func HTTP(h http.Handler, refuser Refuser) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return respondInTime(ctx, &e, h, refuser), nil
	}
}

// respond returns the response, from h or from refuser.
func respond(ctx context.Context, e *events.APIGatewayV2HTTPRequest, h http.Handler, refuser Refuser) events.APIGatewayV2HTTPResponse {
	r, err := newRequest(ctx, e)
	if err != nil {
		return refusal(func(w http.ResponseWriter) { refuser.BadBody(w, err) })
	}
	w := newRecorder()
	if !serve(h, w, r) {
		return refusal(refuser.Panicked)
	}
	response := w.response(r.Method != http.MethodHead)
	if encodedSize(response) > maxResponse {
		response = asBase64(response)
	}
	if size := encodedSize(response); size > maxResponse {
		return refusal(func(w http.ResponseWriter) { refuser.TooLarge(w, size, maxResponse) })
	}
	return response
}

// refusal records what a Refuser writes. What the handler wrote is in another
// recorder and is dropped.
func refusal(write func(http.ResponseWriter)) events.APIGatewayV2HTTPResponse {
	w := newRecorder()
	write(w)
	return w.response(true)
}

// serve reports whether h returned; if it panicked, the panic is logged.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (done bool) {
	defer func() {
		if done {
			return
		}
		slog.ErrorContext(r.Context(), "http handler panicked", "request", RequestID(r.Context()),
			"method", r.Method, "path", r.URL.Path, "panic", recover(), "stack", string(debug.Stack()))
	}()
	h.ServeHTTP(w, r)
	return true
}

func newRequest(ctx context.Context, e *events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, fmt.Errorf("request body is not valid base64: %w", err)
		}
	}
	u := &url.URL{Path: requestPath(e), RawQuery: e.RawQueryString}
	r := &http.Request{
		Method:        e.RequestContext.HTTP.Method,
		URL:           u,
		RequestURI:    u.RequestURI(),
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        requestHeader(e),
		Body:          http.NoBody,
		ContentLength: int64(len(body)),
	}
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	// As in a net/http server, the Host header is a field of its own.
	if r.Host = r.Header.Get("Host"); r.Host == "" {
		r.Host = e.RequestContext.DomainName
	}
	r.Header.Del("Host")
	if ip := e.RequestContext.HTTP.SourceIP; ip != "" {
		r.RemoteAddr = net.JoinHostPort(ip, "0") // the port is not known
	}
	return r.WithContext(withGateway(ctx, &e.RequestContext)), nil
}

// requestPath returns the decoded path without the stage. HTTP APIs hand over
// rawPath already decoded (REST APIs and function URLs do not), so decoding it
// again would turn a name that really holds "%41" into "A".
func requestPath(e *events.APIGatewayV2HTTPRequest) string {
	path := e.RawPath
	if stage := e.RequestContext.Stage; stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(path, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
	}
	if path == "" {
		return "/"
	}
	return path
}

// requestHeader returns the headers with the cookies, which the gateway takes out (and
// sam local does not).
func requestHeader(e *events.APIGatewayV2HTTPRequest) http.Header {
	header := make(http.Header, len(e.Headers)+1)
	for name, value := range e.Headers {
		header.Add(name, value)
	}
	if len(e.Cookies) > 0 {
		header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	return header
}
