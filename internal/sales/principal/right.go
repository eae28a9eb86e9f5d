package principal

import (
	"context"
	"errors"
	"slices"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/right"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Authorize refuses a caller who lacks one of the rights on any row.
func (d *Directory) Authorize(c sales.Caller, rights ...sales.Right) error {
	return d.matrix.Authorize(c, d.db.Schema(), rights...)
}

// AuthorizeRow refuses a caller whose privilege does not reach a row, and says which
// level would. It reads what it must know of the caller only where the answer depends
// on it: the unit where the right reaches a unit, the teams where a team owns the row.
func (d *Directory) AuthorizeRow(ctx context.Context, c sales.Caller, p sales.Privilege, row Owned) error {
	level := d.matrix.Level(c, d.db.Schema().Table(row.Table), p)
	if level == right.Organization {
		return nil
	}
	is, err := d.relation(ctx, c, row)
	switch {
	case err != nil:
		return err
	case is <= level:
		return nil
	}
	return right.Missing(c, p, row.Table, is)
}

// Reaches reports whether a caller's privilege reaches a row.
func (d *Directory) Reaches(ctx context.Context, c sales.Caller, p sales.Privilege, row *rows.Row) (bool, error) {
	err := d.AuthorizeRow(ctx, c, p, OwnedRow(row))
	if errors.Is(err, sales.Forbidden) {
		return false, nil
	}
	return err == nil, err
}

// Level returns how far a caller's privilege on a table reaches.
func (d *Directory) Level(c sales.Caller, t *schema.Table, p sales.Privilege) right.Level {
	return d.matrix.Level(c, t, p)
}

// relation returns the lowest level at which a row is one of the caller's.
func (d *Directory) relation(ctx context.Context, c sales.Caller, row Owned) (right.Level, error) {
	if slices.Contains(row.Owners, userOf(c)) {
		return right.Own, nil
	}
	if slices.ContainsFunc(row.Owners, isTeam) {
		teams, err := d.teamsOf(ctx, c)
		if err != nil {
			return right.None, err
		}
		if slices.ContainsFunc(row.Owners, func(owner schema.Lookup) bool { return slices.Contains(teams, owner) }) {
			return right.Own, nil
		}
	}
	unit, err := d.UnitOf(ctx, userOf(c))
	if err != nil {
		return right.None, err
	}
	if unit != "" && unit == row.Unit {
		return right.Unit, nil
	}
	return right.Organization, nil
}

func isTeam(owner schema.Lookup) bool { return owner.Table == name.Team }

// Visible returns the condition that a list of a table's rows has for the caller
// beside its own: nil when all rows may be read.
func (d *Directory) Visible(ctx context.Context, c sales.Caller, t *schema.Table) (filter.Node, error) {
	level := d.matrix.Level(c, t, sales.Read)
	if level == right.Organization {
		return nil, nil //nolint:nilnil // no condition is not an error here
	}
	teams, err := d.teamsOf(ctx, c)
	if err != nil {
		return nil, err
	}
	equal := func(column string, l schema.Lookup) filter.Node {
		return &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{schema.Ref(l)}}
	}
	visible := &filter.Group{Logic: filter.Or}
	for _, owner := range append([]schema.Lookup{userOf(c)}, teams...) {
		visible.Items = append(visible.Items, equal(name.Ownerid, owner))
	}
	if level < right.Unit {
		return visible, nil
	}
	unit, err := d.UnitOf(ctx, userOf(c))
	if err != nil {
		return nil, err
	}
	if unit != "" {
		visible.Items = append(visible.Items, equal(name.Owningbusinessunit, schema.Lookup{Table: name.BusinessUnit, ID: string(unit)}))
	}
	return visible, nil
}

// Asking returns the caller as conditions ask for it.
func (d *Directory) Asking(ctx context.Context, c sales.Caller) (*filter.Caller, error) {
	unit, err := d.UnitOf(ctx, userOf(c))
	if err != nil {
		return nil, err
	}
	teams, err := d.teamsOf(ctx, c)
	if err != nil {
		return nil, err
	}
	asking := &filter.Caller{User: string(c.ID), Unit: string(unit)}
	for _, team := range teams {
		asking.Teams = append(asking.Teams, team.ID)
	}
	return asking, nil
}

// teamsOf returns the teams of a caller, read at most once in [Known].
func (d *Directory) teamsOf(ctx context.Context, c sales.Caller) ([]schema.Lookup, error) {
	if teams, ok := d.teams.Peek(string(c.ID)); ok {
		return teams, nil
	}
	return d.teams.Load(ctx, string(c.ID), func(ctx context.Context) ([]schema.Lookup, error) {
		teams := []schema.Lookup{}
		memberships := query.Query{Table: d.db.Schema().Table(name.TeamMembership), Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
			&filter.Condition{Column: name.Systemuserid, Operator: filter.Eq, Values: []schema.Value{schema.Text(string(c.ID))}},
		}}}
		for row, err := range d.lists.Each(ctx, memberships) {
			if err != nil {
				return nil, err
			}
			teams = append(teams, schema.Lookup{Table: name.Team, ID: row.Text(name.Teamid)})
		}
		return teams, nil
	})
}

// userOf returns the lookup that names a caller.
func userOf(c sales.Caller) schema.Lookup {
	return schema.Lookup{Table: name.User, ID: string(c.ID)}
}

// UnitOf returns the business unit of a user or team, "" for one that is not there.
func (d *Directory) UnitOf(ctx context.Context, owner schema.Lookup) (name.BusinessUnitID, error) {
	p, err := d.find(ctx, owner, func() (Principal, error) { return Principal{}, errAbsent })
	if errors.Is(err, errAbsent) {
		return "", nil
	}
	return p.Unit, err
}
