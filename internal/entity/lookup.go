package entity

import (
	"context"
	"maps"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// checkLookups refuses values of a row that point at rows which are not there, in
// one read for all of them. A row that the unit of work makes is there, one that it
// deletes or that is going ([Rules].Gone) is not. What the engine writes is not
// checked: it points at rows that it has read, and must not fail because one of
// them went meanwhile.
func (e *Entities) checkLookups(ctx context.Context, tx *rows.Tx, c sales.Caller, row rows.Ref, values map[string]schema.Value) error {
	if c.IsEngine() {
		return nil
	}
	var columns []string // with each lookup to be read
	var refs []rows.Ref
	for _, column := range slices.Sorted(maps.Keys(values)) {
		to, ok := values[column].Ref()
		ref := rows.Ref{Table: to.Table, ID: to.ID}
		switch {
		case !ok, ref == row, ref == rows.RefTo(name.User, c.ID): // the caller was admitted
		case tx.Deleted(ref):
			return pointsAtNothing(column, ref)
		case tx.Held(ref) != nil:
			if e.gone(tx.Held(ref)) {
				return pointsAtNothing(column, ref)
			}
		case slices.Contains(refs, ref): // two columns point at it
		default:
			columns, refs = append(columns, column), append(refs, ref)
		}
	}
	found, err := e.db.Get(ctx, refs...) // not into the unit of work, which relies on none of them
	if err != nil {
		return err
	}
	for i, target := range found {
		if target == nil || e.gone(target) {
			return pointsAtNothing(columns[i], refs[i])
		}
	}
	return nil
}

func pointsAtNothing(column string, ref rows.Ref) error {
	return sales.Refuse(sales.NotFound, "%s: %s With Id = %s Does Not Exist", column, ref.Table, ref.ID)
}

// changed returns those of values that differ from what a row had before.
func changed(before, values map[string]schema.Value) map[string]schema.Value {
	different := map[string]schema.Value{}
	for column, v := range values {
		if before[column] != v {
			different[column] = v
		}
	}
	return different
}
