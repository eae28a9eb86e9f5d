package progress

import (
	"context"
	"errors"
	"fmt"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/principal"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Finish closes an open step, which the unit of work holds, and opens the next one, or ends
// the target after the last (docs/domain.md §5.2). Whether its caller may do so, and whether
// a step of that type can be closed in this way, is for its caller to say.
//
// The definition comes from the cache and the target is changed without being read: the
// commit demands that it is live, at this step and of that version. Where the version is not
// known, or the connection ends, target and record are read.
func (p *Progress) Finish(ctx context.Context, tx *rows.Tx, row *rows.Row, closing sequence.Closing) error {
	_, err := p.FinishTo(ctx, tx, row, closing)
	return err
}

// FinishTo is Finish that tells which step it has opened, "" where the target has ended. The
// unit of work holds its row.
func (p *Progress) FinishTo(ctx context.Context, tx *rows.Tx, row *rows.Row, closing sequence.Closing) (next name.SequenceTargetStepID, err error) {
	step := sequence.TargetStep{Row: row}
	position := step.Position()
	known, err := p.Sequences.Sequence(ctx, step.Sequence())
	if err != nil {
		return "", err
	}
	if closing, err = p.withResult(ctx, step, closing); err != nil {
		return "", err
	}
	if !known.Active || position.Version == 0 || tx.Again() {
		return p.finishRead(ctx, tx, row, closing)
	}
	def, err := p.Sequences.Version(ctx, known.ID, position.Version)
	if errors.Is(err, sales.Precondition) { // it is not kept any more
		return p.finishRead(ctx, tx, row, closing)
	}
	if err != nil {
		return "", err
	}
	out, err := p.decide(ctx, def, position, closing)
	if err != nil {
		return "", err
	}
	if out.NextID == "" { // the connection ends, which its record must be told
		return p.finishRead(ctx, tx, row, closing)
	}
	return out.NextID, p.commit(ctx, tx, row, closing, out, def.Version)
}

// withResult adds the result of a phone call that is not told, where the organization has set
// one for the activity that the step has.
func (p *Progress) withResult(ctx context.Context, step sequence.TargetStep, closing sequence.Closing) (sequence.Closing, error) {
	if _, linked := step.Activity(); !linked || step.Type() != sequence.PhoneCall || closing.As != sequence.StepCompleted || closing.Result != 0 {
		return closing, nil
	}
	var err error
	closing.Result, err = p.Activities.Result(ctx)
	return closing, err
}

// finishRead is FinishTo with the target, its record and the sequence read.
func (p *Progress) finishRead(ctx context.Context, tx *rows.Tx, row *rows.Row, closing sequence.Closing) (next name.SequenceTargetStepID, err error) {
	step := sequence.TargetStep{Row: row}
	position := step.Position()
	found, err := tx.Load(ctx, rows.RefTo(name.SequenceTarget, position.Target), rows.Ref{Table: position.Record.Table, ID: position.Record.ID})
	if err != nil {
		return "", err
	}
	if found[0] == nil {
		return "", sales.NoRow(rows.RefTo(name.SequenceTarget, position.Target))
	}
	version := sequence.Target{Row: found[0]}.Version()
	def, err := p.definition(ctx, tx, step, version)
	if errors.Is(err, errInactive) {
		return "", &sales.Error{Kind: sales.Precondition, Text: fmt.Sprintf("the sequence of step %q has been deactivated; its connections are being ended", step.Name()), Cause: errInactive}
	}
	if err != nil {
		return "", err
	}
	out, err := p.decide(ctx, def, position, closing)
	if err != nil {
		return "", err
	}
	if err := p.commit(ctx, tx, row, closing, out, version); err != nil {
		return "", err
	}
	if out.NextID != "" {
		return out.NextID, nil
	}
	return "", connection.FreeGuard(found[1], step.Sequence(), position.Target)
}

// errInactive says that the sequence of a step is not active.
var errInactive = errors.New("the sequence has been deactivated")

// definition returns the definition by which a target of a version goes on, or [errInactive]
// where its sequence is not active even now.
func (p *Progress) definition(ctx context.Context, tx *rows.Tx, step sequence.TargetStep, version int64) (sequence.Definition, error) {
	known, err := p.Sequences.Sequence(ctx, step.Sequence())
	if err != nil {
		return sequence.Definition{}, err
	}
	if known.Definition.Version != version { // an inactive one has none
		if known, err = p.Sequences.ReadIn(ctx, tx, step.Sequence()); err != nil {
			return sequence.Definition{}, err
		}
	}
	if !known.Active {
		return sequence.Definition{}, errInactive
	}
	if known.Definition.Version == version {
		return known.Definition, nil
	}
	def, err := p.Sequences.Version(ctx, known.ID, version)
	if errors.Is(err, sales.Precondition) { // it was replaced before versions were kept
		return known.Definition, nil
	}
	return def, err
}

// decide computes what closing a step means.
func (p *Progress) decide(ctx context.Context, def sequence.Definition, position sequence.Position, closing sequence.Closing) (sequence.Outcome, error) {
	schedule, err := p.Calendars.Schedule(ctx, position.Owner, def.WorkingTime)
	if err != nil {
		return sequence.Outcome{}, err
	}
	if def.Tested() {
		known, err := p.Sequences.Sequence(ctx, def.Sequence)
		if err != nil {
			return sequence.Outcome{}, err
		}
		closing.Winners = def.Winners(known.Verdicts, p.DB.Now())
	}
	return sequence.Advance(def, position, closing, schedule, p.DB.Now()), nil
}

// commit writes an outcome into the unit of work: it closes the step and opens the next one,
// each with its activity, or ends the target, which must be live, at this step and of that version at commit: else
// somebody has ended it or gone on, and its next step is not this one's.
func (p *Progress) commit(ctx context.Context, tx *rows.Tx, row *rows.Row, closing sequence.Closing, out sequence.Outcome, version int64) error {
	row.SetAll(p.Connections.Expiring(out.Step))
	if linked, ok := (sequence.TargetStep{Row: row}).Activity(); ok {
		if err := p.Activities.Close(ctx, tx, linked, closing.As, closing.Result); err != nil {
			return err
		}
	}
	if out.NextID == "" {
		p.Connections.Expiring(out.Target)
	} else {
		if err := p.setUnit(ctx, tx, row, out.Next); err != nil {
			return err
		}
		if out.Next[name.MsdynType] == schema.Int(int64(sequence.Condition)) {
			out.Next[name.MsdynAdvancedfromstep] = schema.RefTo(name.SequenceTargetStep, row.ID) // it may ask about the email of that one
		}
		if err := p.Activities.Open(ctx, tx, out.NextID, out.Next, out.Target); err != nil {
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
func (p *Progress) setUnit(ctx context.Context, tx *rows.Tx, row *rows.Row, next map[string]schema.Value) error {
	owner, _ := next[name.Ownerid].Ref()
	target := tx.Held(rows.RefTo(name.SequenceTarget, sequence.TargetStep{Row: row}.Position().Target))
	for _, known := range []*rows.Row{row, target} {
		if known != nil && known.Lookup(name.Ownerid) == owner {
			next[name.Owningbusinessunit] = principal.UnitOfRow(known)
			return nil
		}
	}
	unit, err := p.Principals.UnitOf(ctx, owner)
	if err != nil {
		return err
	}
	next[name.Owningbusinessunit] = principal.UnitValue(unit)
	return nil
}
