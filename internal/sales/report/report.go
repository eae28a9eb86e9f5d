// Package report is what people want to know of the whole: at present how many
// records are where. It only reads, and it reads whole tables, by a job.
//
// Invariant: a row that is there all the while is counted once, whatever was
// repeated.
package report

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/segment"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// CountKind is the kind of the jobs that take a [Census].
const CountKind = "count"

// Census counts records by where they are.
type Census struct {
	Rows      map[string]int64 `json:"rows"`     // by table
	Segments  []Place          `json:"segments"` // by table and name
	Sequences []Place          `json:"sequences"`
}

// Place is how many records are somewhere.
type Place struct {
	Table   string `json:"table"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Records int64  `json:"records"`
}

// Count is a job that takes a census of all tables. One task goes through a shard of
// a table: there are many tables, most of them small.
func Count(tables *schema.Schema, id name.JobID) sales.NewJob {
	job := sales.NewJob{ID: id, Kind: CountKind, Name: "Count the rows of all tables"}
	for _, t := range tables.Tables() {
		job.Scans = append(job.Scans, sales.Scan{Table: t.Name, Small: true})
	}
	return job
}

// Result reads the census that a job has taken.
func Result(job sales.Job) (Census, error) {
	var census Census
	if job.State() != sales.JobCompleted {
		return census, fmt.Errorf("%v is %v: %s", job.Row.Ref(), job.State(), job.Row.Text(name.SegueReason))
	}
	if err := json.Unmarshal([]byte(job.Result()), &census); err != nil {
		return census, fmt.Errorf("%v: stored %s: %w", job.Row.Ref(), name.SegueResult, err)
	}
	return census, nil
}

// Counting is the work of [CountKind] on the rows of db.
func Counting(db *rows.DB) sales.JobKind { return counting{db} }

type counting struct{ db *rows.DB }

// The names of the tally's counts, each followed by a table or an id.
const (
	rowsOf      = "rows of "
	membersOf   = "members of "
	connectedTo = "connected to "
)

// Prepare implements [sales.JobKind].
func (c counting) Prepare(context.Context, sales.Job) (sales.JobWork, error) { return c.count, nil }

// count adds a row. A segment or sequence adds nothing to its own count, so that one
// without records is in the census too.
func (counting) count(_ context.Context, row *rows.Row, tally *sales.JobTally) (changed bool, err error) {
	var live connection.LiveConnections
	if row.Table.Is(name.RecordTrait) {
		if live, err = connection.Live(row); err != nil {
			return false, err
		}
	}
	if row.Table.Name == name.Sequence && (sequence.Sequence{Row: row}).IsVersion() {
		return false, nil // a person who counts sequences does not mean it, and nothing is connected to it
	}
	tally.Add(rowsOf+row.Table.Name, 1)
	switch {
	case row.Table.Name == name.Segment:
		tally.Add(membersOf+row.ID, 0)
	case row.Table.Name == name.Sequence:
		tally.Add(connectedTo+row.ID, 0)
	case row.Table.Is(name.RecordTrait):
		if segmentID := (sales.Record{Row: row}).Segment(); segmentID != "" {
			tally.Add(membersOf+string(segmentID), 1)
		}
		for sequenceID := range live {
			tally.Add(connectedTo+string(sequenceID), 1)
		}
	}
	return false, nil
}

// Finish implements [sales.JobKind]: it gives what was counted its names. A segment
// or sequence that is gone by now is left out.
func (c counting) Finish(ctx context.Context, _ *rows.Tx, _ sales.Job, counts map[string]int64) (sales.JobEnd, error) {
	census := Census{Rows: map[string]int64{}, Segments: []Place{}, Sequences: []Place{}}
	var segments, sequences []rows.Ref
	for count, n := range counts {
		if table, ok := strings.CutPrefix(count, rowsOf); ok {
			census.Rows[table] = n
		}
		if id, ok := strings.CutPrefix(count, membersOf); ok {
			segments = append(segments, rows.Ref{Table: name.Segment, ID: id})
		}
		if id, ok := strings.CutPrefix(count, connectedTo); ok {
			sequences = append(sequences, rows.Ref{Table: name.Sequence, ID: id})
		}
	}
	found, err := c.db.Get(ctx, append(segments, sequences...)...)
	if err != nil {
		return sales.JobEnd{}, err
	}
	for _, row := range found {
		switch {
		case row == nil:
		case row.Table.Name == name.Segment:
			view := segment.Segment{Row: row}
			census.Segments = append(census.Segments, Place{view.RecordType(), row.ID, view.Name(), counts[membersOf+row.ID]})
		default:
			view := sequence.Sequence{Row: row}
			census.Sequences = append(census.Sequences, Place{view.RecordType(), row.ID, view.Name(), counts[connectedTo+row.ID]})
		}
	}
	slices.SortFunc(census.Segments, byTableAndName)
	slices.SortFunc(census.Sequences, byTableAndName)
	text, err := json.Marshal(census)
	if err != nil {
		return sales.JobEnd{}, fmt.Errorf("encode the census: %w", err)
	}
	return sales.JobEnd{Result: string(text)}, nil
}

func byTableAndName(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}
