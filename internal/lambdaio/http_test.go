package lambdaio_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"segue/internal/api"
	"segue/internal/lambdaio"
)

// eventJSON is an event with every field that API Gateway sends in payload
// format 2.0 with a JWT authorizer; tests change what they are about.
const eventJSON = `{
  "version": "2.0",
  "routeKey": "ANY /api/data/{version}/{proxy+}",
  "rawPath": "/api/data/v9.2/leads(fullname='Zoë O''Hara')",
  "rawQueryString": "$select=fullname,leadid&$filter=fullname%20eq%20'a%2Bb'&x=1&x=2",
  "cookies": ["session=abc", "theme=dark"],
  "headers": {
    "accept": "application/json",
    "authorization": "Bearer header.payload.signature",
    "content-length": "12",
    "content-type": "application/json; charset=utf-8",
    "host": "abc123.execute-api.eu-central-1.amazonaws.com",
    "prefer": "return=representation,odata.maxpagesize=2",
    "x-amzn-trace-id": "Root=1-5e1b4151-5ac6c58f5b5daa6532e84d1e",
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https"
  },
  "queryStringParameters": {"$select": "fullname,leadid", "$filter": "fullname eq 'a+b'", "x": "1,2"},
  "pathParameters": {"version": "v9.2", "proxy": "leads(fullname='Zoë O''Hara')"},
  "requestContext": {
    "accountId": "123456789012",
    "apiId": "abc123",
    "authorizer": {"jwt": {"claims": {"iss": "https://issuer.example", "sub": "u1", "roles": "[Sales Manager Salesperson]"}, "scopes": null}},
    "domainName": "abc123.execute-api.eu-central-1.amazonaws.com",
    "domainPrefix": "abc123",
    "http": {
      "method": "PATCH",
      "path": "/api/data/v9.2/leads(fullname='Zoë O''Hara')",
      "protocol": "HTTP/1.1",
      "sourceIp": "203.0.113.7",
      "userAgent": "test"
    },
    "requestId": "JKJaXmPLvHcESHA=",
    "routeKey": "ANY /api/data/{version}/{proxy+}",
    "stage": "$default",
    "time": "10/Mar/2026:05:16:23 +0000",
    "timeEpoch": 1773119783390
  },
  "stageVariables": {"k": "v"},
  "body": "{\"subject\":1}",
  "isBase64Encoded": false
}`

func decodeEvent(t *testing.T, change func(*events.APIGatewayV2HTTPRequest)) events.APIGatewayV2HTTPRequest {
	t.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal([]byte(eventJSON), &e); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&e)
	}
	return e
}

// call runs e through h as the Lambda runtime does, from JSON to JSON.
func call(t require, h http.Handler, e events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatalf("encode event: %v", err)
	}
	data, err := lambda.NewHandler(lambdaio.HTTP(h, api.Gateway{})).Invoke(context.Background(), payload)
	if err != nil {
		t.Fatalf("HTTP: %v", err)
	}
	if len(data) > 6<<20 {
		t.Fatalf("answer has %d bytes, more than Lambda carries", len(data))
	}
	var a events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatalf("decode answer: %v", err)
	}
	return a
}

// require is what call needs of *testing.T and *rapid.T.
type require interface {
	Helper()
	Fatalf(format string, args ...any)
}

// seen is what a handler can see of a request.
type seen struct {
	Method, Path, Query, Host, Remote, Body string
	Length                                  int64
	Header                                  http.Header
	Claims                                  map[string]string
	RequestID                               string
}

func look(r *http.Request) seen {
	body, _ := io.ReadAll(r.Body)
	claims, _ := lambdaio.Claims(r.Context())
	return seen{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Host: r.Host, Remote: r.RemoteAddr,
		Body: string(body), Length: r.ContentLength, Header: r.Header,
		Claims: claims, RequestID: lambdaio.RequestID(r.Context()),
	}
}

func TestRequestOfFullEvent(t *testing.T) {
	var got seen
	call(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = look(r) }), decodeEvent(t, nil))
	want := seen{
		Method: "PATCH",
		Path:   "/api/data/v9.2/leads(fullname='Zoë O''Hara')",
		Query:  "$select=fullname,leadid&$filter=fullname%20eq%20'a%2Bb'&x=1&x=2",
		Host:   "abc123.execute-api.eu-central-1.amazonaws.com",
		Remote: "203.0.113.7:0",
		Body:   `{"subject":1}`,
		Length: 13,
		Header: http.Header{
			"Accept":            {"application/json"},
			"Authorization":     {"Bearer header.payload.signature"},
			"Content-Length":    {"12"},
			"Content-Type":      {"application/json; charset=utf-8"},
			"Cookie":            {"session=abc; theme=dark"},
			"Prefer":            {"return=representation,odata.maxpagesize=2"},
			"X-Amzn-Trace-Id":   {"Root=1-5e1b4151-5ac6c58f5b5daa6532e84d1e"},
			"X-Forwarded-For":   {"203.0.113.7"},
			"X-Forwarded-Port":  {"443"},
			"X-Forwarded-Proto": {"https"},
		},
		Claims:    map[string]string{"iss": "https://issuer.example", "sub": "u1", "roles": "[Sales Manager Salesperson]"},
		RequestID: "JKJaXmPLvHcESHA=",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestRequestPath(t *testing.T) {
	tests := []struct{ name, stage, raw, want string }{
		{"default stage", "$default", "/api/data", "/api/data"},
		{"named stage is cut", "prod", "/prod/api/data", "/api/data"},
		{"named stage alone", "prod", "/prod", "/"},
		{"stage is a prefix of a segment", "prod", "/products", "/products"},
		{"stage not in the path", "prod", "/api", "/api"},
		{"no path", "$default", "", "/"},
		{"decoded percent sign", "$default", "/x('100%')", "/x('100%')"},
		{"not decoded twice", "$default", "/x('%41')", "/x('%41')"},
		{"decoded question mark", "$default", "/x('a?b')", "/x('a?b')"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.URL.Path })
			call(t, h, decodeEvent(t, func(e *events.APIGatewayV2HTTPRequest) {
				e.RawPath, e.RequestContext.Stage = tt.raw, tt.stage
			}))
			if got != tt.want {
				t.Errorf("path = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestClaimsComeFromTheEventOnly(t *testing.T) {
	tests := []struct {
		name   string
		change func(*events.APIGatewayV2HTTPRequest)
		want   bool
	}{
		{"JWT authorizer", nil, true},
		{"no authorizer", func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.Authorizer = nil }, false},
		{"another authorizer", func(e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
				Lambda: map[string]any{"claims": map[string]any{"sub": "u1"}},
			}
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got bool
			h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, got = lambdaio.Claims(r.Context()) })
			call(t, h, decodeEvent(t, tt.change))
			if got != tt.want {
				t.Errorf("claims present = %v, want %v", got, tt.want)
			}
		})
	}
	if _, ok := lambdaio.Claims(context.Background()); ok {
		t.Error("claims without an event")
	}
	if id := lambdaio.RequestID(context.Background()); id != "" {
		t.Errorf("request id without an event = %q", id)
	}
}

func TestHostFallsBackToDomainName(t *testing.T) {
	var got string
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Host })
	call(t, h, decodeEvent(t, func(e *events.APIGatewayV2HTTPRequest) {
		delete(e.Headers, "host")
		e.RequestContext.DomainName = "api.example.com"
	}))
	if got != "api.example.com" {
		t.Errorf("host = %q, want api.example.com", got)
	}
}

func TestAnswer(t *testing.T) {
	tests := []struct {
		name   string
		method string
		handle func(http.ResponseWriter)
		want   events.APIGatewayV2HTTPResponse
	}{
		{"nothing written", "GET", func(http.ResponseWriter) {},
			events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{}}},
		{"several values and cookies", "GET", func(w http.ResponseWriter) {
			w.Header().Add("Vary", "Accept")
			w.Header().Add("Vary", "Prefer")
			w.Header().Add("Set-Cookie", "a=1; Path=/")
			w.Header().Add("Set-Cookie", "b=2, c")
			w.WriteHeader(204)
		}, events.APIGatewayV2HTTPResponse{StatusCode: 204,
			Headers: map[string]string{"Vary": "Accept, Prefer"}, Cookies: []string{"a=1; Path=/", "b=2, c"}}},
		{"header after the status is too late", "GET", func(w http.ResponseWriter) {
			w.WriteHeader(304)
			w.Header().Set("ETag", "late")
			w.WriteHeader(500)
		}, events.APIGatewayV2HTTPResponse{StatusCode: 304, Headers: map[string]string{}}},
		{"informational status is not the answer", "GET", func(w http.ResponseWriter) {
			w.WriteHeader(103)
			w.WriteHeader(201)
		}, events.APIGatewayV2HTTPResponse{StatusCode: 201, Headers: map[string]string{}}},
		{"no body with 204", "GET", func(w http.ResponseWriter) {
			w.WriteHeader(204)
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
				panic(err) // answered with 500
			}
		}, events.APIGatewayV2HTTPResponse{StatusCode: 204, Headers: map[string]string{}}},
		{"no body for HEAD", "HEAD", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("{}"))
		}, events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{"Content-Type": "application/json"}}},
		{"binary", "GET", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write([]byte{0xff, 0x00})
		}, events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "/wA=", IsBase64Encoded: true,
			Headers: map[string]string{"Content-Type": "application/octet-stream"}}},
		{"type is detected", "GET", func(w http.ResponseWriter) { _, _ = w.Write([]byte("é")) },
			events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "é",
				Headers: map[string]string{"Content-Type": "text/plain; charset=utf-8"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tt.handle(w) })
			got := call(t, h, decodeEvent(t, func(e *events.APIGatewayV2HTTPRequest) {
				e.RequestContext.HTTP.Method = tt.method
			}))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// A text whose quotes take too much room goes out in base64.
func TestTextTooLargeOnceQuotesAreEscaped(t *testing.T) {
	text := strings.Repeat(`"`, 4<<20)
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	got := call(t, h, decodeEvent(t, nil))
	body, err := base64.StdEncoding.DecodeString(got.Body)
	if err != nil || !got.IsBase64Encoded || got.StatusCode != http.StatusOK || string(body) != text {
		t.Errorf("%d with %d bytes, base64 %v, %v", got.StatusCode, len(body), got.IsBase64Encoded, err)
	}
}

func TestFailuresAreWebAPIErrors(t *testing.T) {
	logged := captureLog(t)
	panics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(200)
		panic("secret detail")
	})
	writes := func(unit string, n int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat(unit, n)) })
	}
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	badBody := func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "!", true }
	tests := []struct {
		name   string
		h      http.Handler
		change func(*events.APIGatewayV2HTTPRequest)
		status int
		code   string
	}{
		{"panic", panics, nil, 500, "0x80040216"},
		{"bad base64", echo, badBody, 400, "0x80040203"},
		{"too large", writes("x", 6<<20), nil, 413, "0x8006088a"},
		{"too large with quotes escaped and in base64", writes(`"`, 5<<20), nil, 413, "0x8006088a"},
		{"too large once in base64", writes("\xff", 5<<20), nil, 413, "0x8006088a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := call(t, tt.h, decodeEvent(t, tt.change))
			var body struct {
				Error struct{ Code, Message string }
			}
			if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
				t.Fatalf("body %q: %v", got.Body, err)
			}
			if got.StatusCode != tt.status || body.Error.Code != tt.code || body.Error.Message == "" {
				t.Errorf("got %d %+v, want %d %s and a message", got.StatusCode, body.Error, tt.status, tt.code)
			}
			want := map[string]string{"Content-Type": "application/json; odata.metadata=minimal", "Odata-Version": "4.0"}
			if diff := cmp.Diff(want, got.Headers); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if strings.Contains(got.Body, "secret") {
				t.Errorf("body %q tells the cause", got.Body)
			}
		})
	}
	for _, part := range []string{"secret detail", "JKJaXmPLvHcESHA=", "http_test.go"} {
		if n := strings.Count(logged(), part); n == 0 {
			t.Errorf("log lacks %q:\n%s", part, logged())
		}
	}
	if n := strings.Count(logged(), "\n"); n != 1 {
		t.Errorf("%d log lines, want 1:\n%s", n, logged())
	}
	if got := call(t, writes("x", 6<<20-200), decodeEvent(t, nil)); got.StatusCode != 200 {
		t.Errorf("an answer just below the limit has status %d, want 200", got.StatusCode)
	}
}

// captureLog sends the default logger to memory for the test.
func captureLog(t *testing.T) func() string {
	t.Helper()
	var buf bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&buf, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return buf.String
}

func TestConcurrentCalls(t *testing.T) {
	f := lambdaio.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := lambdaio.Claims(r.Context())
		_, _ = io.WriteString(w, r.URL.Path+" "+claims["sub"])
	}), api.Gateway{})
	var wg sync.WaitGroup
	for i := range 50 {
		e := decodeEvent(t, func(e *events.APIGatewayV2HTTPRequest) {
			e.RawPath = fmt.Sprint("/", i)
			e.RequestContext.Authorizer.JWT.Claims["sub"] = fmt.Sprint("u", i)
		})
		wg.Go(func() {
			a, err := f(context.Background(), e)
			if want := fmt.Sprintf("/%d u%d", i, i); err != nil || a.Body != want {
				t.Errorf("call %d = %q, %v; want %q", i, a.Body, err, want)
			}
		})
	}
	wg.Wait()
}
