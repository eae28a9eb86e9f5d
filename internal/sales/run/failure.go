package run

import (
	"context"
	"errors"
	"strconv"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/sales/segmentation"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// maxError is how many characters of an error are kept, as the schema has it. It counts
// them in units of UTF-16, of which a character may have two.
const maxError = 25000

// Watch returns the evaluation of records such that the run of one that failed is written
// when its change is parked.
func (r *Runs) Watch(evaluation sales.Reaction) sales.Reaction { return watched{evaluation, r} }

type watched struct {
	sales.Reaction
	runs *Runs
}

// Failed implements [sales.Failing].
func (w watched) Failed(ctx context.Context, change rows.Change, failure error) error {
	r := w.runs
	if change.New == nil {
		return nil
	}
	var number int64 // 0 of an image that cannot be read
	if version, err := change.New.Value(name.Versionnumber); err == nil {
		number, _ = version.Int()
	}
	at := r.db.Now()
	values := map[string]schema.Value{
		name.MsdynTargetobject: schema.Ref(schema.Lookup{Table: change.Ref.Table, ID: change.Ref.ID}),
		rows.CreatedOn:         schema.Time(at), name.SegueExpireson: schema.Time(at.Add(Life)),
	}
	if row, err := change.New.Row(); err == nil { // it may be what is wrong
		values = common(row, at)
	}
	text := rows.Readable(failure.Error())
	values[name.SegueRecordversion] = schema.Int(number)
	values[name.MsdynRoutingrequestsource] = schema.Int(int64(segmentation.SourceOf(change)))
	values[name.MsdynSegmentationstatus] = schema.Int(int64(segment.Failed))
	values[name.MsdynConnectsequencestatus] = schema.Int(int64(segmentation.ConnectSkipped))
	values[name.MsdynErrormessage] = schema.Text(excerpt.Runes(text, maxError))
	values[name.MsdynName] = schema.Text("Evaluation failed")
	values[name.Statecode], values[name.Statuscode] = schema.Int(failed), schema.Int(segmentationFails)
	return r.put(ctx, failureID(change.Ref, number, failure), values)
}

// failureID is the id of the run of a failure. What is to blame for it makes any number of
// evaluations of the record fail, and each of them is tried again and again: as long as it is
// as it is, they have one run.
func failureID(record rows.Ref, version int64, failure error) name.SalesRoutingRunID {
	names := []string{"failed run", record.Table, record.ID}
	if cause, ok := errors.AsType[*sales.CauseError](failure); ok {
		names = append(names, cause.Ref.Table, cause.Ref.ID, strconv.FormatInt(cause.Version, 10))
	} else {
		names = append(names, strconv.FormatInt(version, 10), failure.Error())
	}
	return name.SalesRoutingRunID(guid.Derive(names...))
}
