package sales

import (
	"context"

	"golang.org/x/sync/errgroup"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
)

// sweepSize is how many connections one change record of a sequence ends. A
// sweep that has more to do touches the sequence, whose change record goes on,
// so that the changes of other rows get their turn and a crash loses nothing.
const sweepSize = 500

// sweep ends the live connections of a sequence that is being deactivated or
// deleted (domain.md §5.1, §5.2), then the phase itself. Connections that slip
// in meanwhile are those of a process that still took the sequence for active:
// it waits until there is none (Options.Fresh), and verify catches the rest.
func (s *Service) sweep(ctx context.Context, change rows.Change) error {
	going, err := change.New.Value(phase)
	if err != nil || going == nil {
		return err
	}
	// The change may come again when the sequence is long active again.
	now, err := s.db.Get(ctx, change.Ref)
	if err != nil || now[0] == nil || now[0].Text(phase) == "" {
		return err
	}
	s.sequences.drop() // whoever changed it may not have come to that yet
	s.settle()
	done, err := s.endTargets(ctx, change.Ref.ID)
	if err != nil {
		return err
	}
	if done > 0 && done < sweepSize {
		s.settle() // an index that lagged has caught up
		done, err = s.endTargets(ctx, change.Ref.ID)
		if err != nil {
			return err
		}
	}
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, change.Ref)
		if err != nil || found[0] == nil || found[0].Text(phase) == "" {
			return err
		}
		row := found[0]
		switch {
		case done > 0:
			row.Touch()
		case row.Text(phase) == deleting:
			tx.Delete(row)
		default:
			row.Set(phase, nil)
		}
		return nil
	})
}

// endTargets ends up to sweepSize live connections of a sequence and says how
// many it found.
func (s *Service) endTargets(ctx context.Context, id string) (int, error) {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	found := 0
	for target, err := range s.lists.Each(ctx, liveTargets(s.db.Schema(), id)) {
		if err != nil {
			_ = group.Wait() // the reading error comes first
			return found, err
		}
		if found++; found > sweepSize {
			break
		}
		group.Go(func() error { return s.endTarget(groupCtx, target, sequence.SequenceEnded) })
	}
	return found, group.Wait()
}

// liveTargets selects the live targets of a sequence.
func liveTargets(tables *schema.Schema, sequenceID string) query.Query {
	equal := func(column string, v schema.Value) filter.Node {
		return &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{v}}
	}
	return query.Query{Table: tables.Table(targetTable), Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
		equal("msdyn_parentsequence", schema.Lookup{Table: sequenceTable, ID: sequenceID}), equal("statecode", int64(0)),
	}}}
}

// endTarget ends one live target and takes it out of its record's guard.
func (s *Service) endTarget(ctx context.Context, target *rows.Row, event sequence.Event) error {
	record, of := target.Lookup("msdyn_target"), target.Lookup("msdyn_parentsequence").ID
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, rows.Ref{Table: record.Table, ID: record.ID}, target.Ref())
		if err != nil {
			return err
		}
		held := found[1]
		if held == nil || held.Int("statecode") != 0 {
			return nil
		}
		s.close(tx, held, event)
		return free(found[0], of, target.ID)
	})
}

// verify ends a new target whose sequence is not active: somebody connected it
// by a definition that had just been replaced.
func (s *Service) verify(ctx context.Context, target *rows.Image) error {
	parent, err := target.Value("msdyn_parentsequence")
	if err != nil {
		return err
	}
	of, _ := parent.(schema.Lookup)
	run, err := s.sequence(ctx, of.ID)
	if err != nil || run.active {
		return err
	}
	row, err := target.Row()
	if err != nil {
		return err
	}
	return s.endTarget(ctx, row, sequence.SequenceEnded)
}

// unlink empties the links to a segment that was deleted: of its members and of
// the targets that it made (domain.md §8.6). The connections stay. It reads the
// whole tables, which is fair for an operation as rare.
func (s *Service) unlink(ctx context.Context, change rows.Change) error {
	kind, err := change.Old.Value(entityType)
	if err != nil {
		return err
	}
	name, _ := kind.(string)
	s.settle() // until nobody evaluates by a catalogue that has it
	if err := s.unlinkIn(ctx, targetTable, "msdyn_segment", change.Ref.ID); err != nil {
		return err
	}
	return s.unlinkIn(ctx, name, segmentID, change.Ref.ID)
}

func (s *Service) unlinkIn(ctx context.Context, name, column, id string) error {
	gone := schema.Lookup{Table: segmentTable, ID: id}
	for row, err := range s.lists.Each(ctx, query.Query{Table: s.db.Schema().Table(name)}) {
		if err != nil {
			return err
		}
		if row.Lookup(column) != gone {
			continue
		}
		err = s.db.Do(ctx, "", func(tx *rows.Tx) error {
			found, err := tx.Load(ctx, row.Ref())
			if err == nil && found[0] != nil && found[0].Lookup(column) == gone {
				found[0].Set(column, nil)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
