// Package organization is the rules of the rows that an organization is made of:
// the organization itself, its business units, users, teams and their members.
//
// Invariant: every unit but the root has a parent, every user and team a unit, and
// a user who was there once stays: rows belong to users and name them.
package organization

import (
	"context"
	"slices"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/activity"
	"segue/internal/sales/generation"
	"segue/internal/sales/principal"
	"segue/internal/sales/setting"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// rules are what the rules of all these tables share: when one of their rows has
// changed, the directory of this process reads it again.
type rules struct {
	entity.Plain
	principals *principal.Directory
}

// Committed implements [entity.Rules].
func (r rules) Committed(context.Context) error {
	r.principals.Forget()
	return nil
}

// fillUnit points a new row's empty lookup at the root business unit, whose row is
// made if this is the first that needs it.
func (r rules) fillUnit(ctx context.Context, tx *rows.Tx, row *rows.Row, column string) error {
	if row.Lookup(column).ID != "" {
		return nil
	}
	root := r.principals.Organization().Root
	row.Set(column, schema.RefTo(name.BusinessUnit, root))
	return r.principals.EnsureRoot(ctx, tx)
}

// OrganizationRules keep the organization's row and check what it sets ([setting.Values]).
func OrganizationRules(principals *principal.Directory, known *generation.Generation) entity.Rules {
	return organizationRules{rules{principals: principals}, known}
}

type organizationRules struct {
	rules
	generation *generation.Generation
}

// Update implements [entity.Rules]. A change of a setting is one of definitions, for
// segments are evaluated by it: once it returns, every process uses the new value.
func (r organizationRules) Update(_ context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	if !slices.ContainsFunc(setting.Columns(), func(column string) bool {
		now, _ := row.Value(column) // a row always has a value, if only null
		return now != before[column]
	}) {
		return nil
	}
	if _, err := setting.Of(row); err != nil {
		return sales.Refuse(sales.Invalid, "%v", err)
	}
	if err := activity.Check(tx.Schema(), row); err != nil {
		return err
	}
	r.generation.Changed(tx)
	return nil
}

// Delete implements [entity.Rules].
func (organizationRules) Delete(context.Context, *rows.Tx, *rows.Row) (keep bool, err error) {
	return false, sales.Refuse(sales.Precondition, "the organization cannot be deleted")
}

// UnitRules are the rules of business units.
func UnitRules(principals *principal.Directory) entity.Rules {
	return unitRules{rules{principals: principals}}
}

type unitRules struct{ rules }

func (r unitRules) isRoot(row *rows.Row) bool {
	return row.ID == string(r.principals.Organization().Root)
}

// Create implements [entity.Rules].
func (r unitRules) Create(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	if r.isRoot(row) {
		return nil
	}
	return r.fillUnit(ctx, tx, row, name.Parentbusinessunitid)
}

// Update implements [entity.Rules].
func (r unitRules) Update(_ context.Context, _ *rows.Tx, row *rows.Row, _ map[string]schema.Value) error {
	if parent := row.Lookup(name.Parentbusinessunitid).ID; (parent == "") != r.isRoot(row) {
		return sales.Refuse(sales.Precondition, "every business unit but the root has a parent (%s)", name.Parentbusinessunitid)
	}
	return nil
}

// Delete implements [entity.Rules].
func (r unitRules) Delete(_ context.Context, _ *rows.Tx, row *rows.Row) (keep bool, err error) {
	if r.isRoot(row) {
		return false, sales.Refuse(sales.Precondition, "the root business unit cannot be deleted")
	}
	return false, nil
}

// UserRules are the rules of users.
func UserRules(principals *principal.Directory) entity.Rules {
	return userRules{memberRules{rules{principals: principals}}}
}

type userRules struct{ memberRules }

// Delete implements [entity.Rules].
func (userRules) Delete(context.Context, *rows.Tx, *rows.Row) (keep bool, err error) {
	return false, sales.Refuse(sales.Precondition, "a user is never deleted, for rows name it; disable it (%s true)", name.Isdisabled)
}

// TeamRules are the rules of teams.
func TeamRules(principals *principal.Directory) entity.Rules {
	return memberRules{rules{principals: principals}}
}

// memberRules are those of the rows that belong to a business unit.
type memberRules struct{ rules }

// Create implements [entity.Rules].
func (r memberRules) Create(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	return r.fillUnit(ctx, tx, row, name.Businessunitid)
}

// Update implements [entity.Rules].
func (r memberRules) Update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	if row.Lookup(name.Businessunitid).ID == "" && !before[name.Businessunitid].IsNull() {
		return sales.Refuse(sales.Precondition, "every user and team is in a business unit (%s)", name.Businessunitid)
	}
	return r.fillUnit(ctx, tx, row, name.Businessunitid)
}
