package progress

import (
	"context"
	"strconv"
	"strings"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// StepRules let a seller complete or skip the open step, which makes the next
// one or completes the target (docs/domain.md §5.2, §5.3).
func (p *Progress) StepRules() entity.Rules { return stepRules{progress: p} }

type stepRules struct {
	entity.Plain
	progress *Progress
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
	case active && before[name.Ownerid] != row.Columns()[name.Ownerid]:
		return r.progress.Activities.Keep(ctx, tx, row)
	case !wasActive || active: // done before or open after: nothing is finished by this
		return nil
	case status != sequence.StepCompleted && status != sequence.StepSkipped:
		return sales.Refuse(sales.Precondition, "a step is completed (statuscode 2) or skipped (statuscode 3); it is cancelled by disconnecting the record")
	}
	if err := Closable(step, status); err != nil {
		return err
	}
	return r.progress.Finish(ctx, tx, row, closingOf(tx.Schema(), row, before))
}

// Closable refuses to let a person complete what goes on by itself; anything may be skipped.
func Closable(step sequence.TargetStep, as sequence.StepStatus) error {
	switch {
	case as == sequence.StepCompleted && step.Type() == sequence.Wait:
		return sales.Refuse(sales.Precondition, "a wait is not completed: it ends by itself when it is due; to go on before, skip it (statuscode 3)")
	case as == sequence.StepCompleted && step.BySystem():
		return sales.Refuse(sales.Precondition, "step %q is done by the system; to go on without it, skip it (statuscode 3)", step.Name())
	}
	return nil
}

// closingOf returns how a step is closed by a change of its row. What the change says of the
// outcome is the note, and of a phone call its result, where it is a status reason of the
// table of phone calls, by value or label.
func closingOf(s *schema.Schema, row *rows.Row, before map[string]schema.Value) sequence.Closing {
	step := sequence.TargetStep{Row: row}
	closing := sequence.Closing{As: step.Status()}
	outcome := row.Columns()[name.MsdynTriggeroutcome]
	if outcome.IsNull() || outcome == before[name.MsdynTriggeroutcome] {
		return closing
	}
	closing.Note = row.Text(name.MsdynTriggeroutcome)
	if step.Type() == sequence.PhoneCall {
		closing.Result, _ = CallResult(s, closing.Note)
	}
	return closing
}

// CallResult reads the result of a phone call: a status reason of the table of phone calls,
// given by its value or its label (docs/domain.md §6.2).
func CallResult(s *schema.Schema, text string) (result int64, ok bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	for _, option := range s.Table(name.PhoneCall).Column(name.Statuscode).Options {
		if err == nil && option.Value == n || strings.EqualFold(option.Label, text) {
			return option.Value, true
		}
	}
	return 0, false
}
