// Package simulation tells what segments would do with the records as they are, and why,
// without doing it: which records a segment would get ([Simulation.Simulate]), what would
// change if it were activated, moved or edited ([Simulation.Diff]), and what each segment
// says about one record ([Simulation.Explain]).
//
// A segment need not be saved: a [Draft] is what it would be. Records are walked in parts
// of a bounded number, so that a table of any size can be gone through with progress:
// each part says where the next one begins.
//
// Invariant: nothing is written, and what is told of a record is what an evaluation of it
// would decide at that moment, by the same code. A caller is told only of records that
// they may read.
package simulation

import (
	"context"
	"maps"
	"time"

	"segue/internal/entity"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/sales/segmentation"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// How many records are examined: by a call, and at a time. A call also evaluates segments
// on records no more than MaxEvaluated times, which takes some seconds at most: among many
// segments it examines fewer records.
const (
	MaxExamined  = 20_000
	MaxEvaluated = 2_000_000
	atOnce       = 5000
)

// MaxRelated is how many rows and entries of indexes a call reads for conditions on related
// rows before it leaves the rest of the records to the next part. They are read for one
// record after another, in the middle of hundreds.
const (
	MaxRelated    = 5000
	atOnceRelated = 100
)

// MaxRecords is how many records a call lists at most.
const MaxRecords = 1000

// Simulation simulates segments. It is safe for concurrent use.
type Simulation struct {
	db       *rows.DB
	entities *entity.Entities
	segments *segmentation.Segmentation

	examined, evaluated int // at most by a call
}

// New returns the simulation of the segments of db.
func New(db *rows.DB, entities *entity.Entities, segments *segmentation.Segmentation) *Simulation {
	return &Simulation{db: db, entities: entities, segments: segments, examined: MaxExamined, evaluated: MaxEvaluated}
}

// Bound has a call examine records and evaluate segments on them no more often than said.
func (s *Simulation) Bound(examined, evaluated int) { s.examined, s.evaluated = examined, evaluated }

// NewDraft is the id of a segment that is not saved at all.
const NewDraft = segmentation.NewDraft

// Draft is a segment as it would be.
type Draft struct {
	Segment name.SegmentID // a saved one; "" for one that is not saved at all
	// Values are columns that differ from what is saved, checked by type.
	Values map[string]schema.Value
	// Order is another order of all segments of a record type, in place of a segment: then
	// the rest is empty.
	Order []name.SegmentID
}

// Part asks for a part of the walk over the records of a type.
type Part struct {
	From    string // Next of the part before; "" for the first
	Records int    // how many records are listed at most; those after them are only counted
}

// Walk is how far a part went.
type Walk struct {
	Table    string // the record type
	AsOf     time.Time
	Examined int    // open records
	Next     string // where the next part begins; "" when all records are examined
}

// drafted is a draft in its place among the active segments of its record type.
type drafted struct {
	table string
	now   segmentation.Catalogue // as they are
	then  segmentation.Catalogue // as they would be
	place int                    // of the draft in then; -1 when it would be inactive, or when only their order changes
}

// draft reads what a draft would be. The caller must be allowed to read its segment.
func (s *Simulation) draft(ctx context.Context, c sales.Caller, d Draft) (drafted, error) {
	if d.Order != nil {
		return s.reordered(ctx, c, d.Order)
	}
	view, err := s.checked(ctx, c, d)
	if err != nil {
		return drafted{}, err
	}
	now, err := s.segments.Current(ctx, view.RecordType())
	if err != nil {
		return drafted{}, err
	}
	if state, given := d.Values[name.Statecode]; given && state != schema.Int(int64(segment.Active)) {
		then := now.Leave(d.Segment)
		return drafted{table: view.RecordType(), now: now, then: then, place: -1}, nil
	}
	then, place, err := s.segments.Draft(ctx, d.Segment, view)
	return drafted{table: view.RecordType(), now: now, then: then, place: place}, err
}

// reordered is draft for another order of segments, of which none is drafted.
func (s *Simulation) reordered(ctx context.Context, c sales.Caller, order []name.SegmentID) (drafted, error) {
	if err := s.entities.Admit(ctx, c, sales.Right{Privilege: sales.Read, Table: name.SegmentAttribute}); err != nil {
		return drafted{}, err
	}
	now, then, err := s.segments.Reordered(ctx, order)
	if err != nil {
		return drafted{}, err
	}
	return drafted{table: now.Table, now: now, then: then, place: -1}, nil
}

// checked returns a draft as a segment. What a save would refuse is refused, by the same
// checks.
func (s *Simulation) checked(ctx context.Context, c sales.Caller, d Draft) (segment.Segment, error) {
	var saved *rows.Row
	var before schema.Values
	if d.Segment != "" {
		var err error
		if saved, err = s.entities.Retrieve(ctx, c, rows.RefTo(name.Segment, d.Segment)); err != nil {
			return segment.Segment{}, err
		}
		saved.Set(name.SeguePriority, schema.Null()) // it stays where it is
		before = saved.Values()
	} else if err := s.entities.Admit(ctx, c, sales.Right{Privilege: sales.Read, Table: name.Segment}); err != nil {
		return segment.Segment{}, err
	}
	values := maps.Clone(d.Values)
	delete(values, name.Statecode) // what it says is whether the draft is active
	delete(values, name.Statuscode)
	draft, err := s.entities.CheckDraft(c, s.db.Schema().Table(name.Segment), saved, values)
	if err != nil {
		return segment.Segment{}, err
	}
	view := segment.Segment{Row: draft}
	return view, s.segments.CheckSaved(ctx, view, before)
}

// firstFindings returns what can be told of a draft without a record. That is the same for
// all parts of a walk, so the first one tells it.
func (s *Simulation) firstFindings(ctx context.Context, d drafted, part Part) ([]Finding, error) {
	if part.From != "" || d.place < 0 {
		return nil, nil
	}
	return s.findings(ctx, d.then, d.place)
}

// walk hands over the open records of a type that the caller may read, a part of them; take
// evaluates some segments on each, those of the draft and, where it says so, those as they are.
func (d drafted) walk(ctx context.Context, s *Simulation, c sales.Caller, part Part, segments int, take func(*rows.Row) error) (Walk, error) {
	walk := Walk{Table: d.table, AsOf: s.db.Now(), Next: part.From}
	size := atOnce
	if d.then.AsksRows() || d.now.AsksRows() {
		size = atOnceRelated
	}
	for left := min(s.examined, max(1, s.evaluated/max(1, segments))); left > 0 && d.then.Spent()+d.now.Spent() < MaxRelated; {
		page, err := s.entities.Request(c).List(ctx, d.table, query.Query{Limit: min(left, size), Token: walk.Next})
		if err != nil {
			return walk, err
		}
		for _, row := range page.Rows {
			left--
			if record := (sales.Record{Row: row}); !record.Open() || !record.Erased().IsZero() {
				continue
			}
			walk.Examined++
			d.then.Next()
			d.now.Next()
			if err := take(row); err != nil {
				return walk, err
			}
		}
		if walk.Next = page.Token; walk.Next == "" {
			break
		}
	}
	return walk, nil
}

// nameOf is what people call a record.
func nameOf(row *rows.Row) string { return row.Text(row.Table.PrimaryName) }
