// Package preview tells when the steps of a record on a sequence are due, and why: those that
// are done, the open one, and all that are still to come ([Previews.Of]), for records that are
// on the sequence and for those that might be, by the version that they go by.
//
// What is to come supposes that every step is done when it is due, and one that is overdue
// now. Where that leaves more than one way, all are told, each step with the earliest and the
// latest time: both branches of a condition, and both of a test.
//
// Invariant: nothing is written, and due times are computed by the code that opens steps
// ([sequence.Step.Due]), with the calendars that it would be given now.
package preview

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/calendar"
	"segue/internal/sales/connection"
	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Previews is the use cases. It is safe for concurrent use.
type Previews struct {
	db        *rows.DB
	entities  *entity.Entities
	calendars *calendar.Calendars
	sequences *authoring.Sequences
}

// New returns the previews of the rows of db.
func New(db *rows.DB, entities *entity.Entities, calendars *calendar.Calendars, sequences *authoring.Sequences) *Previews {
	return &Previews{db: db, entities: entities, calendars: calendars, sequences: sequences}
}

// Preview is the steps of a record on a sequence.
type Preview struct {
	AsOf     time.Time
	Sequence name.SequenceID
	Version  int64                 // by which the record goes on, or would begin
	Target   name.SequenceTargetID // "" for a record that is not on the sequence
	Passed   []*rows.Row           // the steps that are closed, in their order
	Current  *Current              // nil for a record that is not on the sequence
	Coming   []Coming              // in the order of the definition
	Days     int                   // that the waits of the definition take on the longest way
}

// Current is the open step of a record.
type Current struct {
	Row *rows.Row
	// Reasons are why it is due no sooner, none where it has been put off, is held, or was
	// opened when other calendars were known.
	Reasons []worktime.Reason
}

// Of previews a record on a sequence. A record that is not on it is previewed as if it were
// connected now, by the definition as the sequence's row has it: a draft can be looked at
// before it is activated. Refusals: [sales.NotFound], [sales.Precondition], [sales.Invalid]
// for a definition that cannot be read.
func (p *Previews) Of(ctx context.Context, c sales.Caller, sequenceID name.SequenceID, ref rows.Ref) (Preview, error) {
	row, err := p.entities.Retrieve(ctx, c, rows.RefTo(name.Sequence, sequenceID))
	if err != nil {
		return Preview{}, err
	}
	record, err := p.entities.Retrieve(ctx, c, ref)
	if err != nil {
		return Preview{}, err
	}
	view := sequence.Sequence{Row: row}
	if view.RecordType() != ref.Table {
		return Preview{}, sales.Refuse(sales.Precondition, "sequence %q (%s) is for records of %s, not of %s", view.Name(), sequenceID, view.RecordType(), ref.Table)
	}
	live, err := connection.Live(record)
	if err != nil {
		return Preview{}, err
	}
	if target, ok := live[sequenceID]; ok {
		return p.ofTarget(ctx, c, target, record)
	}
	return p.ofNew(ctx, c, row, record)
}

// ofNew previews a record that is not on the sequence.
func (p *Previews) ofNew(ctx context.Context, c sales.Caller, row, record *rows.Row) (Preview, error) {
	id := name.SequenceID(row.ID)
	definition, err := language.Read(p.db.Schema(), id, row)
	if err != nil {
		return Preview{}, sales.InvalidInput(err)
	}
	if definition.Tasks() == 0 {
		return Preview{}, sales.Refuse(sales.Invalid, "%s: has no step that is not a wait", name.MsdynDefinition)
	}
	preview := Preview{AsOf: p.db.Now(), Sequence: id, Version: definition.Version}
	connecting := schema.Lookup{Table: name.User, ID: string(c.ID)}
	schedule, err := p.scheduleOf(ctx, definition, record, connecting)
	if err != nil {
		return Preview{}, err
	}
	walk := newWalker(definition, schedule)
	walk.arrive(0, at(preview.AsOf))
	preview.Coming = walk.rest()
	return preview, nil
}

// ofTarget previews a record that is on the sequence.
func (p *Previews) ofTarget(ctx context.Context, c sales.Caller, id name.SequenceTargetID, record *rows.Row) (Preview, error) {
	target, err := p.entities.Retrieve(ctx, c, rows.RefTo(name.SequenceTarget, id))
	if err != nil {
		return Preview{}, err
	}
	view := sequence.Target{Row: target}
	preview := Preview{AsOf: p.db.Now(), Sequence: view.Sequence(), Version: view.Version(), Target: id}
	open, err := p.steps(ctx, c, view, &preview)
	if err != nil {
		return Preview{}, err
	}
	definition, err := p.sequences.Version(ctx, preview.Sequence, preview.Version)
	if err != nil {
		return Preview{}, fmt.Errorf("read version %d of sequence %s: %w", preview.Version, preview.Sequence, err)
	}
	step := sequence.TargetStep{Row: open}
	place, found := definition.Find(step.Position().Step)
	preview.Current, preview.Days = &Current{Row: open}, definition.Days()
	if !found { // it is of a version that is kept no more
		return preview, nil
	}
	if preview.Current.Reasons, err = p.reasons(ctx, definition, place, step); err != nil {
		return Preview{}, err
	}
	schedule, err := p.scheduleOf(ctx, definition, record, step.Position().Owner)
	if err != nil {
		return Preview{}, err
	}
	walk := newWalker(definition, schedule)
	due := step.Due()
	if due.Before(preview.AsOf) {
		due = preview.AsOf
	}
	walk.leave(definition.Steps[place], at(preview.AsOf), at(due))
	preview.Coming = walk.rest()
	return preview, nil
}

// steps fills in the steps of a target that are closed, and returns the open one.
func (p *Previews) steps(ctx context.Context, c sales.Caller, target sequence.Target, preview *Preview) (open *rows.Row, err error) {
	page, err := p.entities.List(ctx, c, name.SequenceTargetStep, query.Query{
		Limit: sequence.MaxPath + 1,
		Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
			&filter.Condition{Column: name.MsdynSequencetarget, Operator: filter.Eq, Values: []schema.Value{schema.RefTo(name.SequenceTarget, preview.Target)}},
		}},
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(page.Rows, func(a, b *rows.Row) int {
		return sequence.TargetStep{Row: a}.Position().Passed - sequence.TargetStep{Row: b}.Position().Passed
	})
	current := string(target.CurrentStep())
	for _, row := range page.Rows {
		if row.ID == current {
			open = row
			continue
		}
		preview.Passed = append(preview.Passed, row)
	}
	if open != nil {
		return open, nil
	}
	// The index may not have it yet.
	return p.entities.Retrieve(ctx, c, rows.Ref{Table: name.SequenceTargetStep, ID: current})
}

// reasons computes the due time of an open step once more, and returns why it is what it is.
func (p *Previews) reasons(ctx context.Context, definition sequence.Definition, place sequence.Place, step sequence.TargetStep) ([]worktime.Reason, error) {
	schedule, err := p.calendars.Schedule(ctx, step.Row.Lookup(name.Ownerid), definition.WorkingTime)
	if err != nil {
		return nil, err
	}
	due, err := definition.Steps[place].Due(schedule, step.Row.Time(name.Createdon))
	if never := (*worktime.NeverError)(nil); errors.As(err, &never) {
		return nil, nil
	}
	if err != nil || !due.Due.Equal(step.Due()) {
		return nil, err
	}
	return due.Reasons(), nil
}

// scheduleOf returns what the due times of the steps to come are computed with. connected is
// who has connected the record, or would.
func (p *Previews) scheduleOf(ctx context.Context, definition sequence.Definition, record *rows.Row, connected schema.Lookup) (worktime.Schedule, error) {
	owner := sales.Record{Row: record}.Owner()
	switch definition.Ownership { // docs/domain.md §6.5
	case sequence.RecordField:
		owner = record.Lookup(definition.OwnerField)
	case sequence.OwnerTeam, sequence.AccessTeam:
		owner = schema.Lookup{Table: name.Team}
	case sequence.CurrentUser:
		owner = connected
	case sequence.RecordOwner:
	}
	return p.calendars.Schedule(ctx, owner, definition.WorkingTime)
}
