package entity

import (
	"context"
	"errors"

	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/principal"
	"segue/internal/schema"
)

// Retrieve reads a row.
func (e *Entities) Retrieve(ctx context.Context, c sales.Caller, ref rows.Ref) (*rows.Row, error) {
	t, err := e.table(c, ref.Table, sales.Read)
	if err != nil {
		return nil, err
	}
	found, err := e.db.Get(ctx, ref)
	if err != nil {
		return nil, sales.Public(err)
	}
	if found[0] == nil || e.gone(found[0]) {
		return nil, sales.NoRow(ref)
	}
	if err := e.principals.AuthorizeRow(ctx, c, sales.Read, principal.OwnedRow(found[0])); err != nil {
		return nil, sales.Public(err)
	}
	return found[0], sales.Public(e.show(ctx, t, found))
}

// MayRead reports whether a caller may read a row that was read for something else.
func (e *Entities) MayRead(ctx context.Context, c sales.Caller, row *rows.Row) (bool, error) {
	if e.gone(row) {
		return false, nil
	}
	may, err := e.principals.Reaches(ctx, c, sales.Read, row)
	return may, sales.Public(err)
}

// RetrieveIn reads a row into a unit of work, as it stands there, without what is
// worked out at a read.
func (e *Entities) RetrieveIn(ctx context.Context, tx *rows.Tx, c sales.Caller, ref rows.Ref) (*rows.Row, error) {
	if _, err := e.table(c, ref.Table, sales.Read); err != nil {
		return nil, err
	}
	row, err := e.load(ctx, tx, ref)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return nil, sales.NoRow(ref)
	}
	return row, e.principals.AuthorizeRow(ctx, c, sales.Read, principal.OwnedRow(row))
}

// load loads a row, nil when there is none to be seen.
func (e *Entities) load(ctx context.Context, tx *rows.Tx, ref rows.Ref) (*rows.Row, error) {
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return nil, err
	}
	if row := found[0]; row != nil && !e.gone(row) {
		return row, nil
	}
	return nil, nil //nolint:nilnil // no row is not an error here
}

// List is [Request.List] as a request of its own.
func (e *Entities) List(ctx context.Context, c sales.Caller, name string, q query.Query) (query.Page, error) {
	return e.Request(c).List(ctx, name, q)
}

// refuseList says what is wrong with a list that was asked for.
func refuseList(err error) error {
	if broad, ok := errors.AsType[*query.TooBroadError](err); ok {
		return &sales.Error{Kind: sales.Invalid, Text: broad.Error(), Cause: err}
	}
	if order, ok := errors.AsType[*query.OrderError](err); ok {
		return &sales.Error{Kind: sales.Invalid, Text: order.Error(), Cause: err}
	}
	if errors.Is(err, query.ErrBadToken) {
		return &sales.Error{Kind: sales.Invalid, Text: query.ErrBadToken.Error(), Cause: err}
	}
	return sales.Public(err)
}

// Names returns the primary names of rows, for people; each row is read once,
// and rows that are not there are left out.
func (e *Entities) Names(ctx context.Context, lookups []schema.Lookup) (map[schema.Lookup]string, error) {
	names := map[schema.Lookup]string{}
	requested := map[schema.Lookup]bool{}
	var refs []rows.Ref
	for _, l := range lookups {
		if e.db.Schema().Table(l.Table) != nil && !requested[l] {
			requested[l], refs = true, append(refs, rows.Ref{Table: l.Table, ID: l.ID})
		}
	}
	found, err := e.db.Get(ctx, refs...)
	if err != nil {
		return nil, sales.Public(err)
	}
	for _, row := range found {
		if row != nil {
			names[schema.Lookup{Table: row.Table.Name, ID: row.ID}] = row.Text(row.Table.PrimaryName)
		}
	}
	return names, nil
}

// Sight is what a caller sees of a row: the row, or nothing; Hidden tells that it is
// there.
type Sight struct {
	Row    *rows.Row
	Hidden bool
}

// Look reads rows of a table as a caller sees them, in the order of ids.
func (e *Entities) Look(ctx context.Context, c sales.Caller, name string, ids []string) ([]Sight, error) {
	t, err := e.table(c, name, sales.Read)
	if err != nil {
		return nil, err
	}
	refs := make([]rows.Ref, len(ids))
	for i, id := range ids {
		refs[i] = rows.Ref{Table: name, ID: id}
	}
	found, err := e.db.Get(ctx, refs...)
	if err != nil {
		return nil, sales.Public(err)
	}
	sights := make([]Sight, len(ids))
	var seen []*rows.Row
	for i, row := range found {
		if row == nil || e.gone(row) {
			continue
		}
		err := e.principals.AuthorizeRow(ctx, c, sales.Read, principal.OwnedRow(row))
		switch {
		case errors.Is(err, sales.Forbidden):
			sights[i].Hidden = true
		case err != nil:
			return nil, sales.Public(err)
		default:
			sights[i].Row, seen = row, append(seen, row)
		}
	}
	return sights, sales.Public(e.show(ctx, t, seen))
}
