// Package report is what people want to know of the whole: at present how many
// records are where. It only reads, and it reads whole tables: for tools, not
// for requests.
package report

import (
	"context"

	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/segment"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
)

// Census counts records by where they are.
type Census struct {
	Rows      map[string]int // by table
	Segments  []Place        // by name
	Sequences []Place
}

// Place is how many records are somewhere.
type Place struct {
	Table, ID, Name string
	Records         int
}

// tally is a census as it is being taken.
type tally struct {
	Census
	members   map[name.SegmentID]int
	connected map[name.SequenceID]int
}

// Count takes a Census of all tables.
func Count(ctx context.Context, db *rows.DB) (Census, error) {
	t := tally{Census{Rows: map[string]int{}}, map[name.SegmentID]int{}, map[name.SequenceID]int{}}
	lists := query.New(db)
	for _, table := range db.Schema().Tables() {
		for row, err := range lists.Each(ctx, query.Query{Table: table}) {
			if err == nil {
				err = t.count(row)
			}
			if err != nil {
				return t.Census, err
			}
		}
	}
	for i := range t.Segments {
		t.Segments[i].Records = t.members[name.SegmentID(t.Segments[i].ID)]
	}
	for i := range t.Sequences {
		t.Sequences[i].Records = t.connected[name.SequenceID(t.Sequences[i].ID)]
	}
	return t.Census, nil
}

// count adds a row.
func (t *tally) count(row *rows.Row) error {
	t.Rows[row.Table.Name]++
	switch {
	case row.Table.Name == name.Segment:
		view := segment.Segment{Row: row}
		t.Segments = append(t.Segments, Place{Table: view.RecordType(), ID: row.ID, Name: view.Name()})
	case row.Table.Name == name.Sequence:
		view := sequence.Sequence{Row: row}
		t.Sequences = append(t.Sequences, Place{Table: view.RecordType(), ID: row.ID, Name: view.Name()})
	case row.Table.Is(name.RecordTrait):
		t.members[sales.Record{Row: row}.Segment()]++
		live, err := connection.Live(row)
		if err != nil {
			return err
		}
		for sequenceID := range live {
			t.connected[sequenceID]++
		}
	}
	return nil
}
