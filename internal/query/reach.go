package query

import (
	"context"
	"fmt"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// maxProbes is for how many rows of a request an index is asked what points at each,
// before all that point anywhere are read in one go.
const maxProbes = 200

// reach is what is known of one relationship of a condition: which rows have a row that
// points at them and for which the inner condition holds.
type reach struct {
	filter.Reach
	has    map[rows.Ref]bool
	all    bool // has lacks no row
	probes int
}

// reach finds out for the rows of a list whether any row points at each and meets a
// condition.
func (r *related) reach(ctx context.Context, list []*rows.Row, asked filter.Reach, scope *filter.Scope) error {
	to := r.reaches[asked.Inner]
	if to == nil {
		to = &reach{Reach: asked, has: map[rows.Ref]bool{}}
		r.reaches[asked.Inner] = to
	}
	var unknown []*rows.Row
	for _, row := range list {
		if _, known := to.has[row.Ref()]; !known && !to.all {
			unknown = append(unknown, row)
		}
	}
	if to.probes += len(unknown); to.probes > maxProbes {
		return r.walk(ctx, to, scope)
	}
	for _, row := range unknown {
		ref := row.Ref()
		partitions, ok := partitionsAt(asked.Relation.Table, asked.Relation.Column.Name, ref)
		if !ok {
			return r.walk(ctx, to, scope)
		}
		to.has[ref] = false
		for i := 0; i < len(partitions) && !to.has[ref]; i++ {
			found := func() bool { return to.has[ref] }
			if err := r.note(ctx, to, partitions[i], minChunk, scope, found); err != nil {
				return err
			}
		}
	}
	return nil
}

// walk reads all rows of the related table.
func (r *related) walk(ctx context.Context, to *reach, scope *filter.Scope) error {
	if to.all {
		return nil
	}
	to.all = true
	for _, partition := range rows.ListPartitions(to.Relation.Table) {
		if err := r.note(ctx, to, partition, maxChunk, scope, func() bool { return false }); err != nil {
			return err
		}
	}
	return nil
}

// note notes at what the rows of a partition point, of those for which the inner
// condition holds, in pieces of limit rows, until enough says so.
func (r *related) note(ctx context.Context, to *reach, partition rows.Partition, limit int, scope *filter.Scope, enough func() bool) error {
	t, column := to.Relation.Table, to.Relation.Column.Name
	local := to.Inner.Local()
	only := rows.NewWhere(t, to.Inner.Columns(), func(row *rows.Sketch) (bool, error) { return local.Match(row) })
	for after, more := "", true; more && !enough(); {
		part, err := r.budget.read(ctx, r.db, t, partition, after, limit, only)
		if err != nil {
			return fmt.Errorf("rows of %s that point at others by %s: %w", t.Name, column, err)
		}
		holds, err := r.hold(ctx, to.Inner, part.Rows, scope)
		if err != nil {
			return err
		}
		for i, row := range part.Rows {
			if !holds[i] {
				continue
			}
			if err := r.found(ctx, to, row); err != nil {
				return err
			}
		}
		after, more = part.Next, part.Next != ""
	}
	return nil
}

// found notes at what a row points for which the inner condition holds.
func (r *related) found(ctx context.Context, to *reach, row *rows.Row) error {
	at, err := pointsAt(row, to.Relation.Column.Name)
	if err != nil || at.ID == "" {
		return err
	}
	ok, err := r.readable(ctx, row)
	if ok {
		to.has[at] = true
	}
	return err
}

// Any implements [filter.RelatedRows].
func (r *related) Any(row filter.Row, relation schema.Relation, inner *filter.Program) (bool, error) {
	at, ok := row.(*rows.Row)
	to := r.reaches[inner]
	if !ok || to == nil {
		return false, fmt.Errorf("relationship %s was not read", relation.Name)
	}
	has, known := to.has[at.Ref()]
	if !known && !to.all {
		return false, fmt.Errorf("relationship %s was not read of %v", relation.Name, at.Ref())
	}
	return has, nil
}
