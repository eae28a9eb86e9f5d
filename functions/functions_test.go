// Package functions_test runs the functions as Lambda does: each as a process of
// its own binary, fed by the runtime API with the events of ../events. With a
// DynamoDB at hand the responses and the rows are compared; without it the
// functions must still start and turn strangers away.
package functions_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"

	"segue/internal/auth/issuer"
	"segue/internal/clock"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema/schematest"
)

// names are the functions in the order in which their events make a story.
func names() []string {
	return []string{"connect", "disconnect", "action", "data", "evaluate", "advance", "job", "track", "notify"}
}

// serves reports whether a function serves HTTP.
func serves(name string) bool {
	return name != "evaluate" && name != "advance" && name != "job" && name != "notify"
}

// build makes all binaries as sam build does and returns their folder. It is the same
// each time, for linking them costs more than the tests do: go build leaves one that is
// up to date as it is, and puts a new one in its place at once.
func build(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../.cache/test/functions")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	args := []string{"build", "-tags", "lambda.norpc,nethttpomithttp2", "-ldflags", "-s -w", "-o", dir + "/"}
	for _, name := range names() {
		args = append(args, "./"+name)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../events", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// request is the event of an HTTP function with another Authorization.
func request(t *testing.T, name, authorization string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(read(t, name+".json"), &e); err != nil {
		t.Fatal(err)
	}
	if name == "track" { // whose callers have no token
		return e
	}
	if e.Headers["authorization"] != "Bearer TOKEN" {
		t.Fatalf("events/%s.json has the authorization %q, want \"Bearer TOKEN\"", name, e.Headers["authorization"])
	}
	e.Headers["authorization"] = authorization
	return e
}

// respond calls an HTTP function.
func (f *function) respond(t *testing.T, e events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var a events.APIGatewayV2HTTPResponse
	if got := f.invoke(t, payload); got.failed || json.Unmarshal(got.body, &a) != nil {
		t.Fatalf("%s failed: %s", f.name, got.body)
	}
	return a
}

// identity makes a token and the key set that verifies them.
func identity(t *testing.T) (keys, token string) {
	t.Helper()
	local, err := issuer.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	token, err = local.Issue(uuid.NewString(), "Test User", []string{"Sales Manager"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return string(local.JWKS()), "Bearer " + token
}

// TestMains: a main puts parts together and does nothing else.
func TestMains(t *testing.T) {
	for _, name := range names() {
		text, err := os.ReadFile(filepath.Join(name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(text, []byte("\n")); lines > 40 {
			t.Errorf("%s/main.go has %d lines, want at most 40", name, lines)
		}
	}
}

// TestStart starts every function without a store.
func TestStart(t *testing.T) {
	bin := build(t)
	keys, token := identity(t)
	env := []string{"SEGUE_TABLE=none", "AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:9"}
	for _, name := range names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			guarded := start(t, bin, name, append(env, "SEGUE_JWKS="+keys)...)
			switch name {
			case "evaluate":
				got := guarded.invoke(t, []byte(`{"detail":"no stream event"}`))
				if !got.failed || !strings.Contains(string(got.body), "decode stream event") {
					t.Errorf("response %s, want an error that says what was wrong", got.body)
				}
				return
			case "job", "notify": // messages that fail come again
				if got := guarded.invoke(t, read(t, name+".json")); got.failed || strings.Count(string(got.body), "itemIdentifier") != 2 {
					t.Errorf("response %s, want both messages reported", got.body)
				}
				return
			case "track":
				signed := start(t, bin, name, append(env, "SEGUE_TRACK_KEY="+strings.Repeat("k", 32))...)
				if a := signed.respond(t, request(t, name, "")); a.StatusCode != http.StatusNotFound {
					t.Errorf("%+v for an address that nobody signed, want 404", a)
				}
				if a := guarded.respond(t, request(t, name, "")); a.StatusCode != http.StatusNotFound {
					t.Errorf("%+v without a key, want 404", a)
				}
				return
			case "advance": // a store that is away is there again in a minute
				if got := guarded.invoke(t, read(t, "advance.json")); got.failed || !strings.Contains(string(got.body), `"early":true`) {
					t.Errorf("response %s, want a pass that ended early", got.body)
				}
				return
			}
			turnedAway(t, "without a token", guarded.respond(t, request(t, name, "")), "0x80044302")
			turnedAway(t, "with garbage", guarded.respond(t, request(t, name, "Bearer garbage")), "0x8004a100")
			open := start(t, bin, name, env...)
			turnedAway(t, "without a key set", open.respond(t, request(t, name, token)), "0x80044302")
		})
	}
	t.Run("without a table", func(t *testing.T) {
		f := start(t, bin, "connect")
		select {
		case <-f.ended:
		case f.events <- nil:
			t.Fatal("it asks for work")
		}
		if log := f.log.String(); !strings.Contains(log, "SEGUE_TABLE") {
			t.Errorf("it says %q, want the name of what is missing", log)
		}
	})
}

func turnedAway(t *testing.T, how string, a events.APIGatewayV2HTTPResponse, code string) {
	t.Helper()
	var body struct {
		Error struct{ Code, Message string }
	}
	err := json.Unmarshal([]byte(a.Body), &body)
	if err != nil || a.StatusCode != http.StatusUnauthorized || body.Error.Code != code || body.Error.Message == "" ||
		!strings.HasPrefix(a.Headers["Content-Type"], "application/json") || !strings.HasPrefix(a.Headers["Www-Authenticate"], "Bearer resource_id=") {
		t.Errorf("%s: %+v, want 401 %s", how, a, code)
	}
}

// expectation is events/expected/<function>.json.
type expectation struct {
	StatusCode int
	Contains   []string
	Rows       []struct {
		Get      string
		Contains []string
	}
}

// TestEvents runs every function on DynamoDB with its event and compares
// its response and the rows that follow.
func TestEvents(t *testing.T) {
	endpoint, tab := dynamotest.Endpoint(t), dynamotest.Open(t, rows.Indexes())
	bin := build(t)
	keys, token := identity(t)
	env := []string{"SEGUE_TABLE=" + tab.Name, "AWS_ENDPOINT_URL_DYNAMODB=" + endpoint, "SEGUE_JWKS=" + keys}
	functions := map[string]*function{}
	for _, name := range names() {
		functions[name] = start(t, bin, name, env...)
	}
	data := functions["data"]
	load(t, data, token)
	tables := schematest.Tables(t)
	db := rows.New(tab, tables, clock.System())
	parked := salestest.Park(t, db, rows.Ref{Table: "lead", ID: "1ead0000-0000-4000-8000-000000000002"}, "segmentation.evaluate")
	for _, name := range names() {
		t.Run(name, func(t *testing.T) {
			var want expectation
			if err := json.Unmarshal(read(t, "expected/"+name+".json"), &want); err != nil {
				t.Fatal(err)
			}
			got := events.APIGatewayV2HTTPResponse{}
			if !serves(name) {
				result := functions[name].invoke(t, read(t, name+".json"))
				got.Body = string(result.body)
			} else {
				got = functions[name].respond(t, request(t, name, token))
			}
			if got.StatusCode != want.StatusCode {
				t.Errorf("status %d, want %d", got.StatusCode, want.StatusCode)
			}
			contains(t, "response", got.Body, want.Contains)
			for _, row := range want.Rows {
				contains(t, row.Get, call(t, data, token, http.MethodGet, row.Get, "").Body, row.Contains)
			}
		})
	}
	salestest.Gone(t, db, parked) // functions/advance has taken it up
	t.Run("by the gateway's claims", func(t *testing.T) {
		e := request(t, "data", "")
		e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
			JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{
				Claims: map[string]string{"sub": uuid.NewString(), "roles": "Salesperson"},
			},
		}
		unguarded := start(t, bin, "data", env[:2]...)
		if a := unguarded.respond(t, e); a.StatusCode != http.StatusOK {
			t.Errorf("%+v, want 200", a)
		}
	})
}

func contains(t *testing.T, what, text string, parts []string) {
	t.Helper()
	if len(parts) == 0 {
		t.Errorf("%s: nothing is expected of it", what)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %s: %s", what, part, text)
		}
	}
}

// load upserts events/fixture.json through the data function.
func load(t *testing.T, data *function, token string) {
	t.Helper()
	var fixture []struct {
		Set, ID string
		Body    json.RawMessage
	}
	if err := json.Unmarshal(read(t, "fixture.json"), &fixture); err != nil {
		t.Fatal(err)
	}
	for _, row := range fixture {
		a := call(t, data, token, http.MethodPatch, row.Set+"("+row.ID+")", string(row.Body))
		if a.StatusCode != http.StatusNoContent {
			t.Fatalf("fixture %s %s: %+v", row.Set, row.ID, a)
		}
	}
}

// call sends a request of its own to the data function; the target is below
// the service root.
func call(t *testing.T, data *function, token, method, target, body string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	e := request(t, "data", token)
	path, query, _ := strings.Cut(target, "?")
	e.RawPath, e.RawQueryString, e.Body = "/api/data/v9.2/"+path, query, body
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path = method, e.RawPath
	return data.respond(t, e)
}
