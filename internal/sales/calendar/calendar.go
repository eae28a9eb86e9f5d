// Package calendar is what is stored of the time that sellers work: the calendar of a
// seller and absences. The holidays of the organization need no rules of their own.
//
// Invariant: package worktime can compute with every stored row, for it read the row when it
// was written; a seller has one calendar, for its alternate key is its owner.
package calendar

import (
	"context"
	"fmt"

	"segue/internal/entity"
	"segue/internal/filter/calendar"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// hoursOf returns the working hours in the row of a calendar. Its error tells the column and
// the rule.
func hoursOf(row schema.Columns) (worktime.Hours, error) {
	zone, err := calendar.LoadZone(row.Text(name.SegueTimezone))
	if err != nil {
		return worktime.Hours{}, fmt.Errorf("%s: %w", name.SegueTimezone, err)
	}
	windows, err := worktime.ParseWindows(row.Text(name.SegueWorkinghours))
	if err != nil {
		return worktime.Hours{}, fmt.Errorf("%s: %w", name.SegueWorkinghours, err)
	}
	hours, err := worktime.NewHours(zone, windows)
	if err != nil {
		return worktime.Hours{}, fmt.Errorf("%s: %w", name.SegueWorkinghours, err)
	}
	return hours, nil
}

// Rules returns the rules of calendars.
func Rules() entity.Rules { return rules{} }

type rules struct{ entity.Plain }

// Create implements [entity.Rules].
func (rules) Create(_ context.Context, _ *rows.Tx, row *rows.Row) error { return check(row) }

// Update implements [entity.Rules].
func (rules) Update(_ context.Context, _ *rows.Tx, row *rows.Row, _ map[string]schema.Value) error {
	return check(row)
}

// check refuses a calendar that nothing can be computed with, and makes it that of its owner.
func check(row *rows.Row) error {
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

// AbsenceRules returns the rules of absences.
func AbsenceRules() entity.Rules { return absenceRules{} }

type absenceRules struct{ entity.Plain }

// Create implements [entity.Rules].
func (absenceRules) Create(_ context.Context, _ *rows.Tx, row *rows.Row) error {
	return checkAbsence(row)
}

// Update implements [entity.Rules].
func (absenceRules) Update(_ context.Context, _ *rows.Tx, row *rows.Row, _ map[string]schema.Value) error {
	return checkAbsence(row)
}

func checkAbsence(row *rows.Row) error {
	if err := checkOwner(row); err != nil {
		return err
	}
	if _, err := worktime.NewAbsences([]worktime.Span{{From: row.Time(name.SegueFrom), To: row.Time(name.SegueTo)}}); err != nil {
		return sales.Refuse(sales.Invalid, "%s, %s: %v", name.SegueFrom, name.SegueTo, err)
	}
	return nil
}
