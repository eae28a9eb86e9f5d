package dynamotest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Reply is what the fake DynamoDB says to one request.
type Reply struct {
	Status int
	Body   string
	Lost   bool // the connection ends before the answer
}

// OK is an answer.
func OK(body string) Reply { return Reply{Status: http.StatusOK, Body: body} }

// Fails is an error as DynamoDB sends it; extra is more JSON members.
func Fails(code, extra string) Reply {
	status := http.StatusBadRequest
	if code == "InternalServerError" {
		status = http.StatusInternalServerError
	}
	return Reply{Status: status, Body: `{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"because"` + extra + `}`}
}

// Fake speaks as much of DynamoDB's protocol as a script of replies needs.
type Fake struct {
	mu     sync.Mutex
	calls  []string // operations, in order
	bodies []string
	Answer func(n int, op, body string) Reply // n counts from 0; set before Start
}

// ServeHTTP implements [http.Handler].
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	a := f.Answer(len(f.calls), op, string(body))
	f.calls, f.bodies = append(f.calls, op), append(f.bodies, string(body))
	if a.Lost {
		panic(http.ErrAbortHandler) //nolint:forbidigo // how a handler has net/http cut the connection
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// Seen is the operations and bodies of the requests so far.
func (f *Fake) Seen() (calls, bodies []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls), slices.Clone(f.bodies)
}

// Start serves until the test ends.
func (f *Fake) Start(t testing.TB) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server
}
