package segmentation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// loadOrder loads the row that holds the priority order of a record type's
// segments. The first segment of a type brings it, and the type's default
// segment. The unit of work relies on it, also where it leaves the order as it is:
// a segment that is made again while another unit of work deletes it would end up
// outside the order otherwise.
func loadOrder(ctx context.Context, tx *rows.Tx, recordType string) (*rows.Row, []name.SegmentID, error) {
	ref := rows.RefTo(name.SegmentAttribute, orderID(recordType))
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	tx.Rely(ref)
	if found[0] != nil {
		ids, err := sales.IDs[name.SegmentID](found[0], name.MsdynSegmentpriorityorder)
		return found[0], ids, err
	}
	row := tx.Create(tx.Schema().Table(name.SegmentAttribute), ref.ID, map[string]schema.Value{
		name.MsdynObjecttype: schema.Text(recordType), name.Statecode: schema.Int(0), name.Statuscode: schema.Int(1),
	})
	tx.Create(tx.Schema().Table(name.Segment), string(defaultID(recordType)), map[string]schema.Value{
		name.MsdynName: schema.Text("Default segment"), name.MsdynObjecttype: schema.Text(recordType), name.SegueIsdefault: schema.Bool(true),
		name.MsdynObjecttypecode: schema.Int(typeCode(recordType)), name.Statecode: schema.Int(int64(segment.Inactive)), name.Statuscode: schema.Int(2),
	})
	return row, []name.SegmentID{defaultID(recordType)}, nil
}

// usualPosition is the position of a new segment that asks for none: that of the segment
// that was created last (docs/domain.md §8.2).
func usualPosition(order []name.SegmentID, newest name.SegmentID) int {
	return max(1, slices.Index(order, newest)+1)
}

// OrderRules let a manager set the whole order of a record type's segments at
// once.
func (s *Segmentation) OrderRules() entity.Rules { return orderRules{segmentation: s} }

type orderRules struct {
	entity.Plain
	segmentation *Segmentation
}

// Create implements [entity.Rules].
func (orderRules) Create(context.Context, *rows.Tx, *rows.Row) error {
	return sales.Refuse(sales.Precondition, "the order of a record type's segments is made with its first segment")
}

// Delete implements [entity.Rules].
func (orderRules) Delete(context.Context, *rows.Tx, *rows.Row) (keep bool, err error) {
	return false, sales.Refuse(sales.Precondition, "the order of a record type's segments cannot be deleted")
}

// Update implements [entity.Rules].
func (r orderRules) Update(_ context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	r.segmentation.generation.Changed(tx)
	ids, err := sales.IDs[name.SegmentID](row, name.MsdynSegmentpriorityorder)
	if err != nil {
		return sales.Refuse(sales.Invalid, "%s is not a JSON array of segment ids", name.MsdynSegmentpriorityorder)
	}
	var old []name.SegmentID
	if text, ok := before[name.MsdynSegmentpriorityorder].Text(); ok {
		if err := json.Unmarshal([]byte(text), &old); err != nil {
			return fmt.Errorf("%v: stored %s: %w", row.Ref(), name.MsdynSegmentpriorityorder, err)
		}
	}
	if ids, err = newOrder(row.Text(name.MsdynObjecttype), old, ids); err != nil {
		return err
	}
	return sales.SetIDs(row, name.MsdynSegmentpriorityorder, ids)
}

// newOrder returns the order of a record type's segments that is asked for in place of an
// old one. Wherever it was put, the default segment comes last.
func newOrder(recordType string, old, requested []name.SegmentID) ([]name.SegmentID, error) {
	if !slices.Equal(slices.Sorted(slices.Values(requested)), slices.Sorted(slices.Values(old))) {
		return nil, sales.Refuse(sales.Invalid, "%s must name each segment of the record type once: %q", name.MsdynSegmentpriorityorder, old)
	}
	last := defaultID(recordType)
	return append(segment.Remove(requested, last), last), nil
}
