package query

import (
	"context"
	"fmt"

	"segue/internal/rows"
	"segue/internal/schema"
)

// hop is a way from rows to those that a lookup of them points at.
type hop struct {
	columns map[string]string // the lookup, by the tables that rows come from
	tables  []*schema.Table   // those that it leads to; the lookup may point at others too
}

// newHop returns the hop of a navigation property of rows of some tables.
func newHop(s *schema.Schema, from []*schema.Table, nav string) (hop, bool) {
	h := hop{columns: map[string]string{}}
	for _, t := range from {
		for _, n := range t.Navs(nav) {
			if n.Column.Write != schema.Hidden {
				h.columns[t.Name] = n.Column.Name
				h.tables = append(h.tables, s.Table(n.Target.Table))
			}
		}
	}
	return h, len(h.tables) > 0
}

// toNames returns the hop from rows of some tables to all that a lookup points at.
func toNames(s *schema.Schema, from []*schema.Table, c *schema.Column) hop {
	h := hop{columns: map[string]string{}}
	for _, t := range from {
		h.columns[t.Name] = c.Name
	}
	for _, target := range c.Targets {
		h.tables = append(h.tables, s.Table(target.Table))
	}
	return h
}

// target returns what the hop leads to from a row; ok is false where it leads nowhere.
func (h hop) target(row *rows.Row) (ref rows.Ref, ok bool) {
	column, ok := h.columns[row.Table.Name]
	if !ok {
		return ref, false
	}
	v, err := row.Value(column)
	to, isRef := v.Ref()
	if err != nil || !isRef {
		return ref, false
	}
	for _, t := range h.tables {
		if t.Name == to.Table {
			return rows.Ref{Table: to.Table, ID: to.ID}, true
		}
	}
	return ref, false
}

// related is the rows that lookups of the rows of a request lead to, each read once.
type related struct {
	db     *rows.DB
	budget *Budget
	rows   map[rows.Ref]*rows.Row // nil for one that is not there
}

func newRelated(db *rows.DB, budget *Budget) *related {
	return &related{db, budget, map[rows.Ref]*rows.Row{}}
}

// follow returns the row that a hop leads to from another, nil for none. It was fetched.
func (r *related) follow(row *rows.Row, h hop) *rows.Row {
	ref, ok := h.target(row)
	if !ok {
		return nil
	}
	return r.rows[ref]
}

// fetch reads the rows to which hops lead from the rows of a list, in as many batches as
// there are hops.
func (r *related) fetch(ctx context.Context, list []*rows.Row, hops []hop) error {
	for _, h := range hops {
		var missing []rows.Ref
		for _, row := range list {
			ref, ok := h.target(row)
			if !ok {
				continue
			}
			if _, known := r.rows[ref]; !known {
				r.rows[ref] = nil
				missing = append(missing, ref)
			}
		}
		if err := r.read(ctx, missing); err != nil {
			return err
		}
		var next []*rows.Row
		for _, row := range list {
			if to := r.follow(row, h); to != nil {
				next = append(next, to)
			}
		}
		list = next
	}
	return nil
}

func (r *related) read(ctx context.Context, refs []rows.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	if err := r.budget.spend(r.db.Schema().Table(refs[0].Table), len(refs)); err != nil {
		return err
	}
	found, err := r.db.Get(ctx, refs...)
	if err != nil {
		return fmt.Errorf("follow lookups: %w", err)
	}
	for i, ref := range refs {
		r.rows[ref] = found[i]
	}
	return nil
}
