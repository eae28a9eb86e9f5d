package simulation

import (
	"cmp"
	"context"
	"time"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/run"
	"segue/internal/sales/segment"
	"segue/internal/sales/segmentation"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Explanation is what the segments of its type say about a record.
type Explanation struct {
	Record   rows.Ref
	Version  int64 // of the record
	AsOf     time.Time
	Open     bool           // only open records are evaluated
	Present  name.SegmentID // the segment that it is in; "" for none
	Receipt  string         // why its last evaluation came to its result, "" where none has changed it
	Status   segment.Status // of an evaluation now
	Because  string
	Segments []Judgement // by priority
	Then     *Then       // nil where no run tells
}

// Then is what the newest run of a record tells; with one segment, the newest that has to
// do with it.
type Then struct {
	Run        name.SalesRoutingRunID
	On         time.Time
	Version    int64 // with which the evaluation wrote the record; of one that failed, that it could not evaluate
	Definition int64 // version of the segment
	Segment    name.SegmentID
	Left       name.SegmentID
	Status     segment.Status
	Connection segmentation.ConnectStatus
	Error      string
	Clauses    []segment.Clause // of the segment; none where they are not known
}

// Judgement is what one active segment says about a record.
type Judgement struct {
	Segment  name.SegmentID
	Name     string
	Priority int // among the segments of its type, from 1, inactive ones included
	Holds    bool
	Winner   bool // the record would be in it after an evaluation
	// Clauses are the groups and conditions in the order of the text, with the values
	// read.
	Clauses []filter.Verdict
	// Missing are the fewest conditions that would have to come out otherwise for the
	// segment to match; none where it does.
	Missing []filter.Verdict
}

// Explain tells what each active segment says about a record, clause by clause. With one
// it tells what that segment says, whether it is active or not. Of a related row that the
// caller may not read it tells neither name nor values, but whether the clause holds.
func (s *Simulation) Explain(ctx context.Context, c sales.Caller, ref rows.Ref, one name.SegmentID) (Explanation, error) {
	if t := s.db.Schema().Table(ref.Table); t == nil || !t.Is(name.RecordTrait) {
		return Explanation{}, sales.Refuse(sales.Invalid, "rows of %s are in no segments", ref.Table)
	}
	row, err := s.entities.Retrieve(ctx, c, ref)
	if err != nil {
		return Explanation{}, err
	}
	current, err := s.explained(ctx, c, ref, one)
	if err != nil {
		return Explanation{}, err
	}
	var failed error
	current.Show(func(row *rows.Row) bool {
		may, err := s.entities.MayRead(ctx, c, row)
		failed = cmp.Or(failed, err)
		return may
	})
	record := sales.Record{Row: row}
	result := Explanation{
		Record: ref, Version: row.Version, AsOf: s.db.Now(), Open: record.Open(), Present: record.Segment(), Receipt: row.Text(name.SegueBecause),
	}
	decision, err := current.Decide(row, result.Present, current.Scope)
	if err != nil {
		return Explanation{}, err
	}
	if result.Status, result.Because = decision.Status, decision.Because(); !result.Open {
		result.Status, result.Because = segment.NoMatch, "the record is closed; only open records are evaluated"
	}
	if result.Then, err = s.then(ctx, c, ref, one); err != nil {
		return Explanation{}, err
	}
	places := map[name.SegmentID]int{}
	for i, id := range current.Order {
		places[id] = i + 1
	}
	for _, e := range current.Segments {
		if one != "" && e.ID != one {
			continue
		}
		current.Next() // each is explained to the end, which may read as much as a decision
		verdict, err := e.Program.ExplainIn(row, current.Scope)
		if err != nil {
			return Explanation{}, err
		}
		missing, _ := verdict.Missing()
		result.Segments = append(result.Segments, Judgement{
			Segment: e.ID, Name: e.Name, Priority: places[e.ID], Holds: verdict.Holds,
			Winner:  result.Open && decision.Segment != nil && decision.Segment.ID == e.ID,
			Clauses: verdict.Flat(), Missing: missing,
		})
	}
	return result, failed
}

// explained returns the segments that a record is explained by: the active ones, and one
// that is asked for.
func (s *Simulation) explained(ctx context.Context, c sales.Caller, ref rows.Ref, one name.SegmentID) (segmentation.Catalogue, error) {
	if one == "" {
		if err := s.entities.Admit(ctx, c, sales.Right{Privilege: sales.Read, Table: name.Segment}); err != nil {
			return segmentation.Catalogue{}, err
		}
		return s.segments.Current(ctx, ref.Table)
	}
	d, err := s.draft(ctx, c, Draft{Segment: one})
	if err != nil {
		return segmentation.Catalogue{}, err
	}
	if d.table != ref.Table {
		return segmentation.Catalogue{}, sales.Refuse(sales.Invalid, "the segment is for rows of %s, the record is a row of %s", d.table, ref.Table)
	}
	return d.then, nil
}

// runsRead is how many runs of a record are looked at for one of a segment.
const runsRead = 20

// then returns what the runs of a record tell.
func (s *Simulation) then(ctx context.Context, c sales.Caller, ref rows.Ref, one name.SegmentID) (*Then, error) {
	target := schema.Ref(schema.Lookup{Table: ref.Table, ID: ref.ID})
	page, err := s.entities.List(ctx, c, name.SalesRoutingRun, query.Query{
		Limit: runsRead, Order: []query.Order{{Column: name.Createdon, Descending: true}},
		Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
			&filter.Condition{Column: name.MsdynTargetobject, Operator: filter.Eq, Values: []schema.Value{target}},
		}},
	})
	if err != nil {
		return nil, err
	}
	for _, row := range page.Rows {
		into, left := row.Lookup(name.MsdynSegmentid).ID, row.Lookup(name.MsdynPrevioussegmentid).ID
		if one != "" && into != string(one) && left != string(one) {
			continue
		}
		clauses, err := run.Clauses(row)
		return &Then{
			Run: name.SalesRoutingRunID(row.ID), On: row.Time(name.Createdon), Version: row.Int(name.SegueRecordversion), Definition: row.Int(name.SegueDefinition),
			Segment: name.SegmentID(into), Left: name.SegmentID(left), Status: segment.Status(row.Int(name.MsdynSegmentationstatus)),
			Connection: segmentation.ConnectStatus(row.Int(name.MsdynConnectsequencestatus)), Error: row.Text(name.MsdynErrormessage), Clauses: clauses,
		}, err
	}
	return nil, nil //nolint:nilnil // no run tells
}
