// Package worklist is what people do with the steps of their work list: complete, skip, put off,
// hand over, and take back (docs/domain.md §13.15).
//
// Each is done with the rights of its caller, in a unit of work, and answers with the step and
// the one after it. A call that comes again finds done what it asks for, answers the same and
// changes nothing; so does one that lost a race against another that asked for the same.
//
// Invariant: a step is closed by [progress.Progress.FinishTo] alone, and opened again only in the
// transaction that takes the next one away, under the condition that nobody has touched it.
package worklist

import (
	"context"

	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/progress"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Parts are what the actions work with.
type Parts struct {
	Entities  *entity.Entities
	Sequences *authoring.Sequences
	Progress  *progress.Progress
}

// Worklist is the actions. It is safe for concurrent use.
type Worklist struct{ parts Parts }

// New returns the actions on steps.
func New(parts Parts) *Worklist { return &Worklist{parts} }

// Result is a step after an action, and the one that follows it.
type Result struct {
	Step *rows.Row
	Next *rows.Row // nil while the step is open, and where its target has ended with it
}

// load returns the row of a step that a caller may do something with, as the unit of work holds it.
func (w *Worklist) load(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceTargetStepID) (*rows.Row, error) {
	return w.parts.Progress.ToChange(ctx, tx, c, id)
}

// after returns the step that was opened when one was closed, nil for none.
func (w *Worklist) after(ctx context.Context, tx *rows.Tx, row *rows.Row) (*rows.Row, error) {
	position := sequence.TargetStep{Row: row}.Position()
	found, err := tx.Load(ctx, rows.RefTo(name.SequenceTarget, position.Target))
	if err != nil {
		return nil, err
	}
	if found[0] == nil {
		return nil, sales.NoRow(rows.RefTo(name.SequenceTarget, position.Target))
	}
	current := sequence.Target{Row: found[0]}.CurrentStep()
	if string(current) == row.ID {
		return nil, nil //nolint:nilnil // the target has ended with this step
	}
	// Mostly the target is at the step asked for, which the index may not have yet.
	if found, err = tx.Load(ctx, rows.RefTo(name.SequenceTargetStep, current)); err != nil {
		return nil, err
	}
	if found[0] != nil && follows(found[0], row) {
		return found[0], nil
	}
	return w.at(ctx, position.Target, position.Passed+1)
}

// follows reports whether a step is the one after another of the same target.
func follows(next, row *rows.Row) bool {
	return sequence.TargetStep{Row: next}.Position().Passed == sequence.TargetStep{Row: row}.Position().Passed+1
}

// at returns the step of a target that is at a position of its way, nil for none.
func (w *Worklist) at(ctx context.Context, target name.SequenceTargetID, passed int) (*rows.Row, error) {
	page, err := w.parts.Entities.List(ctx, sales.Engine(), name.SequenceTargetStep, query.Query{
		Limit: sequence.MaxPath + 1,
		Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
			&filter.Condition{Column: name.MsdynSequencetarget, Operator: filter.Eq, Values: []schema.Value{schema.RefTo(name.SequenceTarget, target)}},
		}},
	})
	if err != nil {
		return nil, err
	}
	for _, row := range page.Rows {
		if (sequence.TargetStep{Row: row}).Position().Passed == passed {
			return row, nil
		}
	}
	return nil, nil //nolint:nilnil // no row is an answer
}
