// Package run tells what became of records when they were evaluated: one row of
// msdyn_salesroutingrun for each evaluation that changed its record or failed
// (docs/domain.md §4.7).
//
// The run of an evaluation is not part of its transaction. It is written when the change of
// the record that the evaluation made is followed, by one put of one item: that change has
// the receipt of the evaluation, the record as it was decided on (its image of before) and
// as it was then. Whoever lists the runs of a record has what was last with it and its
// history ([decision 0018]). The run of an evaluation that failed is written when its change
// is parked, once for each thing that is to blame.
//
// Rows are kept for [Life]. Those of a record go with it (forget.go).
//
// Invariant: however often and in whatever order changes come, an evaluation has one run,
// whose id is derived from the record and from the version with which it wrote it. What a
// person's erasure has taken out of a run stays out, and a run of a record that is deleted
// stays away.
//
// [decision 0018]: ../../../docs/decisions/0018-runs.md
package run

import (
	"context"
	"errors"
	"strconv"
	"time"

	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/principal"
	"segue/internal/sales/segment"
	"segue/internal/sales/segmentation"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Life is how long a run is kept.
const Life = 90 * 24 * time.Hour

// Values of statuscode and of statecode (docs/domain.md §4.7). Owners are not assigned by
// rules yet, so no run has another status.
const (
	notRouted         = 17 // rules do not run for the segment, which is a success
	segmentationFails = 16
	succeeded         = 1
	failed            = 2
)

// Runs writes runs. It is safe for concurrent use.
type Runs struct {
	db       *rows.DB
	lists    *query.Reader
	segments *segmentation.Segmentation
	readings map[string]*rows.Reading // of what tells that a change matters, by table of records
}

// New returns the runs of the evaluations of segments.
func New(db *rows.DB, segments *segmentation.Segmentation) *Runs {
	r := &Runs{db: db, lists: query.New(db), segments: segments, readings: map[string]*rows.Reading{}}
	for _, t := range db.Schema().Tables() {
		if t.Is(name.RecordTrait) {
			r.readings[t.Name] = rows.NewReading(t, columns()...)
		}
	}
	return r
}

// columns tell by their change that something is to be done: an evaluation has left a
// receipt, or the record was erased.
func columns() []string { return []string{name.SegueEvaluation, name.SegueErasedon} }

// Reaction writes the runs of evaluations when their changes of records are followed. It is
// for all kinds of changes of records.
func (r *Runs) Reaction() sales.Reaction { return sales.Follow(r.follow) }

func (r *Runs) follow(ctx context.Context, change rows.Change) error {
	if change.New == nil {
		return r.removed(ctx, change)
	}
	if err := change.Read(r.readings[change.Table.Name]); err != nil {
		return err
	}
	defer change.Forget()
	touched, err := change.Touches(columns())
	if err != nil || !touched { // by far the most changes: they cost no read and no write
		return err
	}
	receipt, err := change.New.Value(name.SegueEvaluation)
	if err != nil {
		return err
	}
	erased, err := change.New.Value(name.SegueErasedon)
	if err != nil {
		return err
	}
	if !erased.IsNull() { // whatever came before it in the stream has its runs by now
		row, err := change.New.Row()
		if err != nil {
			return err
		}
		return r.erased(ctx, change.Ref, row.Version)
	}
	if receipt.IsNull() {
		return nil
	}
	return r.evaluated(ctx, change)
}

// evaluated writes the run of the evaluation that has made a change, if one has. A standing
// row has the receipt of its last evaluation, whose run may be there.
func (r *Runs) evaluated(ctx context.Context, change rows.Change) error {
	row, err := change.New.Row()
	if err != nil {
		return err
	}
	receipt, ok := segmentation.ReceiptOf(row)
	if !ok || receipt.Version == 0 || receipt.Version != row.Version && !change.Present {
		return nil
	}
	at := row.Time(rows.ModifiedOn)
	values := common(row, at)
	view := sales.Record{Row: row}
	values[name.SegueRecordversion] = schema.Int(receipt.Version)
	values[name.MsdynRoutingrequestsource] = schema.Int(int64(receipt.Source))
	values[name.MsdynSegmentationstatus] = schema.Int(int64(receipt.Segmentation))
	values[name.MsdynConnectsequencestatus] = schema.Int(int64(receipt.Connection))
	values[name.Statecode], values[name.Statuscode] = schema.Int(succeeded), schema.Int(notRouted)
	if receipt.Left != "" {
		values[name.MsdynPrevioussegmentid] = schema.RefTo(name.Segment, receipt.Left)
	}
	if receipt.Refusal != "" {
		values[name.MsdynErrormessage] = schema.Text(receipt.Refusal)
	}
	if receipt.Connection == segmentation.ConnectDone {
		values[name.MsdynConnectedsequenceids] = schema.Text(string(view.Entered()))
	}
	if receipt.Version == row.Version && (view.Segment() != "" || receipt.Left != "") {
		if err := r.explain(ctx, values, change, receipt, view.Segment(), at); err != nil {
			return err
		}
	}
	return r.put(ctx, runID(change.Ref, receipt.Version), values)
}

// explain adds the segment that the record is in to a run, and, where they can be told, its
// name and what its conditions said about the record; of one that is in none any more, what
// those of the segment said that it has left. That is the record as it was before the
// evaluation wrote it, for it was written under the version that was decided on.
func (r *Runs) explain(ctx context.Context, values map[string]schema.Value, change rows.Change, receipt segmentation.Evaluation, id name.SegmentID, at time.Time) error {
	member := id != ""
	if !member {
		id = receipt.Left
	}
	values[name.SegueDefinition] = schema.Int(receipt.Definition)
	told, err := r.segments.Tell(ctx, segmentation.Definition{Segment: id, Version: receipt.Definition}, change.Table.Name)
	if err != nil {
		return err
	}
	if told.There && member {
		values[name.MsdynSegmentid] = schema.RefTo(name.Segment, id)
	}
	if told.Name != "" {
		values[name.MsdynName] = schema.Text(told.Name)
	}
	if change.Old == nil || told.Program == nil || told.Program.Needs().Asks&filter.AsksRows != 0 { // what it asked of other rows then, nobody knows
		return nil
	}
	verdict, err := told.Explain(change.Old, at)
	if err != nil || verdict.Holds != member { // by other settings of the organization: what was read then is not known
		return err
	}
	text, err := segment.EncodeClauses(segment.ClausesOf(verdict))
	if err != nil {
		return err
	}
	values[name.SegueClauses] = schema.Text(text)
	return nil
}

// common are the values that every run of a record has.
func common(row *rows.Row, at time.Time) map[string]schema.Value {
	return map[string]schema.Value{
		name.MsdynTargetobject:  schema.Ref(schema.Lookup{Table: row.Table.Name, ID: row.ID}),
		name.Ownerid:            schema.Ref(sales.Record{Row: row}.Owner()),
		name.Owningbusinessunit: principal.UnitOfRow(row),
		rows.CreatedOn:          schema.Time(at),
		name.SegueExpireson:     schema.Time(at.Add(Life)),
	}
}

// put writes a run unless there is one with the id: whoever wrote that knew the same.
func (r *Runs) put(ctx context.Context, id name.SalesRoutingRunID, values map[string]schema.Value) error {
	tx := r.db.Begin("")
	tx.Create(r.table(), string(id), values)
	err := tx.Commit(ctx)
	if _, there := errors.AsType[*rows.ConflictError](err); there {
		return nil
	}
	return err
}

func (r *Runs) table() *schema.Table { return r.db.Schema().Table(name.SalesRoutingRun) }

// runID is the id of the run of the evaluation that wrote a record with a version, which no
// other write of a row with this id has.
func runID(record rows.Ref, version int64) name.SalesRoutingRunID {
	return name.SalesRoutingRunID(guid.Derive("run", record.Table, record.ID, strconv.FormatInt(version, 10)))
}
