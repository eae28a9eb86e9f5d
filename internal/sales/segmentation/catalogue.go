package segmentation

import (
	"context"
	"fmt"
	"slices"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// catalogues are the active segments by record type, as they were read
// together.
type catalogues map[string]compiled

// compiled is the catalogue of a record type, or why there is none: then the
// records of that type cannot be evaluated, those of the others can.
type compiled struct {
	*segment.Catalogue
	broken  error
	columns []string       // all that an evaluation reads of a record's images
	newest  name.SegmentID // the segment that was created last
}

// readCatalogues returns the active segments of every record type. They are read
// again together when any definition has changed.
func (s *Segmentation) readCatalogues(ctx context.Context) (catalogues, error) {
	const all = "" // one entry for all types
	return s.catalogues.Get(ctx, all, s.loadCatalogues)
}

func (s *Segmentation) loadCatalogues(ctx context.Context) (catalogues, error) {
	var refs []rows.Ref
	known := catalogues{}
	for _, t := range s.db.Schema().Tables() {
		if t.Is(name.RecordTrait) {
			refs = append(refs, rows.RefTo(name.SegmentAttribute, orderID(t.Name)))
			known[t.Name] = compiled{Catalogue: segment.NewCatalogue(t.Name, nil, nil, nil)} // without a segment yet
		}
	}
	orders, err := s.db.Get(ctx, refs...)
	if err != nil {
		return nil, fmt.Errorf("read the orders of segments: %w", err)
	}
	orders = slices.DeleteFunc(orders, func(row *rows.Row) bool { return row == nil })
	all, err := s.readSegments(ctx, orders)
	if err != nil {
		return nil, err
	}
	for _, order := range orders {
		// An error is the type's own: the other types go on.
		catalogue, err := s.compileCatalogue(order, all)
		of := compiled{Catalogue: catalogue, broken: err, newest: name.SegmentID(order.Text(name.SegueNewest))}
		if err == nil {
			of.columns = append(slices.Clip(catalogue.Columns), name.Statecode, name.MsdynSegmentid, name.SegueSequence, name.SegueConnected)
		}
		known[order.Text(name.MsdynObjecttype)] = of
	}
	return known, nil
}

// readSegments reads the segments that order rows name, in a few requests, and not
// the whole table. An order that cannot be read names none: it breaks the
// catalogue of its own type, which compileCatalogue finds.
func (s *Segmentation) readSegments(ctx context.Context, orders []*rows.Row) ([]*rows.Row, error) {
	var refs []rows.Ref
	for _, row := range orders {
		ids, err := sales.IDs[name.SegmentID](row, name.MsdynSegmentpriorityorder)
		if err != nil {
			continue
		}
		for _, id := range ids {
			refs = append(refs, rows.RefTo(name.Segment, id))
		}
	}
	found, err := s.db.Get(ctx, refs...)
	if err != nil {
		return nil, fmt.Errorf("read the segments: %w", err)
	}
	return slices.DeleteFunc(found, func(row *rows.Row) bool { return row == nil }), nil
}

// compileCatalogue makes the catalogue of an order row. An active segment that
// no longer compiles (its column was taken out of the schema) is an error, whose
// cause it is: it must not silently match nothing.
func (s *Segmentation) compileCatalogue(orderRow *rows.Row, all []*rows.Row) (*segment.Catalogue, error) {
	recordType := orderRow.Text(name.MsdynObjecttype)
	ids, err := sales.IDs[name.SegmentID](orderRow, name.MsdynSegmentpriorityorder)
	if err != nil {
		return nil, sales.BecauseOf(orderRow.Ref(), err)
	}
	var active []segment.Entry
	for _, row := range all {
		view := segment.Segment{Row: row}
		if view.RecordType() != recordType || view.State() != segment.Active {
			continue
		}
		entry, err := entryOf(s.db.Schema(), name.SegmentID(row.ID), view)
		if err != nil {
			return nil, sales.BecauseOf(row.Ref(), fmt.Errorf("segment %q (%s): %w", view.Name(), row.ID, err))
		}
		active = append(active, entry)
	}
	return segment.NewCatalogue(recordType, ids, active, ownColumns(s.db.Schema().Table(recordType))), nil
}

// entryOf makes the entry of an active segment.
func entryOf(s *schema.Schema, id name.SegmentID, view segment.Segment) (segment.Entry, error) {
	program, err := compileConditions(s, view)
	return segment.Entry{
		ID: id, Name: view.Name(), Program: program,
		Sequence: view.Sequence(), Takes: view.Takes(), Default: view.Default(),
	}, err
}

// ownColumns are the columns of a record type that Segue itself writes; their
// changes never make segments run.
func ownColumns(t *schema.Table) []string {
	columns := []string{name.MsdynSegmentid, rows.ModifiedOn, rows.ModifiedBy, rows.Version, name.SegueConnected, name.SegueEvaluation}
	for _, c := range t.Columns {
		if c.Write == schema.Hidden {
			columns = append(columns, c.Name)
		}
	}
	return columns
}

// parseConditions reads the conditions of a segment and applies their limit
// (docs/domain.md §9.1).
func parseConditions(s *schema.Schema, view segment.Segment) (*filter.Group, error) {
	if view.Conditions() == "" {
		return &filter.Group{Logic: filter.And}, nil
	}
	if view.Default() {
		return nil, sales.Refuse(sales.Precondition, "the default segment takes every record; it has no conditions")
	}
	group, err := filter.Parse(s, view.RecordType(), view.Conditions())
	if err != nil {
		return nil, refuseConditions(err)
	}
	if err := group.CheckLimit(segment.MaxConditions); err != nil {
		return nil, refuseConditions(err)
	}
	// A change of the record makes segments run: not the time, and there is no caller.
	// Conditions on related rows are kept, and refused when the segment is activated.
	if err := group.CheckAsks(filter.AsksRows); err != nil {
		return nil, refuseConditions(err)
	}
	return group, nil
}

// compileConditions makes the program that evaluates a segment.
func compileConditions(s *schema.Schema, view segment.Segment) (*filter.Program, error) {
	group, err := parseConditions(s, view)
	if err != nil {
		return nil, err
	}
	program, err := filter.Compile(s, view.RecordType(), group)
	if err != nil {
		return nil, refuseConditions(err)
	}
	return program, nil
}
