//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"segue/internal/boot/laptop"
	"segue/internal/clock"
	"segue/internal/webserver"
)

// stack is the stack of template.yaml, deployed to an emulator, and what of it was seen
// at work.
type stack struct {
	*testing.T
	Endpoint  string            `json:"endpoint"`
	Host      string            `json:"host"`      // of the API
	Routes    map[string]string `json:"routes"`    // the function of each
	Functions map[string]string `json:"functions"` // physical ids, by name, as what follows
	Mappings  map[string]string `json:"mappings"`
	Filters   map[string]string `json:"filters"` // of the mappings: patterns
	Schedules map[string]string `json:"schedules"`
	Table     string            `json:"table"`
	Bucket    string            `json:"bucket"`
	Queue     string            `json:"queue"`
	Set       string            `json:"set"` // configuration set of SES

	url    string            // of the API, for what the test asks itself
	secure string            // the same over TLS, for clients: its PublicUrl
	ca     string            // file of the certificate that clients of secure trust
	tokens map[string]string // by audience and role
	laptop *laptop.App       // on the stack's table, past its functions
	steps  int               // driven
	books  *runbooks
	asked  *requests // of clients

	mu   sync.Mutex
	seen map[string]bool // routes that took a request, functions, mappings, filters and schedules that did their work
}

// deploy builds and deploys the stack, with what an operator has in the environment
// besides. It is there until the test ends.
func deploy(t *testing.T, environment ...string) *stack {
	t.Helper()
	s := &stack{T: t, tokens: map[string]string{}, seen: map[string]bool{}, asked: new(requests)}
	var api http.Handler
	front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { api.ServeHTTP(w, r) })
	s.serve(front)
	start := exec.CommandContext(t.Context(), filepath.Join(root(t), "scripts/cloud.sh"), "start", s.secure)
	start.Env = append(append(os.Environ(), "SEGUE_EMULATOR_PORT=0"), environment...)
	var errs bytes.Buffer
	start.Stderr = &errs
	out, err := start.Output()
	if err != nil {
		t.Fatalf("deploy: %v\n%s", err, errs.String())
	}
	if err := json.Unmarshal(out, s); err != nil {
		t.Fatalf("deploy: %v in %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command(filepath.Join(root(t), "scripts/cloud.sh"), "stop", s.Endpoint).CombinedOutput(); err != nil {
			t.Errorf("stop: %v\n%s", err, out)
		}
	})
	api = s.gateway()
	s.books = readRunbooks(t)
	s.open()
	return s
}

// serve serves the API to clients, over TLS as a gateway does, and without to the test.
func (s *stack) serve(api http.Handler) {
	s.Helper()
	certificate, err := webserver.OpenCertificate(s.TempDir(), clock.System())
	if err != nil {
		s.Fatal(err)
	}
	plain, secure := httptest.NewServer(api), httptest.NewUnstartedServer(api)
	secure.Listener = certificate.Listener(secure.Listener)
	secure.Start()
	s.Cleanup(plain.Close)
	s.Cleanup(secure.Close)
	s.url, s.secure, s.ca = plain.URL, "https://"+secure.Listener.Addr().String(), certificate.File
}

// open opens the stack's table for the test, which works past the functions.
func (s *stack) open() {
	s.Helper()
	var err error
	s.laptop, err = laptop.Place{Data: s.TempDir(), Endpoint: s.Endpoint, Table: s.Table}.Open(s.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		s.Fatal(err)
	}
}

// gateway leads to the API, which the emulator tells from other hosts by its name, and
// notes the routes of the requests.
func (s *stack) gateway() http.Handler {
	to, err := url.Parse(s.Endpoint)
	if err != nil {
		s.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.URL.RawQuery = r.In.URL.RawQuery // a proxy leaves out what has semicolons
			r.Out.Host = s.Host
			s.mu.Lock()
			defer s.mu.Unlock()
			route := s.route(r.In)
			s.seen[route], s.seen[s.Routes[route]] = true, true
		},
		ModifyResponse: func(answer *http.Response) error { return s.asked.note(answer) },
	}
}

// token is one of the stack's issuer, for an audience, of a user with a role.
func (s *stack) token(audience, role string) string {
	s.Helper()
	made, ok := s.tokens[audience+role]
	if !ok {
		command := exec.CommandContext(s.Context(), filepath.Join(root(s.T), "scripts/cloud.sh"), "token", role)
		command.Env = append(os.Environ(), "SEGUE_AUDIENCE="+audience)
		out, err := command.Output()
		if err != nil {
			s.Fatal(err)
		}
		made = strings.TrimSpace(string(out))
		s.tokens[audience+role] = made
	}
	return made
}

// route is the route of the template that a request takes: the one with the most fixed
// text, as the gateway chooses.
func (s *stack) route(r *http.Request) string {
	best, fixed := "", -1
	for route := range s.Routes {
		method, path, _ := strings.Cut(route, " ")
		pattern := regexp.QuoteMeta(path)
		pattern = strings.ReplaceAll(pattern, `\{proxy\+\}`, `.+`)
		pattern = regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(pattern, `[^/]+`)
		n := len(regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, ""))
		if method == r.Method && regexp.MustCompile("^"+pattern+"$").MatchString(r.URL.Path) && n > fixed {
			best, fixed = route, n
		}
	}
	return best
}

// works notes that functions, mappings and schedules have done their work.
func (s *stack) works(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		s.seen[name] = true
	}
}

// complete fails for every part of the template that was not seen at work.
func (s *stack) complete() {
	s.Helper()
	for what, parts := range map[string]map[string]string{"route": s.Routes, "function": s.Functions, "mapping": s.Mappings, "filter": s.Filters, "schedule": s.Schedules} {
		if len(parts) == 0 {
			s.Errorf("the template has no %s", what)
		}
		for name := range parts {
			if !s.seen[name] {
				s.Errorf("%s %s was not seen at work", what, name)
			}
		}
	}
}

// part runs a part of the test; those after it build on it.
func (s *stack) part(name string, drive func()) {
	whole := s.T
	defer func() { s.T = whole }()
	if !whole.Run(name, func(t *testing.T) {
		s.T = t
		drive()
	}) {
		whole.FailNow()
	}
}

// do sends a request as a user with a role, which must be answered with a status.
func (s *stack) do(role, method, path, body string, status int) map[string]any {
	s.Helper()
	s.steps++
	return client{s.T, s.url, s.token("segue", role)}.do(method, path, body, status)
}

// eventually asks until the answer is yes.
func (s *stack) eventually(what string, within time.Duration, ask func() bool) {
	s.Helper()
	s.steps++
	for end := time.Now().Add(within); !ask(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("after %v %s", within, what)
		}
	}
}

// segue runs the command on the table of the stack.
func (s *stack) segue(args ...string) string {
	s.Helper()
	s.steps++
	command := exec.CommandContext(s.Context(), "go", append([]string{"run", "./cmd/segue"}, append(args, "--endpoint", s.Endpoint, "--dynamodb-table", s.Table)...)...)
	command.Dir = root(s.T)
	command.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=segue", "AWS_SECRET_ACCESS_KEY=segue", "AWS_REGION=us-east-1")
	out, err := command.CombinedOutput()
	if err != nil {
		s.Fatalf("segue %v: %v\n%s", args, err, out)
	}
	return string(out)
}
