package demo

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"segue/internal/ingest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Loaded is the result of [Demo.Load].
type Loaded struct {
	Rows    map[string]int // written, by table
	Refused int            // rows that were not, or not activated
	Because error          // why the first of those was refused; nil if there are none
}

// Load writes the demo: sellers, then sequences and segments, each of which is activated
// once it is written, then the records, which the segments take in as they come.
// Loading it again undoes what was edited since and changes nothing else; an edit that a
// rule protects stays and counts as refused. The error is
// [ingest.ErrUnavailable] or the end of ctx. progress may be nil.
func (d Demo) Load(ctx context.Context, w ingest.Writer, tables *schema.Schema, progress func(done, total int)) (Loaded, error) {
	// A new segment goes in front of the last one, so the lowest priority comes first.
	definitions := slices.Concat(d.Sellers, d.Sequences, reversed(d.Segments))
	records := [][]Row{d.Accounts, slices.Concat(d.Leads, d.Opportunities)} // the second point at the first
	l := &loader{
		writer: w, tables: tables, progress: progress,
		total: len(definitions) + len(d.Accounts) + len(d.Leads) + len(d.Opportunities), loaded: Loaded{Rows: map[string]int{}},
	}
	for _, row := range definitions {
		err := l.define(ctx, row)
		l.account(row, err)
		if ingest.Ends(ctx, err) {
			return l.loaded, fmt.Errorf("load %s %s: %w", row.Table, row.ID, err)
		}
	}
	for _, list := range records {
		if err := ingest.WriteAll(ctx, w, l.jobs(list)); err != nil {
			return l.loaded, fmt.Errorf("load records: %w", err)
		}
	}
	return l.loaded, nil
}

// loader is one Load in progress.
type loader struct {
	writer   ingest.Writer
	tables   *schema.Schema
	progress func(done, total int)
	total    int

	mu     sync.Mutex // guards the fields below while there are workers
	at     int
	loaded Loaded
}

// define writes a row that the records rely on and activates it if it is a sequence or a
// segment. One that cannot be written may exist in another form, so it is activated
// nevertheless; the first error counts.
func (l *loader) define(ctx context.Context, row Row) error {
	err := l.write(ctx, row, row.Values)
	active, ok := activeState(row.Table)
	if !ok || ingest.Ends(ctx, err) {
		return err
	}
	activated := l.write(ctx, row, values{name.Statecode: schema.Int(active)})
	return cmp.Or(err, activated)
}

// activeState returns the statecode of an active row; ok is false for a table whose rows
// are not created inactive.
func activeState(table string) (state int64, ok bool) {
	switch table {
	case name.Sequence:
		return 1, true
	case name.Segment:
		return 0, true
	}
	return 0, false
}

func (l *loader) write(ctx context.Context, row Row, v values) error {
	t, err := l.table(row.Table)
	if err != nil {
		return err
	}
	return l.writer.Write(ctx, t, row.ID, v)
}

func (l *loader) table(table string) (*schema.Table, error) {
	if t := l.tables.Table(table); t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("the schema has no table %s", table)
}

// jobs yields the rows that can be written and counts the others as refused.
func (l *loader) jobs(list []Row) iter.Seq[ingest.Job] {
	return func(yield func(ingest.Job) bool) {
		for _, row := range list {
			t, err := l.table(row.Table)
			if err != nil {
				l.account(row, err)
				continue
			}
			job := ingest.Job{Table: t, ID: row.ID, Values: row.Values, Done: func(err error) { l.account(row, err) }}
			if !yield(job) {
				return
			}
		}
	}
}

// account counts a row as written or refused.
func (l *loader) account(row Row, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at++
	if err == nil {
		l.loaded.Rows[row.Table]++
	} else {
		l.loaded.Refused++
		l.loaded.Because = cmp.Or(l.loaded.Because, err)
	}
	if l.progress != nil {
		l.progress(l.at, l.total)
	}
}

func reversed(list []Row) []Row {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}
