// Package retention deletes rows whose time is over: those of tables with a column that
// expires, after the moment that the row names. On DynamoDB the table's time to live
// does it, at no cost; the embedded store has none, so a laptop goes through these
// tables once a day, by a job.
//
// Invariant: a row is deleted only as it was when its time was over; nothing follows
// from it, as nothing follows from a deletion by time to live.
package retention

import (
	"context"
	"sync"
	"time"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// Kind is the kind of the jobs that delete rows whose time is over.
const Kind = "expire"

// Sweeper begins a job a day. It is safe for concurrent use.
type Sweeper struct {
	db    *rows.DB
	ended bool // rows that have ended go, those of tables with the trait expiring
	mu    sync.Mutex
	done  time.Time // the day whose job has begun
}

// New returns the sweeper of the rows of db. Where ended rows are kept for ever, it goes
// through the other tables alone whose rows have an end.
func New(db *rows.DB, ended bool) *Sweeper { return &Sweeper{db: db, ended: ended} }

// Daily begins the job of the day unless it has begun; a job of the day that is there
// already stays as it is, also after a restart.
func (s *Sweeper) Daily(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	day := s.db.Now().Truncate(24 * time.Hour)
	if !day.After(s.done) {
		return nil
	}
	job := sales.NewJob{ID: name.JobID(guid.Derive("expire", day.Format(time.DateOnly))), Kind: Kind, Name: "Delete rows whose time is over"}
	for _, t := range s.db.Schema().Tables() {
		if t.Expiry() != nil && (s.ended || !t.Is(name.ExpiringTrait)) {
			job.Scans = append(job.Scans, sales.Scan{Table: t.Name, Small: true})
		}
	}
	err := s.db.Do(ctx, "", func(tx *rows.Tx) error { return sales.BeginJob(ctx, tx, job) })
	if err == nil {
		s.done = day
	}
	return err
}

// Job is the work of [Kind].
func (s *Sweeper) Job() sales.JobKind { return work{s.db} }

type work struct{ db *rows.DB }

// Prepare implements [sales.JobKind].
func (w work) Prepare(context.Context, sales.Job) (sales.JobWork, error) {
	return func(ctx context.Context, listed *rows.Row, _ *sales.JobTally) (deleted bool, err error) {
		if !over(listed, w.db.Now()) {
			return false, nil
		}
		err = w.db.Do(ctx, "", func(tx *rows.Tx) error {
			found, err := tx.Load(ctx, listed.Ref())
			if deleted = err == nil && found[0] != nil && over(found[0], tx.Now()); deleted {
				tx.Delete(found[0])
			}
			return err
		})
		return deleted && err == nil, err
	}, nil
}

// Finish implements [sales.JobKind].
func (work) Finish(context.Context, *rows.Tx, sales.Job, map[string]int64) (sales.JobEnd, error) {
	return sales.JobEnd{}, nil
}

// over reports whether the time of a row is over.
func over(row *rows.Row, now time.Time) bool {
	v, err := row.Value(row.Table.Expiry().Name)
	until, given := v.Time()
	return err == nil && given && !until.After(now)
}
