package workqueue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// steps reads the open steps of owners, those that are due first and [MaxSteps] at most;
// more says that there are others.
func (q *Queues) steps(ctx context.Context, c sales.Caller, owners []schema.Lookup, now time.Time) (steps []*rows.Row, more bool, err error) {
	request := q.entities.Request(c)
	for _, owner := range owners {
		where := openSteps(owner, now)
		if len(steps) == MaxSteps { // what is due later than all of these would be cut again
			last := sequence.TargetStep{Row: steps[MaxSteps-1]}.Due()
			where.Items = append(where.Items, &filter.Condition{Column: name.MsdynDuetime, Operator: filter.Le, Values: []schema.Value{schema.Time(last)}})
		}
		page, err := request.List(ctx, name.SequenceTargetStep, query.Query{
			Where: where, Order: []query.Order{{Column: name.MsdynDuetime}}, Limit: MaxSteps,
		})
		if err != nil {
			return nil, false, err
		}
		// Cut after each owner, so that no more is held than the steps of two.
		steps = append(steps, page.Rows...)
		slices.SortFunc(steps, func(a, b *rows.Row) int {
			return sequence.TargetStep{Row: a}.Due().Compare(sequence.TargetStep{Row: b}.Due())
		})
		more = more || page.Token != "" || len(steps) > MaxSteps
		steps = steps[:min(len(steps), MaxSteps)]
	}
	return steps, more, nil
}

// openSteps is the condition by which the index of a seller's open steps is read.
func openSteps(owner schema.Lookup, now time.Time) *filter.Group {
	is := func(column string, operator filter.Operator, values ...schema.Value) filter.Node {
		return &filter.Condition{Column: column, Operator: operator, Values: values}
	}
	return &filter.Group{Logic: filter.And, Items: []filter.Node{
		is(name.Ownerid, filter.Eq, schema.Ref(owner)), is(name.Statecode, filter.Eq, schema.Int(int64(sequence.StepActive))),
		is(name.SegueSystem, filter.Null), is(name.MsdynDuetime, filter.Ge, schema.Time(now.Add(-Window))),
	}}
}

// reader reads what belongs to items, each row once, as a caller sees it.
type reader struct {
	*Queues
	caller sales.Caller
	rows   map[rows.Ref]*rows.Row // nil: it is not there, or the caller may not read it
}

func (q *Queues) reader(c sales.Caller) *reader {
	return &reader{q, c, map[rows.Ref]*rows.Row{}}
}

// read reads those rows that it has not yet.
func (r *reader) read(ctx context.Context, refs []rows.Ref) error {
	var missing []rows.Ref
	for _, ref := range refs {
		if _, known := r.rows[ref]; !known && r.db.Schema().Table(ref.Table) != nil {
			r.rows[ref], missing = nil, append(missing, ref)
		}
	}
	found, err := r.db.Get(ctx, missing...)
	if err != nil {
		return fmt.Errorf("read what a list shows: %w", err)
	}
	for _, row := range found {
		if row == nil {
			continue
		}
		if row.Table.Name == name.WorkMark { // the caller's own
			r.rows[row.Ref()] = row
			continue
		}
		may, err := r.entities.MayRead(ctx, r.caller, row)
		if err != nil {
			return fmt.Errorf("may %v be read: %w", row.Ref(), err)
		}
		if may {
			r.rows[row.Ref()] = row
		}
	}
	return nil
}

// records reads the records of items, and fills in what they tell.
func (r *reader) records(ctx context.Context, items []Item) error {
	refs := make([]rows.Ref, len(items))
	for i, item := range items {
		refs[i] = rows.Ref{Table: item.Record.Table, ID: item.Record.ID}
	}
	if err := r.read(ctx, refs); err != nil {
		return err
	}
	for i := range items {
		if record := r.rows[refs[i]]; record != nil {
			items[i].RecordName = record.Text(record.Table.PrimaryName)
			items[i].Score, items[i].Grade = number(record, record.Table.Score), number(record, record.Table.Grade)
		}
	}
	return nil
}

// number returns a column of whole numbers, nil where there is none.
func number(row *rows.Row, column string) *int64 {
	v, _ := row.Value(column) // a row always has a value, if only null
	if n, ok := v.Int(); ok {
		return &n
	}
	return nil
}

// sequences reads the sequences of items, and fills in what they tell.
func (r *reader) sequences(ctx context.Context, items []Item) error {
	refs := make([]rows.Ref, len(items))
	for i, item := range items {
		refs[i] = rows.RefTo(name.Sequence, item.Step.Sequence())
	}
	if err := r.read(ctx, refs); err != nil {
		return err
	}
	for i := range items {
		if row := r.rows[refs[i]]; row != nil {
			items[i].SequenceName = sequence.Sequence{Row: row}.Name()
		}
	}
	return nil
}

// all reads all that belongs to the items of a page, in one go as far as it was not read
// before.
func (r *reader) all(ctx context.Context, items []Item) error {
	var refs []rows.Ref
	for _, item := range items {
		record := rows.Ref{Table: item.Record.Table, ID: item.Record.ID}
		refs = append(refs, rows.RefTo(name.SequenceTarget, item.Step.Position().Target), rows.RefTo(name.Sequence, item.Step.Sequence()),
			record, markOf(r.caller.ID, record))
	}
	if err := r.read(ctx, refs); err != nil {
		return err
	}
	for i := range items {
		items[i].Done = int64(items[i].Step.Position().Done)
		if target := r.rows[rows.RefTo(name.SequenceTarget, items[i].Step.Position().Target)]; target != nil {
			items[i].Done, items[i].Total = target.Int(name.MsdynCurrentstepcount), target.Int(name.MsdynTotalstepcount)
		}
	}
	if err := r.records(ctx, items); err != nil {
		return err
	}
	if err := r.marks(ctx, items); err != nil {
		return err
	}
	return r.sequences(ctx, items)
}
