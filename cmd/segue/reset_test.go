package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"segue/internal/dynamo/dynamotest"
	"segue/internal/embed"
	"segue/internal/rows"
	"segue/internal/store"
)

// kept is an item that a refused reset must leave where it is.
func kept() store.Item {
	return store.Item{store.PK: store.S("p"), store.SK: store.S("s"), "text": store.S("kept")}
}

func put(t *testing.T, s store.Store) {
	t.Helper()
	if err := s.Write(t.Context(), store.Put(kept(), store.Condition{})); err != nil {
		t.Fatal(err)
	}
}

// holds reports whether a store has the item.
func holds(t *testing.T, s store.Store) bool {
	t.Helper()
	found, err := s.Get(t.Context(), kept().Key())
	if err != nil {
		t.Fatal(err)
	}
	return found[0] != nil
}

// takenPort listens on a port until the test ends.
func takenPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // it only took the port
	return listener.Addr().String()
}

// resets are the commands that begin with an empty store; addr is that of a server.
// One that is not refused would serve for ever.
func resets(t *testing.T, addr string) map[string]func(*program) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(stop)
	return map[string]func(*program) error{
		"serve": func(p *program) error {
			return (&serveCommand{Addr: addr, Reset: true, Bare: true, Log: "warn"}).Run(ctx, p)
		},
		"demo": func(p *program) error { return (&demoCommand{Addr: addr, Reset: true}).Run(ctx, p) },
	}
}

// Whoever has the store open keeps it: a reset touches nothing.
func TestResetOfAStoreInUse(t *testing.T) {
	for name, reset := range resets(t, freeAddr(t)) {
		t.Run(name, func(t *testing.T) {
			p := &program{Data: t.TempDir(), Table: "segue"}
			server, err := p.open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Close() }() // the test is over
			put(t, server.File)
			if err := reset(p); !errors.Is(err, embed.ErrInUse) {
				t.Errorf("reset: %v, want %v", err, embed.ErrInUse)
			}
			if !holds(t, server.File) {
				t.Error("the store was emptied")
			}
		})
	}
}

// A server that cannot listen empties nothing.
func TestResetWithoutThePort(t *testing.T) {
	p := &program{Data: t.TempDir(), Table: "segue"}
	before, err := p.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	put(t, before.File)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	if err := resets(t, takenPort(t))["serve"](p); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("reset: %v, want %v", err, syscall.EADDRINUSE)
	}
	after, err := p.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = after.Close() }() // the test is over
	if !holds(t, after.File) {
		t.Error("the store was emptied")
	}
}

// On DynamoDB the port is the only lock that there is.
func TestResetOfATableInUse(t *testing.T) {
	table := dynamotest.Open(t, rows.Indexes())
	put(t, table)
	p := &program{Data: t.TempDir(), Table: table.Name, Endpoint: dynamotest.Endpoint(t)}
	for name, reset := range resets(t, takenPort(t)) {
		if err := reset(p); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s: %v, want %v", name, err, syscall.EADDRINUSE)
		}
	}
	if !holds(t, table) {
		t.Fatal("the table was emptied")
	}
	place := p.place()
	place.Reset = true
	if _, err := place.Open(t.Context(), slog.New(slog.DiscardHandler)); err != nil || holds(t, table) {
		t.Errorf("with nobody there the table holds the item, or %v", err)
	}
}

// RESET of the Makefile is a word for yes or no; any other is refused.
func TestMakeReset(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip(err)
	}
	for _, test := range []struct {
		word       string
		reset, bad bool
	}{
		{word: "1", reset: true}, {word: "yes", reset: true}, {word: "true", reset: true}, {word: "True", reset: true},
		{word: ""}, {word: " "}, {word: "0"}, {word: "no"}, {word: "No"}, {word: "false"}, {word: "FALSE"},
		{word: "never", bad: true},
	} {
		t.Run(test.word, func(t *testing.T) {
			printed, err := exec.Command("make", "-s", "-n", "-C", "../..", "run", "RESET="+test.word).Output()
			if err != nil {
				t.Fatal(err)
			}
			_, args, _ := strings.Cut(string(printed), "bin/segue serve")
			var p program
			parser, err := newParser(&p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = parser.Parse(append([]string{"serve"}, strings.Fields(args)...)); (err != nil) != test.bad {
				t.Errorf("%s: %v, refused is to be %v", args, err, test.bad)
			}
			if p.Serve.Reset != test.reset {
				t.Errorf("%s: reset is %v", args, p.Serve.Reset)
			}
		})
	}
}
