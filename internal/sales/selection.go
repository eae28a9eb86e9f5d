package sales

import (
	"context"

	"golang.org/x/sync/errgroup"

	"segue/internal/rows"
)

// MaxSelection is how many records one call may name.
const MaxSelection = 1000

// at once: records of a selection that are worked on in parallel.
const atOnce = 16

// Outcome is what became of one record of a selection.
type Outcome struct {
	Record  rows.Ref
	Target  string // id of the target that it is connected by
	Already bool   // nothing had to be changed
	Err     error  // why not; nil: done
}

// ConnectSelection connects each record of a selection; one that cannot be
// connected does not hold up the others. A selection in which some records are
// connected to a sequence and others to none is refused as a whole (domain.md
// §7.2, "mixed selection"), unless skip says to leave out the connected ones,
// which then come back as Already or with the reason.
func (s *Service) ConnectSelection(ctx context.Context, c Caller, id string, records []rows.Ref, skip bool) ([]Outcome, error) {
	held, err := s.selection(ctx, c, records, skip)
	if err != nil {
		return nil, err
	}
	return each(ctx, records, func(ctx context.Context, i int) Outcome {
		made, err := s.connect(ctx, c, ConnectInput{Record: records[i], Sequence: id}, held[i])
		return Outcome{records[i], made.Target, made.Already, err}
	}), nil
}

// DisconnectSelection disconnects each record of a selection, from one sequence
// or with id "" from all. A mixed selection is refused like that of
// ConnectSelection.
func (s *Service) DisconnectSelection(ctx context.Context, c Caller, id string, records []rows.Ref, skip bool) ([]Outcome, error) {
	held, err := s.selection(ctx, c, records, skip)
	if err != nil {
		return nil, err
	}
	return each(ctx, records, func(ctx context.Context, i int) Outcome {
		ended, err := s.disconnect(ctx, c, records[i], id, "", held[i])
		return Outcome{Record: records[i], Already: ended == 0, Err: err}
	}), nil
}

// selection checks a selection and reads its records; nil where there is none.
func (s *Service) selection(ctx context.Context, c Caller, records []rows.Ref, mixed bool) ([]*rows.Row, error) {
	if n := len(records); n == 0 || n > MaxSelection {
		return nil, refuse(Invalid, "Records has %d entries; it takes 1 to %d", n, MaxSelection)
	}
	seen := map[rows.Ref]bool{}
	for _, ref := range records {
		if err := s.connectable(ref.Table); err != nil {
			return nil, err
		}
		if seen[ref] {
			return nil, refuse(Invalid, "Records names %v twice", ref)
		}
		seen[ref] = true
		if err := s.demand(c, connecting(ref.Table)...); err != nil {
			return nil, err
		}
	}
	held, err := s.db.Get(ctx, records...)
	if err != nil || mixed {
		return held, public(err)
	}
	return held, uniform(held)
}

// uniform refuses a mixed selection; records that are not there do not count.
func uniform(held []*rows.Row) error {
	on, off := 0, 0
	for _, row := range held {
		switch {
		case row == nil:
		case row.Is(connected):
			on++
		default:
			off++
		}
	}
	if on > 0 && off > 0 {
		return refuse(Precondition, "the selection mixes %d connected and %d unconnected records; choose one kind, or set SkipConnected", on, off)
	}
	return nil
}

func each(ctx context.Context, records []rows.Ref, do func(ctx context.Context, i int) Outcome) []Outcome {
	outcomes := make([]Outcome, len(records))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range records {
		group.Go(func() error {
			outcomes[i] = do(ctx, i)
			return nil
		})
	}
	_ = group.Wait() // no function of the group fails
	return outcomes
}
