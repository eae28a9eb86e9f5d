//go:build e2e

// Package e2e drives the real parts: the functions as SAM builds them, in
// containers, on the emulator; the HTTP API of `sam local start-api`; the stack that
// `sam deploy` makes, driven by users of its issuer; an unmodified client from npm; the README
// in a fresh clone. `make e2e` runs it.
// Nothing is skipped: what is missing fails.
package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"segue/internal/boot/laptop"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
)

const (
	lead     = "1ead0000-0000-4000-8000-000000000001"
	hotLead  = "1ead0000-0000-4000-8000-000000000002"
	sequence = "5e900000-0000-4000-8000-000000000001"
	segment  = "5e600000-0000-4000-8000-000000000001"
)

// root is the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// stage is a table of its own and a folder with an issuer.
type stage struct {
	*testing.T
	environment []string
	laptop      *laptop.App
}

func newStage(t *testing.T) stage {
	t.Helper()
	endpoint := os.Getenv("SEGUE_DYNAMODB_ENDPOINT")
	if endpoint == "" {
		endpoint = emulator(t)
	}
	table, data := fmt.Sprintf("e2e-%d", time.Now().UnixNano()), t.TempDir()
	laptop, err := laptop.Place{Data: data, Endpoint: endpoint, Table: table}.Open(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return stage{t, append(os.Environ(), "SEGUE_DATA="+data, "SEGUE_TABLE="+table, "SEGUE_DYNAMODB_ENDPOINT="+endpoint), laptop}
}

// emulator starts an emulator that host and containers reach, until the test
// ends, and returns its endpoint.
func emulator(t *testing.T) string {
	t.Helper()
	script := filepath.Join(root(t), "scripts/emulator.sh")
	start := exec.CommandContext(t.Context(), script, "start", "bridge")
	start.Env = append(os.Environ(), "SEGUE_EMULATOR_PORT=0")
	start.Stderr = os.Stderr
	out, err := start.Output()
	if err != nil {
		t.Fatalf("start the emulator: %v", err)
	}
	endpoint := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command(script, "stop", endpoint).CombinedOutput(); err != nil {
			t.Errorf("stop the emulator: %v\n%s", err, out)
		}
	})
	return endpoint
}

// run runs a script of the project and answers what it prints.
func (s stage) run(name string, args ...string) string {
	s.Helper()
	command := exec.CommandContext(s.Context(), filepath.Join(root(s.T), name), args...)
	command.Dir, command.Env = root(s.T), s.environment
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		s.Fatalf("%s %v: %v\n%s\n%s", name, args, err, out, errs.String())
	}
	return string(out)
}

// token is one of the stage's issuer.
func (s stage) token(role string) string {
	s.Helper()
	token, err := s.laptop.Issuer.Issue("7e57e400-0000-4000-8000-000000000001", "Tester", []string{role}, time.Hour)
	if err != nil {
		s.Fatal(err)
	}
	return token
}

// row reads a row that must be there.
func (s stage) row(table, id string) *rows.Row {
	s.Helper()
	row, err := s.laptop.Entities.Retrieve(s.Context(), sales.Engine(), rows.Ref{Table: table, ID: id})
	if err != nil {
		s.Fatal(err)
	}
	return row
}

// live are the live targets of a record.
func (s stage) live(record string) []*rows.Row {
	s.Helper()
	var found []*rows.Row
	db := s.laptop.DB
	for row, err := range query.New(db).Each(s.Context(), query.Query{Table: db.Schema().Table("msdyn_sequencetarget")}) {
		if err != nil {
			s.Fatal(err)
		}
		if row.Lookup("msdyn_target").ID == record && row.Int("statecode") == 0 {
			found = append(found, row)
		}
	}
	return found
}

// connected checks that a record is on the sequence, with its first step open.
func (s stage) connected(record string) {
	s.Helper()
	targets := s.live(record)
	if len(targets) != 1 || targets[0].Lookup("msdyn_parentsequence").ID != sequence {
		s.Fatalf("%s has %d live targets, want one on %s", record, len(targets), sequence)
	}
	if step := s.row("msdyn_sequencetargetstep", targets[0].Lookup("segue_currentstep").ID); step.Text("msdyn_name") != "Call" || step.Int("statuscode") != 1 {
		s.Errorf("first step of %s is %q with statuscode %d, want an open Call", record, step.Text("msdyn_name"), step.Int("statuscode"))
	}
}

// Each function, built once with the others, in a container, with its event: answer
// and rows.
func TestInvoke(t *testing.T) {
	s := newStage(t)
	built := s.run("scripts/sam-local.sh", "build")
	s.environment = append(s.environment, "SEGUE_BUILD="+strings.TrimSpace(built))
	invoke := func(function string, check func(t stage)) {
		if !t.Run(function, func(t *testing.T) {
			on := s
			on.T = t
			compare(t, function, on.run("scripts/invoke.sh", function))
			check(on)
		}) {
			t.FailNow()
		}
	}
	invoke("connect", func(s stage) { s.connected(lead) })
	invoke("disconnect", func(s stage) {
		if n := len(s.live(lead)); n != 0 {
			s.Errorf("%d live targets after disconnecting, want none", n)
		}
	})
	invoke("action", func(s stage) { s.connected(lead) })
	invoke("data", func(s stage) {
		if got := s.row("lead", lead).Text("companyname"); got != "Example Roasters" {
			s.Errorf("companyname is %q", got)
		}
	})
	invoke("evaluate", func(s stage) {
		if got := s.row("lead", hotLead).Lookup("msdyn_segmentid").ID; got != segment {
			s.Errorf("segment of the lead is %q, want %s", got, segment)
		}
		s.connected(hotLead)
	})
	parked := salestest.Park(t, s.laptop.DB, rows.Ref{Table: "lead", ID: hotLead}, "segmentation.evaluate")
	invoke("advance", func(s stage) { salestest.Gone(s.T, s.laptop.DB, parked) })
	invoke("job", func(stage) {})
}

// compare checks an answer against events/expected/<function>.json.
func compare(t *testing.T, function, answer string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "events/expected", function+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		StatusCode int
		Contains   []string
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	var got struct {
		StatusCode int
		Body       string
	}
	raw := lastLine(answer)
	if err := json.Unmarshal([]byte(raw), &got); err != nil {
		t.Fatalf("%s answered %q: %v", function, answer, err)
	}
	if got.StatusCode != want.StatusCode {
		t.Errorf("%s answered %s; want status %d", function, raw, want.StatusCode)
	}
	body := got.Body
	if want.StatusCode == 0 { // no HTTP answer
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(raw)); err != nil {
			t.Fatal(err)
		}
		body = compact.String()
	}
	for _, part := range want.Contains {
		if !strings.Contains(body, part) {
			t.Errorf("%s answered %s, which lacks %s", function, body, part)
		}
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// client speaks to a base URL with a token.
type client struct {
	*testing.T
	base, token string
}

// do sends a request that must be answered with a status and decodes the body.
func (c client) do(method, path, body string, status int) map[string]any {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		c.Fatal(err)
	}
	if answer.StatusCode != status {
		c.Fatalf("%s %s: %s %s, want %d", method, path, answer.Status, said, status)
	}
	decoded := map[string]any{}
	if len(said) > 0 {
		if err := json.Unmarshal(said, &decoded); err != nil {
			c.Fatalf("%s %s: %v in %s", method, path, err, said)
		}
	}
	return decoded
}

// The HTTP API in containers: create a lead, connect, read its target,
// disconnect; and nobody without a token.
func TestStartAPI(t *testing.T) {
	const port = "3055"
	s := newStage(t)
	s.run("scripts/api.sh", "start", port)
	t.Cleanup(func() { stopAPI(t) })
	token := s.token("Salesperson")
	c := client{t, "http://127.0.0.1:" + port, token}
	const id = "1ead0000-0000-4000-8000-0000000000aa"

	client{t, c.base, "nobody"}.do("GET", "/api/data/v9.2/leads("+id+")", "", http.StatusUnauthorized)
	c.do("POST", "/api/data/v9.2/leads", `{"leadid":"`+id+`","subject":"From a container","lastname":"Container"}`, http.StatusNoContent)
	result := c.do("POST", "/api/connect", `{"SequenceId":"`+sequence+`","Records":[{"EntityName":"lead","Id":"`+id+`"}]}`, http.StatusOK)
	if !strings.Contains(fmt.Sprint(result), "Status:connected") {
		t.Errorf("connect answered %v", result)
	}
	list := "/api/data/v9.2/msdyn_sequencetargets?$filter=" + strings.ReplaceAll("_msdyn_target_value eq "+id+" and statecode eq 0", " ", "%20")
	if live := c.do("GET", list, "", http.StatusOK)["value"].([]any); len(live) != 1 {
		t.Errorf("%d live targets, want 1: %v", len(live), live)
	}
	s.connected(id)
	c.do("POST", "/api/data/v9.2/msdyn_DisconnectSequence", `{"RegardingEntityName":"lead","RegardingEntityId":"`+id+`"}`, http.StatusNoContent)
	if live := c.do("GET", list, "", http.StatusOK)["value"].([]any); len(live) != 0 {
		t.Errorf("live targets after disconnecting: %v", live)
	}
	c.do("POST", "/api/data/v9.2/msdyn_segments", `{"msdyn_name":"x","msdyn_objecttype":"lead"}`, http.StatusForbidden)
}

func stopAPI(t *testing.T) {
	if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(root(t), "scripts/api.sh"), "stop").CombinedOutput(); err != nil {
		t.Errorf("stop: %v\n%s", err, out)
	}
}
