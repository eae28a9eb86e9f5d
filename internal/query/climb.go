package query

import (
	"context"
	"fmt"
	"slices"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// climb reads the rows above those from which a condition on the rows of a list climbs, one
// batch a level. Where they go in a circle it ends.
func (r *related) climb(ctx context.Context, list []*rows.Row, c filter.Climb) error {
	var level []rows.Ref
	seen := map[rows.Ref]bool{}
	add := func(to *[]rows.Ref, id string) {
		ref := rows.Ref{Table: c.Table().Name, ID: id}
		if id != "" && !seen[ref] {
			seen[ref] = true
			*to = append(*to, ref)
		}
	}
	for _, row := range list {
		id, err := c.From(row)
		if err != nil {
			return err
		}
		if row.Table == c.Table() && row.ID == id { // it is in hand
			if err := r.noteAbove(ctx, row); err != nil {
				return err
			}
		}
		add(&level, id)
	}
	for range filter.MaxLevels {
		if err := r.readAbove(ctx, c.Table(), level); err != nil {
			return err
		}
		var next []rows.Ref
		for _, ref := range level {
			add(&next, r.above[ref])
		}
		if level = next; len(level) == 0 {
			break
		}
	}
	return nil
}

// noteAbove notes which row is right above another, if that may be read.
func (r *related) noteAbove(ctx context.Context, row *rows.Row) error {
	ok, err := r.readable(ctx, row)
	if err != nil {
		return err
	}
	r.above[row.Ref()] = ""
	if ok {
		r.above[row.Ref()] = row.Lookup(row.Table.Parent().Name).ID
	}
	return nil
}

// readAbove finds out which rows are right above some rows of a table.
func (r *related) readAbove(ctx context.Context, t *schema.Table, refs []rows.Ref) error {
	missing := slices.DeleteFunc(slices.Clone(refs), func(ref rows.Ref) bool { _, known := r.above[ref]; return known })
	unread := slices.DeleteFunc(slices.Clone(missing), func(ref rows.Ref) bool { _, known := r.rows[ref]; return known })
	if err := r.read(ctx, unread); err != nil {
		return err
	}
	for _, ref := range missing {
		r.above[ref] = ""
		if row := r.rows[ref]; row != nil {
			r.above[ref] = row.Lookup(t.Parent().Name).ID
		}
	}
	return nil
}

// Above implements [filter.RelatedRows].
func (r *related) Above(t *schema.Table, id string) ([]string, error) {
	var ids []string
	at := rows.Ref{Table: t.Name, ID: id}
	for range filter.MaxLevels {
		next, known := r.above[at]
		switch {
		case !known:
			return nil, fmt.Errorf("what is above %v was not read", at)
		case next == "" || next == id || slices.Contains(ids, next):
			return ids, nil
		}
		ids = append(ids, next)
		at.ID = next
	}
	return ids, nil
}
