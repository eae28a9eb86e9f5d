package related

import (
	"context"
	"encoding/json"
	"fmt"

	"segue/internal/rows"
	"segue/internal/sales/link"
	"segue/internal/schema"
)

// Rest is rows that point at one by the last step of a way, whose records are still to be
// found.
type Rest struct {
	Row rows.Ref
	Way []Step
}

// Back is [Watch.Back] for one of the rows that point at Row, or that list them
// ([Step.Scanned]).
func (r Rest) Back(ctx context.Context, db *rows.DB, row *rows.Row) (Found, error) {
	last := r.Last()
	if row.Table != last.pointing() {
		id, ok := link.RowOf(last.pointing(), last.Lookup, row.ID)
		if !ok { // of another lookup
			return Found{}, nil
		}
		found, err := db.Get(ctx, rows.Ref{Table: last.pointing().Name, ID: id})
		if err != nil || found[0] == nil {
			return Found{}, err
		}
		row = found[0]
	}
	if to := row.Lookup(last.Lookup.Name); to.Table != r.Row.Table || to.ID != r.Row.ID {
		return Found{}, nil // it points elsewhere by now, and its own change has led back from it
	}
	b := back{db: db, found: Found{Hand: Hand{row.Ref(): row}}, seen: map[rows.Ref]bool{}}
	err := b.walk(ctx, r.Way[:len(r.Way)-1], []rows.Ref{row.Ref()})
	return b.found, err
}

// Last is the step whose index lists the rows.
func (r Rest) Last() Step { return r.Way[len(r.Way)-1] }

// stored is a way as it is written down.
type stored struct {
	Record string       `json:"record"` // table
	Way    []storedStep `json:"way"`
}

type storedStep struct {
	Name string `json:"relationship"`
	Many bool   `json:"many,omitempty"`
}

// Argument writes the way down, for [RestOf].
func (r Rest) Argument() (string, error) {
	s := stored{Record: r.Way[0].From.Name}
	for _, step := range r.Way {
		s.Way = append(s.Way, storedStep{step.Name, step.Many})
	}
	text, err := json.Marshal(s)
	return string(text), err
}

// RestOf reads what [Rest.Argument] wrote. A way that the schema does not have any more is
// an error.
func RestOf(s *schema.Schema, row rows.Ref, argument string) (Rest, error) {
	var written stored
	if err := json.Unmarshal([]byte(argument), &written); err != nil {
		return Rest{}, fmt.Errorf("way %s: %w", argument, err)
	}
	rest, at := Rest{Row: row}, s.Table(written.Record)
	for _, w := range written.Way {
		step, ok := stepOf(s, at, w)
		if !ok || !step.Listed() {
			return Rest{}, fmt.Errorf("way %s: no relationship %s, or no index for it", argument, w.Name)
		}
		rest.Way, at = append(rest.Way, step), step.To
	}
	if len(rest.Way) == 0 {
		return Rest{}, fmt.Errorf("way %s is empty", argument)
	}
	return rest, nil
}

func stepOf(s *schema.Schema, from *schema.Table, w storedStep) (Step, bool) {
	if from == nil {
		return Step{}, false
	}
	if w.Many {
		r, ok := s.Relation(from.Name, w.Name)
		return stepBy(from, r), ok && r.Many
	}
	for _, c := range from.Columns {
		for _, target := range c.Targets {
			if target.Relationship == w.Name {
				return stepAlong(s, from, schema.Nav{Column: c, Target: target}), true
			}
		}
	}
	return Step{}, false
}
