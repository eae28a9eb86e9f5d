package operation

import (
	"context"
	"maps"
	"slices"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// Target names the row that an operation is about: by its id, or by an alternate key, which
// is looked up in the unit of work.
type Target struct {
	Ref rows.Ref
	Key *rows.KeyRef // nil: Ref counts
}

// find returns the row of a target.
func (t Target) find(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller) (rows.Ref, error) {
	if t.Key == nil {
		return t.Ref, nil
	}
	ref, ok, err := e.Entities.FindIn(ctx, tx, c, *t.Key)
	if err == nil && !ok {
		err = entity.NoKey(*t.Key)
	}
	return ref, err
}

// Links is the lookups of a row that are set to rows by their alternate keys, by column.
type Links map[string]rows.KeyRef

// resolve returns values with those of the links.
func (l Links) resolve(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, values map[string]schema.Value) (map[string]schema.Value, error) {
	if len(l) == 0 {
		return values, nil
	}
	all := map[string]schema.Value{}
	maps.Copy(all, values)
	for _, column := range slices.Sorted(maps.Keys(l)) {
		key := l[column]
		ref, err := Target{Key: &key}.find(ctx, tx, e, c)
		if err != nil {
			return nil, err
		}
		all[column] = schema.RefTo(ref.Table, ref.ID)
	}
	return all, nil
}
