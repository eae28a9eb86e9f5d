package ingest

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"segue/internal/guid"
	"segue/internal/schema"
)

// maxReasons is how many rejections a [Report] names.
const maxReasons = 10

// Options of an import. The zero Options take the header as it is, count the
// rejected lines and do not keep them.
type Options struct {
	// Map gives headers (in any case) another column than their own name says:
	// its logical name or label, or "" or "-" to leave the field out.
	Map map[string]string
	// Key is the columns, or their headers, whose values, in any case, together
	// identify a row where the file has no column of ids.
	Key []string
	// Reject takes the lines that were not loaded, as CSV: line, column,
	// reason, and the fields as they were. If there are none, nothing is written.
	Reject io.Writer
	// Progress is called after each record with how much of the file has been read.
	Progress func(bytesRead int64)
	// Workers is how many rows are written at once; 32 by default.
	Workers int
	// NewID makes the ids of lines without one; random by default.
	NewID func() string
}

// Report is the outcome of an import. Read is Written and Rejected together.
type Report struct {
	Read, Written, Rejected int
	Reasons                 []Rejection // the first ones
	Warnings                []string
}

// Rejection is why a line was not loaded.
type Rejection struct {
	Line   int    // of the file, from 1: where the field, or else the record, begins
	Column string // the header of the field that is wrong, or "" for the record
	Reason string
}

// CSV writes the records of a file as rows of a table. The first record is the
// header: logical names or labels. Cells are converted by the schema; an empty
// one leaves its column as it is. A record that cannot be written is rejected,
// with its reason, and the others go on; the last of several with one id wins.
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
	l, err := newLayout(t, header, o)
	if err != nil {
		return Report{}, err
	}
	if o.NewID == nil {
		o.NewID = guid.New
	}
	i := &importer{in: in, layout: l, options: o, pool: newPool(ctx, w, o.Workers)}
	if o.Reject != nil {
		i.rejects = csv.NewWriter(o.Reject)
	}
	if l.id < 0 && len(l.key) == 0 {
		i.report.Warnings = append(i.report.Warnings,
			fmt.Sprintf("neither an id column (%s) nor a key column is given: importing the file again creates every row again", t.ID))
	}
	err = i.run(ctx)
	if stopped := i.pool.wait(); err == nil && stopped != nil {
		err = fmt.Errorf("stopped after line %d: %w", in.line, stopped)
	}
	return i.report, err
}

// importer is one import in progress.
type importer struct {
	in      *source
	layout  *layout
	options Options
	pool    *pool

	mu      sync.Mutex // guards what follows until the pool has ended
	report  Report
	rejects *csv.Writer // nil: they are not kept
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
			i.finish(Rejection{Line: i.in.line, Reason: err.Error()}, fields)
		case err != nil:
			return fmt.Errorf("read on after line %d: %w", i.in.line, err)
		default:
			i.record(fields)
		}
		if i.options.Progress != nil {
			i.options.Progress(i.in.read())
		}
	}
}

// record queues the row of a record for writing, or rejects the record.
func (i *importer) record(fields []string) {
	line := i.in.line
	id, values, err := i.layout.row(fields)
	if wrong, ok := errors.AsType[*cellError](err); ok {
		r := Rejection{Line: line, Reason: wrong.reason}
		if wrong.field >= 0 {
			r.Line, r.Column = i.in.lineOf(wrong.field), i.layout.header[wrong.field]
		}
		i.finish(r, fields)
		return
	}
	if id == "" {
		id = i.options.NewID()
	}
	i.pool.send(Job{Table: i.layout.table, ID: id, Values: values, Done: func(err error) {
		r := Rejection{Line: line}
		if err != nil {
			r.Column, r.Reason = i.layout.blame(err), err.Error()
		}
		i.finish(r, fields)
	}})
}

// finish counts a record as written, or, if r has a reason, as rejected.
func (i *importer) finish(r Rejection, fields []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.report.Read++
	if r.Reason == "" {
		i.report.Written++
		return
	}
	i.report.Rejected++
	if len(i.report.Reasons) < maxReasons {
		i.report.Reasons = append(i.report.Reasons, r)
	}
	if i.rejects == nil {
		return
	}
	if i.report.Rejected == 1 {
		_ = i.rejects.Write(append([]string{"line", "column", "reason"}, i.layout.header...)) // Error below reports it
	}
	_ = i.rejects.Write(append([]string{strconv.Itoa(r.Line), r.Column, r.Reason}, fields...))
	i.rejects.Flush()
	if err := i.rejects.Error(); err != nil {
		i.pool.stop(fmt.Errorf("write the reject file: %w", err))
	}
}
