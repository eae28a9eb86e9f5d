package sales

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales/segment"
	"segue/internal/schema"
)

const (
	segmentTable = "msdyn_segment"
	orderTable   = "msdyn_segmentattribute"

	priority   = "segue_priority" // given with a write, worked out at a read, never stored
	order      = "msdyn_segmentpriorityorder"
	newest     = "segue_newest" // hidden: the segment created last
	entityType = "msdyn_objecttype"
	isDefault  = "segue_isdefault"
	conditions = "msdyn_entityfilter"
	attached   = "msdyn_sequence"
)

// States of a segment (domain.md §4.4); the reverse of a sequence's.
const (
	segmentActive   int64 = 0
	segmentInactive int64 = 1
)

// segmentRules are the life of a segment (domain.md §5.4, §8). Every change of a
// segment also changes the order row of its record type, whose version tells
// every process that its catalogue is old.
type segmentRules struct{ s *Service }

func (r segmentRules) written() {
	r.s.segments.drop()
	r.s.settle()
}

func (r segmentRules) create(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	kind := row.Text(entityType)
	if err := r.s.connectable(kind); err != nil {
		return err
	}
	if row.Int("statecode") != segmentInactive {
		return refuse(Precondition, "a segment is created inactive (statecode 1) and activated by setting statecode 0")
	}
	if _, err := r.parse(row); err != nil {
		return err
	}
	if err := r.attachable(ctx, tx, row); err != nil {
		return err
	}
	row.Set("msdyn_objecttypecode", typeCode(kind))
	row.Set(isDefault, false)
	orderRow, ids, err := r.s.order(ctx, tx, kind)
	if err != nil {
		return err
	}
	position := int(row.Int(priority))
	if position == 0 { // that of the segment created last (domain.md §8.2)
		position = slices.Index(ids, orderRow.Text(newest)) + 1
		position = max(position, 1)
	}
	row.Set(priority, nil)
	orderRow.Set(newest, row.ID)
	return setIDList(orderRow, order, segment.Place(ids, row.ID, position, defaultID(kind)))
}

func typeCode(kind string) int64 {
	switch kind {
	case "opportunity":
		return 3
	case "lead":
		return 4
	}
	return 5
}

func (r segmentRules) update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	kind := row.Text(entityType)
	if before[entityType] != kind {
		return refuse(Precondition, "the record type (%s) of a segment never changes", entityType)
	}
	if _, err := r.parse(row); err != nil {
		return err
	}
	if was, is := before[attached], row.Lookup(attached); was != nil && is.ID != "" && was != is {
		return refuse(Precondition, "segment %q has a sequence attached; detach it first (%s@odata.bind null), then attach the other", row.Text("msdyn_name"), attached)
	} else if was == nil && is.ID != "" {
		if err := r.attachable(ctx, tx, row); err != nil {
			return err
		}
	}
	if err := r.state(ctx, tx, row, before["statecode"]); err != nil {
		return err
	}
	return r.reorder(ctx, tx, row, kind)
}

// state follows a change of the segment's state.
func (r segmentRules) state(ctx context.Context, tx *rows.Tx, row *rows.Row, was schema.Value) error {
	switch is := row.Int("statecode"); {
	case is == segmentActive:
		program, err := r.compile(row)
		if err != nil {
			return err
		}
		if len(program.Columns()) == 0 && !row.Is(isDefault) {
			return refuse(Precondition, "segment %q has no condition; only the default segment matches everything", row.Text("msdyn_name"))
		}
		return r.s.enter(ctx, tx, segmentTable, row.ID, segment.MaxActive)
	case was == segmentActive:
		return r.s.leave(ctx, tx, segmentTable, row.ID)
	}
	return nil
}

// reorder moves the segment to the priority given and marks the order row as
// changed in any case.
func (r segmentRules) reorder(ctx context.Context, tx *rows.Tx, row *rows.Row, kind string) error {
	orderRow, ids, err := r.s.order(ctx, tx, kind)
	if err != nil {
		return err
	}
	orderRow.Touch()
	if position := int(row.Int(priority)); position > 0 {
		row.Set(priority, nil)
		return setIDList(orderRow, order, segment.Place(ids, row.ID, position, defaultID(kind)))
	}
	return nil
}

func (r segmentRules) remove(ctx context.Context, tx *rows.Tx, row *rows.Row) (bool, error) {
	if row.Is(isDefault) {
		return false, refuse(Precondition, "the default segment of %s cannot be deleted; deactivate it (statecode 1)", row.Text(entityType))
	}
	orderRow, ids, err := r.s.order(ctx, tx, row.Text(entityType))
	if err != nil {
		return false, err
	}
	if err := r.s.leave(ctx, tx, segmentTable, row.ID); err != nil {
		return false, err
	}
	return false, setIDList(orderRow, order, segment.Remove(ids, row.ID))
}

// parse reads the conditions and applies their limit (domain.md §9.1).
func (r segmentRules) parse(row *rows.Row) (*filter.Group, error) {
	text := row.Text(conditions)
	if text == "" {
		return &filter.Group{Logic: filter.And}, nil
	}
	if row.Is(isDefault) {
		return nil, refuse(Precondition, "the default segment takes every record; it has no conditions")
	}
	group, err := filter.Parse(r.s.db.Schema(), row.Text(entityType), text)
	if err != nil {
		return nil, &Error{Invalid, fmt.Sprintf("%s: %v", conditions, err), err}
	}
	if err := group.CheckLimit(segment.MaxConditions); err != nil {
		kind := Invalid
		if errors.Is(err, filter.ErrLimit) {
			kind = Limit
		}
		return nil, &Error{kind, fmt.Sprintf("%s: %v", conditions, err), err}
	}
	return group, nil
}

func (r segmentRules) compile(row *rows.Row) (*filter.Program, error) {
	group, err := r.parse(row)
	if err != nil {
		return nil, err
	}
	program, err := filter.Compile(r.s.db.Schema(), row.Text(entityType), group)
	if err != nil {
		return nil, &Error{Invalid, fmt.Sprintf("%s: %v", conditions, err), err}
	}
	return program, nil
}

// attachable refuses a sequence that is not there or for another record type
// (domain.md §8.5, §18).
func (r segmentRules) attachable(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	id := row.Lookup(attached).ID
	if id == "" {
		return nil
	}
	found, err := tx.Load(ctx, rows.Ref{Table: sequenceTable, ID: id})
	if err != nil {
		return err
	}
	if found[0] == nil || r.s.gone(found[0]) {
		return notFound(rows.Ref{Table: sequenceTable, ID: id})
	}
	if of := found[0].Text("msdyn_regardingentityname"); of != row.Text(entityType) {
		return refuse(Precondition, "sequence %q is for %s, the segment for %s", found[0].Text("msdyn_name"), of, row.Text(entityType))
	}
	return nil
}

// order is the row that holds the priority order of a record type's segments.
// The first segment of a type brings it, and the type's default segment.
func (s *Service) order(ctx context.Context, tx *rows.Tx, kind string) (*rows.Row, []string, error) {
	ref := rows.Ref{Table: orderTable, ID: orderID(kind)}
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	if found[0] != nil {
		ids, err := idList(found[0], order)
		return found[0], ids, err
	}
	row := tx.Create(s.db.Schema().Table(orderTable), ref.ID, map[string]schema.Value{
		entityType: kind, "statecode": int64(0), "statuscode": int64(1),
	})
	tx.Create(s.db.Schema().Table(segmentTable), defaultID(kind), map[string]schema.Value{
		"msdyn_name": "Default segment", entityType: kind, isDefault: true,
		"msdyn_objecttypecode": typeCode(kind), "statecode": segmentInactive, "statuscode": int64(2),
	})
	return row, []string{defaultID(kind)}, nil
}

func orderID(kind string) string   { return fixedID("order", kind) }
func defaultID(kind string) string { return fixedID("default segment", kind) }

// orderRules let a manager set the whole order at once.
type orderRules struct{ s *Service }

func (r orderRules) written() { segmentRules(r).written() }

func (orderRules) create(context.Context, *rows.Tx, *rows.Row) error {
	return refuse(Precondition, "the order of a record type's segments is made with its first segment")
}

func (orderRules) remove(context.Context, *rows.Tx, *rows.Row) (bool, error) {
	return false, refuse(Precondition, "the order of a record type's segments cannot be deleted")
}

func (orderRules) update(_ context.Context, _ *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	ids, err := idList(row, order)
	if err != nil {
		return refuse(Invalid, "%s is no JSON array of segment ids", order)
	}
	var old []string
	if text, ok := before[order].(string); ok {
		if err := json.Unmarshal([]byte(text), &old); err != nil {
			return fmt.Errorf("%v: stored %s: %w", row.Ref(), order, err)
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(ids)), slices.Sorted(slices.Values(old))) {
		return refuse(Invalid, "%s must name each segment of the record type once: %q", order, old)
	}
	last := defaultID(row.Text(entityType))
	return setIDList(row, order, append(segment.Remove(ids, last), last))
}
