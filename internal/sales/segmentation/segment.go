package segmentation

import (
	"context"
	"fmt"
	"slices"

	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/segment"
	"segue/internal/sales/sequence"
	"segue/internal/sales/setting"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// ActiveSegments is the limit of active segments, as the organization has set it.
func (s *Segmentation) ActiveSegments(ctx context.Context) (sales.Quota, error) {
	settings, err := s.settings.Get(ctx)
	return activeSegments(settings.ActiveSegments), err
}

func activeSegments(most int) sales.Quota {
	return sales.Quota{Name: sales.ActiveSegments, Table: name.Segment, Most: most}
}

// leaveActive takes a segment out of those that are active, whatever their limit is.
func leaveActive(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	return activeSegments(0).Leave(ctx, tx, row.ID)
}

// limitConditions refuses more conditions than the organization lets a segment have. A
// segment that is active with more, since it had allowed them, stays as it is.
func (s *Segmentation) limitConditions(ctx context.Context, group *filter.Group) error {
	settings, err := s.settings.Get(ctx)
	if err != nil {
		return err
	}
	if err := group.CheckLimit(settings.SegmentConditions); err != nil {
		return conditionsOf(group, settings).Exceeded(sales.Limit, "%s: %v; the segment has %d and the limit (%s) is %d",
			name.MsdynEntityfilter, err, group.Conditions(), sales.SegmentConditions, settings.SegmentConditions)
	}
	return nil
}

// conditionsOf is how much of the limit of conditions a segment uses.
func conditionsOf(group *filter.Group, settings setting.Values) sales.Use {
	return sales.Use{Name: sales.SegmentConditions, Used: group.Conditions(), Most: settings.SegmentConditions}
}

// checkConditions reads the conditions of a segment that is written.
func (s *Segmentation) checkConditions(ctx context.Context, view segment.Segment) error {
	group, err := parseConditions(s.db.Schema(), view)
	if err != nil {
		return err
	}
	return s.limitConditions(ctx, group)
}

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
	if err := r.segmentation.checkSaved(ctx, tx, view, nil); err != nil {
		return err
	}
	if view.State() != segment.Inactive {
		return sales.Refuse(sales.Precondition, "a segment is created inactive (statecode 1) and activated by setting statecode 0")
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
	keepDefinition(tx, row, func(column string) schema.Value { return before[column] })
	recordType := segment.Segment{Row: row}.RecordType()
	if err := r.segmentation.checkSaved(ctx, tx, segment.Segment{Row: row}, before); err != nil {
		return err
	}
	if err := r.segmentation.followState(ctx, tx, row, before[name.Statecode]); err != nil {
		return err
	}
	return reorder(ctx, tx, row, recordType)
}

// CheckSaved refuses a segment that is not saved as a save would refuse it. before is the
// columns of the saved one that it would change, nil for a new one.
func (s *Segmentation) CheckSaved(ctx context.Context, view segment.Segment, before schema.Values) error {
	return s.checkSaved(ctx, s.db.Begin(""), view, before)
}

// checkSaved checks what is written of a segment but for its state; before is nil for a new
// one.
func (s *Segmentation) checkSaved(ctx context.Context, tx *rows.Tx, view segment.Segment, before schema.Values) error {
	if before == nil {
		if err := sales.Connectable(tx.Schema(), view.RecordType()); err != nil {
			return err
		}
	} else if before[name.MsdynObjecttype] != schema.Text(view.RecordType()) {
		return sales.Refuse(sales.Precondition, "the record type (%s) of a segment never changes", name.MsdynObjecttype)
	}
	// Conditions that are broken since they were written (a column is gone) do not
	// keep anybody from deactivating the segment; followState demands sound ones of
	// an active segment.
	if before.Text(name.MsdynEntityfilter) != view.Conditions() {
		if err := s.checkConditions(ctx, view); err != nil {
			return err
		}
	}
	return refuseOtherSequence(ctx, tx, view, before[name.MsdynSequence])
}

// Uses returns how much of the limits of segments would be used with one active.
func (s *Segmentation) Uses(ctx context.Context, e segment.Entry) ([]sales.Use, error) {
	settings, err := s.settings.Get(ctx)
	if err != nil {
		return nil, err
	}
	active, err := activeSegments(settings.ActiveSegments).With(ctx, s.db, string(e.ID))
	return []sales.Use{active, conditionsOf(e.Where, settings)}, err
}

// refuseOtherSequence lets a sequence be attached where there is none, and be
// detached (docs/domain.md §8.5).
func refuseOtherSequence(ctx context.Context, tx *rows.Tx, view segment.Segment, old schema.Value) error {
	attached := view.Row.Lookup(name.MsdynSequence)
	switch {
	case attached.ID == "" || old == schema.Ref(attached):
		return nil
	case !old.IsNull():
		return sales.Refuse(sales.Precondition, "segment %q has a sequence attached; detach it first (%s@odata.bind null), then attach the other", view.Name(), name.MsdynSequence)
	}
	return refuseUnattachable(ctx, tx, view)
}

// followState follows a change of the segment's state.
func (s *Segmentation) followState(ctx context.Context, tx *rows.Tx, row *rows.Row, old schema.Value) error {
	view := segment.Segment{Row: row}
	switch {
	case view.State() == segment.Active: // also of one that is active already: its conditions may have changed
		if old == schema.Int(int64(segment.Active)) {
			if _, err := checkActive(tx.Schema(), view); err != nil {
				return err
			}
		} else if err := s.checkActivation(ctx, view); err != nil {
			return err
		}
		quota, err := s.ActiveSegments(ctx)
		if err != nil {
			return err
		}
		return quota.Enter(ctx, tx, row.ID)
	case old == schema.Int(int64(segment.Active)):
		return leaveActive(ctx, tx, row)
	}
	return nil
}

// checkActivation refuses conditions with which a segment cannot be activated. The limit of
// them may be lower than when they were written.
func (s *Segmentation) checkActivation(ctx context.Context, view segment.Segment) error {
	group, err := checkActive(s.db.Schema(), view)
	if err != nil {
		return err
	}
	return s.limitConditions(ctx, group)
}

// checkActive returns the conditions of a segment that is active, or is to be.
func checkActive(s *schema.Schema, view segment.Segment) (*filter.Group, error) {
	group, _, err := compileConditions(s, view)
	if err != nil {
		return nil, err
	}
	if group.Conditions() == 0 && !view.Default() {
		return nil, sales.Refuse(sales.Precondition, "segment %q has no condition; only the default segment matches everything", view.Name())
	}
	return group, nil
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
	if err := leaveActive(ctx, tx, row); err != nil {
		return false, err
	}
	keepDefinition(tx, row, func(column string) schema.Value { v, _ := row.Value(column); return v }) // it has no error
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
	return &sales.Error{Kind: sales.Invalid, Text: fmt.Sprintf("%s: %v", name.MsdynEntityfilter, err), Cause: err}
}

// refuseUnattachable refuses a sequence that is not there or for another record
// type (docs/domain.md §8.5, §18), at the moment of the commit too.
func refuseUnattachable(ctx context.Context, tx *rows.Tx, view segment.Segment) error {
	id := view.Sequence()
	if id == "" {
		return nil
	}
	ref := rows.RefTo(name.Sequence, id)
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return err
	}
	if found[0] == nil || authoring.Deleting(found[0]) {
		return sales.NoRow(ref)
	}
	tx.Rely(ref)
	parent := sequence.Sequence{Row: found[0]}
	if parent.IsVersion() {
		return sales.Refuse(sales.Precondition, "%s is version %d of sequence %q; attach the sequence, %s", id, parent.Version(), parent.Name(), parent.Definition())
	}
	if parent.RecordType() != view.RecordType() {
		return sales.Refuse(sales.Precondition, "sequence %q is for %s, the segment for %s", parent.Name(), parent.RecordType(), view.RecordType())
	}
	return nil
}
