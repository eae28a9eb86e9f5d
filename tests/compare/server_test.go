package compare_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"segue/internal/boot/laptop"
)

// unsynced is the folder that TestServeUnsynced serves.
const unsynced = "SEGUE_BENCH_UNSYNCED"

// start starts a server, which ends with the benchmark, and waits until address returns
// where it is.
func start(b *testing.B, address func() string, command *exec.Cmd) string {
	b.Helper()
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stop(b, command) })
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		base := address()
		if base == "" {
			continue
		}
		if resp, err := http.Get(base + "/"); err == nil { // whatever it says
			if err := resp.Body.Close(); err != nil {
				b.Fatal(err)
			}
			return base
		}
	}
	b.Fatalf("%s does not answer", command.Path)
	return ""
}

func stop(b *testing.B, command *exec.Cmd) {
	b.Helper()
	if err := command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		b.Error(err)
	}
	_ = command.Wait() // it was told to end
}

// unlimited has a server take as many requests of a user as come.
const unlimited = "SEGUE_SERVICE_LIMITS=0,0,0"

// startSegue starts a server over the definitions of the demo.
func startSegue(b *testing.B, dir string, synced bool) product {
	b.Helper()
	binary := os.Getenv("SEGUE_BINARY")
	command := exec.CommandContext(b.Context(), binary, "serve", "--data", dir, "--addr", "127.0.0.1:0", "--leads", "0")
	command.Env = append(os.Environ(), unlimited)
	base := start(b, addressIn(dir), command)
	if !synced {
		stop(b, command)
		command = exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestServeUnsynced$")
		command.Env = append(os.Environ(), unsynced+"="+dir, unlimited)
		base = start(b, addressIn(dir), command)
	}
	token, err := exec.CommandContext(b.Context(), binary, "token", "--data", dir).Output()
	if err != nil {
		b.Fatal(err)
	}
	c := newClient(base)
	c.headers["Authorization"] = "Bearer " + strings.TrimSpace(string(token))
	c.headers["Prefer"] = "odata.maxpagesize=50"
	return segue{c}
}

// addressIn returns what a server has left beside its store.
func addressIn(dir string) func() string {
	return func() string {
		text, _ := os.ReadFile(filepath.Join(dir, "segue.addr"))
		return strings.TrimSpace(string(text))
	}
}

// TestServeUnsynced is the process of a server that does not wait for its disk, which
// `segue serve` cannot be told: it is for this comparison alone.
func TestServeUnsynced(t *testing.T) {
	dir := os.Getenv(unsynced)
	if dir == "" {
		t.Skip("it is a process of BenchmarkPocketBase")
	}
	ctx := t.Context()
	app, err := laptop.Place{Data: dir, NoSync: true}.Open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server, err := app.Server()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "segue.addr"), fmt.Append(nil, "http://", listener.Addr()), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := app.Feed.Consume(ctx, "evaluate", app.Changes); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	if err := server.Serve(listener); err != nil { // until the benchmark ends the process
		t.Error(err)
	}
}

// startPocketBase starts a server with a collection of leads.
func startPocketBase(b *testing.B, dir string) product {
	b.Helper()
	const user, password = "bench@example.com", "a-long-password"
	binary := os.Getenv("SEGUE_POCKETBASE")
	settings := []string{"--dir", dir, "--migrationsDir", filepath.Join(dir, "migrations"), "--hooksDir", filepath.Join(dir, "hooks"), "--automigrate=false"}
	upsert := exec.CommandContext(b.Context(), binary, append([]string{"superuser", "upsert", user, password}, settings...)...)
	if out, err := upsert.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	free, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err == nil {
		err = free.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	address := free.Addr().String()
	command := exec.CommandContext(b.Context(), binary, append([]string{"serve", "--http", address}, settings...)...)
	c := newClient(start(b, func() string { return "http://" + address }, command))
	var session struct{ Token string }
	login := map[string]any{"identity": user, "password": password}
	if _, err := c.call(http.MethodPost, "/api/collections/_superusers/auth-with-password", login, &session); err != nil {
		b.Fatal(err)
	}
	c.headers["Authorization"] = session.Token
	if _, err := c.call(http.MethodPost, "/api/collections", collection(), nil); err != nil {
		b.Fatal(err)
	}
	return pocketBase{c}
}

// collection has the columns that the leads have, and when they were written.
func collection() map[string]any {
	fields := []map[string]any{
		{"name": "created", "type": "autodate", "onCreate": true},
		{"name": "updated", "type": "autodate", "onCreate": true, "onUpdate": true},
	}
	for _, column := range columns() {
		kind := "text"
		if column == "leadsourcecode" {
			kind = "number"
		}
		fields = append(fields, map[string]any{"name": column, "type": kind})
	}
	return map[string]any{"name": "leads", "type": "base", "fields": fields}
}
