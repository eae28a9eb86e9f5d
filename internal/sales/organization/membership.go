package organization

import (
	"context"

	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/principal"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// MembershipRules are the rules of team memberships: a user is a member of a team
// once, so that whoever is taken out of it is out.
func MembershipRules(principals *principal.Directory) entity.Rules {
	return membershipRules{rules{principals: principals}}
}

type membershipRules struct{ rules }

var _ entity.Identified = membershipRules{}

// IDOf implements [entity.Identified].
func (membershipRules) IDOf(values map[string]schema.Value) string {
	user, _ := values[name.Systemuserid].Text()
	team, _ := values[name.Teamid].Text()
	return guid.Derive("team membership", user, team)
}

// Create implements [entity.Rules]. The two columns are GUIDs, as in Dataverse, not
// lookups; nevertheless they point at rows.
func (r membershipRules) Create(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	if id := r.IDOf(row.Values()); row.ID != id {
		return sales.Refuse(sales.Invalid, "%s of the membership of user %s in team %s is %s, not %s; leave it out",
			name.Teammembershipid, row.Text(name.Systemuserid), row.Text(name.Teamid), id, row.ID)
	}
	refs := []rows.Ref{{Table: name.User, ID: row.Text(name.Systemuserid)}, {Table: name.Team, ID: row.Text(name.Teamid)}}
	found, err := tx.Load(ctx, refs...)
	if err != nil {
		return err
	}
	for i, ref := range refs {
		if found[i] == nil {
			return sales.NoRow(ref)
		}
	}
	return nil
}
