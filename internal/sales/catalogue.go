package sales

import (
	"context"
	"fmt"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales/segment"
	"segue/internal/schema"
)

// catalogues are the active segments by record type, as they were read
// together.
type catalogues map[string]compiled

// compiled is the catalogue of a record type, or why there is none: then the
// records of that type cannot be evaluated, those of the others can.
type compiled struct {
	*segment.Catalogue
	version int64 // of the order row
	broken  error
}

// catalogues are the active segments of every record type. Asking whether what
// is known is still true costs one read for all types, at most once in
// Options.Fresh; only a type that has changed is read anew.
func (s *Service) catalogues(ctx context.Context) (catalogues, error) {
	const all = "" // one entry for all types
	if known, ok := s.segments.peek(all, s.options.Fresh, s.options.Clock()); ok {
		return known, nil
	}
	return s.segments.load(ctx, all, s.options.Clock(), s.loadCatalogues)
}

func (s *Service) loadCatalogues(ctx context.Context, old catalogues) (catalogues, error) {
	var refs []rows.Ref
	var kinds []string
	for _, t := range s.db.Schema().Tables() {
		if t.Is("record") {
			kinds = append(kinds, t.Name)
			refs = append(refs, rows.Ref{Table: orderTable, ID: orderID(t.Name)})
		}
	}
	orders, err := s.db.Get(ctx, refs...)
	if err != nil {
		return nil, err
	}
	var all []*rows.Row // segments of every type, read once when needed
	now := catalogues{}
	for i, kind := range kinds {
		switch {
		case orders[i] == nil:
			now[kind] = compiled{Catalogue: segment.NewCatalogue(kind, nil, nil, nil)}
		case old[kind].version == orders[i].Version:
			now[kind] = old[kind]
		default:
			if all == nil {
				if all, err = s.segmentsOf(ctx, orders); err != nil {
					return nil, err
				}
			}
			catalogue, err := s.compileCatalogue(orders[i], all)
			now[kind] = compiled{catalogue, orders[i].Version, err}
		}
	}
	return now, nil
}

// segmentsOf reads the segments that the order rows of the record types name, in
// a few requests, and not the whole table.
func (s *Service) segmentsOf(ctx context.Context, orders []*rows.Row) ([]*rows.Row, error) {
	var refs []rows.Ref
	for _, row := range orders {
		if row == nil {
			continue
		}
		ids, err := idList(row, order)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			refs = append(refs, rows.Ref{Table: segmentTable, ID: id})
		}
	}
	found, err := s.db.Get(ctx, refs...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(row *rows.Row) bool { return row == nil }), nil
}

// compileCatalogue makes the catalogue of an order row. An active segment that
// no longer compiles (its column was taken out of the schema) is an error: it
// must not silently match nothing.
func (s *Service) compileCatalogue(orderRow *rows.Row, all []*rows.Row) (*segment.Catalogue, error) {
	kind := orderRow.Text(entityType)
	ids, err := idList(orderRow, order)
	if err != nil {
		return nil, err
	}
	var active []segment.Segment
	for _, row := range all {
		if row.Text(entityType) != kind || row.Int("statecode") != segmentActive {
			continue
		}
		program, err := segmentRules{s}.compile(row)
		if err != nil {
			return nil, fmt.Errorf("segment %q (%s): %w", row.Text("msdyn_name"), row.ID, err)
		}
		active = append(active, segment.Segment{
			ID: row.ID, Name: row.Text("msdyn_name"), Program: program,
			Sequence: row.Lookup(attached).ID,
			Takes:    row.Is("msdyn_isresegmentationenabled"),
			Default:  row.Is(isDefault),
		})
	}
	return segment.NewCatalogue(kind, ids, active, s.own(kind)), nil
}

// own are the columns of a record type that Segue itself writes; their changes
// never make segments run.
func (s *Service) own(kind string) []string {
	own := []string{segmentID, rows.ModifiedOn, rows.ModifiedBy, rows.Version}
	for _, c := range s.db.Schema().Table(kind).Columns {
		if c.Write == schema.Hidden {
			own = append(own, c.Name)
		}
	}
	return append(own, connected, receipt)
}

// decorate adds what is worked out at a read: a segment's priority.
func (s *Service) decorate(ctx context.Context, list []*rows.Row) error {
	places := map[string][]string{}
	for _, row := range list {
		if row.Table.Name != segmentTable {
			return nil
		}
		kind := row.Text(entityType)
		if places[kind] == nil {
			found, err := s.db.Get(ctx, rows.Ref{Table: orderTable, ID: orderID(kind)})
			if err != nil {
				return err
			}
			if found[0] == nil {
				continue
			}
			if places[kind], err = idList(found[0], order); err != nil {
				return err
			}
		}
		if i := slices.Index(places[kind], row.ID); i >= 0 {
			row.Set(priority, int64(i+1))
		}
	}
	return nil
}
