package simulation

import (
	"cmp"
	"context"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/schema/name"
)

// Diff is what would change for a part of the records if they were evaluated after a
// segment has been activated, moved, edited or deactivated.
type Diff struct {
	Walk

	Moves    []Move    // the largest first
	Begins   int       // connections that would begin
	Ends     int       // records whose connections would end
	Records  []Moved   // those that would move, the first of them
	Findings []Finding // of the first part
}

// Move is the records that would go from one segment to another; From is "" for those that
// are in none, To for those that would leave theirs for none.
type Move struct {
	From, To name.SegmentID
	Records  int
	// Anyway is how many of them the segments as they are would move there too, as soon
	// as they change: no evaluation has followed the last edits of segments yet.
	Anyway int
}

// Moved is a record that would move.
type Moved struct {
	Ref      rows.Ref
	Name     string
	From, To name.SegmentID
	Begins   bool // a connection begins
	Ends     bool // and those that it has end
}

// Diff tells what a draft would change. Activating a segment changes no record by
// itself: what is told happens to a record when it is evaluated next.
func (s *Simulation) Diff(ctx context.Context, c sales.Caller, draft Draft, part Part) (Diff, error) {
	d, err := s.draft(ctx, c, draft)
	if err != nil {
		return Diff{}, err
	}
	var result Diff
	if result.Findings, err = s.firstFindings(ctx, d, part); err != nil {
		return Diff{}, err
	}
	moves := map[Move]*Move{}
	result.Walk, err = d.walk(ctx, s, c, part, len(d.then.Segments)+len(d.now.Segments), func(row *rows.Row) error {
		moved, anyway, err := s.moved(ctx, d, row)
		if err != nil || moved.From == moved.To {
			return err
		}
		key := Move{From: moved.From, To: moved.To}
		if moves[key] == nil {
			moves[key] = &Move{From: moved.From, To: moved.To}
		}
		moves[key].Records++
		if anyway {
			moves[key].Anyway++
		}
		if moved.Begins {
			result.Begins++
		}
		if moved.Ends {
			result.Ends++
		}
		if len(result.Records) < part.Records {
			result.Records = append(result.Records, moved)
		}
		return nil
	})
	for _, m := range moves {
		result.Moves = append(result.Moves, *m)
	}
	slices.SortFunc(result.Moves, func(a, b Move) int {
		return cmp.Or(b.Records-a.Records, cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return result, err
}

// moved says where a record would go, "" for nowhere, and whether it would do so
// without the draft.
func (s *Simulation) moved(ctx context.Context, d drafted, row *rows.Row) (moved Moved, anyway bool, err error) {
	present := (sales.Record{Row: row}).Segment()
	then, err := d.then.Decide(row, present, d.then.Scope)
	if err != nil || !then.Changes() {
		return Moved{}, false, err
	}
	now, err := d.now.Decide(row, present, d.now.Scope)
	if err != nil {
		return Moved{}, false, err
	}
	plan, err := s.segments.Plan(ctx, row, then)
	return Moved{
		Ref: row.Ref(), Name: nameOf(row), From: present, To: after(then), Begins: plan.Begins, Ends: plan.Ends,
	}, now.Changes() && after(now) == after(then), err
}

// after is the segment that a record is in after a decision that changes it, "" for none.
func after(d segment.Decision) name.SegmentID {
	if d.Segment == nil {
		return ""
	}
	return d.Segment.ID
}
