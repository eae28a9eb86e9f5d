package simulation

import (
	"context"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Outcome is what an evaluation would make of a record that a segment matches.
type Outcome string

// The outcomes.
const (
	Enters Outcome = "Enters" // it is in no segment
	Moves  Outcome = "Moves"  // from another segment
	Member Outcome = "Member" // it is in the segment already
	Higher Outcome = "Higher" // a segment of a higher priority has it, or would get it
	Stays  Outcome = "Stays"  // it stays in its segment: the other one may not take records from segments
)

// Outcomes lists the outcomes.
func Outcomes() []Outcome { return []Outcome{Enters, Moves, Member, Higher, Stays} }

// Simulated is what a segment would get of a part of the records.
type Simulated struct {
	Walk

	Matching int
	Outcomes map[Outcome]int
	Clauses  []Clause  // in the order of the text
	Records  []Record  // those that match, the first of them
	Findings []Finding // of the first part
}

// Clause is a condition and how many of the records examined it holds for.
type Clause struct {
	Node, Text string
	Holds      int
}

// Record is a record and what would become of it.
type Record struct {
	Ref     rows.Ref
	Name    string
	Outcome Outcome
	Segment name.SegmentID // the one that it would be in afterwards
}

// Simulate tells which records a segment matches, and what would become of each: being
// matched is not yet being a member, for others may have a higher priority, and
// membership is sticky (docs/domain.md §8.4).
func (s *Simulation) Simulate(ctx context.Context, c sales.Caller, draft Draft, part Part) (Simulated, error) {
	d, err := s.draft(ctx, c, draft)
	if err != nil {
		return Simulated{}, err
	}
	if d.place < 0 {
		return Simulated{}, sales.Refuse(sales.Invalid, "%s: an inactive segment gets no records; leave it out to simulate the segment as active", name.Statecode)
	}
	result := Simulated{Outcomes: map[Outcome]int{}}
	if result.Findings, err = s.firstFindings(ctx, d, part); err != nil {
		return Simulated{}, err
	}
	program := d.then.Segments[d.place].Program
	if result.Clauses, err = clausesOf(program, d.then.Scope); err != nil {
		return Simulated{}, err
	}
	result.Walk, err = d.walk(ctx, s, c, part, 1+len(d.then.Segments), func(row *rows.Row) error {
		matches, err := result.count(program, row, d.then.Scope)
		if err != nil || !matches {
			return err
		}
		record, err := d.outcome(row)
		if err != nil {
			return err
		}
		result.Matching++
		result.Outcomes[record.Outcome]++
		if len(result.Records) < part.Records {
			result.Records = append(result.Records, record)
		}
		return nil
	})
	return result, err
}

// outcome says what would become of a record that the draft matches.
func (d drafted) outcome(row *rows.Row) (Record, error) {
	record := Record{Ref: row.Ref(), Name: nameOf(row), Outcome: Stays, Segment: (sales.Record{Row: row}).Segment()}
	present := record.Segment
	decision, err := d.then.Decide(row, present, d.then.Scope)
	if err != nil || decision.Segment == nil {
		return record, err
	}
	record.Segment = decision.Segment.ID
	switch {
	case decision.Segment.ID != d.then.Segments[d.place].ID:
		if d.higher(decision.Segment.ID) {
			record.Outcome = Higher
		}
	case decision.Status == segment.Unchanged:
		record.Outcome = Member
	case decision.Moved:
		record.Outcome = Moves
	default:
		record.Outcome = Enters
	}
	return record, nil
}

// higher reports whether an active segment comes before the draft.
func (d drafted) higher(id name.SegmentID) bool {
	for _, e := range d.then.Segments[:d.place] {
		if e.ID == id {
			return true
		}
	}
	return false
}

// noRow is a row without a value.
type noRow struct{}

func (noRow) Value(string) (schema.Value, error) { return schema.Null(), nil }

// clausesOf lists the conditions of a program, none of which has held yet.
func clausesOf(p *filter.Program, scope *filter.Scope) ([]Clause, error) {
	verdict, err := p.ExplainIn(noRow{}, scope)
	var clauses []Clause
	for _, leaf := range verdict.Leaves() {
		clauses = append(clauses, Clause{Node: leaf.Node, Text: leaf.Text})
	}
	return clauses, err
}

// count counts the conditions that hold for a row, and reports whether all of them
// together do.
func (s *Simulated) count(p *filter.Program, row *rows.Row, scope *filter.Scope) (bool, error) {
	verdict, err := p.ExplainIn(row, scope)
	if err != nil {
		return false, err
	}
	for i, leaf := range verdict.Leaves() {
		if leaf.Holds {
			s.Clauses[i].Holds++
		}
	}
	return verdict.Holds, nil
}
