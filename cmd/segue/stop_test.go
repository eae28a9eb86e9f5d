package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"segue/internal/guid"
)

// stoppable is a server in a process of its own whose log is kept.
type stoppable struct {
	running
	log bytes.Buffer
}

func startStoppable(t *testing.T, data, addr string) *stoppable {
	t.Helper()
	s := &stoppable{}
	s.command = serveProcess(t, data, addr)
	s.command.Stderr = &s.log
	out, err := s.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.command.Process.Kill() }) // it may have ended
	s.token = readToken(t, out)
	return s
}

// A server that is told to stop finishes what is under way, changes included, and has
// nothing to complain about.
func TestStopServerAtWork(t *testing.T) {
	data, addr := t.TempDir(), freeAddr(t)
	server := startStoppable(t, data, addr)

	var accepted sync.Map
	var writers sync.WaitGroup
	stopping := make(chan struct{})
	for w := range 8 {
		writers.Go(func() {
			for i := 0; ; i++ {
				id := guid.FromName(fmt.Sprintf("%d %d", w, i))
				status, err := patchLead(addr, server.token, id)
				switch {
				case err != nil: // it stops
					return
				case status != http.StatusNoContent:
					t.Errorf("PATCH: %d", status)
					return
				}
				accepted.Store(id, true)
				if w == 0 && i == 100 {
					close(stopping)
				}
			}
		})
	}
	<-stopping
	slow := begin(t, addr, server.token) // a request whose body is still coming
	silent, err := net.Dial("tcp", addr) // a connection without a request
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }() // the server has closed it
	time.Sleep(100 * time.Millisecond)    // so that the server has most likely accepted it; what follows holds either way
	if err := server.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	writers.Wait()
	slow.end(t)
	if err := server.command.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if text := server.log.String(); text != "" {
		t.Errorf("the server logged\n%s", text)
	}
	var ids []string
	accepted.Range(func(id, _ any) bool { ids = append(ids, id.(string)); return true })
	checkLeads(t, data, ids)
}

// patchLead makes a lead that a segment of the demo data takes.
func patchLead(addr, token, id string) (status int, err error) {
	body := strings.NewReader(`{"subject":"Topic","lastname":"Imported","leadsourcecode":7}`)
	r, err := http.NewRequest(http.MethodPatch, "http://"+addr+"/api/data/v9.2/leads("+id+")", body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, errors.Join(err, response.Body.Close())
}

// halfway is a request of which the end has not been sent.
type halfway struct {
	conn net.Conn
	in   *bufio.Reader
	rest string
}

// begin sends half a request and returns when the server waits for the rest.
func begin(t *testing.T, addr, token string) halfway {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // it was read to its end
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	body := `{"subject":"Slow","lastname":"Imported","leadsourcecode":7}`
	_, err = fmt.Fprintf(conn, "PATCH /api/data/v9.2/leads(%s) HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n%s",
		guid.FromName("slow"), addr, token, len(body), body[:10])
	if err != nil {
		t.Fatal(err)
	}
	h := halfway{conn, bufio.NewReader(conn), body[10:]}
	h.expect(t, http.StatusContinue)
	return h
}

func (h halfway) expect(t *testing.T, status int) {
	t.Helper()
	response, err := http.ReadResponse(h.in, nil)
	if err != nil {
		t.Fatalf("the request under way has no answer: %v", err)
	}
	defer func() { _ = response.Body.Close() }() // it has none
	if response.StatusCode != status {
		t.Errorf("the request under way: %s, want %d", response.Status, status)
	}
}

func (h halfway) end(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(h.conn, h.rest); err != nil {
		t.Fatal(err)
	}
	h.expect(t, http.StatusNoContent)
}
