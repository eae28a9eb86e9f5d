package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"segue/internal/ingest"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// served runs a server of a data folder until stop is called, which returns its error.
func startServe(t *testing.T, p *program, s serveCommand) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, p) }()
	t.Cleanup(cancel)
	for {
		if _, err := os.Stat(filepath.Join(p.Data, addressFile)); err == nil {
			break
		}
		select {
		case err := <-done:
			t.Fatalf("the server ended: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return func() error { cancel(); return <-done }
}

// Whoever reads the address of a server finds all of it, at any moment.
func TestAddressIsWhole(t *testing.T) {
	data := t.TempDir()
	const url = "https://127.0.0.1:1234"
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 300 {
			if _, err := leaveAddress(data, url); err != nil {
				t.Error(err)
			}
		}
	}()
	p := &program{Data: data}
	for {
		if got, err := p.leftAddress(); err == nil && got != url {
			t.Fatalf("read %q", got)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// Commands find the server of their store wherever it listens, with TLS and without.
func TestServerIsFound(t *testing.T) {
	for _, https := range []bool{false, true} {
		p := &program{Data: t.TempDir(), Table: "segue"}
		stop := startServe(t, p, serveCommand{Addr: "127.0.0.1:0", TLS: https, Bare: true, Log: "warn"})
		server, err := p.server(t.Context(), "", "Operator")
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(server.url, "https:") != https {
			t.Errorf("with TLS %v the server is at %s", https, server.url)
		}
		work, err := p.failures(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := printParked(t.Context(), work); err != nil {
			t.Error(err)
		}
		file := csvFile(t, "leadid,lastname\n"+salestest.ID("lead", 1)+",Imported\n")
		if err := (&importCommand{File: file, Table: name.Lead}).Run(t.Context(), p); err != nil {
			t.Error(err)
		}
		var row struct{ Lastname string }
		if err := server.get(t.Context(), "leads("+salestest.ID("lead", 1)+")?$select=lastname", &row); err != nil || row.Lastname != "Imported" {
			t.Errorf("the lead is %+v, error %v", row, err)
		}
		if err := stop(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		if _, err := os.Stat(filepath.Join(p.Data, addressFile)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the address stays when the server has ended: %v", err)
		}
	}
}

func csvFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever has the store open and is not its server is named, not called.
func TestNoServerIsFound(t *testing.T) {
	p, other := &program{Data: t.TempDir(), Table: "segue"}, &program{Data: t.TempDir(), Table: "segue"}
	laptop, err := p.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = laptop.Close() }() // the test is over
	if _, err := p.failures(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "no server") {
		t.Errorf("with the store open in another program: %v", err)
	}
	if _, err := leaveAddress(p.Data, "http://"+freeAddr(t)); err != nil { // a server that was killed
		t.Fatal(err)
	}
	if _, err := p.failures(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("with the address of a server that has gone: %v", err)
	}
	stop := startServe(t, other, serveCommand{Addr: "127.0.0.1:0", Bare: true, Log: "error"})
	at, err := os.ReadFile(filepath.Join(other.Data, addressFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaveAddress(p.Data, strings.TrimSpace(string(at))); err != nil { // its port is another's now
		t.Fatal(err)
	}
	if _, err := p.failures(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("with the address of another store's server: %v", err)
	}
	if said := saidWithToken(t, p); !strings.Contains(said, "is not running: ") {
		t.Errorf("with the address of another store's server, token says %q", said)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// stranger listens where a server was, and keeps what it is told.
type stranger struct {
	next http.Handler // gets the requests then
	told atomic.Int32 // requests with a token
}

func (s *stranger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		s.told.Add(1)
	}
	s.next.ServeHTTP(w, r)
}

// listen has the stranger listen at an address.
func (s *stranger) listen(t *testing.T, addr string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until it is closed
	t.Cleanup(func() { _ = server.Close() })   // the test is over
}

// Whoever listens where a server of the store was, and is not that server, is told no
// token: neither when it answers whatever it is asked, nor when it hands the requests on
// to the server that the store has now.
func TestStrangerIsToldNothing(t *testing.T) {
	p := &program{Data: t.TempDir(), Table: "segue"}
	stop := startServe(t, p, serveCommand{Addr: "127.0.0.1:0", Bare: true, Log: "error"})
	text, err := os.ReadFile(filepath.Join(p.Data, addressFile))
	if err != nil {
		t.Fatal(err)
	}
	now, err := url.Parse(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		next http.Handler
	}{
		{"that says yes", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })},
		{"that hands on", httputil.NewSingleHostReverseProxy(now)},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &stranger{next: test.next}
			addr := freeAddr(t)
			s.listen(t, addr)
			if _, err := leaveAddress(p.Data, "http://"+addr); err != nil {
				t.Fatal(err)
			}
			if _, err := p.server(t.Context(), "", "Operator"); err == nil {
				t.Error("it is taken for the server")
			}
			if n := s.told.Load(); n > 0 {
				t.Errorf("it is told a token, %d times", n)
			}
		})
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A stranger that comes while a command works through a server is told nothing either.
func TestStrangerComesLater(t *testing.T) {
	p := &program{Data: t.TempDir(), Table: "segue"}
	stop := startServe(t, p, serveCommand{Addr: "127.0.0.1:0", Bare: true, Log: "error"})
	server, err := p.server(t.Context(), "", "Operator")
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	s := &stranger{next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })}
	s.listen(t, strings.TrimPrefix(server.url, "http://"))
	if err := server.get(t.Context(), "WhoAmI", new(struct{})); err == nil {
		t.Error("it is taken for the server")
	}
	tables, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	load := ingest.NewRemote(tables, server.url, server.token, server.transport)
	load.Patience = 0
	err = load.Write(t.Context(), tables.Table(name.Lead), salestest.ID("lead", 1), map[string]schema.Value{name.Lastname: schema.Text("Imported")})
	if !errors.Is(err, ingest.ErrUnavailable) {
		t.Errorf("an import goes on with %v", err)
	}
	if n := s.told.Load(); n > 0 {
		t.Errorf("it is told a token, %d times", n)
	}
}

// The certificate of TLS is for this machine: it holds for no other names.
func TestTLSIsForLoopback(t *testing.T) {
	p := &program{Data: t.TempDir(), Table: "segue"}
	err := (&serveCommand{Addr: ":0", TLS: true, Bare: true, Log: "warn"}).Run(t.Context(), p)
	if err == nil || !strings.Contains(err.Error(), "--tls") {
		t.Errorf("an address that others reach: %v", err)
	}
}

// saidWithToken is what a token is printed with.
func saidWithToken(t *testing.T, p *program) string {
	t.Helper()
	issuer, err := p.place().OpenIssuer()
	if err != nil {
		t.Fatal(err)
	}
	return p.whereTokens(t.Context(), issuer.ProofKey())
}

// A client that is given the certificate reaches the server; one that is not does not.
func TestTLS(t *testing.T) {
	p := &program{Data: t.TempDir(), Table: "segue"}
	if said := saidWithToken(t, p); !strings.Contains(said, "is not running: ") {
		t.Errorf("before the server runs, token says %q", said)
	}
	stop := startServe(t, p, serveCommand{Addr: "127.0.0.1:0", TLS: true, Bare: true, Log: "error"})
	server, err := p.server(t.Context(), "", "Operator")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := saidWithToken(t, p), "For BASE="+strings.TrimSuffix(server.root, "/"); got != want {
		t.Errorf("token says %q, want %q", got, want)
	}
	stranger := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}}
	if response, err := stranger.Get(server.root); err == nil {
		t.Errorf("a client that does not know the certificate is answered %s", response.Status)
		_ = response.Body.Close() // only the status matters
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.root, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+server.token)
	response, err := server.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"@odata.context":"https://`) {
		t.Errorf("the service document is %.200s", text)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A folder that was copied beside a running server has its address, its keys and its
// certificate: that server is not the copy's all the same. It is that of its folder by
// whatever path.
func TestServerOfACopiedFolder(t *testing.T) {
	for _, https := range []bool{false, true} {
		dir := t.TempDir()
		p := &program{Data: filepath.Join(dir, "data"), Table: "segue"}
		stop := startServe(t, p, serveCommand{Addr: "127.0.0.1:0", TLS: https, Bare: true, Log: "error"})
		copied := &program{Data: filepath.Join(dir, "copy"), Table: "segue"}
		if err := os.CopyFS(copied.Data, os.DirFS(p.Data)); err != nil {
			t.Fatal(err)
		}
		if said := saidWithToken(t, copied); !strings.Contains(said, "is not running: ") {
			t.Errorf("with TLS %v, of the copy token says %q", https, said)
		}
		if _, err := copied.server(t.Context(), "", "Operator"); err == nil || !strings.Contains(err.Error(), "does not answer as its own") {
			t.Errorf("with TLS %v, of the copy: %v", https, err)
		}
		link := filepath.Join(dir, "link")
		if err := os.Symlink(p.Data, link); err != nil {
			t.Fatal(err)
		}
		t.Chdir(dir)
		for _, path := range []string{"data", link} {
			same := &program{Data: path, Table: "segue"}
			if _, err := same.server(t.Context(), "", "Operator"); err != nil {
				t.Errorf("with TLS %v, by %s: %v", https, path, err)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}
