package principal

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// rolesText returns the roles of a token as a row of systemuser keeps them: those that
// mean anything, in the order of [sales.Roles], with commas between.
func rolesText(roles []string) string {
	kept := slices.DeleteFunc(sales.Roles(), func(role string) bool { return !slices.Contains(roles, role) })
	return strings.Join(kept, ",")
}

// rolesValue is rolesText as the value of a column.
func rolesValue(roles []string) schema.Value {
	if text := rolesText(roles); text != "" {
		return schema.Text(text)
	}
	return schema.Null()
}

// noteRoles keeps the roles that a caller has by their token in the row of the user, so
// that others can act for them. It writes only when they have changed, at most once in
// [Known]. One that fails is made up for by the next request.
func (d *Directory) noteRoles(ctx context.Context, c sales.Caller, p Principal) {
	now := d.db.Now()
	if !c.Signed || p.roles == rolesText(c.Roles) || now.Sub(p.noted) < Known {
		return
	}
	_, err := d.principals.Load(ctx, userOf(c).String(), func(ctx context.Context) (Principal, error) {
		return d.writeRoles(ctx, c, now)
	})
	if err != nil {
		slog.WarnContext(ctx, "the roles of a user are not noted", "user", c.ID, "reason", err)
	}
}

func (d *Directory) writeRoles(ctx context.Context, c sales.Caller, now time.Time) (p Principal, err error) {
	ref := rows.RefTo(name.User, c.ID)
	err = d.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, ref)
		if err != nil {
			return err
		}
		if found[0] == nil {
			return errAbsent
		}
		found[0].Set(name.SegueRoles, rolesValue(c.Roles))
		p = d.Of(found[0])
		return nil
	})
	p.noted = now
	return p, err
}

// ActFor returns a caller who acts for another user, by the id of that user's row. The
// actor must have the privilege, the other user must be there, enabled, and have signed
// in before: what their roles are is known from their tokens alone.
func (d *Directory) ActFor(ctx context.Context, actor sales.Caller, user name.UserID) (sales.Caller, error) {
	if err := d.Authorize(actor, sales.Right{Privilege: sales.ActOnBehalf, Table: name.User}); err != nil {
		return sales.Caller{}, err
	}
	if _, err := d.Admit(ctx, actor); err != nil { // rows will point at them
		return sales.Caller{}, err
	}
	ref := rows.RefTo(name.User, user)
	p, err := d.find(ctx, schema.Lookup(ref), func() (Principal, error) { return Principal{}, errAbsent })
	switch {
	case errors.Is(err, errAbsent):
		return sales.Caller{}, sales.NoRow(ref)
	case err != nil:
		return sales.Caller{}, sales.Public(err)
	case p.disabled:
		return sales.Caller{}, disabled(user)
	}
	var roles []string
	if p.roles != "" {
		roles = strings.Split(p.roles, ",")
	}
	return sales.Caller{
		ID: user, Name: p.fullName, Login: p.login, Roles: roles, Actor: &sales.Actor{ID: actor.ID, Roles: actor.Roles},
	}, nil
}
