package entity

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// TargetError is why a row is refused whose lookup points at no row: the cause of a
// [sales.NotFound].
type TargetError struct {
	Column string // of the lookup
	Target rows.Ref
}

// Error names the column and the row that is not there.
func (e *TargetError) Error() string {
	return fmt.Sprintf("%s: %s With Id = %s Does Not Exist", e.Column, e.Target.Table, e.Target.ID)
}

// targets is the rows that lookups of a row point at, by column.
type targets map[string]*rows.Row

// loadTargets finds the rows that values of a row point at, in one read for all of
// them, and refuses those that are not there, and a row above itself. A row that the unit of work makes is
// there, one that it deletes or that is going ([Parting]) is not. Left out are the
// row itself and the caller, who was admitted. What the engine writes is not checked:
// it points at rows that it has read, and must not fail because one of them went
// meanwhile.
func (e *Entities) loadTargets(ctx context.Context, tx *rows.Tx, c sales.Caller, row rows.Ref, values map[string]schema.Value) (targets, error) {
	if c.IsEngine() {
		return nil, nil
	}
	lookups := map[string]rows.Ref{}
	found := map[rows.Ref]*rows.Row{}
	var missing []rows.Ref
	for column, v := range values {
		to, ok := v.Ref()
		ref := rows.Ref{Table: to.Table, ID: to.ID}
		if !ok || ref == row || ref == rows.RefTo(name.User, c.ID) {
			continue
		}
		lookups[column] = ref
		found[ref] = tx.Held(ref)
		if found[ref] == nil && !tx.Deleted(ref) && !slices.Contains(missing, ref) {
			missing = append(missing, ref)
		}
	}
	read, err := e.db.Get(ctx, missing...) // not into the unit of work, which relies on none of them
	if err != nil {
		return nil, err
	}
	for i, ref := range missing {
		found[ref] = read[i]
	}
	at := targets{}
	for _, column := range slices.Sorted(maps.Keys(lookups)) {
		ref := lookups[column]
		if found[ref] == nil || e.gone(found[ref]) {
			missing := &TargetError{Column: column, Target: ref}
			return nil, &sales.Error{Kind: sales.NotFound, Text: missing.Error(), Cause: missing}
		}
		at[column] = found[ref]
	}
	return at, e.refuseCircle(ctx, tx, row, values, at)
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
