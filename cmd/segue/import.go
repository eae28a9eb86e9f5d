package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"segue/internal/embed"
	"segue/internal/ingest"
	"segue/internal/sales"
	"segue/internal/schema"
)

// load imports a CSV file.
type load struct {
	File    string            `arg:"" help:"CSV file whose first line has logical or display names of columns." type:"existingfile"`
	To      string            `name:"table" help:"Table that the rows go into." required:""`
	Map     map[string]string `help:"Column for a header (Header=column); an empty column leaves it out."`
	Key     []string          `help:"Columns that together name a row, so that loading it again changes it."`
	Reject  string            `help:"File for the lines that were refused; FILE.rejected when left out."`
	URL     string            `help:"Load through the server at this URL; when left out, only if the store is open in a server at 127.0.0.1:8080."`
	Workers int               `help:"Rows written at the same time." default:"32"`
}

const localServer = "http://127.0.0.1:8080"

// Run implements the command.
func (l *load) Run(ctx context.Context, p *program) error {
	tables, err := schema.Default()
	if err != nil {
		return err
	}
	t := tables.Table(l.To)
	if t == nil || t.Set == "" {
		return fmt.Errorf("there is no table %q", l.To)
	}
	if l.URL != "" {
		return l.remote(ctx, p, tables, t)
	}
	laptop, err := p.place(false).Open(ctx, quiet())
	if errors.Is(err, embed.ErrInUse) {
		l.URL = localServer
		return l.remote(ctx, p, tables, t)
	}
	if err != nil {
		return err
	}
	defer func() { _ = laptop.Close() }() // what was written is durable already
	if err := l.load(ctx, ingest.Direct{Entities: laptop.Entities, Caller: sales.Engine()}, t); err != nil {
		return err
	}
	return evaluateAll(ctx, laptop)
}

// remote loads through a server, as an administrator of the local issuer.
func (l *load) remote(ctx context.Context, p *program, tables *schema.Schema, t *schema.Table) error {
	issuer, err := p.place(false).OpenIssuer()
	if err != nil {
		return err
	}
	token, err := issuer.Issue(userID("", "Import"), "Import", []string{"System Administrator"}, 24*time.Hour)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Loading through the server at %s\n", l.URL)
	return l.load(ctx, ingest.NewRemote(tables, l.URL, token), t)
}

func (l *load) load(ctx context.Context, w ingest.Writer, t *schema.Table) (err error) {
	file, err := os.Open(l.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	size, err := file.Stat()
	if err != nil {
		return err
	}
	if l.Reject == "" {
		l.Reject = l.File + ".rejected"
	}
	rejects, err := os.Create(l.Reject)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := rejects.Close(); err == nil {
			err = cerr
		}
	}()
	bar := progress("Loading "+l.File, size.Size())
	report, err := ingest.CSV(ctx, w, t, file, ingest.Options{
		Map: l.Map, Key: l.Key, Reject: rejects, Workers: l.Workers,
		Progress: func(read int64) { _ = bar.Set64(read) }, // a bar that cannot be drawn is no reason to stop
	})
	_ = bar.Finish()
	if errors.Is(err, ingest.ErrHeader) { // nothing was begun
		return errors.Join(err, os.Remove(l.Reject))
	}
	fmt.Printf("%d lines read, %d rows written, %d refused", report.Read, report.Written, report.Rejected)
	if report.Rejected > 0 {
		fmt.Printf(" (see %s)", l.Reject)
	} else {
		_ = os.Remove(l.Reject) // an empty file, which is of no use
	}
	fmt.Println()
	for _, warning := range report.Warnings {
		fmt.Println(warning)
	}
	return err
}
