package worklist

import (
	"context"
	"strings"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/progress"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// emailSent is the outcome of a step that is an email.
const emailSent = "sent"

// Complete completes an open step of a seller. outcome is what came of it, "" for nothing to
// say: of a phone call its result, a status reason of a phone call that has ended, by value or
// label (docs/domain.md §6.3); of an email that it was sent; no other step has one.
func (w *Worklist) Complete(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceTargetStepID, outcome string) (Result, error) {
	row, err := w.load(ctx, tx, c, id)
	if err != nil {
		return Result{}, err
	}
	closing, err := completing(tx.Schema(), sequence.TargetStep{Row: row}, outcome)
	if err != nil {
		return Result{}, err
	}
	return w.close(ctx, tx, row, closing)
}

// Skip goes on without an open step, of the system too. A condition takes the No branch.
func (w *Worklist) Skip(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceTargetStepID) (Result, error) {
	row, err := w.load(ctx, tx, c, id)
	if err != nil {
		return Result{}, err
	}
	return w.close(ctx, tx, row, sequence.Closing{As: sequence.StepSkipped})
}

// SkipWait ends a wait before its time. The step is the wait, or the one before it, by which a
// seller knows it: the wait after a step that is closed is the same whenever it is asked for.
func (w *Worklist) SkipWait(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceTargetStepID) (Result, error) {
	row, err := w.load(ctx, tx, c, id)
	if err != nil {
		return Result{}, err
	}
	if step := (sequence.TargetStep{Row: row}); step.Type() != sequence.Wait && step.State() != sequence.StepActive {
		next, err := w.after(ctx, tx, row)
		if err != nil {
			return Result{}, err
		}
		if next != nil {
			if row, err = w.load(ctx, tx, c, name.SequenceTargetStepID(next.ID)); err != nil {
				return Result{}, err
			}
		}
	}
	if step := (sequence.TargetStep{Row: row}); step.Type() != sequence.Wait {
		return Result{}, sales.Refuse(sales.Precondition, "step %q is not a wait, and no wait has been opened after it", step.Name())
	}
	return w.close(ctx, tx, row, sequence.Closing{As: sequence.StepSkipped})
}

// close closes a step, or finds it closed in the same way.
func (w *Worklist) close(ctx context.Context, tx *rows.Tx, row *rows.Row, closing sequence.Closing) (Result, error) {
	step := sequence.TargetStep{Row: row}
	if step.State() != sequence.StepActive {
		// What was decided on the way is told after the words of whoever closed the step.
		told := row.Text(name.MsdynTriggeroutcome)
		same := closing.Note == "" || told == closing.Note || strings.HasPrefix(told, closing.Note+"; ")
		if step.Status() != closing.As || !same {
			return Result{}, sales.Refuse(sales.Precondition, "step %q is done (statuscode %d, outcome %q) and stays so", step.Name(), step.Status(), told)
		}
		next, err := w.after(ctx, tx, row)
		return Result{row, next}, err
	}
	if err := progress.Closable(step, closing.As); err != nil {
		return Result{}, err
	}
	next, err := w.parts.Progress.FinishTo(ctx, tx, row, closing)
	if err != nil || next == "" {
		return Result{Step: row}, err
	}
	return Result{row, tx.Held(rows.RefTo(name.SequenceTargetStep, next))}, nil
}

// completing returns how a step is completed with an outcome, which its kind must allow.
func completing(s *schema.Schema, step sequence.TargetStep, outcome string) (sequence.Closing, error) {
	closing := sequence.Closing{As: sequence.StepCompleted}
	if outcome == "" {
		return closing, nil
	}
	switch step.Type() {
	case sequence.PhoneCall:
		for _, state := range s.Table(name.PhoneCall).States {
			for _, option := range state.Statuses {
				if result, ok := progress.CallResult(s, outcome); ok && result == option.Value && state.Value != 0 {
					closing.Result, closing.Note = result, option.Label
					return closing, nil
				}
			}
		}
		return closing, sales.Refuse(sales.Invalid, "Outcome: %q is not how a phone call ends; it is a statuscode of %s in state 1 or 2, by value or label", outcome, name.PhoneCall)
	case sequence.Email:
		if strings.EqualFold(outcome, emailSent) {
			closing.Note = emailSent
			return closing, nil
		}
		return closing, sales.Refuse(sales.Invalid, "Outcome: %q is not what becomes of an email; it is %q", outcome, emailSent)
	case sequence.Wait, sequence.Condition, sequence.AutomatedEmail, sequence.AutoAction, sequence.LinkedIn, sequence.AutomatedText, sequence.ABTest, sequence.Task, sequence.TextMessage:
	}
	return closing, sales.Refuse(sales.Invalid, "Outcome: a step of type %d has none; phone calls and emails have", step.Type())
}
