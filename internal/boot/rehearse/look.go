package rehearse

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/rehearsal"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// list returns the rows of a table that have a value, by when they were made.
func (g *stage) list(ctx context.Context, table, column string, v schema.Value) ([]*rows.Row, error) {
	where := &filter.Group{Logic: filter.And, Items: []filter.Node{&filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{v}}}}
	page, err := g.Entities.List(ctx, sales.Engine(), table, query.Query{Where: where, Limit: 1000})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(page.Rows, func(a, b *rows.Row) int { return a.Time(name.Createdon).Compare(b.Time(name.Createdon)) })
	return page.Rows, nil
}

// targets returns the connections of the record, the latest last.
func (g *stage) targets(ctx context.Context) ([]*rows.Row, error) {
	if g.record.ID == "" {
		return nil, nil
	}
	targets, err := g.list(ctx, name.SequenceTarget, name.MsdynTarget, schema.RefTo(g.record.Table, g.record.ID))
	slices.SortStableFunc(targets, func(a, b *rows.Row) int { return cmp.Compare(a.Int(name.SegueEntry), b.Int(name.SegueEntry)) })
	return targets, err
}

// steps returns the steps of the record, of all its connections, in their order.
func (g *stage) steps(ctx context.Context) ([]*rows.Row, error) {
	targets, err := g.targets(ctx)
	if err != nil {
		return nil, err
	}
	var all []*rows.Row
	for _, target := range targets {
		steps, err := g.list(ctx, name.SequenceTargetStep, name.MsdynSequencetarget, schema.RefTo(name.SequenceTarget, target.ID))
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(steps, func(a, b *rows.Row) int { return cmp.Compare(a.Int(name.SeguePosition), b.Int(name.SeguePosition)) })
		all = append(all, steps...)
	}
	return all, nil
}

// current returns the open step, nil for none.
func (g *stage) current(ctx context.Context) (*rows.Row, error) {
	steps, err := g.steps(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range slices.Backward(steps) {
		if (sequence.TargetStep{Row: row}).Status() == sequence.StepOpen {
			return row, nil
		}
	}
	return nil, nil //nolint:nilnil // none
}

// emailOf returns the closed step that has sent an email, the latest of that name, or of any.
func (g *stage) emailOf(ctx context.Context, called string) (*rows.Row, error) {
	steps, err := g.steps(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range slices.Backward(steps) {
		step := sequence.TargetStep{Row: row}
		email := step.Type() == sequence.Email || step.Type() == sequence.AutomatedEmail
		if email && step.Status() == sequence.StepCompleted && (called == "" || step.Name() == called) {
			return row, nil
		}
	}
	if called == "" {
		return nil, fmt.Errorf("no step has sent an email")
	}
	return nil, fmt.Errorf("no step %q has sent an email", called)
}

// Look implements [rehearsal.Stage].
func (g *stage) Look(ctx context.Context) (rehearsal.Scene, error) {
	targets, err := g.targets(ctx)
	if err != nil || len(targets) == 0 {
		return rehearsal.Scene{}, err
	}
	last := targets[len(targets)-1]
	scene := rehearsal.Scene{Connected: true}
	if target := (sequence.Target{Row: last}); !target.Live() {
		scene.Ended, scene.Reason = endOf(target.Status()), last.Table.Column(name.MsdynDeactivatereason).Format(last.Columns()[name.MsdynDeactivatereason], time.UTC)
		return scene, nil
	}
	open, err := g.current(ctx)
	if err != nil || open == nil {
		return scene, err
	}
	step := stepOf(open)
	scene.Step = &step
	return scene, nil
}

// endOf is how a connection has ended, in a word of a test.
func endOf(s sequence.Status) string {
	switch s {
	case sequence.Completed:
		return "completed"
	case sequence.Failed:
		return "error"
	case sequence.Disconnected, sequence.Connected, sequence.Connecting:
	}
	return "disconnected"
}

// stepOf is a step as a test tells it.
func stepOf(row *rows.Row) rehearsal.Step {
	step := sequence.TargetStep{Row: row}
	told := rehearsal.Step{
		Name: step.Name(), State: "open", Opened: row.Time(name.Createdon), Due: step.Due(), Closed: row.Time(name.MsdynCompletedon), Note: row.Text(name.MsdynTriggeroutcome),
	}
	switch step.Status() {
	case sequence.StepCompleted:
		told.State = "completed"
	case sequence.StepSkipped:
		told.State = "skipped"
	case sequence.StepCancelled:
		told.State = "cancelled"
	case sequence.StepOpen:
		if row.Int(name.MsdynErrorstate) != int64(sequence.NoError) {
			told.State = "held"
		}
	}
	return told
}

// Trace implements [rehearsal.Stage].
func (g *stage) Trace(ctx context.Context) ([]rehearsal.Step, error) {
	steps, err := g.steps(ctx)
	trace := make([]rehearsal.Step, len(steps))
	for i, row := range steps {
		trace[i] = stepOf(row)
	}
	return trace, err
}

// Holds implements [rehearsal.Stage]. An option may be told by its label.
func (g *stage) Holds(ctx context.Context, column string, value json.RawMessage) (holds bool, got string, err error) {
	if g.record.ID == "" {
		return false, "", errNoRecord
	}
	row, err := g.Entities.Retrieve(ctx, g.caller, g.record)
	if err != nil {
		return false, "", err
	}
	c := row.Table.Column(column)
	if c == nil {
		return false, "", fmt.Errorf("%s has no column %q", row.Table.Name, column)
	}
	v := row.Columns()[column]
	got = "null"
	if !v.IsNull() {
		got = c.Text(v)
	}
	label := c.Format(v, time.UTC)
	if label != got && label != "" {
		got = fmt.Sprintf("%s (%s)", got, label)
	}
	decoder := json.NewDecoder(strings.NewReader(string(value)))
	decoder.UseNumber()
	var wanted any
	if err := decoder.Decode(&wanted); err != nil {
		return false, "", fmt.Errorf("the value %s: %w", value, err)
	}
	if text, ok := wanted.(string); ok && len(c.Options) > 0 {
		return text == label, got, nil
	}
	if text, ok := wanted.(string); ok && c.Type == schema.LookupTo {
		ref, _ := v.Ref()
		return strings.EqualFold(text, ref.ID), got, nil
	}
	want, err := c.FromJSON(wanted)
	if err != nil {
		return false, "", err
	}
	return want.Equal(v), got, nil
}
