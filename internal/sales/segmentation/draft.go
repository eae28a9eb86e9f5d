package segmentation

import (
	"context"
	"slices"

	"segue/internal/sales/segment"
	"segue/internal/schema/name"
)

// Current returns the active segments of a record type, as they are. An active segment
// that no longer compiles is an error.
func (s *Segmentation) Current(ctx context.Context, recordType string) (*segment.Catalogue, error) {
	all, err := s.readCatalogues(ctx)
	if err != nil {
		return nil, err
	}
	if broken := all[recordType].broken; broken != nil {
		return nil, broken
	}
	return all[recordType].Catalogue, nil
}

// Draft returns the active segments of a record type as they would be with a segment as
// view shows it, saved or not, and its place among them. id is "" for a new one, which
// gets the id [NewDraft]. Refused is what would be refused when it is saved.
func (s *Segmentation) Draft(ctx context.Context, id name.SegmentID, view segment.Segment) (*segment.Catalogue, int, error) {
	current, err := s.Current(ctx, view.RecordType())
	if err != nil {
		return nil, 0, err
	}
	if id == "" {
		id = NewDraft
	}
	entry, err := entryOf(s.db.Schema(), id, view)
	if err != nil {
		return nil, 0, err
	}
	position := view.Priority()
	if position == 0 {
		position = slices.Index(current.Order, id) + 1
	}
	if position == 0 {
		all, err := s.readCatalogues(ctx)
		if err != nil {
			return nil, 0, err
		}
		position = usualPosition(current.Order, all[view.RecordType()].newest)
	}
	drafted := current.With(entry, segment.Place(current.Order, id, position, defaultID(view.RecordType())))
	return drafted, slices.IndexFunc(drafted.Segments, func(e segment.Entry) bool { return e.ID == id }), nil
}

// NewDraft is the id of a segment that is not saved.
const NewDraft name.SegmentID = "draft"
