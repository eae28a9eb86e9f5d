package connection

import (
	"context"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/principal"
	"segue/internal/sales/sequence"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// StepRules let a seller complete or skip the open step, which makes the next
// one or completes the target (docs/domain.md §5.2, §5.3).
func (s *Connections) StepRules() entity.Rules { return stepRules{connections: s} }

type stepRules struct {
	entity.Plain
	connections *Connections
}

// Delete implements [entity.Rules].
func (stepRules) Delete(context.Context, *rows.Tx, *rows.Row) (keep bool, err error) {
	return false, sales.Refuse(sales.Precondition, "a step is never deleted; skip it (statuscode 3) or disconnect the record")
}

// Update implements [entity.Rules].
func (r stepRules) Update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	step := sequence.TargetStep{Row: row}
	wasActive, active, status := before[name.Statecode] == schema.Int(int64(sequence.StepActive)), step.State() == sequence.StepActive, step.Status()
	switch {
	case !wasActive && (active || before[name.Statuscode] != schema.Int(int64(status))):
		return sales.Refuse(sales.Precondition, "step %q is done (statuscode %v) and stays so", step.Name(), before[name.Statuscode])
	case !wasActive || active: // done before or open after: nothing is finished by this
		return nil
	case status == sequence.StepCompleted && step.Type() == sequence.Wait:
		return sales.Refuse(sales.Precondition, "a wait is not completed; once it is due, or before, skip it (statuscode 3): nothing does so by itself in this version")
	case status != sequence.StepCompleted && status != sequence.StepSkipped:
		return sales.Refuse(sales.Precondition, "a step is completed (statuscode 2) or skipped (statuscode 3); it is cancelled by disconnecting the record")
	}
	return r.finishStep(ctx, tx, row, status)
}

// finishStep advances the target of an open step. The definition comes from the
// cache and the target is changed without being read: the commit demands that it
// is live, at this step and of that definition's version. Where the cache cannot
// be right, or was not, everything is read.
func (r stepRules) finishStep(ctx context.Context, tx *rows.Tx, row *rows.Row, status sequence.StepStatus) error {
	step := sequence.TargetStep{Row: row}
	position := step.Position()
	known, err := r.connections.sequences.Sequence(ctx, step.Sequence())
	if err != nil {
		return err
	}
	if _, there := known.Definition.Find(position.Step); !there || tx.Again() {
		return r.finishStepRead(ctx, tx, row, status, known)
	}
	out := sequence.Advance(known.Definition, position, sequence.Closing{As: status}, worktime.Schedule{}, r.connections.db.Now())
	if out.NextID == "" { // the connection ends, which its record must be told
		return r.finishStepRead(ctx, tx, row, status, known)
	}
	return r.advanceTarget(ctx, tx, row, out, known.Definition.Version)
}

// finishStepRead is finishStep with the target and its record read, and the sequence
// too unless the known one is active and of the target's version.
func (r stepRules) finishStepRead(ctx context.Context, tx *rows.Tx, row *rows.Row, status sequence.StepStatus, known authoring.Sequence) error {
	step := sequence.TargetStep{Row: row}
	position := step.Position()
	found, err := tx.Load(ctx, rows.RefTo(name.SequenceTarget, position.Target), rows.Ref{Table: position.Record.Table, ID: position.Record.ID})
	if err != nil {
		return err
	}
	if found[0] == nil {
		return sales.NoRow(rows.RefTo(name.SequenceTarget, position.Target))
	}
	target := sequence.Target{Row: found[0]}
	if known.Definition.Version != target.Version() { // an inactive one has none
		if known, err = r.connections.sequences.ReadIn(ctx, tx, step.Sequence()); err != nil {
			return err
		}
	}
	if !known.Active {
		return sales.Refuse(sales.Precondition, "the sequence of step %q has been deactivated; its connections are being ended", step.Name())
	}
	out := sequence.Advance(known.Definition, position, sequence.Closing{As: status}, worktime.Schedule{}, r.connections.db.Now())
	if err := r.advanceTarget(ctx, tx, row, out, target.Version()); err != nil {
		return err
	}
	if out.NextID != "" {
		return nil
	}
	return freeGuard(found[1], known.ID, position.Target)
}

// advanceTarget closes an open step and opens the next one, or ends the target,
// which must be live, at this step and of that version at commit: else somebody has
// ended it or gone on, and its next step is not this one's.
func (r stepRules) advanceTarget(ctx context.Context, tx *rows.Tx, row *rows.Row, out sequence.Outcome, version int64) error {
	row.SetAll(r.connections.expiring(out.Step))
	if out.NextID == "" {
		r.connections.expiring(out.Target)
	} else {
		if err := r.setUnit(ctx, tx, row, out.Next); err != nil {
			return err
		}
		tx.Create(tx.Schema().Table(name.SequenceTargetStep), string(out.NextID), out.Next)
	}
	target := sequence.TargetStep{Row: row}.Position().Target
	tx.Patch(tx.Schema().Table(name.SequenceTarget), string(target), out.Target, map[string]schema.Value{
		name.Statecode: schema.Int(int64(sequence.TargetActive)), name.SegueCurrentstep: schema.RefTo(name.SequenceTargetStep, row.ID),
		name.MsdynParentsequenceversion: schema.Int(version),
	})
	return nil
}

// setUnit adds to the columns of the next step the business unit of its owner. Mostly
// that is the owner of the step before or of a target that has been read.
func (r stepRules) setUnit(ctx context.Context, tx *rows.Tx, row *rows.Row, next map[string]schema.Value) error {
	owner, _ := next[name.Ownerid].Ref()
	target := tx.Held(rows.RefTo(name.SequenceTarget, sequence.TargetStep{Row: row}.Position().Target))
	for _, known := range []*rows.Row{row, target} {
		if known != nil && known.Lookup(name.Ownerid) == owner {
			next[name.Owningbusinessunit] = principal.UnitOfRow(known)
			return nil
		}
	}
	unit, err := r.connections.principals.UnitOf(ctx, owner)
	if err != nil {
		return err
	}
	next[name.Owningbusinessunit] = principal.UnitValue(unit)
	return nil
}
