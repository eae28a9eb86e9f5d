package segmentation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/segment"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// ActiveSegments is the limit of active segments.
func ActiveSegments() sales.Quota { return sales.Quota{Table: name.Segment, Most: segment.MaxActive} }

// SegmentRules are the life of a segment (docs/domain.md §5.4, §8).
func (s *Segmentation) SegmentRules() entity.Rules { return segmentRules{segmentation: s} }

type segmentRules struct {
	entity.Plain
	segmentation *Segmentation
}

// Create implements [entity.Rules].
func (r segmentRules) Create(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	r.segmentation.generation.Changed(tx)
	view := segment.Segment{Row: row}
	recordType := view.RecordType()
	if err := connection.Connectable(tx.Schema(), recordType); err != nil {
		return err
	}
	if view.State() != segment.Inactive {
		return sales.Refuse(sales.Precondition, "a segment is created inactive (statecode 1) and activated by setting statecode 0")
	}
	if _, err := parseConditions(tx.Schema(), view); err != nil {
		return err
	}
	if err := refuseUnattachable(ctx, tx, row); err != nil {
		return err
	}
	row.Set(name.MsdynObjecttypecode, schema.Int(typeCode(recordType)))
	row.Set(name.SegueIsdefault, schema.Bool(false))
	orderRow, ids, err := loadOrder(ctx, tx, recordType)
	if err != nil {
		return err
	}
	position := view.Priority()
	if position == 0 {
		position = usualPosition(ids, name.SegmentID(orderRow.Text(name.SegueNewest)))
	}
	row.Set(name.SeguePriority, schema.Null())
	orderRow.Set(name.SegueNewest, schema.Text(row.ID))
	return sales.SetIDs(orderRow, name.MsdynSegmentpriorityorder, segment.Place(ids, name.SegmentID(row.ID), position, defaultID(recordType)))
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
	r.segmentation.generation.Changed(tx)
	recordType := segment.Segment{Row: row}.RecordType()
	if before[name.MsdynObjecttype] != schema.Text(recordType) {
		return sales.Refuse(sales.Precondition, "the record type (%s) of a segment never changes", name.MsdynObjecttype)
	}
	// Conditions that are broken since they were written (a column is gone) do not
	// keep anybody from deactivating the segment; followState demands sound ones of
	// an active segment.
	if now, _ := row.Value(name.MsdynEntityfilter); before[name.MsdynEntityfilter] != now { // Row.Value has no error
		if _, err := parseConditions(tx.Schema(), segment.Segment{Row: row}); err != nil {
			return err
		}
	}
	if err := refuseOtherSequence(ctx, tx, row, before[name.MsdynSequence]); err != nil {
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
	attached := row.Lookup(name.MsdynSequence)
	switch {
	case attached.ID == "" || old == schema.Ref(attached):
		return nil
	case !old.IsNull():
		return sales.Refuse(sales.Precondition, "segment %q has a sequence attached; detach it first (%s@odata.bind null), then attach the other", segment.Segment{Row: row}.Name(), name.MsdynSequence)
	}
	return refuseUnattachable(ctx, tx, row)
}

// followState follows a change of the segment's state.
func followState(ctx context.Context, tx *rows.Tx, row *rows.Row, old schema.Value) error {
	view := segment.Segment{Row: row}
	switch {
	case view.State() == segment.Active: // also of one that is active already: its conditions may have changed
		_, program, err := compileConditions(tx.Schema(), view)
		if err != nil {
			return err
		}
		if len(program.Columns()) == 0 && !view.Default() {
			return sales.Refuse(sales.Precondition, "segment %q has no condition; only the default segment matches everything", view.Name())
		}
		return ActiveSegments().Enter(ctx, tx, row.ID)
	case old == schema.Int(int64(segment.Active)):
		return ActiveSegments().Leave(ctx, tx, row.ID)
	}
	return nil
}

// reorder moves the segment to the priority given, if one is.
func reorder(ctx context.Context, tx *rows.Tx, row *rows.Row, recordType string) error {
	position := (segment.Segment{Row: row}).Priority()
	if position <= 0 {
		return nil
	}
	orderRow, ids, err := loadOrder(ctx, tx, recordType)
	if err != nil {
		return err
	}
	row.Set(name.SeguePriority, schema.Null())
	return sales.SetIDs(orderRow, name.MsdynSegmentpriorityorder, segment.Place(ids, name.SegmentID(row.ID), position, defaultID(recordType)))
}

// Delete implements [entity.Rules].
func (r segmentRules) Delete(ctx context.Context, tx *rows.Tx, row *rows.Row) (keep bool, err error) {
	r.segmentation.generation.Changed(tx)
	view := segment.Segment{Row: row}
	if view.Default() {
		return false, sales.Refuse(sales.Precondition, "the default segment of %s cannot be deleted; deactivate it (statecode 1)", view.RecordType())
	}
	orderRow, ids, err := loadOrder(ctx, tx, view.RecordType())
	if err != nil {
		return false, err
	}
	if err := ActiveSegments().Leave(ctx, tx, row.ID); err != nil {
		return false, err
	}
	if err := sales.BeginJob(ctx, tx, unlinkJob(row)); err != nil {
		return false, err
	}
	return false, sales.SetIDs(orderRow, name.MsdynSegmentpriorityorder, segment.Remove(ids, name.SegmentID(row.ID)))
}

// Show implements [entity.Rules]: it works out the priorities of segments.
func (r segmentRules) Show(ctx context.Context, list []*rows.Row) error {
	orders := map[string][]name.SegmentID{} // by record type
	for _, row := range list {
		recordType := segment.Segment{Row: row}.RecordType()
		if orders[recordType] == nil {
			found, err := r.segmentation.db.Get(ctx, rows.RefTo(name.SegmentAttribute, orderID(recordType)))
			if err != nil {
				return err
			}
			if found[0] == nil {
				continue
			}
			if orders[recordType], err = sales.IDs[name.SegmentID](found[0], name.MsdynSegmentpriorityorder); err != nil {
				return err
			}
		}
		if i := slices.Index(orders[recordType], name.SegmentID(row.ID)); i >= 0 {
			row.Set(name.SeguePriority, schema.Int(int64(i+1)))
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
	return &sales.Error{Kind: kind, Text: fmt.Sprintf("%s: %v", name.MsdynEntityfilter, err), Cause: err}
}

// refuseUnattachable refuses a sequence that is not there or for another record
// type (docs/domain.md §8.5, §18), at the moment of the commit too.
func refuseUnattachable(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	view := segment.Segment{Row: row}
	id := view.Sequence()
	if id == "" {
		return nil
	}
	ref := rows.RefTo(name.Sequence, id)
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return err
	}
	if found[0] == nil || connection.Deleting(found[0]) {
		return sales.NoRow(ref)
	}
	tx.Rely(ref)
	parent := sequence.Sequence{Row: found[0]}
	if parent.RecordType() != view.RecordType() {
		return sales.Refuse(sales.Precondition, "sequence %q is for %s, the segment for %s", parent.Name(), parent.RecordType(), view.RecordType())
	}
	return nil
}
