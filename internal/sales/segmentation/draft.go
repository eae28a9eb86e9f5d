package segmentation

import (
	"context"
	"slices"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/related"
	"segue/internal/sales/segment"
	"segue/internal/schema/name"
)

// NewDraft is the id of a segment that is not saved.
const NewDraft name.SegmentID = "draft"

// Catalogue is the active segments of a record type, with what their conditions may ask
// beyond a record at the moment at which they were read; nil: nothing. It belongs to one
// goroutine and to the call that it was read for.
type Catalogue struct {
	*segment.Catalogue

	Scope  *filter.Scope
	reader *related.Reader
}

// Next is called before each record: what was read of related rows is of one record.
func (c Catalogue) Next() {
	if c.reader != nil {
		c.reader.Next()
	}
}

// Show has the conditions be explained without what is not for everybody: of related rows,
// only some are told of.
func (c Catalogue) Show(only func(*rows.Row) bool) {
	if c.reader != nil {
		c.reader.Show(only)
	}
}

// AsksRows reports whether conditions ask for related rows.
func (c Catalogue) AsksRows() bool { return c.reader != nil }

// Leave returns the catalogue as it would be if a segment were inactive.
func (c Catalogue) Leave(id name.SegmentID) Catalogue {
	c.Catalogue = c.Without(id)
	return c
}

// Spent returns how many related rows, and entries of indexes, were read so far.
func (c Catalogue) Spent() int {
	if c.reader == nil {
		return 0
	}
	return c.reader.Spent()
}

// asOfNow returns a catalogue as it decides at this moment.
func (s *Segmentation) asOfNow(ctx context.Context, known compiled) Catalogue {
	known.related = s.askingOf(known.Table, known.Segments)
	known = known.begin(ctx, s.db, nil, false)
	return Catalogue{known.Catalogue, known.scope(), known.related.reader}
}

// Current returns the active segments of a record type, as they are. An active segment
// that no longer compiles is an error.
func (s *Segmentation) Current(ctx context.Context, recordType string) (Catalogue, error) {
	all, err := s.readCatalogues(ctx)
	if err != nil {
		return Catalogue{}, err
	}
	current := all[recordType]
	if current.broken != nil {
		return Catalogue{}, current.broken
	}
	return s.asOfNow(ctx, current), nil
}

// Reordered returns the active segments of a record type, as they are and as they would be
// in another order, which names all segments of the type.
func (s *Segmentation) Reordered(ctx context.Context, order []name.SegmentID) (now, then Catalogue, err error) {
	all, err := s.readCatalogues(ctx)
	if err != nil {
		return now, then, err
	}
	for recordType, current := range all {
		switch {
		case !slices.ContainsFunc(order, func(id name.SegmentID) bool { return current.Catalogue != nil && current.Known[id] }):
			continue
		case current.broken != nil:
			return now, then, current.broken
		}
		if order, err = newOrder(recordType, current.Order, order); err != nil {
			return now, then, err
		}
		now = s.asOfNow(ctx, current)
		then = now
		then.Catalogue = current.In(order)
		return now, then, nil
	}
	return now, then, sales.Refuse(sales.Invalid, "no segment has an id of %q", order)
}

// Draft returns the active segments of a record type as they would be with a segment as
// view shows it, saved or not, and its place among them. id is "" for a new one, which
// gets the id [NewDraft]. What would be refused when it is saved and activated is refused.
func (s *Segmentation) Draft(ctx context.Context, id name.SegmentID, view segment.Segment) (Catalogue, int, error) {
	all, err := s.readCatalogues(ctx)
	if err != nil {
		return Catalogue{}, 0, err
	}
	current := all[view.RecordType()]
	if current.broken != nil {
		return Catalogue{}, 0, current.broken
	}
	if id == "" {
		id = NewDraft
	}
	if view.State() != segment.Active { // one that is, has been accepted
		if err := s.checkActivation(ctx, view); err != nil {
			return Catalogue{}, 0, err
		}
	}
	entry, err := s.entryOf(ctx, id, view, &current.calendar)
	if err != nil {
		return Catalogue{}, 0, err
	}
	position := view.Priority()
	if position == 0 {
		position = slices.Index(current.Order, id) + 1
	}
	if position == 0 {
		position = usualPosition(current.Order, current.newest)
	}
	current.Catalogue = current.With(entry, segment.Place(current.Order, id, position, defaultID(view.RecordType())))
	return s.asOfNow(ctx, current),
		slices.IndexFunc(current.Segments, func(e segment.Entry) bool { return e.ID == id }), nil
}
