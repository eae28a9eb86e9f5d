package functions_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// function is a running function and the Lambda runtime API that it asks for
// work. One call at a time.
type function struct {
	name   string
	events chan []byte
	result chan result
	ended  chan struct{} // closed when the process has ended; log may be read then
	log    *bytes.Buffer
}

// result is what a function responded; failed is whether it reported an error.
type result struct {
	body   []byte
	failed bool
}

// start runs the binary of a function in the environment that Lambda gives it
// and env, until the test ends.
func start(t *testing.T, bin, name string, env ...string) *function {
	t.Helper()
	f := &function{name, make(chan []byte), make(chan result), make(chan struct{}), &bytes.Buffer{}}
	server := httptest.NewServer(f.api())
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, name))
	cmd.Stdout, cmd.Stderr = f.log, f.log
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(server.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=" + name,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=segue", "AWS_SECRET_ACCESS_KEY=segue",
	}, env...)
	if err := cmd.Start(); err != nil {
		server.Close()
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // it ends by being killed, or with a reason in its log
		close(f.ended)
	}()
	t.Cleanup(func() { // t.Context has ended, and with it the process
		<-f.ended
		server.Close()
	})
	return f
}

// api is the part of the runtime API (version 2018-06-01) that a runtime needs.
func (f *function) api() http.Handler {
	const root = "/2018-06-01/runtime/"
	calls := 0
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+root+"invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case payload := <-f.events:
			calls++
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("call-%d", calls))
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:"+f.name)
			_, _ = w.Write(payload)
		case <-r.Context().Done():
		}
	})
	take := func(failed bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // what is missing of it fails the test
			select {
			case f.result <- result{body, failed}:
			case <-r.Context().Done():
			}
			w.WriteHeader(http.StatusAccepted)
		}
	}
	mux.HandleFunc("POST "+root+"invocation/{id}/response", take(false))
	mux.HandleFunc("POST "+root+"invocation/{id}/error", take(true))
	return mux
}

// invoke hands an event to the function and waits for its response.
func (f *function) invoke(t *testing.T, payload []byte) result {
	t.Helper()
	select {
	case f.events <- payload:
	case <-f.ended:
		t.Fatalf("%s has ended: %s", f.name, f.log)
	}
	select {
	case got := <-f.result:
		return got
	case <-f.ended:
		t.Fatalf("%s has ended: %s", f.name, f.log)
	}
	return result{}
}
