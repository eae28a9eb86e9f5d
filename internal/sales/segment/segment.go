// Package segment decides which segment a record belongs to: a catalogue of the
// active segments of one record type in the order of their priority, and the
// rule that picks the winner. It also keeps the order itself. It decides and
// never does; no store, no clock. Conditions are evaluated by package engine, all
// segments at once.
//
// Invariant: a decision depends on nothing but the catalogue, the record's
// columns, its present segment and, where conditions ask for it, the time; and it says
// why.
package segment

import (
	"cmp"
	"fmt"
	"slices"

	"segue/internal/filter"
	"segue/internal/filter/engine"
	"segue/internal/schema/name"
)

// Limits (docs/domain.md §2), where the organization sets no others.
const (
	MaxActive     = 250 // active segments of an organization
	MaxConditions = 10  // conditions of one segment
)

// Status is a segmentation status, a value of msdyn_segmentationstatus
// (docs/domain.md §4.7).
type Status int64

// The outcomes of a decision.
const (
	Segmented  Status = 1 // successful: the record enters the segment
	Failed     Status = 2 // something went wrong, so that nothing is decided
	NoMatch    Status = 3 // no matching segments; a present membership stays
	Unchanged  Status = 4 // matched with the previous segment
	NotAllowed Status = 5 // a match that may not take the record from its segment
)

// Entry is an active segment in a catalogue.
type Entry struct {
	ID       name.SegmentID
	Version  int64 // of its row; 0 of one that is not saved
	Name     string
	Where    *filter.Group   // conditions; nil in a catalogue that nobody examines
	Program  *filter.Program // compiled conditions, which ask for nothing but the row and the time
	Sequence name.SequenceID // the attached one, or ""
	Takes    bool            // may take records from other segments (msdyn_isresegmentationenabled)
	Leaves   bool            // a member that it no longer matches leaves it (segue_leaves)
	Default  bool            // the built-in one, always last
}

// Catalogue is the active segments of one record type, highest priority first.
type Catalogue struct {
	Table    string
	Order    []name.SegmentID        // all segments of the type by priority, inactive ones included
	Segments []Entry                 // active ones
	Known    map[name.SegmentID]bool // all segments of the type, inactive ones included
	Columns  []string                // columns whose change makes the segments run (docs/domain.md §8.3)
	Timed    bool                    // some conditions are relative to the time of the decision

	leaves bool // some segment is one that members leave
	own    []string
	engine *engine.Engine // their programs, in their order
}

// NewCatalogue makes a catalogue. order is the ids of all segments of the type
// by priority; segments are the active ones in any order. Columns in own are
// written by Segue itself and never make the segments run.
func NewCatalogue(table string, order []name.SegmentID, segments []Entry, own []string) *Catalogue {
	c := &Catalogue{Table: table, Order: order, Known: map[name.SegmentID]bool{}, own: own}
	place := map[name.SegmentID]int{}
	for i, id := range order {
		place[id], c.Known[id] = i, true
	}
	c.Segments = slices.Clone(segments)
	slices.SortStableFunc(c.Segments, func(a, b Entry) int {
		if a.Default != b.Default {
			if a.Default {
				return 1
			}
			return -1
		}
		return place[a.ID] - place[b.ID]
	})
	programs, read := make([]*filter.Program, len(c.Segments)), map[string]bool{}
	for _, column := range own {
		read[column] = true
	}
	for i, s := range c.Segments {
		programs[i] = s.Program
		c.Timed = c.Timed || s.Timed()
		c.leaves = c.leaves || s.Leaves
		for _, column := range s.Program.Columns() {
			if !read[column] {
				read[column] = true
				c.Columns = append(c.Columns, column)
			}
		}
	}
	slices.Sort(c.Columns)
	c.engine = engine.New(programs)
	return c
}

// With returns the catalogue as it would be with an active segment, in place of the one
// that has its id if there is one, and in another order.
func (c *Catalogue) With(e Entry, order []name.SegmentID) *Catalogue {
	changed := c.Without(e.ID)
	return NewCatalogue(c.Table, order, append(changed.Segments, e), c.own)
}

// In returns the catalogue as it would be in another order.
func (c *Catalogue) In(order []name.SegmentID) *Catalogue {
	return NewCatalogue(c.Table, order, c.Segments, c.own)
}

// Without returns the catalogue as it would be if a segment were inactive.
func (c *Catalogue) Without(id name.SegmentID) *Catalogue {
	others := slices.DeleteFunc(slices.Clone(c.Segments), func(e Entry) bool { return e.ID == id })
	return NewCatalogue(c.Table, c.Order, others, c.own)
}

// Reads returns all columns that a decision reads, in the order in which it does.
func (c *Catalogue) Reads() []string {
	var columns []string
	for slot := range c.engine.Columns() {
		column := c.engine.Column(slot)
		columns = append(columns, cmp.Or(column.Derived, column.Name))
	}
	return append(columns, c.Columns...)
}

// Decision is the outcome for one record.
type Decision struct {
	Status  Status
	Segment *Entry // the one the record is in afterwards, if it is an active one; nil otherwise
	Moved   bool   // from another segment
	Left    *Entry // the one that the record was in and leaves, for it no longer matches; nil otherwise
	Refused *Entry // the first that matches and may not take it from its own, where it decides; nil otherwise
}

// Because says for people why the decision is as it is.
func (d Decision) Because() string {
	switch {
	case d.Left != nil && d.Segment != nil:
		return fmt.Sprintf("no longer matches %q, which members leave then, and %q is the first segment that matches", d.Left.Name, d.Segment.Name)
	case d.Left != nil:
		return fmt.Sprintf("no longer matches %q, which members leave then, and no active segment matches", d.Left.Name)
	case d.Moved:
		return fmt.Sprintf("%q matches first and takes records from other segments", d.Segment.Name)
	case d.Status == Segmented:
		return fmt.Sprintf("%q is the first segment that matches", d.Segment.Name)
	case d.Status == Unchanged:
		return fmt.Sprintf("still matches %q", d.Segment.Name)
	case d.Status == NotAllowed:
		return fmt.Sprintf("%q matches but does not take records from other segments", d.Refused.Name)
	}
	return "no active segment matches"
}

// Changes reports whether the membership of the record changes.
func (d Decision) Changes() bool { return d.Status == Segmented || d.Left != nil }

// Decide picks the segment of a record (docs/domain.md §8.4). present is the id of
// the segment it is in, "" for none. The first match wins; a record that is in
// a segment leaves it only for one that takes members from others, or because it no
// longer matches one that members leave then. scope is the time of
// the decision, which only a catalogue that is Timed needs.
func (c *Catalogue) Decide(record filter.Row, present name.SegmentID, scope *filter.Scope) (Decision, error) {
	decision, _, err := c.decide(record, present, scope)
	return decision, err
}

// decide is Decide and returns the place of the segment that decided, their number where
// none did.
func (c *Catalogue) decide(record filter.Row, present name.SegmentID, scope *filter.Scope) (Decision, int, error) {
	if !c.Known[present] {
		present = "" // the segment was deleted
	}
	loaded := c.engine.Load(record, scope)
	defer loaded.Free()
	in := present
	left, err := c.left(loaded, present)
	if err != nil {
		return Decision{}, 0, err
	}
	if left != nil {
		in = "" // whatever matches gets it
	}
	var refused *Entry
	for i := 0; ; i++ {
		var err error
		if i, err = c.engine.First(loaded, i); i == len(c.Segments) {
			break
		}
		s := &c.Segments[i]
		mayTake := s.Takes || s.ID == in || in == ""
		if !mayTake && refused != nil {
			continue // its match would change nothing
		}
		switch {
		case err != nil:
			return Decision{}, 0, fmt.Errorf("segment %s (%s): %w", s.Name, s.ID, err)
		case !mayTake:
			refused = s
		case s.ID == in:
			return Decision{Status: Unchanged, Segment: s}, i, nil
		default:
			return Decision{Status: Segmented, Segment: s, Moved: present != "", Left: left}, i, nil
		}
	}
	if refused != nil {
		return Decision{Status: NotAllowed, Refused: refused}, len(c.Segments), nil
	}
	return Decision{Status: NoMatch, Left: left}, len(c.Segments), nil
}

// left returns the segment that a record is in if it leaves it, nil otherwise.
func (c *Catalogue) left(loaded *engine.Record, present name.SegmentID) (*Entry, error) {
	if !c.leaves || present == "" {
		return nil, nil
	}
	at := slices.IndexFunc(c.Segments, func(e Entry) bool { return e.ID == present })
	if at < 0 || !c.Segments[at].Leaves { // nobody leaves a segment that is not active
		return nil, nil
	}
	s := &c.Segments[at]
	switch first, err := c.engine.First(loaded, at); {
	case first != at:
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("segment %s (%s): %w", s.Name, s.ID, err)
	}
	return nil, nil
}

// Place puts id at a position (from 1) of an order and shifts the rest down;
// an id that is already there moves. A position beyond the end, or 0, means the
// end; the default segment, last, stays last.
func Place(order []name.SegmentID, id name.SegmentID, position int, last name.SegmentID) []name.SegmentID {
	placed := Remove(order, id)
	at := len(placed)
	if position > 0 {
		at = min(position-1, at)
	}
	placed = slices.Insert(placed, at, id)
	if i := slices.Index(placed, last); i >= 0 {
		placed = append(slices.Delete(placed, i, i+1), last)
	}
	return placed
}

// Remove takes id out of an order; the ones after it move up. The order given
// is not changed.
func Remove(order []name.SegmentID, id name.SegmentID) []name.SegmentID {
	return slices.DeleteFunc(slices.Clone(order), func(other name.SegmentID) bool { return other == id })
}
