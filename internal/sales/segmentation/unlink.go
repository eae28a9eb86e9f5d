package segmentation

import (
	"context"

	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Unlink is the reaction to a deleted segment: it empties the links to it, of
// its members and of the targets that it made (docs/domain.md §8.6). The
// connections stay. It reads the whole tables, which is fair for an operation as
// rare.
func (s *Segmentation) Unlink() sales.Reaction { return sales.Follow(s.unlink) }

func (s *Segmentation) unlink(ctx context.Context, change rows.Change) error {
	value, err := change.Old.Value(name.MsdynObjecttype)
	if err != nil {
		return err
	}
	recordType, _ := value.Text()
	// Until nobody evaluates by a catalogue that has it.
	if err := s.freshness.Settle(ctx); err != nil {
		return err
	}
	if err := s.unlinkTable(ctx, name.SequenceTarget, name.MsdynSegment, change.Ref.ID); err != nil {
		return err
	}
	return s.unlinkTable(ctx, recordType, name.MsdynSegmentid, change.Ref.ID)
}

// unlinkTable empties the links of a table's rows to a segment.
func (s *Segmentation) unlinkTable(ctx context.Context, table, column, segmentID string) error {
	link := schema.Lookup{Table: name.Segment, ID: segmentID}
	for row, err := range s.lists.Each(ctx, query.Query{Table: s.db.Schema().Table(table)}) {
		if err != nil {
			return err
		}
		if row.Lookup(column) != link {
			continue
		}
		if err := s.unlinkRow(ctx, row.Ref(), column, link); err != nil {
			return err
		}
	}
	return nil
}

func (s *Segmentation) unlinkRow(ctx context.Context, ref rows.Ref, column string, link schema.Lookup) error {
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, ref)
		if err != nil {
			return err
		}
		if row := found[0]; row != nil && row.Lookup(column) == link { // it still is as it was listed
			row.Set(column, schema.Null())
		}
		return nil
	})
}
