package main

import (
	"bytes"
	"strings"
	"testing"
)

// parse parses a command line as main does; what it prints is text, and exited tells
// that it ended the program.
func parse(t *testing.T, args ...string) (p *program, text string, exited bool, err error) {
	t.Helper()
	p = &program{}
	parser, err := newParser(p)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	parser.Stdout, parser.Stderr = &out, &out
	parser.Exit = func(int) { exited = true }
	_, err = parser.Parse(args)
	if err != nil {
		parser.FatalIfErrorf(err)
	}
	return p, out.String(), exited, err
}

// A role that does not exist would give a token without rights.
func TestTokenRole(t *testing.T) {
	p, _, _, err := parse(t, "token", "--role", "salesperson", "--role", "Sales Manager")
	if err != nil || strings.Join(p.Token.Role, ",") != "Salesperson,Sales Manager" {
		t.Errorf("roles %q, error %v", p.Token.Role, err)
	}
	_, _, _, err = parse(t, "token", "--role", "Sales manger")
	for _, want := range []string{`"Sales manger"`, "System Administrator, Sequence Manager, Sales Manager, Salesperson"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a mistyped role: %v, want %s named", err, want)
		}
	}
}

// A mistake in the command line is answered with what is wrong, and a line of usage.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"serve", "--adr", "x"}, {"serves"}, {"import"}, {"serve", "--bare", "--demo"}} {
		_, text, exited, err := parse(t, args...)
		if err == nil || !exited {
			t.Errorf("%v: error %v, exited %v", args, err, exited)
		}
		if lines := strings.Count(text, "\n"); lines > 6 || !strings.Contains(text, "Usage: segue") || !strings.Contains(text, err.Error()) {
			t.Errorf("%v prints %d lines:\n%s", args, lines, text)
		}
	}
}

func TestVersion(t *testing.T) {
	if _, text, exited, _ := parse(t, "--version"); strings.TrimSpace(text) == "" || !exited {
		t.Errorf("--version prints %q, exited %v", text, exited)
	}
}

// Every command says what it does.
func TestHelp(t *testing.T) {
	var p program
	parser, err := newParser(&p)
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range parser.Model.Leaves(true) {
		if node.Help == "" {
			t.Errorf("%s has no help", node.FullPath())
		}
		for _, flag := range node.Flags {
			if flag.Help == "" {
				t.Errorf("%s --%s has no help", node.FullPath(), flag.Name)
			}
		}
	}
}
