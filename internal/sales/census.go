package sales

import (
	"context"

	"segue/internal/query"
)

// Census counts records by where they are. It reads whole tables: for tools.
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

// Count takes a Census of all tables that are on the wire.
func (s *Service) Count(ctx context.Context) (Census, error) {
	census := Census{Rows: map[string]int{}}
	members, on := map[string]int{}, map[string]int{}
	for _, t := range s.db.Schema().Tables() {
		for row, err := range s.lists.Each(ctx, query.Query{Table: t}) {
			if err != nil {
				return census, err
			}
			census.Rows[t.Name]++
			switch {
			case t.Name == segmentTable:
				census.Segments = append(census.Segments, Place{row.Text(entityType), row.ID, row.Text("msdyn_name"), 0})
			case t.Name == sequenceTable:
				census.Sequences = append(census.Sequences, Place{row.Text("msdyn_regardingentityname"), row.ID, row.Text("msdyn_name"), 0})
			case t.Is("record"):
				members[row.Lookup(segmentID).ID]++
				connections, err := liveOf(row)
				if err != nil {
					return census, err
				}
				for id := range connections {
					on[id]++
				}
			}
		}
	}
	for i := range census.Segments {
		census.Segments[i].Records = members[census.Segments[i].ID]
	}
	for i := range census.Sequences {
		census.Sequences[i].Records = on[census.Sequences[i].ID]
	}
	return census, nil
}
