package lambdaio_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestSameAsNetHTTP sends random requests to one handler twice: over a real
// net/http server, and as the event that the gateway would make of them. What
// the handler sees and what the client gets must not differ.
func TestSameAsNetHTTP(t *testing.T) {
	var saw seen
	var status int
	var answer []byte
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		saw = look(r)
		w.Header().Add("X-Answer", "a")
		w.Header().Add("X-Answer", "b")
		w.Header().Add("Set-Cookie", "k=v")
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	})
	server := httptest.NewServer(h)
	defer server.Close()

	rapid.Check(t, func(t *rapid.T) {
		path := "/" + rapid.String().Draw(t, "path")
		query := url.Values{"$filter": {rapid.String().Draw(t, "filter")}, "x": rapid.SliceOfN(rapid.String(), 1, 3).Draw(t, "x")}.Encode()
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		req, err := http.NewRequest(
			rapid.SampledFrom([]string{"GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD", "MERGE"}).Draw(t, "method"),
			server.URL+(&url.URL{Path: path, RawQuery: query}).RequestURI(), bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Prefer", "If-Match", "MSCRM.MergeLabels", "User-Agent", "Accept-Encoding"} {
			req.Header.Set(name, rapid.StringMatching(`[!-~]([ -~]{0,20}[!-~])?`).Draw(t, name))
		}
		req.Header.Set("Cookie", "a=1; b=2")
		status = rapid.SampledFrom([]int{200, 201, 204, 304, 400, 412, 500}).Draw(t, "status")
		answer = rapid.SliceOf(rapid.Byte()).Draw(t, "answer")

		e := gatewayEvent(t, req, path, body)
		wantAnswer := send(t, server.Client(), req)
		want := saw
		gotAnswer := plain(t, call(t, h, e))
		got := saw

		want.Remote, got.Remote = "", "" // differ by nature
		want.Header.Del("Content-Length")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("request (-net/http +event):\n%s", diff)
		}
		if diff := cmp.Diff(wantAnswer, gotAnswer); diff != "" {
			t.Fatalf("answer (-net/http +event):\n%s", diff)
		}
	})
}

// gatewayEvent is what the gateway makes of req: lower-case headers, cookies
// apart, the path decoded, a body that is not text in base64.
func gatewayEvent(t *rapid.T, req *http.Request, path string, body []byte) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: path, RawQueryString: req.URL.RawQuery, Headers: map[string]string{"host": req.URL.Host},
		Cookies: strings.Split(req.Header.Get("Cookie"), "; "),
	}
	e.RequestContext.Stage = "$default"
	e.RequestContext.HTTP.Method = req.Method
	for name, values := range req.Header {
		if name != "Cookie" {
			e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	if utf8.Valid(body) && rapid.Bool().Draw(t, "as text") {
		e.Body, e.IsBase64Encoded = string(body), false
	}
	return e
}

// got is what a client can see of an answer.
type got struct {
	Status        int
	Type, Answers string
	Cookies       []string
	Body          []byte
}

func send(t *rapid.T, client *http.Client, req *http.Request) got {
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got{resp.StatusCode, resp.Header.Get("Content-Type"), strings.Join(resp.Header["X-Answer"], ", "),
		resp.Header["Set-Cookie"], body}
}

func plain(t *rapid.T, a events.APIGatewayV2HTTPResponse) got {
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			t.Fatal(err)
		}
	}
	return got{a.StatusCode, a.Headers["Content-Type"], a.Headers["X-Answer"], a.Cookies, body}
}
