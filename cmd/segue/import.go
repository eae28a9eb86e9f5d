package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"segue/internal/boot"
	"segue/internal/boot/laptop"

	"segue/internal/embed"
	"segue/internal/ingest"
	"segue/internal/sales"
	"segue/internal/sales/report"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// importCommand loads a CSV file.
type importCommand struct {
	File    string            `arg:"" help:"CSV file whose first line has logical or display names of columns." type:"existingfile"`
	Table   string            `help:"Table that the rows go into." required:""`
	Map     map[string]string `help:"Column for a header (Header=column), or - to leave it out (Header=-); may be repeated."`
	Only    string            `help:"mapped: leave out the fields whose header is not mapped and names no column." enum:",mapped" default:""`
	Set     map[string]string `help:"Value of a column for rows where the file has none (lastname=unknown); may be repeated." mapsep:"none"`
	Options map[string]string `help:"Options that texts of a column mean (leadsourcecode=Google:8,Referral:3; '*' is any other text, an empty option leaves the cell out); may be repeated." mapsep:"none"`
	Key     []string          `help:"Columns or headers that together name a row, so that loading it again changes it."`
	DryRun  bool              `help:"Check the rows and write none."`
	Reject  string            `help:"File for the lines that were refused; FILE.rejected when left out."`
	URL     string            `help:"Load through the server at this URL; when left out, the one that has the store open, if there is one."`
	Workers int               `help:"Batches of rows written at the same time; at least 1." default:"8"`
}

// Validate refuses an import in which nothing would be written. Kong calls it.
func (c *importCommand) Validate() error {
	if c.Workers < 1 {
		return fmt.Errorf("--workers %d: at least 1 has to write", c.Workers)
	}
	return nil
}

// importUser is the name of the user who imports, to whom rows belong whose file
// names no owner.
const importUser = "Import"

// Run implements the command.
func (c *importCommand) Run(ctx context.Context, p *program) error {
	tables, err := boot.FromEnvironment().Tables()
	if err != nil {
		return err
	}
	t := tables.Table(c.Table)
	if t == nil || t.Set == "" {
		return fmt.Errorf("table %q does not exist; the tables are %s", c.Table, strings.Join(importable(tables), ", "))
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
	refused := c.load(ctx, ingest.Direct{Entities: laptop.Entities, Caller: importer}, t)
	if c.DryRun || refused != nil && !errors.Is(refused, errRefused) {
		return refused
	}
	return errors.Join(c.evaluate(ctx, laptop, t), refused)
}

// importable lists the tables that rows can be loaded into.
func importable(tables *schema.Schema) (names []string) {
	for _, t := range tables.Tables() {
		if t.Set != "" && !t.EngineMade {
			names = append(names, t.Name)
		}
	}
	return names
}

// evaluate follows the changes of the import and prints where the records of its table
// are then.
func (c *importCommand) evaluate(ctx context.Context, laptop *laptop.App, t *schema.Table) error {
	began := laptop.Clock.Now()
	if err := evaluateAll(ctx, laptop); err != nil || !t.Is(name.RecordTrait) {
		return err
	}
	took := laptop.Clock.Now().Sub(began)
	census, err := count(ctx, laptop)
	if err != nil {
		return err
	}
	of := func(places []report.Place) []report.Place {
		return slices.DeleteFunc(places, func(p report.Place) bool { return p.Table != t.Name })
	}
	segments, sequences := of(census.Segments), of(census.Sequences)
	if len(segments) == 0 {
		fmt.Printf("No segment takes rows of %s yet. `%s demo --leads 0` loads some to begin with; the README has one as an example.\n", t.Name, self())
		return nil
	}
	members := int64(0)
	for _, place := range segments {
		members += place.Records
	}
	fmt.Printf("Evaluated in %.1f s: %s of %s rows of %s are in a segment.\n\n", took.Seconds(), thousands(members), thousands(census.Rows[t.Name]), t.Name)
	printPlaces("Segments and their members", segments)
	printPlaces("Sequences and the records connected to them", sequences)
	return nil
}

// loadThrough loads through a server, as an administrator of the local issuer.
func (c *importCommand) loadThrough(ctx context.Context, url string, p *program, tables *schema.Schema, t *schema.Table) error {
	server, err := p.server(ctx, url, importUser)
	if err != nil {
		return err
	}
	refused := c.load(ctx, ingest.NewRemote(tables, server.url, server.token, server.transport), t)
	if c.DryRun {
		fmt.Println("Whether lookups point at rows that are there was not checked: only the server can tell.")
	}
	if !c.DryRun && t.Is(name.RecordTrait) && (refused == nil || errors.Is(refused, errRefused)) {
		fmt.Println("The server evaluates the rows as they come.")
	}
	return refused
}

// errRefused means that some rows were refused, and the others written.
var errRefused = errors.New("rows were refused")

// load writes the rows of the file, keeps the lines that were refused in the
// reject file and prints a summary.
func (c *importCommand) load(ctx context.Context, w ingest.Writer, t *schema.Table) error {
	meanings, err := c.meanings()
	if err != nil {
		return err
	}
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	reject := cmp.Or(c.Reject, c.File+".rejected")
	rejects, err := openRejects(reject, file)
	if err != nil {
		return fmt.Errorf("%w\nNothing was written", err)
	}
	report, err := c.loadLines(ctx, w, t, file, rejects, meanings)
	err = errors.Join(err, rejects.finish(err == nil && !c.DryRun))
	if wrong, ok := errors.AsType[*ingest.HeaderError](err); ok && len(wrong.Fields) > 0 {
		err = fmt.Errorf("%w\nGive a field a column with --map 'Header=column', or leave it out with --map 'Header=-'; --only mapped leaves out all that have none", err)
	}
	if err != nil && report.Read == 0 { // nothing was begun
		return fmt.Errorf("%w\nNothing was written", err)
	}
	fmt.Print(c.summary(report, t, reject))
	if err == nil && report.Rejected > 0 {
		err = fmt.Errorf("%s of %s %w", thousands(report.Rejected), thousands(report.Read), errRefused)
	}
	return err
}

// meanings reads --options: by column, the option that each text means.
func (c *importCommand) meanings() (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	for column, list := range c.Options {
		all[column] = map[string]string{}
		for pair := range strings.SplitSeq(list, ",") {
			at := strings.LastIndexByte(pair, ':')
			if at < 0 {
				return nil, fmt.Errorf("--options %s: %q is not text:option", column, pair)
			}
			all[column][strings.TrimSpace(pair[:at])] = strings.TrimSpace(pair[at+1:])
		}
	}
	return all, nil
}

// summary says what became of the rows, and what to do about those that were refused.
func (c *importCommand) summary(report ingest.Report, t *schema.Table, reject string) string {
	var text strings.Builder
	written, refused := "written", "refused"
	if c.DryRun {
		written, refused = "would be written", "would be refused"
	}
	fmt.Fprintf(&text, "%s read, %s %s, %s %s\n", counted(report.Read, "line"), counted(report.Written, "row"), written, thousands(report.Rejected), refused)
	if len(report.LeftOut) > 0 {
		fmt.Fprintf(&text, "Left out, for no column has that name: %s\n", strings.Join(report.LeftOut, ", "))
	}
	for _, reason := range report.Reasons {
		cell := ""
		if reason.Cell != "" {
			cell = fmt.Sprintf(": %q", reason.Cell)
		}
		fmt.Fprintf(&text, "  %s: %s (first in line %d%s)\n", counted(reason.Rows, "row"), reason.Text, reason.Line, cell)
	}
	text.WriteString(advice(report.Reasons, t))
	if report.Rejected > 0 {
		fmt.Fprintf(&text, "The lines that are refused are in %s, with all their reasons.\n", reject)
	}
	for _, warning := range report.Warnings {
		fmt.Fprintf(&text, "Note: %s\n", warning)
	}
	if c.DryRun {
		text.WriteString("Nothing was written (--dry-run).\n")
	}
	return text.String()
}

// advice shows, for each column that has no option for a text, which flag would give it
// one.
func advice(reasons []ingest.Reason, t *schema.Table) string {
	texts := map[string][]string{} // by column
	for _, reason := range reasons {
		if reason.Value != "" {
			texts[reason.Column] = append(texts[reason.Column], reason.Value)
		}
	}
	var text strings.Builder
	for _, column := range slices.Sorted(maps.Keys(texts)) {
		var options []string
		for _, option := range t.Column(column).Options {
			options = append(options, fmt.Sprintf("%d %s", option.Value, option.Label))
		}
		list := texts[column]
		more := ""
		if most := 4; len(list) > most {
			list, more = list[:most], ",…"
		}
		fmt.Fprintf(&text, "Say which options these are: --options '%s=%s:N%s', with N one of %s\n",
			column, strings.Join(list, ":N,"), more, strings.Join(options, ", "))
	}
	return text.String()
}

// counted writes a number of things.
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return thousands(n) + " " + thing
}

// thousands writes a number with a comma before each three digits.
func thousands[N int | int64](n N) string {
	text := strconv.FormatInt(int64(n), 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// loadLines imports the file and shows its progress.
func (c *importCommand) loadLines(ctx context.Context, w ingest.Writer, t *schema.Table, file *os.File, rejects io.Writer, meanings map[string]map[string]string) (ingest.Report, error) {
	stat, err := file.Stat()
	if err != nil {
		return ingest.Report{}, err
	}
	bar := progress("Loading "+c.File, stat.Size())
	defer func() { _ = bar.Finish() }() // as with Set64
	return ingest.CSV(ctx, w, t, file, ingest.Options{
		Map: c.Map, OnlyMapped: c.Only != "", Set: c.Set, Translate: meanings, Key: c.Key, DryRun: c.DryRun, Reject: rejects, Workers: c.Workers,
		Progress: func(read int64) { _ = bar.Set64(read) }, // a bar that cannot be drawn is not a reason to stop
	})
}
