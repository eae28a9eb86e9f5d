package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"segue/internal/embed"
	"segue/internal/ingest"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// importCommand loads a CSV file.
type importCommand struct {
	File    string            `arg:"" help:"CSV file whose first line has logical or display names of columns." type:"existingfile"`
	Table   string            `help:"Table that the rows go into." required:""`
	Map     map[string]string `help:"Column for a header (Header=column); an empty column leaves it out."`
	Key     []string          `help:"Columns that together name a row, so that loading it again changes it."`
	Reject  string            `help:"File for the lines that were refused; FILE.rejected when left out."`
	URL     string            `help:"Load through the server at this URL; when left out, the one that has the store open, if there is one."`
	Workers int               `help:"Rows written at the same time." default:"32"`
}

// importUser is the name of the user who imports, to whom rows belong whose file
// names no owner.
const importUser = "Import"

// Run implements the command.
func (c *importCommand) Run(ctx context.Context, p *program) error {
	tables, err := schema.Default()
	if err != nil {
		return err
	}
	t := tables.Table(c.Table)
	if t == nil || t.Set == "" {
		return fmt.Errorf("there is no table %q", c.Table)
	}
	if c.URL != "" {
		return c.loadThrough(ctx, c.URL, p, tables, t)
	}
	laptop, err := p.open(ctx)
	if errors.Is(err, embed.ErrInUse) {
		return c.loadThrough(ctx, "", p, tables, t)
	}
	if err != nil {
		return err
	}
	defer func() { _ = laptop.Close() }() // what was written is durable already
	// By the rules that hold through a server, and as the same user.
	importer := sales.Caller{ID: name.UserID(userID(importUser)), Name: importUser, Roles: []string{sales.SystemAdministrator}}
	if err := c.load(ctx, ingest.Direct{Entities: laptop.Entities, Caller: importer}, t); err != nil {
		return err
	}
	return evaluateAll(ctx, laptop)
}

// loadThrough loads through a server, as an administrator of the local issuer.
func (c *importCommand) loadThrough(ctx context.Context, url string, p *program, tables *schema.Schema, t *schema.Table) error {
	server, err := p.server(ctx, url, importUser)
	if err != nil {
		return err
	}
	return c.load(ctx, ingest.NewRemote(tables, server.url, server.token, server.trust), t)
}

// load writes the rows of the file, keeps the lines that were refused in the
// reject file and prints a summary.
func (c *importCommand) load(ctx context.Context, w ingest.Writer, t *schema.Table) error {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	reject := c.Reject
	if reject == "" {
		reject = c.File + ".rejected"
	}
	rejects, err := os.Create(reject)
	if err != nil {
		return err
	}
	report, err := c.loadLines(ctx, w, t, file, rejects)
	err = errors.Join(err, rejects.Close())
	if errors.Is(err, ingest.ErrHeader) { // nothing was begun
		return errors.Join(err, os.Remove(reject))
	}
	fmt.Printf("%d lines read, %d rows written, %d refused", report.Read, report.Written, report.Rejected)
	if report.Rejected > 0 {
		fmt.Printf(" (see %s)", reject)
	} else {
		_ = os.Remove(reject) // an empty file, which is of no use
	}
	fmt.Println()
	for _, warning := range report.Warnings {
		fmt.Println(warning)
	}
	return err
}

// loadLines imports the file and shows its progress.
func (c *importCommand) loadLines(ctx context.Context, w ingest.Writer, t *schema.Table, file *os.File, rejects io.Writer) (ingest.Report, error) {
	stat, err := file.Stat()
	if err != nil {
		return ingest.Report{}, err
	}
	bar := progress("Loading "+c.File, stat.Size())
	defer func() { _ = bar.Finish() }() // as with Set64
	return ingest.CSV(ctx, w, t, file, ingest.Options{
		Map: c.Map, Key: c.Key, Reject: rejects, Workers: c.Workers,
		Progress: func(read int64) { _ = bar.Set64(read) }, // a bar that cannot be drawn is not a reason to stop
	})
}
