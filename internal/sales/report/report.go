// Package report is what people want to know of the whole: at present how many
// records are where. It only reads, and it reads whole tables: for tools, not
// for requests.
package report

import (
	"context"

	"segue/internal/schema/name"

	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
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
	members   map[string]int // by segment
	connected map[string]int // by sequence
}

// Count takes a Census of all tables.
func Count(ctx context.Context, db *rows.DB) (Census, error) {
	t := tally{Census{Rows: map[string]int{}}, map[string]int{}, map[string]int{}}
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
		t.Segments[i].Records = t.members[t.Segments[i].ID]
	}
	for i := range t.Sequences {
		t.Sequences[i].Records = t.connected[t.Sequences[i].ID]
	}
	return t.Census, nil
}

// count adds a row.
func (t *tally) count(row *rows.Row) error {
	t.Rows[row.Table.Name]++
	switch {
	case sales.OfTable(name.Segment).Matches(row.Table):
		t.Segments = append(t.Segments, Place{Table: row.Text(name.MsdynObjecttype), ID: row.ID, Name: row.Text(name.MsdynName)})
	case sales.OfTable(name.Sequence).Matches(row.Table):
		t.Sequences = append(t.Sequences, Place{Table: row.Text(name.MsdynRegardingentityname), ID: row.ID, Name: row.Text(name.MsdynName)})
	case row.Table.Is(name.RecordTrait):
		t.members[row.Lookup(name.MsdynSegmentid).ID]++
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
