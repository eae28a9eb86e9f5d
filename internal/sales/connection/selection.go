package connection

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// MaxSelection is how many records one call may name.
const MaxSelection = 1000

// Outcome is what became of one record of a selection.
type Outcome struct {
	Record  rows.Ref
	Target  name.SequenceTargetID // that it is connected by
	Already bool                  // nothing had to be changed
	Err     error                 // why not; nil: done
}

// ConnectSelection connects each record of a selection, in a unit of work of its
// own; one that cannot be connected does not hold up the others. A selection in
// which some records are connected to a sequence and others to none is refused
// as a whole (docs/domain.md §7.2, "mixed selection"), unless skip says to leave
// out the connected ones, which then come back as Already or with the reason.
func (s *Connections) ConnectSelection(ctx context.Context, c sales.Caller, sequenceID name.SequenceID, refs []rows.Ref, skip bool) ([]Outcome, error) {
	records, err := s.readSelection(ctx, c, refs, skip)
	if err != nil {
		return nil, err
	}
	return each(ctx, refs, func(ctx context.Context, i int) Outcome {
		connection, err := s.connect(ctx, c, Request{Record: refs[i], Sequence: sequenceID}, records[i])
		return Outcome{refs[i], connection.Target, connection.Already, err}
	}), nil
}

// DisconnectSelection disconnects each record of a selection, from one sequence
// or with sequenceID "" from all. A mixed selection is refused like that of
// [Connections.ConnectSelection].
func (s *Connections) DisconnectSelection(ctx context.Context, c sales.Caller, sequenceID name.SequenceID, refs []rows.Ref, skip bool) ([]Outcome, error) {
	records, err := s.readSelection(ctx, c, refs, skip)
	if err != nil {
		return nil, err
	}
	return each(ctx, refs, func(ctx context.Context, i int) Outcome {
		ended, err := s.disconnect(ctx, c, refs[i], sequenceID, records[i])
		return Outcome{Record: refs[i], Already: ended == 0, Err: err}
	}), nil
}

// readSelection checks a selection and reads its records; nil where there is
// none.
func (s *Connections) readSelection(ctx context.Context, c sales.Caller, refs []rows.Ref, mixed bool) ([]*rows.Row, error) {
	switch n := len(refs); {
	case n == 0:
		return nil, sales.Refuse(sales.Invalid, "Records has 0 entries; it takes 1 to %d", MaxSelection)
	case n > MaxSelection:
		return nil, sales.Use{Name: sales.SelectedRecords, Used: n, Most: MaxSelection}.Exceeded(sales.Invalid, "Records has %d entries; it takes 1 to %d", n, MaxSelection)
	}
	seen := map[rows.Ref]bool{}
	for _, ref := range refs {
		if err := sales.Connectable(s.db.Schema(), ref.Table); err != nil {
			return nil, err
		}
		if seen[ref] {
			return nil, sales.Refuse(sales.Invalid, "Records names %v twice", ref)
		}
		seen[ref] = true
		if err := s.authorize(c, ref.Table); err != nil {
			return nil, err
		}
	}
	if _, err := s.principals.Admit(ctx, c); err != nil { // once, not by each record
		return nil, err
	}
	records, err := s.db.Get(ctx, refs...)
	if err != nil {
		return nil, sales.Public(err)
	}
	if mixed {
		return records, nil
	}
	return records, refuseMixed(records)
}

// refuseMixed refuses a mixed selection; records that are not there do not
// count.
func refuseMixed(records []*rows.Row) error {
	on, off := 0, 0
	for _, record := range records {
		switch {
		case record == nil:
		case (sales.Record{Row: record}).Connected():
			on++
		default:
			off++
		}
	}
	if on > 0 && off > 0 {
		return sales.Refuse(sales.Precondition, "the selection mixes %d connected and %d unconnected records; choose one kind, or set SkipConnected", on, off)
	}
	return nil
}

// each does something to every record of a selection. A panic is the outcome of one
// record.
func each(ctx context.Context, refs []rows.Ref, do func(ctx context.Context, i int) Outcome) []Outcome {
	outcomes := make([]Outcome, len(refs))
	var group errgroup.Group
	group.SetLimit(sales.AtOnce)
	for i := range refs {
		group.Go(func() error {
			err := sales.Contain(func() error {
				outcomes[i] = do(ctx, i)
				return nil
			})
			if err != nil {
				outcomes[i] = Outcome{Record: refs[i], Err: fmt.Errorf("%v: %w", refs[i], err)}
			}
			return nil
		})
	}
	_ = group.Wait() // no function of the group fails
	return outcomes
}
