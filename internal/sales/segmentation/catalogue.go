package segmentation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"segue/internal/filter"
	"segue/internal/filter/calendar"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/related"
	"segue/internal/sales/segment"
	"segue/internal/sales/setting"
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
	broken   error
	reading  *rows.Reading     // all that an evaluation reads of a record's images
	newest   name.SegmentID    // the segment that was created last
	calendar calendar.Calendar // by which conditions reckon that are relative to the time
	related  asking            // what conditions ask of related rows
	now      time.Time         // of one evaluation, as related is begun for one
}

// scope returns what a decision may ask beyond the record.
func (c compiled) scope() *filter.Scope {
	if !c.Timed && c.related.reader == nil { // by far the most
		return nil
	}
	scope := setting.Values{Calendar: c.calendar}.Scope(c.now)
	if c.related.reader == nil {
		return scope
	}
	return c.related.reader.In(*scope)
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
		of, err := s.compileCatalogue(ctx, order, all)
		if err != nil {
			return nil, err
		}
		if of.broken == nil {
			columns := append(of.Reads(), name.Statecode, name.MsdynSegmentid, name.SegueSequence, name.SegueConnected)
			if of.Timed {
				columns = append(columns, name.SegueDecideon)
			}
			of.reading = rows.NewReading(s.db.Schema().Table(of.Table), columns...)
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
// cause it is: it must not silently match nothing. An error is that of a read.
func (s *Segmentation) compileCatalogue(ctx context.Context, orderRow *rows.Row, all []*rows.Row) (compiled, error) {
	recordType := orderRow.Text(name.MsdynObjecttype)
	ids, err := sales.IDs[name.SegmentID](orderRow, name.MsdynSegmentpriorityorder)
	if err != nil {
		return compiled{broken: sales.BecauseOf(orderRow.Ref(), orderRow.Version, err)}, nil
	}
	var of compiled
	var active []segment.Entry
	for _, row := range all {
		view := segment.Segment{Row: row}
		if view.RecordType() != recordType || view.State() != segment.Active {
			continue
		}
		entry, err := s.entryOf(ctx, name.SegmentID(row.ID), view, &of.calendar)
		if entry.Version = row.Version; entry.Program != nil {
			active = append(active, entry)
		}
		if _, wrong := errors.AsType[*sales.CauseError](err); wrong { // the settings, and not the reading of them
			of.broken = cmp.Or(of.broken, err)
			continue
		}
		if _, refused := errors.AsType[*sales.Error](err); refused {
			of.broken = cmp.Or(of.broken, sales.BecauseOf(row.Ref(), row.Version, fmt.Errorf("segment %q (%s): %w", view.Name(), row.ID, err)))
			continue
		}
		if err != nil {
			return compiled{}, err
		}
	}
	// What the other segments ask of related rows says also of a broken catalogue which records
	// are to be evaluated when it is mended.
	of.related = s.askingOf(recordType, active)
	if of.broken == nil {
		of.Catalogue = segment.NewCatalogue(recordType, ids, active, ownColumns(s.db.Schema().Table(recordType)))
	}
	return of, nil
}

// reckon makes a program reckon dates as the organization does, whose settings are read
// only where conditions ask for them. The catalogue stands as long as they do: a change of
// them is one of definitions.
func (s *Segmentation) reckon(ctx context.Context, program *filter.Program, by *calendar.Calendar) (*filter.Program, error) {
	asks := program.Needs().Asks
	if asks == 0 {
		return program, nil
	}
	settings, err := s.settings.Get(ctx)
	if err != nil {
		return nil, err
	}
	*by = settings.Calendar
	if asks&filter.AsksNow != 0 {
		return program, nil
	}
	return program.Bind(settings.Scope(time.Time{})) // a date of the zone is a span of time from now on
}

// entryOf makes the entry of an active segment. Conditions that are wrong are refused by a
// [sales.Error]; by gets how the organization reckons dates if they ask for it.
func (s *Segmentation) entryOf(ctx context.Context, id name.SegmentID, view segment.Segment, by *calendar.Calendar) (segment.Entry, error) {
	where, program, err := compileConditions(s.db.Schema(), view)
	if err == nil {
		var reckoned *filter.Program
		if reckoned, err = s.reckon(ctx, program, by); err == nil {
			program = reckoned
		}
	}
	return segment.Entry{
		ID: id, Name: view.Name(), Where: where, Program: program,
		Sequence: view.Sequence(), Takes: view.Takes(), Leaves: view.Leaves(), Default: view.Default(),
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

// parseConditions reads the conditions of a segment (docs/domain.md §9.1). How many they
// may be is asked when they are written ([Segmentation.limitConditions]).
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
	// A segment has no caller. Its conditions on related rows must be served by indexes, from
	// the record and from the rows.
	if err := group.CheckAsks(mayAsk); err != nil {
		return nil, refuseConditions(err)
	}
	if err := related.Check(s, view.RecordType(), group); err != nil {
		return nil, refuseConditions(err)
	}
	return group, nil
}

// mayAsk is what the conditions of a segment may ask beyond the record.
const mayAsk = filter.AsksZone | filter.AsksNow | filter.AsksRows

// compileConditions reads the conditions of a segment and makes the program that evaluates
// them.
func compileConditions(s *schema.Schema, view segment.Segment) (*filter.Group, *filter.Program, error) {
	group, err := parseConditions(s, view)
	if err != nil {
		return nil, nil, err
	}
	program, err := filter.Compile(s, view.RecordType(), group, mayAsk)
	if err != nil {
		return nil, nil, refuseConditions(err)
	}
	return group, program, nil
}
