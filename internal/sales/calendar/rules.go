package calendar

import (
	"context"
	"fmt"

	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Rules returns the rules of calendars.
func (c *Calendars) Rules() entity.Rules { return rules{calendars: c, check: checkCalendar} }

// AbsenceRules returns the rules of absences.
func (c *Calendars) AbsenceRules() entity.Rules { return rules{calendars: c, check: c.checkAbsence} }

// HolidayRules returns the rules of holidays.
func (c *Calendars) HolidayRules() entity.Rules { return rules{calendars: c, check: c.checkHoliday} }

// rules are what the rules of the three tables share: a row that due times cannot be
// computed with is refused, and every change is one of calendars.
type rules struct {
	entity.Plain
	calendars *Calendars
	check     func(context.Context, *rows.Row) error
}

// Create implements [entity.Rules].
func (r rules) Create(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	r.calendars.known.ChangedSoon(tx)
	return r.check(ctx, row)
}

// Update implements [entity.Rules].
func (r rules) Update(ctx context.Context, tx *rows.Tx, row *rows.Row, _ map[string]schema.Value) error {
	r.calendars.known.ChangedSoon(tx)
	return r.check(ctx, row)
}

// Delete implements [entity.Rules].
func (r rules) Delete(_ context.Context, tx *rows.Tx, _ *rows.Row) (keep bool, err error) {
	r.calendars.known.ChangedSoon(tx)
	return false, nil
}

// checkCalendar refuses a calendar that nothing can be computed with, and makes it that of
// its owner.
func checkCalendar(_ context.Context, row *rows.Row) error {
	if err := checkOwner(row); err != nil {
		return err
	}
	if _, err := hoursOf(row); err != nil {
		return sales.Refuse(sales.Invalid, "%v", err)
	}
	row.Set(name.SegueSellerid, schema.Ref(row.Lookup(name.Ownerid)))
	return nil
}

// checkOwner refuses a row of a team: it is a person who works or is away.
func checkOwner(row *rows.Row) error {
	if owner := row.Lookup(name.Ownerid); owner.Table != name.User {
		return sales.Refuse(sales.Invalid, "%s is %s %s; %s belongs to a user, the seller whose it is", name.Ownerid, owner.Table, owner.ID, row.Table.Name)
	}
	return nil
}

// checkAbsence refuses an absence that has no length, and one more than are computed with.
func (c *Calendars) checkAbsence(ctx context.Context, row *rows.Row) error {
	if err := checkOwner(row); err != nil {
		return err
	}
	if _, err := worktime.NewAbsences([]worktime.Span{{From: row.Time(name.SegueFrom), To: row.Time(name.SegueTo)}}); err != nil {
		return sales.Refuse(sales.Invalid, "%s, %s: %v", name.SegueFrom, name.SegueTo, err)
	}
	if !row.Time(name.SegueTo).After(c.since()) {
		return nil // it counts no more
	}
	owner := row.Lookup(name.Ownerid)
	n, err := c.countWith(ctx, row, c.absencesOf(owner))
	if err != nil {
		return fmt.Errorf("count the absences of %s %s: %w", owner.Table, owner.ID, err)
	}
	if n > worktime.MaxAbsences {
		return sales.Use{Name: sales.Absences, Used: n, Most: worktime.MaxAbsences}.Exceeded(sales.Limit,
			"%s %s has %d absences that are not over for a month; the limit is %d: delete some, or join those that follow each other", owner.Table, owner.ID, n, worktime.MaxAbsences)
	}
	return nil
}

// checkHoliday refuses one more than are computed with.
func (c *Calendars) checkHoliday(ctx context.Context, row *rows.Row) error {
	n, err := c.countWith(ctx, row, query.Query{Table: row.Table})
	if err != nil {
		return fmt.Errorf("count the holidays: %w", err)
	}
	if n > worktime.MaxHolidays {
		return sales.Use{Name: sales.Holidays, Used: n, Most: worktime.MaxHolidays}.Exceeded(sales.Limit,
			"there are %d holidays; the limit is %d: delete those that are over", n, worktime.MaxHolidays)
	}
	return nil
}

// countWith counts a row together with the stored others that a query has.
func (c *Calendars) countWith(ctx context.Context, row *rows.Row, q query.Query) (int, error) {
	others := &filter.Group{Logic: filter.And, Items: []filter.Node{
		&filter.Condition{Column: row.Table.ID, Operator: filter.Ne, Values: []schema.Value{schema.Text(row.ID)}},
	}}
	if q.Where != nil {
		others.Items = append(others.Items, q.Where.Items...)
	}
	q.Where = others
	n, _, err := c.lists.Count(ctx, q)
	return n + 1, err
}
