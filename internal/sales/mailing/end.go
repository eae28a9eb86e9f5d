package mailing

import (
	"context"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
)

// EndReaction ends the connection because of which an email was sent that came back, or
// whose recipient complained (docs/domain.md §5.2). One that has ended stays ended.
func (m *Mailing) EndReaction() sales.Reaction { return sales.Follow(m.end) }

func (m *Mailing) end(ctx context.Context, change rows.Change) error {
	if change.New == nil {
		return nil
	}
	event, err := endOf(change.New)
	if err != nil || event == 0 {
		return err
	}
	if change.Old != nil {
		if before, err := endOf(change.Old); err != nil || before == event {
			return err
		}
	}
	v, err := change.New.Value(name.SegueTarget)
	target, ok := v.Ref()
	if err != nil || !ok {
		return err
	}
	return m.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, rows.Ref{Table: target.Table, ID: target.ID})
		if err != nil || found[0] == nil {
			return err
		}
		_, err = m.connections.EndTarget(ctx, tx, found[0], event)
		return err
	})
}

// endOf is what the row of an email means to its target, 0 for nothing. A complaint weighs
// more.
func endOf(image *rows.Image) (sequence.Event, error) {
	for _, of := range []struct {
		column string
		event  sequence.Event
	}{{name.SegueComplainedon, sequence.Complained}, {name.SegueBouncedon, sequence.Bounced}} {
		if v, err := image.Value(of.column); err != nil || !v.IsNull() {
			return of.event, err
		}
	}
	return 0, nil
}
