package worklist

import (
	"context"
	"time"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// MaxSnooze is how long a step can be put off.
const MaxSnooze = 366 * 24 * time.Hour

// maxSnoozes is up to where it is counted how often a step was put off (docs/domain.md §4.3).
const maxSnoozes = 10000

// Snooze puts an open step of a seller off until a moment to come. A step that is due then
// already stays as it is.
func (w *Worklist) Snooze(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceTargetStepID, until time.Time) (Result, error) {
	row, err := w.load(ctx, tx, c, id)
	if err != nil {
		return Result{}, err
	}
	step := sequence.TargetStep{Row: row}
	until = until.UTC().Truncate(time.Second) // as rows keep moments
	switch {
	case step.State() != sequence.StepActive:
		return Result{}, closed(step)
	case step.Type().BySystem():
		return Result{}, sales.Refuse(sales.Precondition, "step %q is the system's and cannot be snoozed; skip it", step.Name())
	case step.Due().Equal(until): // also after that moment: the call has come again
		return Result{Step: row}, nil
	case !until.After(tx.Now()):
		return Result{}, sales.Refuse(sales.Invalid, "Until: %s is not in the future", until.Format(time.RFC3339))
	case until.After(tx.Now().Add(MaxSnooze)):
		return Result{}, sales.Refuse(sales.Invalid, "Until: %s is more than %d days from now", until.Format(time.RFC3339), int(MaxSnooze/(24*time.Hour)))
	}
	row.Set(name.MsdynDuetime, schema.Time(until))
	row.Set(name.MsdynSnoozecount, schema.Int(min(row.Int(name.MsdynSnoozecount)+1, maxSnoozes)))
	return Result{Step: row}, w.parts.Progress.Activities.Keep(ctx, tx, row)
}

// Assign hands an open step to a user or a team, and that step alone: whose the later ones are
// the version of the sequence says (docs/domain.md §7.5).
func (w *Worklist) Assign(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceTargetStepID, owner schema.Lookup) (Result, error) {
	if owner.Table != name.User && owner.Table != name.Team {
		return Result{}, sales.Refuse(sales.Invalid, "Owner: a row of %s owns nothing; it is a user or a team", owner.Table)
	}
	row, err := w.load(ctx, tx, c, id)
	if err != nil {
		return Result{}, err
	}
	if step := (sequence.TargetStep{Row: row}); step.State() != sequence.StepActive {
		return Result{}, closed(step)
	}
	if row.Lookup(name.Ownerid) != owner {
		row, _, err = w.parts.Entities.UpdateIn(ctx, tx, c, row.Ref(), map[string]schema.Value{name.Ownerid: schema.Ref(owner)}, entity.If{Exists: true})
	}
	return Result{Step: row}, err
}

// closed refuses what is done with open steps alone.
func closed(step sequence.TargetStep) error {
	return sales.Refuse(sales.Precondition, "step %q is done (statuscode %d)", step.Name(), step.Status())
}
