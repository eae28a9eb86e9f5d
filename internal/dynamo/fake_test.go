package dynamo_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"segue/internal/dynamo"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/store"
)

// reply is what the fake DynamoDB says to one request.
type reply struct {
	status int
	body   string
	lost   bool // the connection ends before the answer
}

func ok(body string) reply { return reply{status: http.StatusOK, body: body} }

// fails is an error as DynamoDB sends it; extra is more JSON members.
func fails(code, extra string) reply {
	status := http.StatusBadRequest
	if code == "InternalServerError" {
		status = http.StatusInternalServerError
	}
	return reply{status: status, body: `{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"because"` + extra + `}`}
}

// fake speaks as much of DynamoDB's protocol as a script of replies needs.
type fake struct {
	mu     sync.Mutex
	calls  []string // operations, in order
	bodies []string
	answer func(n int, op, body string) reply // n counts from 0
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	a := f.answer(len(f.calls), op, string(body))
	f.calls, f.bodies = append(f.calls, op), append(f.bodies, string(body))
	if a.lost {
		panic(http.ErrAbortHandler) // net/http cuts the connection
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// seen is the operations and bodies of the requests so far.
func (f *fake) seen() (calls, bodies []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls), slices.Clone(f.bodies)
}

func (f *fake) start(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server
}

// scripted answers with replies in order, the last one from then on.
func scripted(replies ...reply) *fake {
	return &fake{answer: func(n int, _, _ string) reply { return replies[min(n, len(replies)-1)] }}
}

// store is a Store on the fake that tries four times without waiting long.
func (f *fake) store(t *testing.T, indexes ...store.Index) *dynamo.Store {
	t.Helper()
	client := dynamodb.NewFromConfig(dynamotest.Config(f.start(t).URL))
	return dynamo.New(client, "segue", indexes, dynamo.Retries(4, time.Microsecond))
}
