package segmentation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"segue/internal/schema/name"

	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/segment"
	"segue/internal/schema"
)

// Columns of segments and of their order.
const (
	priorityColumn   = name.SeguePriority // given with a write, worked out at a read, never stored
	orderColumn      = name.MsdynSegmentpriorityorder
	newestColumn     = name.SegueNewest // hidden: the segment created last
	recordTypeColumn = name.MsdynObjecttype
	defaultColumn    = name.SegueIsdefault
	conditionsColumn = name.MsdynEntityfilter
	sequenceColumn   = name.MsdynSequence
)

// States of a segment (docs/domain.md §4.4); the reverse of a sequence's.
const (
	segmentActive   int64 = 0
	segmentInactive int64 = 1
)

func activeSegments() sales.Quota { return sales.Quota{Table: name.Segment, Most: segment.MaxActive} }

// SegmentRules are the life of a segment (docs/domain.md §5.4, §8). Every change
// of a segment also changes the order row of its record type.
func (s *Segmentation) SegmentRules() entity.Rules { return segmentRules{segmentation: s} }

type segmentRules struct {
	entity.Plain
	segmentation *Segmentation
}

// Committed implements [entity.Rules].
func (r segmentRules) Committed(ctx context.Context) error { return r.segmentation.committed(ctx) }

// committed drops the catalogues that were replaced here and waits until nobody
// uses them.
func (s *Segmentation) committed(ctx context.Context) error {
	s.catalogues.Drop()
	return s.freshness.Settle(ctx)
}

// Create implements [entity.Rules].
func (r segmentRules) Create(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	recordType := row.Text(recordTypeColumn)
	if err := connection.Connectable(tx.Schema(), recordType); err != nil {
		return err
	}
	if row.Int(name.Statecode) != segmentInactive {
		return sales.Refuse(sales.Precondition, "a segment is created inactive (statecode 1) and activated by setting statecode 0")
	}
	if _, err := parseConditions(tx.Schema(), row); err != nil {
		return err
	}
	if err := refuseUnattachable(ctx, tx, row); err != nil {
		return err
	}
	row.Set(name.MsdynObjecttypecode, schema.Int(typeCode(recordType)))
	row.Set(defaultColumn, schema.Bool(false))
	orderRow, ids, err := loadOrder(ctx, tx, recordType)
	if err != nil {
		return err
	}
	position := int(row.Int(priorityColumn))
	if position == 0 { // that of the segment created last (docs/domain.md §8.2)
		position = slices.Index(ids, orderRow.Text(newestColumn)) + 1
		position = max(position, 1)
	}
	row.Set(priorityColumn, schema.Null())
	orderRow.Set(newestColumn, schema.Text(row.ID))
	return sales.SetIDs(orderRow, orderColumn, segment.Place(ids, row.ID, position, defaultID(recordType)))
}

func typeCode(recordType string) int64 {
	switch recordType {
	case name.Opportunity:
		return 3
	case name.Lead:
		return 4
	}
	return 5
}

// Update implements [entity.Rules].
func (r segmentRules) Update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	recordType := row.Text(recordTypeColumn)
	if before[recordTypeColumn] != schema.Text(recordType) {
		return sales.Refuse(sales.Precondition, "the record type (%s) of a segment never changes", recordTypeColumn)
	}
	if _, err := parseConditions(tx.Schema(), row); err != nil {
		return err
	}
	if err := refuseOtherSequence(ctx, tx, row, before[sequenceColumn]); err != nil {
		return err
	}
	if err := followState(ctx, tx, row, before[name.Statecode]); err != nil {
		return err
	}
	return reorder(ctx, tx, row, recordType)
}

// refuseOtherSequence lets a sequence be attached where there is none, and be
// detached (docs/domain.md §8.5).
func refuseOtherSequence(ctx context.Context, tx *rows.Tx, row *rows.Row, old schema.Value) error {
	attached := row.Lookup(sequenceColumn)
	switch {
	case attached.ID == "" || old == schema.Ref(attached):
		return nil
	case !old.IsNull():
		return sales.Refuse(sales.Precondition, "segment %q has a sequence attached; detach it first (%s@odata.bind null), then attach the other", row.Text(name.MsdynName), sequenceColumn)
	}
	return refuseUnattachable(ctx, tx, row)
}

// followState follows a change of the segment's state.
func followState(ctx context.Context, tx *rows.Tx, row *rows.Row, old schema.Value) error {
	switch state := row.Int(name.Statecode); {
	case state == segmentActive: // also of one that is active already: its conditions may have changed
		program, err := compileConditions(tx.Schema(), row)
		if err != nil {
			return err
		}
		if len(program.Columns()) == 0 && !row.Is(defaultColumn) {
			return sales.Refuse(sales.Precondition, "segment %q has no condition; only the default segment matches everything", row.Text(name.MsdynName))
		}
		return activeSegments().Enter(ctx, tx, row.ID)
	case old == schema.Int(segmentActive):
		return activeSegments().Leave(ctx, tx, row.ID)
	}
	return nil
}

// reorder moves the segment to the priority given and marks the order row as
// changed in any case, for its version tells that the catalogue is old.
func reorder(ctx context.Context, tx *rows.Tx, row *rows.Row, recordType string) error {
	orderRow, ids, err := loadOrder(ctx, tx, recordType)
	if err != nil {
		return err
	}
	orderRow.Touch()
	if position := int(row.Int(priorityColumn)); position > 0 {
		row.Set(priorityColumn, schema.Null())
		return sales.SetIDs(orderRow, orderColumn, segment.Place(ids, row.ID, position, defaultID(recordType)))
	}
	return nil
}

// Delete implements [entity.Rules].
func (r segmentRules) Delete(ctx context.Context, tx *rows.Tx, row *rows.Row) (keep bool, err error) {
	if row.Is(defaultColumn) {
		return false, sales.Refuse(sales.Precondition, "the default segment of %s cannot be deleted; deactivate it (statecode 1)", row.Text(recordTypeColumn))
	}
	orderRow, ids, err := loadOrder(ctx, tx, row.Text(recordTypeColumn))
	if err != nil {
		return false, err
	}
	if err := activeSegments().Leave(ctx, tx, row.ID); err != nil {
		return false, err
	}
	return false, sales.SetIDs(orderRow, orderColumn, segment.Remove(ids, row.ID))
}

// Show implements [entity.Rules]: it works out the priorities of segments.
func (r segmentRules) Show(ctx context.Context, list []*rows.Row) error {
	orders := map[string][]string{}
	for _, row := range list {
		recordType := row.Text(recordTypeColumn)
		if orders[recordType] == nil {
			found, err := r.segmentation.db.Get(ctx, rows.Ref{Table: name.SegmentAttribute, ID: orderID(recordType)})
			if err != nil {
				return err
			}
			if found[0] == nil {
				continue
			}
			if orders[recordType], err = sales.IDs(found[0], orderColumn); err != nil {
				return err
			}
		}
		if i := slices.Index(orders[recordType], row.ID); i >= 0 {
			row.Set(priorityColumn, schema.Int(int64(i+1)))
		}
	}
	return nil
}

// refuseConditions says what is wrong with the conditions of a segment.
func refuseConditions(err error) error {
	kind := sales.Invalid
	if errors.Is(err, filter.ErrLimit) {
		kind = sales.Limit
	}
	return &sales.Error{Kind: kind, Text: fmt.Sprintf("%s: %v", conditionsColumn, err), Cause: err}
}

// refuseUnattachable refuses a sequence that is not there or for another record
// type (docs/domain.md §8.5, §18).
func refuseUnattachable(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	id := row.Lookup(sequenceColumn).ID
	if id == "" {
		return nil
	}
	ref := rows.Ref{Table: name.Sequence, ID: id}
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return err
	}
	parent := found[0]
	if parent == nil || connection.Deleting(parent) {
		return sales.NoRow(ref)
	}
	if of := parent.Text(name.MsdynRegardingentityname); of != row.Text(recordTypeColumn) {
		return sales.Refuse(sales.Precondition, "sequence %q is for %s, the segment for %s", parent.Text(name.MsdynName), of, row.Text(recordTypeColumn))
	}
	return nil
}
