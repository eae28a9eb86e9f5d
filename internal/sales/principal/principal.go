// Package principal knows the users and teams on whose behalf things are done and
// to whom rows belong, and how far the rights of a caller reach (docs/domain.md §12). A caller is known by a token alone; what rows point at is a
// row, so a caller who has none gets one before the first write: a row of
// systemuser, in the root business unit of the organization, whose rows are made
// with it.
//
// What was read is kept for [Known]; so the users, their units and their teams
// cost a process that has seen them no read.
//
// Invariant: whoever is admitted has a row.
package principal

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/right"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Known is how long a process relies on what it has read of a user or team where
// several processes share a store: a change by another process counts after that
// time at the latest, one by this process at once.
const Known = 5 * time.Minute

// Directory is the principals of an organization. It is safe for concurrent use.
type Directory struct {
	db         *rows.DB
	lists      *query.Reader
	own        Organization
	matrix     right.Matrix
	principals *sales.Cache[Principal]
	teams      *sales.Cache[[]schema.Lookup] // of a user
}

// Organization names the two rows that every store has.
type Organization struct {
	Name string
	ID   name.OrganizationID
	Root name.BusinessUnitID // the business unit at the top
}

// NewOrganization returns the organization of a name. The ids derive from it, and
// clients know them by [name.Organization]'s row, so their format is fixed.
func NewOrganization(text string) Organization {
	return Organization{
		Name: text,
		ID:   name.OrganizationID(guid.FromName("segue:organization:" + text)),
		Root: name.BusinessUnitID(guid.FromName("segue:businessunit:" + text)),
	}
}

// Principal is a user or team as others need it.
type Principal struct {
	Unit     name.BusinessUnitID
	disabled bool

	fullName, login string
	roles           string    // of the last token that was seen, as rolesText has them; "" for none
	noted           time.Time // when this process last had the store agree with a token
}

// New returns the principals of an organization, whose rights are those of matrix. Of
// freshness the clock counts, and whether there is one process alone.
func New(db *rows.DB, own Organization, matrix right.Matrix, freshness sales.Freshness) *Directory {
	if freshness.For > 0 {
		freshness.For = Known
	}
	return &Directory{
		db: db, lists: query.New(db), own: own, matrix: matrix,
		principals: sales.NewCache[Principal](freshness), teams: sales.NewCache[[]schema.Lookup](freshness),
	}
}

// Organization returns the organization that the directory is of.
func (d *Directory) Organization() Organization { return d.own }

// Forget makes the directory read again what it knows.
func (d *Directory) Forget() {
	d.principals.Drop()
	d.teams.Drop()
}

// Admit returns the user of a caller, whose row it makes if there is none. It does
// so in a unit of work of its own, before the caller's: whatever becomes of that,
// the user is there. A disabled user is refused. The engine is no user, and admitted.
func (d *Directory) Admit(ctx context.Context, c sales.Caller) (Principal, error) {
	if c.ID == "" {
		return Principal{}, nil
	}
	p, err := d.find(ctx, userOf(c), func() (Principal, error) { return d.enroll(ctx, c) })
	if err != nil {
		return Principal{}, sales.Public(err)
	}
	if p.disabled {
		return Principal{}, disabled(c.ID)
	}
	d.noteRoles(ctx, c, p)
	return p, nil
}

func disabled(id name.UserID) error {
	return sales.Refuse(sales.Forbidden, "The specified user (Id=%s) is disabled", id)
}

// Of returns the principal of a row that has been read.
func (d *Directory) Of(row *rows.Row) Principal {
	unit := name.BusinessUnitID(row.Lookup(name.Businessunitid).ID)
	if unit == "" { // written before units were filled in
		unit = d.own.Root
	}
	p := Principal{Unit: unit}
	if row.Table.Name == name.User {
		p.disabled = row.Is(name.Isdisabled)
		p.fullName, p.login, p.roles = row.Text(name.Fullname), row.Text(name.Domainname), row.Text(name.SegueRoles)
	}
	return p
}

// errAbsent says that there is no row. It is never kept: the row may come.
var errAbsent = errors.New("the user or team does not exist")

// find returns a user or team, which is read at most once in [Known]; where there is
// none, absent says what to do.
func (d *Directory) find(ctx context.Context, l schema.Lookup, absent func() (Principal, error)) (Principal, error) {
	if p, ok := d.principals.Peek(l.String()); ok {
		return p, nil
	}
	return d.principals.Load(ctx, l.String(), func(ctx context.Context) (Principal, error) {
		found, err := d.db.Get(ctx, rows.Ref{Table: l.Table, ID: l.ID})
		switch {
		case err != nil:
			return Principal{}, err
		case found[0] == nil:
			return absent()
		}
		return d.Of(found[0]), nil
	})
}

// enroll makes the row of a caller, and those of the organization if it is the
// first. Of several callers at once, and several processes, one makes each row.
func (d *Directory) enroll(ctx context.Context, c sales.Caller) (Principal, error) {
	user := rows.RefTo(name.User, c.ID)
	var p Principal
	err := d.db.Do(ctx, "", func(tx *rows.Tx) error {
		if err := d.EnsureRoot(ctx, tx, user); err != nil {
			return err
		}
		row := tx.Held(user)
		if row == nil {
			t := tx.Schema().Table(name.User)
			columns, err := t.CheckCreate(d.columnsOf(t, c))
			if err != nil {
				return err
			}
			row = tx.Create(t, user.ID, columns)
			if c.Signed {
				row.Set(name.SegueRoles, rolesValue(c.Roles))
			}
		}
		p = d.Of(row)
		return nil
	})
	return p, err
}

// EnsureRoot makes the rows of the organization and its root unit part of a unit of
// work that makes the first row which needs them, if they are not there yet. It
// loads further rows in the same request.
func (d *Directory) EnsureRoot(ctx context.Context, tx *rows.Tx, more ...rows.Ref) error {
	organization, root := rows.RefTo(name.Organization, d.own.ID), rows.RefTo(name.BusinessUnit, d.own.Root)
	found, err := tx.Load(ctx, append([]rows.Ref{organization, root}, more...)...)
	if err != nil {
		return err
	}
	for i, ref := range []rows.Ref{organization, root} {
		if found[i] == nil {
			t := tx.Schema().Table(ref.Table)
			columns := t.Defaults()
			columns[name.Name] = clip(t, name.Name, d.own.Name)
			tx.Create(t, ref.ID, columns)
		}
	}
	return nil
}

// columnsOf returns what the token says of a user. The last word of a name is the
// last name, as the full name is made of the two.
func (d *Directory) columnsOf(t *schema.Table, c sales.Caller) map[string]schema.Value {
	full := cmp.Or(strings.Join(strings.Fields(c.Name), " "), string(c.ID))
	first, last := "", full
	if i := strings.LastIndexByte(full, ' '); i > 0 {
		first, last = full[:i], full[i+1:]
	}
	return map[string]schema.Value{
		name.Firstname:      clip(t, name.Firstname, first),
		name.Lastname:       clip(t, name.Lastname, last),
		name.Domainname:     clip(t, name.Domainname, cmp.Or(c.Login, full)),
		name.Businessunitid: schema.RefTo(name.BusinessUnit, d.own.Root),
	}
}

// clip returns as much of a text as a column holds.
func clip(t *schema.Table, column, text string) schema.Value {
	return schema.Text(excerpt.Bytes(text, t.Column(column).MaxLength))
}
