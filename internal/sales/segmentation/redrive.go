package segmentation

import (
	"context"
	"strconv"

	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// RedriveRules begin, in the unit of work that edits a segment, the order of a
// record type or the settings of the organization, a job that takes up the changes of records that are parked because
// of it: the edit may have mended what was wrong. They are registered after the other
// rules of these tables.
func (s *Segmentation) RedriveRules() entity.Rules { return redriveRules{segmentation: s} }

type redriveRules struct {
	entity.Plain
	segmentation *Segmentation
}

// Create implements [entity.Rules]: the segment may have been there before.
func (r redriveRules) Create(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	return r.segmentation.takeUp(ctx, tx, row)
}

// Update implements [entity.Rules].
func (r redriveRules) Update(ctx context.Context, tx *rows.Tx, row *rows.Row, _ map[string]schema.Value) error {
	return r.segmentation.takeUp(ctx, tx, row)
}

// Delete implements [entity.Rules].
func (r redriveRules) Delete(ctx context.Context, tx *rows.Tx, row *rows.Row) (keep bool, err error) {
	return false, r.segmentation.takeUp(ctx, tx, row)
}

// takeUp begins a job for the edited row, and one for the order row of its record
// type, if changes are parked because of it. What a process parks
// that does not know of the edit yet is taken up when it is due.
func (s *Segmentation) takeUp(ctx context.Context, tx *rows.Tx, edited *rows.Row) error {
	order := edited
	if edited.Table.Name == name.Segment {
		found, err := tx.Load(ctx, rows.RefTo(name.SegmentAttribute, orderID(segment.Segment{Row: edited}.RecordType())))
		if err != nil {
			return err
		}
		order = found[0]
		if err := s.beginRedrive(ctx, tx, edited.Ref(), edited); err != nil {
			return err
		}
	}
	return s.beginRedrive(ctx, tx, order.Ref(), edited)
}

// beginRedrive begins the job of one cause. Each edit gives the edited row a version
// that no other has, so each has a job of its own.
func (s *Segmentation) beginRedrive(ctx context.Context, tx *rows.Tx, cause rows.Ref, edited *rows.Row) error {
	parked, err := s.lists.Select(ctx, query.Query{Table: s.db.Schema().Table(name.ParkedChange), Limit: 1, Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
		&filter.Condition{Column: name.SegueCause, Operator: filter.Eq, Values: []schema.Value{schema.Text(cause.ID)}},
	}}})
	if err != nil || len(parked.Rows) == 0 {
		return err
	}
	id := guid.Derive("redrive", cause.ID, edited.ID, strconv.FormatInt(edited.Next(), 10))
	return sales.BeginJob(ctx, tx, sales.Redrive(name.JobID(id), cause))
}
