package preview

import (
	"context"
	"errors"
	"maps"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
)

// Connection is what comes next for a record on one of its sequences.
type Connection struct {
	Preview

	Name        string // of the sequence
	Steps, Done int    // that count: waits and conditions do not
}

// UpNext previews all live connections of a record that the caller may read, in the order of
// their sequences' ids. One that ends at this moment, or whose sequence has been deactivated, is
// left out.
func (p *Previews) UpNext(ctx context.Context, c sales.Caller, ref rows.Ref) ([]Connection, error) {
	if err := sales.Connectable(p.db.Schema(), ref.Table); err != nil {
		return nil, err
	}
	record, err := p.entities.Retrieve(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	live, err := connection.Live(record)
	if err != nil {
		return nil, err
	}
	var all []Connection
	for _, id := range slices.Sorted(maps.Keys(live)) {
		one, err := p.upNext(ctx, c, live[id], record)
		if errors.Is(err, sales.Precondition) || errors.Is(err, sales.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (p *Previews) upNext(ctx context.Context, c sales.Caller, id name.SequenceTargetID, record *rows.Row) (Connection, error) {
	target, err := p.entities.Retrieve(ctx, c, rows.RefTo(name.SequenceTarget, id))
	if err != nil {
		return Connection{}, err
	}
	known, err := p.sequences.Sequence(ctx, sequence.Target{Row: target}.Sequence())
	if err != nil {
		return Connection{}, err
	}
	previewed, err := p.ofTarget(ctx, c, id, record)
	return Connection{
		Preview: previewed, Name: known.Name,
		Steps: int(target.Int(name.MsdynTotalstepcount)), Done: int(target.Int(name.MsdynCurrentstepcount)),
	}, err
}
