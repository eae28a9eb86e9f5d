package segmentation

import (
	"context"
	"errors"
	"fmt"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/related"
	"segue/internal/schema/name"
)

// RelateKind is the kind of the jobs that evaluate the records around a changed row where
// they are too many for the change itself.
const RelateKind = "relate"

// beginRest begins a job for each of what a change left, or a job before. life tells the
// change from others: one that comes again begins the same jobs.
func (s *Segmentation) beginRest(ctx context.Context, left []related.Rest, life string) error {
	if len(left) == 0 {
		return nil
	}
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		for _, rest := range left {
			if err := beginRestJob(ctx, tx, rest, life); err != nil {
				return err
			}
		}
		return nil
	})
}

// lifeOf tells one change of a row from others.
func lifeOf(change rows.Change) (string, error) {
	image, kind := change.New, "written"
	if image == nil {
		image, kind = change.Old, "removed"
	}
	if change.Present || image == nil { // nobody knows of which change
		return guid.New(), nil
	}
	version, err := image.Value(rows.Version)
	return kind + version.String(), err
}

func beginRestJob(ctx context.Context, tx *rows.Tx, rest related.Rest, life string) error {
	argument, err := rest.Argument()
	if err != nil {
		return err
	}
	table, index := rest.Last().Scanned(tx.Schema())
	return sales.BeginJob(ctx, tx, sales.NewJob{
		ID: name.JobID(guid.Derive("relate", rest.Row.ID, argument, life)), Kind: RelateKind,
		Name:    excerpt.Runes(fmt.Sprintf("Evaluate records around %v", rest.Row), 200),
		Subject: rest.Row, Argument: argument,
		Scans: []sales.Scan{{Table: table.Name, Index: index.Name, Small: index.Shards, Single: !index.Shards}},
	})
}

// Park keeps that a record cannot be evaluated, and why, so that it is taken up again.
type Park func(ctx context.Context, record rows.Ref, failure error) error

// RelateJob is the work of [RelateKind]. A record that it cannot evaluate is parked, as one
// is that the change itself finds.
func (s *Segmentation) RelateJob(park Park) sales.JobKind { return relateJob{s, park} }

type relateJob struct {
	segmentation *Segmentation
	park         Park
}

// Prepare implements [sales.JobKind].
func (j relateJob) Prepare(_ context.Context, job sales.Job) (sales.JobWork, error) {
	s := j.segmentation
	rest, err := related.RestOf(s.db.Schema(), job.Subject(), job.Argument())
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, row *rows.Row, _ *sales.JobTally) (bool, error) {
		all, err := s.readCatalogues(ctx)
		if err != nil {
			return false, err
		}
		found, err := rest.Back(ctx, s.db, row)
		if err != nil {
			return false, err
		}
		if err := s.beginRest(ctx, found.Rest, job.Row.ID); err != nil {
			return false, err
		}
		err = s.reconsider(ctx, all[rest.Way[0].From.Name], found.Records, rest.Row, found.Hand, false)
		return len(found.Records) > 0, errors.Join(err, j.parkFailed(ctx, err))
	}, nil
}

// parkFailed parks the records of a failure that time does not mend.
func (j relateJob) parkFailed(ctx context.Context, failure error) (err error) {
	of, _ := sales.RowErrors(failure)
	for _, failed := range of {
		if !sales.Transient(failed.Err) {
			err = errors.Join(err, j.park(ctx, failed.Ref, failed.Err))
		}
	}
	return err
}

// Finish implements [sales.JobKind].
func (relateJob) Finish(context.Context, *rows.Tx, sales.Job, map[string]int64) (sales.JobEnd, error) {
	return sales.JobEnd{}, nil
}
