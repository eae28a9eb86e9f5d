package worklist

import (
	"context"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
)

// Reopen takes back that a step was completed or skipped: it is open again, and the step after
// it is gone, as if it had never been opened. That is refused once it cannot be true any more:
// somebody has touched the next step, something has been sent or done in the world, or the
// target has ended, for an ended target never lives again (docs/domain.md §5.2). A step that is
// open stays as it is.
func (w *Worklist) Reopen(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceTargetStepID) (Result, error) {
	row, err := w.load(ctx, tx, c, id)
	if err != nil {
		return Result{}, err
	}
	step := sequence.TargetStep{Row: row}
	if step.State() == sequence.StepActive {
		return Result{Step: row}, nil
	}
	if err := reopenable(step); err != nil {
		return Result{}, err
	}
	position := step.Position()
	found, err := tx.Load(ctx, rows.RefTo(name.SequenceTarget, position.Target), rows.RefTo(name.SentEmail, mailing.SendID(id)))
	if err != nil {
		return Result{}, err
	}
	target, sent := found[0], found[1]
	switch view := (sequence.Target{Row: target}); {
	case target == nil:
		return Result{}, sales.NoRow(rows.RefTo(name.SequenceTarget, position.Target))
	case !view.Live():
		return Result{}, sales.Refuse(sales.Precondition, "the connection of step %q has ended and does not begin again; connect the record once more", step.Name())
	case view.Version() != position.Version:
		return Result{}, sales.Refuse(sales.Precondition, "step %q is of version %d of its sequence and the connection goes by version %d", step.Name(), position.Version, view.Version())
	case sent != nil:
		return Result{}, sales.Refuse(sales.Precondition, "the email of step %q has been sent, or may have been", step.Name())
	}
	return Result{Step: row}, w.reopen(ctx, tx, row, target)
}

// reopen takes the current step of a live target away and opens the one before it.
func (w *Worklist) reopen(ctx context.Context, tx *rows.Tx, row, target *rows.Row) error {
	step := sequence.TargetStep{Row: row}
	position := step.Position()
	definition, err := w.parts.Sequences.Version(ctx, step.Sequence(), position.Version)
	if err != nil {
		return err
	}
	at, there := definition.Find(position.Step)
	if !there {
		return sales.Refuse(sales.Precondition, "version %d of the sequence has no step %q", position.Version, step.Name())
	}
	if err := w.takeAway(ctx, tx, definition, row, target); err != nil {
		return err
	}
	before, err := w.before(ctx, position)
	if err != nil {
		return err
	}
	onTarget, onStep := definition.Undo(position, at, name.SequenceTargetStepID(row.ID), row.Columns()[name.SegueSystem], before)
	target.SetAll(onTarget)
	row.SetAll(onStep)
	return nil
}

// reopenable refuses a step of which closing it was not all that happened.
func reopenable(step sequence.TargetStep) error {
	_, linked := step.Activity()
	waits := step.Type() == sequence.Wait || step.Type() == sequence.Condition
	switch {
	case step.Status() == sequence.StepCancelled:
		return sales.Refuse(sales.Precondition, "step %q was cancelled when its connection ended", step.Name())
	case linked:
		return sales.Refuse(sales.Precondition, "step %q has an activity, which stays on the timeline as it was closed", step.Name())
	case step.Type().BySystem() && (step.Status() == sequence.StepCompleted || !waits):
		return sales.Refuse(sales.Precondition, "step %q is the system's, and what it has done is not undone", step.Name())
	}
	return nil
}

// takeAway deletes the open step of a target, if it follows a step directly and nobody has
// touched it. Its id is used again when the step is closed again.
func (w *Worklist) takeAway(ctx context.Context, tx *rows.Tx, definition sequence.Definition, row, target *rows.Row) error {
	ref := rows.RefTo(name.SequenceTargetStep, sequence.Target{Row: target}.CurrentStep())
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return err
	}
	next := found[0]
	if next == nil {
		return sales.NoRow(ref)
	}
	view := sequence.TargetStep{Row: next}
	_, linked := view.Activity()
	switch {
	case !follows(next, row):
		return sales.Refuse(sales.Precondition, "the connection has gone on: it is at step %q", view.Name())
	case view.Type() == sequence.AutomatedEmail || view.Type() == sequence.AutomatedText || view.Type() == sequence.AutoAction:
		// The system is about to do it, or has and has not noted it yet.
		return sales.Refuse(sales.Precondition, "the next step %q is the system's, which may be doing it now", view.Name())
	case linked:
		return sales.Refuse(sales.Precondition, "the next step %q has an activity on the timeline", view.Name())
	case !definition.Untouched(view):
		return sales.Refuse(sales.Precondition, "the next step %q has been changed since it was opened", view.Name())
	}
	tx.Delete(next)
	return nil
}

// before returns the step that was closed before a step of a target, "" for none, and for one that
// is not kept any more.
func (w *Worklist) before(ctx context.Context, position sequence.Position) (sequence.StepID, error) {
	if position.Passed == 0 {
		return "", nil
	}
	closed, err := w.at(ctx, position.Target, position.Passed-1)
	if err != nil || closed == nil {
		return "", err
	}
	return sequence.TargetStep{Row: closed}.Position().Step, nil
}
