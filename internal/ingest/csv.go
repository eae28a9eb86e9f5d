package ingest

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"segue/internal/guid"
	"segue/internal/schema"
)

// Options of an import. The zero Options take the header as it is, count the
// rejected lines and do not keep them.
type Options struct {
	// Map gives headers (in any case) another column than their own name says:
	// its logical name or label, or "" or "-" to leave the field out.
	Map map[string]string
	// OnlyMapped leaves out the fields whose header is neither in Map nor the name of a
	// column that may be written.
	OnlyMapped bool
	// Set gives columns, by name or label, the value of rows for which the file has none.
	Set map[string]string
	// Translate gives, by column (its name, label or header), texts of the file (in any
	// case) the option that they mean, by value or label; "" leaves the cell out. "*"
	// stands for every text that neither is translated nor is one of an option.
	Translate map[string]map[string]string
	// Key is the columns, or the headers, whose values, in any case, together
	// identify a row where the file has no column of ids. A field that is left out
	// identifies too.
	Key []string
	// DryRun checks the rows and writes none.
	DryRun bool
	// Reject takes the lines that were not loaded, as CSV in the order of the file:
	// line, columns, reasons, and the fields as they were. If there are none, nothing is
	// written.
	Reject io.Writer
	// Progress is called after each record with how much of the file has been read.
	Progress func(bytesRead int64)
	// Workers is how many batches of rows are written at once; 8 by default.
	Workers int
	// NewID makes the ids of lines without one; random by default.
	NewID func() string
}

// CSV writes the records of a file as rows of a table. The first record is the
// header: logical names or labels. Cells are converted by the schema; an empty
// one leaves its column as it is. A record that cannot be written is rejected,
// with its reasons, and the others go on; the last of several with one id wins.
//
// An error means that not all of the file was read: [ErrHeader], before anything was
// written; a record of more than 1 MB; [ErrUnavailable] or the end of ctx. It names the
// line up to which the file was read, and the Report covers that part.
func CSV(ctx context.Context, w Writer, t *schema.Table, file io.Reader, o Options) (Report, error) {
	if t.EngineMade || t.Set == "" {
		return Report{}, fmt.Errorf("%w %s: its rows are made by Segue alone", ErrHeader, t.Name)
	}
	in := newSource(file)
	header, err := in.next()
	if errors.Is(err, io.EOF) {
		err = errors.New("the file is empty; its first line names the columns")
	}
	if err != nil {
		return Report{}, fmt.Errorf("read the header: %w", err)
	}
	if first := header[0]; strings.HasPrefix(first, "\xff\xfe") || strings.HasPrefix(first, "\xfe\xff") {
		return Report{}, errors.New("read the header: the file is UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)")
	}
	l, err := newLayout(t, header, o)
	if err != nil {
		return Report{}, err
	}
	if o.NewID == nil {
		o.NewID = guid.New
	}
	if o.DryRun {
		w = dry{w}
	}
	i := &importer{in: in, layout: l, options: o, pool: newPool(ctx, w, o.Workers)}
	i.ledger = newLedger(l, o.Reject, i.pool.stop)
	err = i.run(ctx)
	if stopped := i.pool.wait(); err == nil && stopped != nil {
		err = fmt.Errorf("stopped after line %d: %w", in.line, stopped)
	}
	report := i.ledger.close()
	if l.id < 0 && len(l.key) == 0 && report.Written > 0 {
		report.Warnings = append(report.Warnings,
			fmt.Sprintf("neither an id column (%s) nor a key is given: importing the file again creates every row again", t.ID))
	}
	return report, err
}

// importer is one import in progress.
type importer struct {
	in      *source
	layout  *layout
	options Options
	pool    *pool
	ledger  *ledger
	read    int // records so far
}

func (i *importer) run(ctx context.Context) error {
	for {
		if err := i.pool.stopped(ctx); err != nil {
			return fmt.Errorf("stopped after line %d: %w", i.in.line, err)
		}
		fields, err := i.in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		_, skip := errors.AsType[*csv.ParseError](err)
		switch {
		case skip:
			i.ledger.account(i.read, record{i.in.line, fields, []problem{{-1, err}}})
		case err != nil:
			return fmt.Errorf("read on after line %d: %w", i.in.line, err)
		default:
			i.record(i.read, fields)
		}
		i.read++
		if i.options.Progress != nil {
			i.options.Progress(i.in.read())
		}
	}
}

// record queues the row of a record for writing, or rejects the record.
func (i *importer) record(number int, fields []string) {
	line := i.in.line
	row := i.layout.row(fields)
	if len(row.problems) > 0 {
		if first := row.problems[0].field; first >= 0 {
			line = i.in.lineOf(first)
		}
	}
	if row.unknown { // the cells alone say what is wrong
		i.ledger.account(number, record{line, fields, row.problems})
		return
	}
	if row.id == "" {
		row.id = i.options.NewID()
	}
	i.pool.send(Job{Table: i.layout.table, ID: row.id, Values: row.values, refused: len(row.problems) > 0, Done: func(err error) {
		i.ledger.account(number, record{line, fields, append(row.problems, i.layout.problems(err, row.problems)...)})
	}})
}
