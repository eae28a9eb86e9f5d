package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"segue/internal/boot/laptop"
	"segue/internal/guid"
	"segue/internal/query"
)

// A server that is killed in the middle of an import and started again has lost
// no accepted write, evaluates every lead and doubles nothing.
func TestKillServerDuringImport(t *testing.T) {
	const leads = 2000
	data, addr := t.TempDir(), freeAddr(t)
	file, ids := leadFile(t, leads)

	server := startServer(t, data, addr)
	loading := segue(t, "import", file, "--table", "lead", "--data", data, "--url", "http://"+addr)
	var report bytes.Buffer
	loading.Stdout, loading.Stderr = &report, os.Stderr
	if err := loading.Start(); err != nil {
		t.Fatal(err)
	}
	waitForLead(t, addr, server.token, ids[leads/4])
	server.kill(t)
	server = startServer(t, data, addr)
	if err := loading.Wait(); err != nil {
		t.Fatalf("import: %v\n%s", err, report.String())
	}
	if want := "2,000 lines read, 2,000 rows written, 0 refused"; !strings.Contains(report.String(), want) {
		t.Errorf("import printed %q, want %q", report.String(), want)
	}
	server.kill(t)
	checkLeads(t, data, ids)
}

// checkLeads opens the store as it was left, lets the changes that were not
// acknowledged be evaluated, and reads every row.
func checkLeads(t *testing.T, data string, ids []string) {
	t.Helper()
	laptop, err := laptop.Place{Data: data}.Open(t.Context(), startLog(slog.LevelWarn))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = laptop.Close() }() // it is only read from here on
	if err := laptop.File.Drain(t.Context(), consumer, laptop.Changes); err != nil {
		t.Fatal(err)
	}
	live := map[string]int{}
	db := laptop.DB
	for target, err := range query.New(db).Each(t.Context(), query.Query{Table: db.Schema().Table("msdyn_sequencetarget")}) {
		if err != nil {
			t.Fatal(err)
		}
		live[target.Lookup("msdyn_target").ID]++
	}
	found := map[string]bool{}
	for lead, err := range query.New(db).Each(t.Context(), query.Query{Table: db.Schema().Table("lead")}) {
		if err != nil {
			t.Fatal(err)
		}
		found[lead.ID] = true
		if lead.Text("lastname") != "Imported" {
			continue // of the demo data
		}
		if lead.Lookup("msdyn_segmentid").ID == "" || !lead.Is("segue_connected") || live[lead.ID] != 1 {
			t.Errorf("lead %s: segment %q, connected %v, %d targets; want a segment and one target",
				lead.ID, lead.Lookup("msdyn_segmentid").ID, lead.Is("segue_connected"), live[lead.ID])
		}
	}
	for _, id := range ids {
		if !found[id] {
			t.Errorf("lead %s was accepted and is lost", id)
		}
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // it only found the port
	return listener.Addr().String()
}

// leadFile writes leads that a segment of the demo data takes.
func leadFile(t *testing.T, n int) (path string, ids []string) {
	t.Helper()
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	lines := [][]string{{"leadid", "Topic", "lastname", "leadsourcecode"}}
	for i := range n {
		ids = append(ids, guid.FromName(strconv.Itoa(i)))
		lines = append(lines, []string{ids[i], fmt.Sprintf("Topic %d", i), "Imported", "7"})
	}
	if err := w.WriteAll(lines); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "leads.csv")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, ids
}

// running is a server in a process of its own.
type running struct {
	command *exec.Cmd
	token   string
}

// serveProcess is a server with few leads and all that takes them.
func serveProcess(t *testing.T, data, addr string) *exec.Cmd {
	t.Helper()
	return segue(t, "serve", "--data", data, "--addr", addr, "--leads", "200")
}

// startServer starts a server and waits until it has printed how to talk to it.
func startServer(t *testing.T, data, addr string) running {
	t.Helper()
	command := serveProcess(t, data, addr)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() }) // it may be dead already
	return running{command, readToken(t, out)}
}

// readToken reads what a server prints until it says its token.
func readToken(t *testing.T, out io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "TOKEN="); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }() // so that it never blocks on its output
			token, _, _ := strings.Cut(rest, " ")
			return token
		}
	}
	t.Fatalf("the server printed no token: %v", lines.Err())
	return ""
}

func (r running) kill(t *testing.T) {
	t.Helper()
	if err := r.command.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = r.command.Wait() // "signal: killed"
}

// waitForLead asks until the lead is there.
func waitForLead(t *testing.T, addr, token, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/api/data/v9.2/leads(%s)?$select=subject", addr, id), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close() // only the status matters
		if response.StatusCode == http.StatusOK {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("lead %s did not come: %s", id, response.Status)
		}
	}
}
