// Package rollup keeps the roll-up columns that the schema declares: the count, sum, least,
// most or average of what rows that point at a row hold.
//
// For each lookup of a row by which it is counted there is a row of segue_counted, which
// says where and as what. It is written in the transaction that brings the roll-ups of that
// place up by the difference, two items, under the versions of both: so a change that comes
// again finds nothing to do, and two processes do not both do it. It outlives the row that
// it tells of until that is taken away too, and needs no image for it. The row itself is
// not written, so that counting it is no change of it.
//
// Where to find what: what is declared is in declared.go, one row counted in count.go, the
// whole of a row's roll-ups in fold.go, the job that proves them in job.go.
//
// Invariant: the roll-ups of a row are what its rows of segue_counted add up to, at each of
// its versions, but for a least or most that an index did not show yet or that is one of
// too many; and they are what the rows that point at it add up to when all changes have been
// followed (docs/decisions/0042-roll-ups.md).
package rollup

import (
	"context"

	"segue/internal/rows"
	"segue/internal/sales"
)

// CountReaction is the name that [Rollups.Count] is registered and parked under.
const CountReaction = "rollup.count"

// Rollups is the roll-up columns of the rows of a store. It is safe for concurrent use.
type Rollups struct {
	db       *rows.DB
	declared Declared
	err      error // why they cannot be kept
}

// New returns the roll-up columns of the rows of db. Where [Of] refuses those of the
// schema, nothing that they would follow can be followed.
func New(db *rows.DB) *Rollups {
	declared, err := Of(db.Schema())
	return &Rollups{db: db, declared: declared, err: err}
}

// Tables are the tables whose changes [Rollups.Count] follows.
func (r *Rollups) Tables() []sales.Subject {
	var subjects []sales.Subject
	for _, table := range r.declared.tables() {
		subjects = append(subjects, sales.OfTable(table))
	}
	return subjects
}

// Count is the reaction to changes of rows that are counted somewhere.
func (r *Rollups) Count() sales.Reaction { return reaction{r} }

type reaction struct{ *Rollups }

// Prepare implements [sales.Reaction].
func (r reaction) Prepare(context.Context, []rows.Change) (sales.Follow, error) {
	return r.follow, r.err
}

// follow counts a changed row anew by each of its lookups. A change that leaves what it is
// counted as reads nothing, and a new row that is counted nowhere neither.
func (r *Rollups) follow(ctx context.Context, change rows.Change) error {
	for _, way := range r.declared.ways[change.Ref.Table] {
		after, concerns, err := way.concerns(change)
		if err != nil {
			return err
		}
		if !concerns {
			continue
		}
		if _, err := r.count(ctx, way, change.Ref, after.parent); err != nil {
			return err
		}
	}
	return nil
}

// concerns reports whether what the row is counted as may be another one since a change, and
// returns what it was counted as after it.
func (w *way) concerns(change rows.Change) (after share, concerns bool, err error) {
	if change.New == nil {
		return share{}, true, nil
	}
	if touched, err := change.Touches(w.columns); err != nil || !touched {
		return share{}, false, err
	}
	after, err = w.shareOf(change.New)
	switch {
	case err != nil || change.Present:
		return after, true, err
	case change.Old == nil:
		return after, after.values != nil, nil
	}
	before, err := w.shareOf(change.Old)
	return after, !before.equal(after), err
}
