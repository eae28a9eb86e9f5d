package entity

import (
	"context"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// refuseCircle refuses to put a row of a hierarchy below itself ([schema.Table.Parent]). It
// follows the rows above, each of which is one read, up to as many levels as a condition
// on the hierarchy does. It relies on none of them: two rows that are put below each other
// at the same moment are a circle, which conditions bear (docs/decisions/0017).
func (e *Entities) refuseCircle(ctx context.Context, tx *rows.Tx, row rows.Ref, values map[string]schema.Value, at targets) error {
	parent := e.db.Schema().Table(row.Table).Parent()
	if parent == nil {
		return nil
	}
	to, ok := values[parent.Name].Ref()
	if !ok {
		return nil
	}
	above, first := rows.Ref{Table: to.Table, ID: to.ID}, at[parent.Name]
	for range filter.MaxLevels {
		if above == row {
			return sales.Refuse(sales.Precondition, "%s is %v, which is %v itself or below it; no row may be above itself", parent.Name, to, row)
		}
		found := first
		if first = nil; found == nil {
			var err error
			if found, err = e.rowAbove(ctx, tx, above); err != nil {
				return err
			}
		}
		if found == nil || found.Lookup(parent.Name).ID == "" {
			return nil
		}
		above.ID = found.Lookup(parent.Name).ID
	}
	return nil
}

// rowAbove returns a row as the unit of work has it, or as it is; nil where there is none.
func (e *Entities) rowAbove(ctx context.Context, tx *rows.Tx, ref rows.Ref) (*rows.Row, error) {
	if held := tx.Held(ref); held != nil || tx.Deleted(ref) {
		return held, nil
	}
	found, err := e.db.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}
