package segmentation

import (
	"context"
	"maps"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales/connection"
	"segue/internal/sales/segment"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// reading reads rows, nil for one that is not there.
type reading func(ctx context.Context, refs ...rows.Ref) ([]*rows.Row, error)

// left is the live connections of a record that the segment made which the record leaves
// because it no longer matches (docs/domain.md §8.4).
type left struct {
	ends []name.SequenceID // they end
	// kept is the one to the sequence of the segment that the record enters instead, if it
	// has one: the record goes on there as a member of that segment.
	kept name.SequenceTargetID
	to   name.SegmentID
}

// leftBy returns what a decision that makes a record leave a segment does to its
// connections. Only their targets tell which segment made them.
func leftBy(ctx context.Context, read reading, record *rows.Row, decision segment.Decision) (left, error) {
	if decision.Left == nil {
		return left{}, nil
	}
	live, err := connection.Live(record)
	if err != nil || len(live) == 0 {
		return left{}, err
	}
	sequences := slices.Sorted(maps.Keys(live))
	var refs []rows.Ref
	for _, id := range sequences {
		refs = append(refs, rows.RefTo(name.SequenceTarget, live[id]))
	}
	targets, err := read(ctx, refs...)
	if err != nil {
		return left{}, err
	}
	var found left
	for i, id := range sequences {
		switch {
		case targets[i] == nil || name.SegmentID(targets[i].Lookup(name.MsdynSegment).ID) != decision.Left.ID:
		case decision.Segment != nil && decision.Segment.Sequence == id:
			found.kept, found.to = live[id], decision.Segment.ID
		default:
			found.ends = append(found.ends, id)
		}
	}
	return found, nil
}

// leaveSegment does to the connections of a held record what leaving its segment does.
func (s *Segmentation) leaveSegment(ctx context.Context, tx *rows.Tx, record *rows.Row, plan Plan) error {
	if plan.left.kept != "" {
		target := tx.Held(rows.RefTo(name.SequenceTarget, plan.left.kept)) // it was loaded to be planned
		target.Set(name.MsdynSegment, schema.RefTo(name.Segment, plan.left.to))
	}
	for _, id := range plan.left.ends {
		if _, err := s.connections.EndConnections(ctx, tx, record, sequence.MemberLeft, id); err != nil {
			return err
		}
	}
	return nil
}
