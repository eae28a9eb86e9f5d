// Package backfill applies segments to the records that are there already. Segments run
// when records change (docs/domain.md §8.3), so that activating or editing one moves nobody;
// whoever wants the present records moved asks for a job that evaluates each of them, for
// one segment or for all segments of a record type (docs/decisions/0036-backfill.md).
//
// Invariant: what is done to a record is what the next change of it would do, by the same
// code, under the version that was read and by the segments as they are at that moment; so
// a record may be met any number of times, and one that stays as it is costs its share of a
// page that is read, and no write.
package backfill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"segue/internal/excerpt"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/sales/segmentation"
	"segue/internal/schema/name"
	"segue/internal/tally"
)

// Kind is the kind of the jobs that do it.
const Kind = "backfill"

// Backfill is the use cases of applying segments. It is safe for concurrent use.
type Backfill struct {
	db       *rows.DB
	segments *segmentation.Segmentation
	park     segmentation.Park
	newID    func() string
}

// New returns the use cases on the records of db; newID makes the ids of jobs.
func New(db *rows.DB, segments *segmentation.Segmentation, park segmentation.Park, newID func() string) *Backfill {
	return &Backfill{db, segments, park, newID}
}

// BeginTable begins, in a unit of work, a job that evaluates all records of a type.
func (b *Backfill) BeginTable(ctx context.Context, tx *rows.Tx, recordType string) (name.JobID, error) {
	if err := sales.Connectable(b.db.Schema(), recordType); err != nil {
		return "", err
	}
	if err := b.refuseBroken(ctx, recordType); err != nil {
		return "", err
	}
	return b.begin(ctx, tx, sales.NewJob{
		Name:  fmt.Sprintf("Apply the segments of %s to its records", recordType),
		Scans: []sales.Scan{{Table: recordType}},
	})
}

// BeginSegment begins, in a unit of work, a job that evaluates the records that a segment
// has or matches.
func (b *Backfill) BeginSegment(ctx context.Context, tx *rows.Tx, row *rows.Row) (name.JobID, error) {
	view := segment.Segment{Row: row}
	if err := b.refuseBroken(ctx, view.RecordType()); err != nil {
		return "", err
	}
	return b.begin(ctx, tx, sales.NewJob{
		Name:    excerpt.Runes(fmt.Sprintf("Apply segment %q to the records of %s", view.Name(), view.RecordType()), 200),
		Subject: row.Ref(), Scans: []sales.Scan{{Table: view.RecordType()}},
	})
}

// refuseBroken refuses to begin what would fail at once.
func (b *Backfill) refuseBroken(ctx context.Context, recordType string) error {
	err := b.segments.Broken(ctx, recordType)
	if err == nil || sales.Transient(err) {
		return err
	}
	return sales.Refuse(sales.Precondition, "segments of %s cannot be applied: %v", recordType, err)
}

func (b *Backfill) begin(ctx context.Context, tx *rows.Tx, job sales.NewJob) (name.JobID, error) {
	job.ID, job.Kind = name.JobID(b.newID()), Kind
	return job.ID, sales.BeginJob(ctx, tx, job)
}

// Counts are what a job has done to records, as its row tells it.
type Counts struct {
	Entered   int64 `json:"entered"`   // got a segment, one that they left another for included
	Moved     int64 `json:"moved"`     // of these, left another
	Connected int64 `json:"connected"` // were connected to a sequence
}

// Job is the work of [Kind].
func (b *Backfill) Job() sales.JobImageKind { return work{b} }

type work struct{ *Backfill }

// PrepareImages implements [sales.JobImageKind]. While a segment does not compile no record
// is evaluated: all would be parked.
func (w work) PrepareImages(ctx context.Context, job sales.Job) (sales.JobImageWork, error) {
	scans, err := job.Scans()
	if err != nil {
		return nil, err
	}
	if err := w.segments.Broken(ctx, scans[0].Table); err != nil {
		return nil, err
	}
	only := name.SegmentID(job.Subject().ID)
	return func(ctx context.Context, present rows.Change, counts *sales.JobTally) (bool, error) {
		return w.apply(ctx, present, only, counts)
	}, nil
}

// apply evaluates a record. One that cannot be evaluated is parked, as after a change.
func (w work) apply(ctx context.Context, present rows.Change, only name.SegmentID, counts *sales.JobTally) (changed bool, err error) {
	ctx, did := tally.With(ctx)
	err = sales.Contain(func() error { return w.segments.Apply(ctx, present, only) })
	if err != nil && !sales.Transient(err) {
		err = errors.Join(err, w.park(ctx, present.Ref, err))
	}
	if err != nil || did.Of(tally.Written) == 0 {
		return false, err
	}
	for count, n := range map[string]int64{
		entered: did.Of(tally.Entered), moved: did.Of(tally.Moved), connected: did.Of(tally.Connected),
	} {
		if n > 0 {
			counts.Add(count, n)
		}
	}
	return true, nil
}

// What the work tallies.
const (
	entered   = "entered"
	moved     = "moved"
	connected = "connected"
)

// Finish implements [sales.JobImageKind].
func (work) Finish(_ context.Context, _ *rows.Tx, _ sales.Job, counts map[string]int64) (sales.JobEnd, error) {
	text, err := json.Marshal(Counts{counts[entered], counts[moved], counts[connected]})
	return sales.JobEnd{Result: string(text)}, err
}
