//go:build e2e

package e2e_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a `make run` of its own.
type server struct {
	said []string // everything it printed until it was ready
}

// paste are the lines that a user is told to paste.
func (s server) paste() (lines []string) {
	for _, line := range s.said {
		if strings.HasPrefix(line, "TOKEN=") || strings.HasPrefix(line, "curl ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// token is the bearer token that it printed.
func (s server) token() string {
	token, _, _ := strings.Cut(strings.TrimPrefix(s.paste()[0], "TOKEN="), " ")
	return token
}

// makeRun runs `make run` in a folder until the test ends.
func makeRun(t *testing.T, dir string, args ...string) server {
	t.Helper()
	return start(t, dir, "make", append([]string{"run"}, args...)...)
}

// start runs a command in a folder that serves until the test ends.
func start(t *testing.T, dir, name string, args ...string) server {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = dir
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGTERM) // make, go and the server
		_ = command.Wait()                                      // ended by the signal
	})
	ready := make(chan server)
	go func() {
		var s server
		for lines := bufio.NewScanner(out); lines.Scan(); {
			s.said = append(s.said, lines.Text())
			if strings.HasPrefix(lines.Text(), "Stop with") {
				ready <- s
			}
		}
		close(ready)
	}()
	select {
	case s, ok := <-ready:
		if !ok {
			t.Fatalf("%v ended: %s", command.Args, errs.String())
		}
		return s
	case <-time.After(2 * time.Minute):
		t.Fatalf("%v is not ready: %s", command.Args, errs.String())
		return server{}
	}
}

// Clients from npm and PyPI, as they are: those that speak http against make run, those
// that know nothing but https against segue serve --tls. TestCloud runs all of them
// against the deployed stack.
func TestClients(t *testing.T) {
	_, steps := clientsOnMakeRun(t, "127.0.0.1:8055")
	data := t.TempDir()
	s := start(t, root(t), "go", "run", "./cmd/segue", "serve", "--tls", "--data", data, "--addr", "127.0.0.1:8057")
	secure := []string{"dataverse-webapi", "xrm-webapi", "dataverse-sdk"}
	steps += runClients(t, "https://127.0.0.1:8057", s.token(), secure, "SEGUE_CA="+filepath.Join(data, "segue.crt"))
	t.Logf("%d steps driven", steps)
}

// clientsOnMakeRun runs clients, all unless some are named, against a make run at an
// address, and returns what they asked for and how many steps they took.
func clientsOnMakeRun(t *testing.T, addr string, clients ...string) (asked []string, steps int) {
	t.Helper()
	s := makeRun(t, root(t), "DATA="+t.TempDir(), "ADDR="+addr)
	var noted requests
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", addr
			r.Out.URL.RawQuery = r.In.URL.RawQuery // a proxy leaves out what has semicolons
			r.Out.Host = r.In.Host                 // of which it makes the links that the client reads
		},
		ModifyResponse: noted.note,
	})
	defer front.Close()
	steps = runClients(t, front.URL, s.token(), clients)
	return noted.once(), steps
}

// runClients runs clients against the API at a URL, each a subtest, and returns how many
// steps they took.
func runClients(t *testing.T, api, token string, clients []string, environment ...string) (steps int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join(root(t), "scripts/clients.sh"), clients...)
	command.Env = append(append(os.Environ(), "SEGUE_URL="+api, "SEGUE_TOKEN="+token, "SEGUE_MARK=mark"), environment...)
	out, err := command.CombinedOutput()
	passed := regexp.MustCompile(`(?m)^(\S.*?)  +(?:\S+ +)?(\d+)/(\d+)$`).FindAllSubmatch(out, -1)
	if err != nil || len(passed) == 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, client := range passed {
		t.Run(string(client[1]), func(t *testing.T) { t.Logf("%s of %s steps", client[2], client[3]) })
		n, _ := strconv.Atoi(string(client[2])) // digits
		steps += n
	}
	return steps
}

// requests are what a client asked for, with the status of each answer.
type requests struct {
	mu   sync.Mutex
	each []string
}

// note is the ModifyResponse of a proxy.
func (r *requests) note(answer *http.Response) error {
	varies := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[0-9.:%A]+Z|(?:skip|delta)token=[\w%-]+|paging-cookie[\w%.-]*`)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.each = append(r.each, fmt.Sprint(answer.Request.Method, " ", varies.ReplaceAllString(answer.Request.URL.RequestURI(), "<varies>"), " ", answer.StatusCode))
	return nil
}

// once returns each once, in order: a client asks again where an index lags.
func (r *requests) once() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(r.each)))
}

// A new user clones, runs the README's first command, pastes the lines that it
// prints, and then the README's own examples.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := codeBlocks(string(readme))
	if first := strings.Split(blocks[0], "\n"); !strings.HasPrefix(first[0], "make run ") || !strings.HasPrefix(first[1], "make test ") {
		t.Fatalf("the README does not begin with make run and make test: %q", blocks[0])
	}
	clone := filepath.Join(t.TempDir(), "segue")
	if out, err := exec.CommandContext(t.Context(), "git", "clone", "-q", root(t), clone).CombinedOutput(); err != nil {
		t.Fatalf("clone: %v\n%s", err, out)
	}
	s := makeRun(t, clone)
	said := strings.Join(s.said, "\n")
	for _, want := range []string{"5000 lead", "500 opportunity", "200 account", "20 systemuser", "Segments and their members", "Sequences and the records connected to them", "Base URL"} {
		if !strings.Contains(said, want) {
			t.Errorf("make run does not say %q:\n%s", want, said)
		}
	}
	pasted := s.paste()
	if len(pasted) != 4 {
		t.Fatalf("make run prints %d lines to paste, want a token and three curl lines:\n%s", len(pasted), said)
	}
	shell(t, pasted[0], pasted[1])
	deadline := time.Now().Add(time.Second) // "within a second"
	for !strings.Contains(shell(t, pasted[0], pasted[3]), `"msdyn_currentstepname":"Thank for the visit"`) {
		if time.Now().After(deadline) {
			t.Fatalf("after a second the lead has no first step: %s", shell(t, pasted[0], pasted[3]))
		}
	}
	if answer := shell(t, pasted[0], pasted[2]); !strings.Contains(answer, "Trade show, industry") {
		t.Errorf("the lead's segment is not shown: %s", answer)
	}
	examples, _, _ := strings.Cut(blocks[1], "# connect by hand")
	answer := shell(t, pasted[0], strings.ReplaceAll(examples, "curl ", "curl -sS -w '%{http_code} ' "))
	if got := strings.Fields(answer); strings.Join(got, " ") != "204 204 204 204" {
		t.Errorf("the README's examples answer %q", answer)
	}
}

// shell runs lines as a user pastes them.
func shell(t *testing.T, lines ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "bash", "-ec", strings.Join(lines, "\n")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", lines, err, out)
	}
	return string(out)
}

// codeBlocks are the shell blocks of a Markdown text.
func codeBlocks(text string) (blocks []string) {
	for _, part := range strings.Split(text, "```sh\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, block)
	}
	return blocks
}
