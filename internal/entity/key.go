package entity

import (
	"context"

	"segue/internal/rows"
	"segue/internal/sales"
)

// Find returns the row that has an alternate key.
func (e *Entities) Find(ctx context.Context, c sales.Caller, k rows.KeyRef) (rows.Ref, error) {
	if _, err := e.table(c, k.Table, sales.Read); err != nil {
		return rows.Ref{}, err
	}
	ref, ok, err := e.db.FindKey(ctx, k)
	switch {
	case err != nil:
		return rows.Ref{}, sales.Public(err)
	case !ok:
		return rows.Ref{}, NoKey(k)
	}
	return ref, nil
}

// FindIn is Find in a unit of work, which the row is loaded into; ok is false where none
// has the key.
func (e *Entities) FindIn(ctx context.Context, tx *rows.Tx, c sales.Caller, k rows.KeyRef) (ref rows.Ref, ok bool, err error) {
	if _, err := e.table(c, k.Table, sales.Read); err != nil {
		return rows.Ref{}, false, err
	}
	row, err := tx.FindKey(ctx, k)
	if row == nil || err != nil {
		return rows.Ref{}, false, err
	}
	return row.Ref(), true, nil
}

// NoKey refuses because no row has an alternate key.
func NoKey(k rows.KeyRef) error {
	return sales.Refuse(sales.NoKey, "A record with the specified key values does not exist: %v", k)
}
