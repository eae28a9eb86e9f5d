// Package workqueue is what a seller has to do: the open steps of a user, those of the teams
// that the user is in, or those of a team, each with its record, as one list
// (docs/domain.md §15).
//
// The steps come from the index of a seller's open steps, the soonest first, [MaxSteps] at
// most; grouping, filters and orders are of what was read, so that each page costs the same
// reads. Records, sequences and targets are read for the page that is shown, and records for
// all steps only where their score or name decides which page that is.
//
// What a user has read and follows is a mark at the record, of that user alone
// ([Queues.Mark]).
//
// Invariant: a list writes nothing, and no more steps are looked at than MaxSteps, which the
// list says where there are more ([List.More]). A list shows nothing of a record or sequence
// that the caller may not read but its id.
package workqueue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"segue/internal/entity"
	"segue/internal/filter/calendar"
	"segue/internal/rows"
	"segue/internal/sales"
	sellers "segue/internal/sales/calendar"
	"segue/internal/sales/principal"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The bounds of a list.
const (
	MaxSteps   = 2000                // open steps that are looked at, those that are due first
	MaxTop     = 250                 // items of a page
	DefaultTop = 50                  // items of a page where nobody says how many
	MaxTeams   = 50                  // teams of a user whose steps are listed together
	Window     = 30 * 24 * time.Hour // steps that were due before this drop out of the list
)

// Queues is the lists. It is safe for concurrent use.
type Queues struct {
	db         *rows.DB
	entities   *entity.Entities
	principals *principal.Directory
	calendars  *sellers.Calendars
}

// New returns the lists of the rows of db.
func New(db *rows.DB, entities *entity.Entities, principals *principal.Directory, calendars *sellers.Calendars) *Queues {
	return &Queues{db: db, entities: entities, principals: principals, calendars: calendars}
}

// Request is which list is wanted, and which part of it.
type Request struct {
	Owner schema.Lookup // a user or a team; zero: the caller

	Due      []Group // in one of these groups; nil: in any
	Unopened bool    // only of records that the caller has not marked as read
	Followed bool    // only of records that the caller follows

	Records []string            // record types, of one of these; nil: of any
	Types   []sequence.StepType // of one of these; nil: of any

	Sort    Sort
	Reverse bool   // what Sort puts first comes last
	Grouped bool   // the groups one after another, each in the order of Sort
	Top     int    // items of the page, 1 to MaxTop
	Token   string // List.Next of the page before; "": the first page
}

// List is a page of a list.
type List struct {
	AsOf   time.Time
	Zone   *time.Location // whose days the groups are of
	Items  []Item
	Groups map[Group]int // items in each, of all pages and whatever Request.Due says
	More   bool          // there are more steps than were looked at, which are due later
	Next   string        // token of the next page; "": this is the last one
}

// Item is an open step with what belongs to it.
type Item struct {
	Step  sequence.TargetStep
	ID    name.SequenceTargetStepID
	Due   time.Time
	Group Group

	Record       schema.Lookup
	RecordName   string // "" where the caller may not read the record
	Score        *int64 // nil for a record without one
	Grade        *int64
	SequenceName string // "" where the caller may not read the sequence
	Read         bool   // the caller's marks at the record
	Followed     bool
	Done, Total  int64 // steps of the record on the sequence, done and in all
}

// Of lists the steps of an owner. Refusals: [sales.Invalid], [sales.NotFound] for an owner
// who is not there, [sales.Forbidden], [sales.Limit] for a user of more than [MaxTeams] teams.
func (q *Queues) Of(ctx context.Context, c sales.Caller, r Request) (List, error) {
	if err := r.check(q.db.Schema()); err != nil {
		return List{}, err
	}
	after, err := r.decode()
	if err != nil {
		return List{}, err
	}
	if err := q.principals.Authorize(c, sales.Right{Privilege: sales.Read, Table: name.SequenceTargetStep}); err != nil {
		return List{}, err
	}
	owners, err := q.owners(ctx, c, r.Owner)
	if err != nil {
		return List{}, sales.Public(err)
	}
	zone, err := q.calendars.Zone(ctx, schema.Lookup{Table: name.User, ID: string(c.ID)})
	if err != nil {
		return List{}, sales.Public(err)
	}
	list := List{AsOf: q.db.Now(), Zone: zone, Groups: map[Group]int{}}
	steps, more, err := q.steps(ctx, c, owners, list.AsOf)
	if err != nil {
		return List{}, err
	}
	list.More = more
	read := q.reader(c)
	items, err := r.choose(ctx, read, steps, &list)
	if err != nil {
		return List{}, sales.Public(err)
	}
	if r.sortsByRecord() {
		if err := read.records(ctx, items); err != nil {
			return List{}, sales.Public(err)
		}
	}
	if r.Sort == BySequence {
		if err := read.sequences(ctx, items); err != nil {
			return List{}, sales.Public(err)
		}
	}
	list.Items, list.Next = r.page(items, after)
	return list, sales.Public(read.all(ctx, list.Items))
}

// check refuses what no list can be asked for.
func (r Request) check(s *schema.Schema) error {
	if r.Top < 1 || r.Top > MaxTop {
		return sales.Refuse(sales.Invalid, "Top is %d; it takes 1 to %d", r.Top, MaxTop)
	}
	for _, table := range r.Records {
		if t := s.Table(table); t == nil || !t.Is(name.RecordTrait) {
			return sales.Refuse(sales.Invalid, "RecordTypes has %q; it takes tables whose rows can be connected to sequences", table)
		}
	}
	types := s.Table(name.SequenceTargetStep).Column(name.MsdynType)
	for _, t := range r.Types {
		if !slices.ContainsFunc(types.Options, func(o schema.Option) bool { return o.Value == int64(t) }) {
			return sales.Refuse(sales.Invalid, "ActivityTypes has %d; it takes values of %s", t, types.Name)
		}
	}
	return nil
}

// owners returns whose steps a list has: those of a user and of the teams that the user is
// in, for the steps of a team are every member's (docs/domain.md §16), or those of a team.
func (q *Queues) owners(ctx context.Context, c sales.Caller, owner schema.Lookup) ([]schema.Lookup, error) {
	caller := schema.Lookup{Table: name.User, ID: string(c.ID)}
	if owner == (schema.Lookup{}) {
		owner = caller
	}
	if owner.ID == "" {
		return nil, sales.Refuse(sales.Invalid, "Owner is missing, and the caller is no user")
	}
	if owner != caller {
		if err := q.authorize(ctx, c, owner); err != nil {
			return nil, err
		}
	}
	if owner.Table == name.Team {
		return []schema.Lookup{owner}, nil
	}
	asking, err := q.principals.Asking(ctx, sales.Caller{ID: name.UserID(owner.ID)})
	if err != nil {
		return nil, fmt.Errorf("read the teams of %v: %w", owner, err)
	}
	if n := len(asking.Teams); n > MaxTeams {
		return nil, sales.Use{Name: sales.WorkListTeams, Used: n, Most: MaxTeams}.Exceeded(sales.Limit,
			"user %s is in %d teams; the steps of %d are listed together: ask for those of one, by Owner", owner.ID, n, MaxTeams)
	}
	owners := []schema.Lookup{owner}
	for _, team := range asking.Teams {
		owners = append(owners, schema.Lookup{Table: name.Team, ID: team})
	}
	return owners, nil
}

// authorize refuses a caller who may not read the steps of another owner: better than an
// empty list, which would say that there is nothing to do.
func (q *Queues) authorize(ctx context.Context, c sales.Caller, owner schema.Lookup) error {
	unit, err := q.principals.UnitOf(ctx, owner)
	if err != nil {
		return fmt.Errorf("read %v: %w", owner, err)
	}
	if unit == "" {
		return sales.NoRow(rows.Ref{Table: owner.Table, ID: owner.ID})
	}
	steps := principal.Owned{Table: name.SequenceTargetStep, Owners: []schema.Lookup{owner}, Unit: unit}
	return q.principals.AuthorizeRow(ctx, c, sales.Read, steps)
}

// Group is when an item is due, by the days of the caller's time zone.
type Group string

// The groups, in their order. What is due today is not overdue before the day is over.
const (
	Overdue      Group = "Overdue"
	Today        Group = "Today"
	FromTomorrow Group = "FromTomorrow"
)

// Groups lists the groups in their order.
func Groups() []Group { return []Group{Overdue, Today, FromTomorrow} }

// days returns the first instants of today and of tomorrow.
func days(now time.Time, zone *time.Location) (today, tomorrow time.Time) {
	date := calendar.Calendar{Zone: zone}.DateOf(now)
	return calendar.Instant(date, zone), calendar.Instant(date.AddDate(0, 0, 1), zone)
}

// choose returns the items that a request asks for, and counts those of each group. It reads
// marks where they decide.
func (r Request) choose(ctx context.Context, read *reader, steps []*rows.Row, list *List) ([]Item, error) {
	items := r.itemsOf(steps, list)
	if r.Unopened || r.Followed {
		if err := read.marks(ctx, items); err != nil {
			return nil, err
		}
		items = slices.DeleteFunc(items, func(i Item) bool { return r.Unopened && i.Read || r.Followed && !i.Followed })
	}
	for _, item := range items {
		list.Groups[item.Group]++
	}
	return slices.DeleteFunc(items, func(i Item) bool { return r.Due != nil && !slices.Contains(r.Due, i.Group) }), nil
}

// itemsOf returns the items of steps, of the types that a request asks for.
func (r Request) itemsOf(steps []*rows.Row, list *List) []Item {
	today, tomorrow := days(list.AsOf, list.Zone)
	var items []Item
	for _, row := range steps {
		step := sequence.TargetStep{Row: row}
		item := Item{Step: step, ID: name.SequenceTargetStepID(row.ID), Due: step.Due(), Group: Today, Record: step.Position().Record}
		switch {
		case item.Due.Before(today):
			item.Group = Overdue
		case !item.Due.Before(tomorrow):
			item.Group = FromTomorrow
		}
		if r.Records != nil && !slices.Contains(r.Records, item.Record.Table) || r.Types != nil && !slices.Contains(r.Types, step.Type()) {
			continue
		}
		items = append(items, item)
	}
	return items
}
