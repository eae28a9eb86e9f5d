package query

import (
	"context"
	"fmt"

	"segue/internal/filter"
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
			if to := s.Table(n.Target.Table); to != nil && n.Column.Write != schema.Hidden {
				h.columns[t.Name] = n.Column.Name
				h.tables = append(h.tables, to)
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
		if to := s.Table(target.Table); to != nil {
			h.tables = append(h.tables, to)
		}
	}
	return h
}

// navHop returns the hop from rows of a table through one target of a lookup.
func navHop(s *schema.Schema, t *schema.Table, nav schema.Nav) hop {
	return hop{map[string]string{t.Name: nav.Column.Name}, []*schema.Table{s.Table(nav.Target.Table)}}
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

// related is the rows that the rows of a request lead to, each read once. It answers what
// conditions ask of them, for rows for which it was prepared.
type related struct {
	db      *rows.DB
	budget  *Budget
	readers Readable
	may     map[*schema.Table]func(*rows.Row) (bool, error)

	rows    map[rows.Ref]*rows.Row // by what lookups point at; nil for one that is not there, or not to be read
	held    int                    // bytes of rows
	above   map[rows.Ref]string    // ids of the rows right above, by hierarchies; "" for none, and for one that is not there, or not to be read
	reaches map[*filter.Program]*reach
}

var _ filter.RelatedRows = (*related)(nil)

func newRelated(db *rows.DB, budget *Budget, reads Readable) *related {
	return &related{
		db: db, budget: budget, readers: reads, may: map[*schema.Table]func(*rows.Row) (bool, error){},
		rows: map[rows.Ref]*rows.Row{}, above: map[rows.Ref]string{}, reaches: map[*filter.Program]*reach{},
	}
}

// trim forgets rows where there are very many, between one piece of a list and the next.
func (r *related) trim() {
	if r.held > maxHeld {
		clear(r.rows)
		r.held = 0
	}
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
		var err error
		if list, err = r.step(ctx, list, h); err != nil {
			return err
		}
	}
	return nil
}

// step returns the rows to which a hop leads from the rows of a list, each once.
func (r *related) step(ctx context.Context, list []*rows.Row, h hop) ([]*rows.Row, error) {
	var refs, missing []rows.Ref
	seen := map[rows.Ref]bool{}
	for _, row := range list {
		ref, ok := h.target(row)
		if !ok || seen[ref] {
			continue
		}
		seen[ref] = true
		refs = append(refs, ref)
		if _, known := r.rows[ref]; !known {
			missing = append(missing, ref)
		}
	}
	if err := r.read(ctx, missing); err != nil {
		return nil, err
	}
	var next []*rows.Row
	for _, ref := range refs {
		if to := r.rows[ref]; to != nil {
			next = append(next, to)
		}
	}
	return next, nil
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
		r.rows[ref] = nil
		if found[i] == nil {
			continue
		}
		ok, err := r.readable(ctx, found[i])
		if err != nil {
			return err
		}
		if ok {
			r.rows[ref] = found[i]
			r.held += found[i].Size(nil)
		}
	}
	return nil
}

// readable reports whether the one who asks may read a row.
func (r *related) readable(ctx context.Context, row *rows.Row) (bool, error) {
	if r.readers == nil {
		return true, nil
	}
	may, known := r.may[row.Table]
	if !known {
		var err error
		if may, err = r.readers(ctx, row.Table); err != nil {
			return false, err
		}
		r.may[row.Table] = may
	}
	if may == nil {
		return true, nil
	}
	return may(row)
}

// hold reports for each of some rows whether a program holds for it, and prepares for
// what it asks.
func (r *related) hold(ctx context.Context, p *filter.Program, list []*rows.Row, scope *filter.Scope) ([]bool, error) {
	holds := make([]bool, len(list))
	local, needs := p.Local(), p.Needs()
	var left []*rows.Row
	for i, row := range list {
		ok, err := local.Match(row)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", row.Ref(), err)
		}
		if holds[i] = ok; ok {
			left = append(left, row)
		}
	}
	if needs.Asks&filter.AsksRows == 0 {
		return holds, nil
	}
	if err := r.prepare(ctx, left, needs, scope); err != nil {
		return nil, err
	}
	for i, row := range list {
		if !holds[i] {
			continue
		}
		var err error
		if holds[i], err = p.MatchIn(row, scope); err != nil {
			return nil, fmt.Errorf("%v: %w", row.Ref(), err)
		}
	}
	return holds, nil
}

// prepare reads what a program asks of the rows of a list.
func (r *related) prepare(ctx context.Context, list []*rows.Row, needs filter.Needs, scope *filter.Scope) error {
	if len(list) == 0 {
		return nil
	}
	if err := r.prepareLookups(ctx, list, needs.Lookups, scope); err != nil {
		return err
	}
	for _, c := range needs.Climbs {
		if err := r.climb(ctx, list, c); err != nil {
			return err
		}
	}
	for _, asked := range needs.Related {
		if err := r.reach(ctx, list, asked, scope); err != nil {
			return err
		}
	}
	return nil
}

func (r *related) prepareLookups(ctx context.Context, list []*rows.Row, lookups []filter.Follow, scope *filter.Scope) error {
	for _, f := range lookups {
		next, err := r.step(ctx, list, navHop(r.db.Schema(), list[0].Table, f.Nav))
		if err != nil {
			return err
		}
		if len(next) == 0 {
			continue
		}
		if err := r.prepareLookups(ctx, next, f.Lookups, scope); err != nil {
			return err
		}
		for _, inner := range f.Inner {
			if err := r.prepare(ctx, next, inner.Needs(), scope); err != nil {
				return err
			}
		}
	}
	return nil
}

// One implements [filter.RelatedRows].
func (r *related) One(row filter.Row, nav schema.Nav) (filter.Row, error) {
	v, err := row.Value(nav.Column.Name)
	to, ok := v.Ref()
	if err != nil || !ok || to.Table != nav.Target.Table {
		return nil, err
	}
	found, known := r.rows[rows.Ref{Table: to.Table, ID: to.ID}]
	switch {
	case !known:
		return nil, fmt.Errorf("%v was not read", to)
	case found == nil:
		return nil, nil //nolint:nilnil // no row is not an error here
	}
	return found, nil
}
