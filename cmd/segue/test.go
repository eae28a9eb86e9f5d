package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"segue/internal/boot"
	"segue/internal/boot/rehearse"
	"segue/internal/sales/rehearsal"
)

// testCommand carries out tests of sequences.
type testCommand struct {
	Files []string `arg:"" help:"Files of tests, NAME.test, each beside the sequence in NAME.json."`
	Trace bool     `help:"Print the steps of each test with their times (UTC)."`
}

// Run implements the command. It needs no store and no server.
func (c *testCommand) Run(ctx context.Context) error {
	tables, err := boot.FromEnvironment().Tables()
	if err != nil {
		return err
	}
	return c.run(ctx, os.Stdout, rehearse.House{Tables: tables})
}

func (c *testCommand) run(ctx context.Context, out io.Writer, house rehearse.House) error {
	all, failed := 0, 0
	for _, path := range c.Files {
		results, err := house.File(ctx, path)
		if err != nil {
			return err
		}
		var text strings.Builder
		for _, r := range results {
			all++
			if r.Passed {
				fmt.Fprintf(&text, "ok   %s:%d: %s\n", path, r.Line, r.Name)
			} else {
				failed++
				fmt.Fprintf(&text, "FAIL %s:%d: %s: expected %s, got %s\n", path, r.Line, r.Name, r.Expected, r.Got)
			}
			if c.Trace {
				writeTrace(&text, r.Trace)
			}
		}
		if _, err := io.WriteString(out, text.String()); err != nil {
			return fmt.Errorf("print the results: %w", err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d tests failed", failed, all)
	}
	return nil
}

// writeTrace writes the steps of a test, a line each.
func writeTrace(text *strings.Builder, trace []rehearsal.Step) {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format("2006-01-02T15:04")
	}
	for _, s := range trace {
		fmt.Fprintf(text, "     opened %s, due %s, closed %-16s  %-9s  %s", at(s.Opened), at(s.Due), at(s.Closed), s.State, s.Name)
		if s.Note != "" {
			fmt.Fprintf(text, " (%s)", s.Note)
		}
		text.WriteByte('\n')
	}
}
