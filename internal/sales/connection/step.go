package connection

import (
	"context"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
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
		return sales.Refuse(sales.Precondition, "a wait completes by itself when it is due; skip it with statuscode 3")
	case status != sequence.StepCompleted && status != sequence.StepSkipped:
		return sales.Refuse(sales.Precondition, "a step is completed (statuscode 2) or skipped (statuscode 3); it is cancelled by disconnecting the record")
	}
	return r.finishStep(ctx, tx, row, status)
}

// finishStep advances the target of an open step. The definition comes from the
// cache; the target is changed without being read, for it changes only together
// with its open step.
func (r stepRules) finishStep(ctx context.Context, tx *rows.Tx, row *rows.Row, status sequence.StepStatus) error {
	step := sequence.TargetStep{Row: row}
	parent, err := r.connections.Sequence(ctx, step.Sequence())
	if err != nil {
		return err
	}
	position := step.Position()
	// A definition that is shorter than the step's place is another version,
	// for which the sequence was deactivated in between.
	if position.Index >= len(parent.Definition.Steps) || !parent.Active {
		return sales.Refuse(sales.Precondition, "the sequence of step %q has been deactivated; its connections are being ended", step.Name())
	}
	out := sequence.Advance(parent.Definition, position, status, r.connections.db.Now())
	row.SetAll(out.Step)
	if out.NextID == "" {
		return completeTarget(ctx, tx, position, parent.ID, out.Target)
	}
	tx.Create(tx.Schema().Table(name.SequenceTargetStep), string(out.NextID), out.Next)
	// The target must be live and at this step at commit: else somebody has
	// ended it or gone on, and its next step is not this one's.
	tx.Patch(tx.Schema().Table(name.SequenceTarget), string(position.Target), out.Target, map[string]schema.Value{
		name.Statecode: schema.Int(int64(sequence.TargetActive)), name.SegueCurrentstep: schema.RefTo(name.SequenceTargetStep, row.ID),
	})
	return nil
}

// completeTarget ends the target after its last step and takes the connection
// out of the record's guard.
func completeTarget(ctx context.Context, tx *rows.Tx, position sequence.Position, sequenceID name.SequenceID, ended map[string]schema.Value) error {
	found, err := tx.Load(ctx, rows.RefTo(name.SequenceTarget, position.Target), rows.Ref{Table: position.Record.Table, ID: position.Record.ID})
	if err != nil {
		return err
	}
	if target := found[0]; target != nil && (sequence.Target{Row: target}).Live() {
		target.SetAll(ended)
	}
	return freeGuard(found[1], sequenceID, position.Target)
}
