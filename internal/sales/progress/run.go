package progress

import (
	"context"
	"errors"
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Run does an open step of the system, as far as its time has come: it closes the step and
// opens the next one, leaves it for later, or holds it. Any other step it leaves alone. The
// error is one that another call may not meet, see [sales.Transient]; whatever else goes wrong
// is tried again by the due list, at most maxTries times, and then held.
func (p *Progress) Run(ctx context.Context, step name.SequenceTargetStepID) error {
	return p.run(ctx, rows.RefTo(name.SequenceTargetStep, step), nil)
}

// TakeUp is Run of a step that is due, as a [sales.DueHandler].
func (p *Progress) TakeUp(ctx context.Context, due *rows.Row) error {
	return p.run(ctx, due.Ref(), due)
}

// Anywhere reports whether a due step can be done by every process that does steps: an email
// needs one that has what sends it, and would be held by another.
func Anywhere(due *rows.Row) bool {
	return (sequence.TargetStep{Row: due}).Type() != sequence.AutomatedEmail
}

// run is Run with the row possibly read already.
func (p *Progress) run(ctx context.Context, ref rows.Ref, row *rows.Row) error {
	if row == nil {
		found, err := p.DB.Get(ctx, ref)
		if err != nil {
			return err
		}
		row = found[0]
	}
	if !toDo(row) {
		return nil
	}
	var err error
	if (sequence.TargetStep{Row: row}).Type() == sequence.AutomatedEmail {
		err = p.sendEmail(ctx, row)
	} else {
		err = p.DB.Do(ctx, "", func(tx *rows.Tx) error { return p.runIn(ctx, tx, row) })
	}
	switch held, isHeld := errors.AsType[*heldError](err); {
	case err == nil || sales.Transient(err):
		return err
	case isHeld:
		return p.hold(ctx, ref, held.as, held.reason)
	}
	return p.tryLater(ctx, ref, err)
}

// toDo reports whether a step is open and the system's.
func toDo(row *rows.Row) bool {
	step := sequence.TargetStep{Row: row}
	return row != nil && step.State() == sequence.StepActive && step.BySystem()
}

// heldError says why a step is held.
type heldError struct {
	as     sequence.StepError
	reason string
}

// Error is the reason.
func (e *heldError) Error() string { return e.reason }

// heldBy makes a refusal the reason for which a step is held; any other failure stays one.
func heldBy(as sequence.StepError, err error) error {
	if _, refused := errors.AsType[*sales.Error](err); !refused || sales.Transient(err) {
		return err
	}
	return &heldError{as, err.Error()}
}

// again returns the row of a step as a unit of work is to write it: as it was read the first
// time, and read again when that was too old. It is nil where nothing is left to do.
func again(ctx context.Context, tx *rows.Tx, row *rows.Row) (*rows.Row, error) {
	if !tx.Again() {
		tx.Hold(row)
	}
	found, err := tx.Load(ctx, row.Ref())
	if err != nil || !toDo(found[0]) {
		return nil, err
	}
	return found[0], nil
}

// runIn is run in a unit of work.
func (p *Progress) runIn(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	row, err := again(ctx, tx, row)
	if row == nil {
		return err
	}
	step := sequence.TargetStep{Row: row}
	def, err := p.definition(ctx, tx, step, step.Position().Version)
	if errors.Is(err, errInactive) { // its connections are being ended
		row.Set(name.MsdynDuetime, schema.Time(p.DB.Now().Add(soon)))
		return nil
	}
	if err != nil {
		return err
	}
	at, there := def.Find(step.Position().Step)
	if !there {
		return p.Finish(ctx, tx, row, sequence.Closing{As: sequence.StepCompleted})
	}
	planned := def.Steps[at]
	if planned.Type == sequence.AutoAction {
		return p.act(ctx, tx, row, planned)
	}
	asked, err := p.ask(ctx, tx, row, def, planned)
	if err != nil {
		return err
	}
	verdict := sequence.Decide(planned, asked)
	switch {
	case verdict.Close != nil:
		return p.Finish(ctx, tx, row, *verdict.Close)
	case verdict.Held != sequence.NoError:
		return &heldError{verdict.Held, verdict.Note}
	case !verdict.Until.Equal(step.Due()): // a try that failed has moved it
		row.Set(name.MsdynDuetime, schema.Time(verdict.Until))
	}
	return nil
}

const (
	soon     = time.Minute // until what is due is looked at again
	maxTries = 5
)

// hold gives a step that the system cannot do to its owner, with the reason.
func (p *Progress) hold(ctx context.Context, ref rows.Ref, as sequence.StepError, reason string) error {
	return p.DB.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, ref)
		if err != nil || !toDo(found[0]) {
			return err
		}
		p.holdIn(tx, found[0], as, reason)
		return nil
	})
}

func (p *Progress) holdIn(tx *rows.Tx, row *rows.Row, as sequence.StepError, reason string) {
	row.SetAll(sequence.Held(as, reason))
	mirror(tx, row)
}

// mirror tells the target of a step who does it, if it is at the step.
func mirror(tx *rows.Tx, row *rows.Row) {
	target := sequence.TargetStep{Row: row}.Position().Target
	tx.Patch(tx.Schema().Table(name.SequenceTarget), string(target), map[string]schema.Value{name.SegueSystem: row.Columns()[name.SegueSystem]}, map[string]schema.Value{
		name.Statecode: schema.Int(int64(sequence.TargetActive)), name.SegueCurrentstep: schema.RefTo(name.SequenceTargetStep, row.ID),
	})
}

// tryLater notes that a step could not be done, for a reason that may pass, and puts it off:
// twice as long each time. After maxTries it is held.
func (p *Progress) tryLater(ctx context.Context, ref rows.Ref, failure error) error {
	return p.DB.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, ref)
		if err != nil || !toDo(found[0]) {
			return err
		}
		row := found[0]
		tries := row.Int(name.SegueTries) + 1
		row.Set(name.SegueTries, schema.Int(tries))
		if tries >= maxTries {
			p.holdIn(tx, row, failureOf(sequence.TargetStep{Row: row}), failure.Error())
			return nil
		}
		row.Set(name.MsdynDuetime, schema.Time(p.DB.Now().Add(soon<<(tries-1))))
		return nil
	})
}

// failureOf is what has failed when a step has.
func failureOf(step sequence.TargetStep) sequence.StepError {
	switch step.Type() {
	case sequence.AutomatedEmail:
		return sequence.EmailNotSent
	case sequence.AutomatedText:
		return sequence.TextMessageFailed
	case sequence.AutoAction:
		if sequence.Subtype(step.Row.Int(name.MsdynSubtype)) == sequence.AdvanceToOther {
			return sequence.AdvanceFailed
		}
		return sequence.UpdateFailed
	case sequence.Wait, sequence.Condition, sequence.LinkedIn, sequence.ABTest, sequence.Email, sequence.PhoneCall, sequence.Task, sequence.TextMessage:
	}
	return sequence.ConditionFailed
}

// Retry has the system try a step again that it has held, for a caller who may change it. An
// email of which nobody knows whether it was sent is then sent again. A step that the system is
// to do anyway is left as it is.
func (p *Progress) Retry(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceTargetStepID) error {
	row, err := p.ToChange(ctx, tx, c, id)
	if err != nil {
		return err
	}
	if toDo(row) {
		return nil
	}
	return p.retry(ctx, tx, row)
}

// retry is Retry of a row that the unit of work holds.
func (p *Progress) retry(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	step := sequence.TargetStep{Row: row}
	if step.State() != sequence.StepActive || step.Error() == sequence.NoError || !step.Type().BySystem() {
		return sales.Refuse(sales.Precondition, "step %q is not one that the system could not do; complete or skip it", step.Name())
	}
	due := p.DB.Now()
	if step.Type() == sequence.Wait { // nobody could tell when it is over
		def, err := p.Sequences.Version(ctx, step.Sequence(), step.Position().Version)
		if err != nil {
			return err
		}
		schedule, err := p.Calendars.Schedule(ctx, step.Position().Owner, def.WorkingTime)
		if err != nil {
			return err
		}
		if at, there := def.Find(step.Position().Step); there {
			result, err := def.Steps[at].Due(schedule, row.Time(rows.CreatedOn))
			if err != nil {
				return sales.Refuse(sales.Precondition, "step %q: %v", step.Name(), err)
			}
			due = result.Due
		}
	}
	if step.Type() == sequence.AutomatedEmail {
		if err := p.Mailing.ForgetIn(ctx, tx, name.SequenceTargetStepID(row.ID)); err != nil {
			return err
		}
	}
	row.SetAll(map[string]schema.Value{
		name.SegueSystem: schema.Bool(true), name.MsdynDuetime: schema.Time(due),
		name.MsdynErrorstate: schema.Null(), name.MsdynTriggeroutcome: schema.Null(), name.SegueTries: schema.Null(),
	})
	mirror(tx, row)
	return nil
}
