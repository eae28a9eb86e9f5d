package progress

import (
	"context"
	"errors"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/activity"
	"segue/internal/sales/principal"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// ActivityRules complete the open step of an activity with it, where the organization wants it
// so (docs/domain.md §6.7): in one transaction, so exactly once, whoever is faster.
func (p *Progress) ActivityRules() entity.Rules { return activityRules{progress: p} }

type activityRules struct {
	entity.Plain
	progress *Progress
}

// Update implements [entity.Rules].
func (r activityRules) Update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	id := row.Text(name.SegueStep)
	if id == "" || before[name.Statecode] != schema.Int(activity.Open) || row.Int(name.Statecode) != activity.Completed {
		return nil
	}
	completes, err := r.progress.Activities.Completes(ctx, row.Table.Name)
	if err != nil || !completes {
		return err
	}
	found, err := tx.Load(ctx, rows.RefTo(name.SequenceTargetStep, name.SequenceTargetStepID(id)))
	if err != nil || found[0] == nil {
		return err
	}
	step := sequence.TargetStep{Row: found[0]}
	if linked, ok := step.Activity(); !ok || linked.ID != row.ID || step.State() != sequence.StepActive || step.BySystem() {
		return nil // it is done already
	}
	closing := sequence.Closing{As: sequence.StepCompleted}
	if step.Type() == sequence.PhoneCall {
		closing.Result = row.Int(name.Statuscode)
		closing.Note = row.Table.Column(name.Statuscode).Format(schema.Int(closing.Result), nil)
	}
	err = r.progress.Finish(ctx, tx, found[0], closing)
	if errors.Is(err, errInactive) { // the step is being cancelled
		return nil
	}
	return err
}

// OpenActivity makes the activity of an open step that has none, for a caller who may change the
// step, and returns it: what a seller's program does when the organization does not have it made
// with the step (docs/domain.md §6.7). A repeat returns the same activity.
func (p *Progress) OpenActivity(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceTargetStepID) (schema.Lookup, error) {
	row, err := p.ToChange(ctx, tx, c, id)
	if err != nil {
		return schema.Lookup{}, err
	}
	if kind, ok := sequence.ActivityOf(sequence.TargetStep{Row: row}.Type(), id); ok {
		if err := p.Entities.Admit(ctx, c, sales.Right{Privilege: sales.Create, Table: kind.Table}); err != nil {
			return schema.Lookup{}, err
		}
	}
	return p.Activities.OpenNow(ctx, tx, row)
}

// ToChange returns a step that a caller may change, as the unit of work holds it.
func (p *Progress) ToChange(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceTargetStepID) (*rows.Row, error) {
	if err := p.Entities.Admit(ctx, c, sales.Right{Privilege: sales.Write, Table: name.SequenceTargetStep}); err != nil {
		return nil, err
	}
	row, err := p.Entities.RetrieveIn(ctx, tx, c, rows.RefTo(name.SequenceTargetStep, id))
	if err != nil {
		return nil, err
	}
	return row, p.Principals.AuthorizeRow(ctx, c, sales.Write, principal.OwnedRow(row))
}
