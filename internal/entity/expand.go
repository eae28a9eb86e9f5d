package entity

import (
	"context"

	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// Expand asks for rows that come with a row.
type Expand struct {
	Nav   string      // navigation property
	Many  bool        // it leads to many rows
	Table string      // of those
	By    string      // their column that points at the row
	Query query.Query // those that are wanted: Where, Order and Limit
	With  []Expand    // what comes with each of them
}

// Expansion is the rows that come with a row for one Expand; where that is to one row, one
// at most.
type Expansion struct {
	Rows []*rows.Row
	With [][]Expansion // with each of Rows, in the order of Expand.With; nil for nothing
}

// Expand reads what comes with each of some rows, which are of one table. Rows that the
// caller may not read, or that nobody sees any more, do not come.
func (r *Request) Expand(ctx context.Context, list []*rows.Row, asked []Expand) ([][]Expansion, error) {
	if len(asked) == 0 || len(list) == 0 {
		return make([][]Expansion, len(list)), nil
	}
	all := make([][]Expansion, len(list))
	for _, x := range asked {
		found, err := r.expand(ctx, list, x)
		if err != nil {
			return nil, err
		}
		for i := range list {
			all[i] = append(all[i], found[i])
		}
	}
	return all, nil
}

// expand reads what comes with each of some rows for one Expand.
func (r *Request) expand(ctx context.Context, list []*rows.Row, x Expand) ([]Expansion, error) {
	related, err := r.follow(ctx, list, x)
	if err != nil {
		return nil, refuseList(err)
	}
	var next []*rows.Row
	for _, of := range related {
		next = append(next, of...)
	}
	if err := r.show(ctx, next); err != nil {
		return nil, err
	}
	with, err := r.Expand(ctx, next, x.With)
	if err != nil {
		return nil, err
	}
	found := make([]Expansion, len(list))
	for i, of := range related {
		found[i] = Expansion{Rows: of, With: with[:len(of):len(of)]}
		with = with[len(of):]
	}
	return found, nil
}

// follow returns the rows that are related to each of some rows.
func (r *Request) follow(ctx context.Context, list []*rows.Row, x Expand) ([][]*rows.Row, error) {
	if x.Many {
		return r.children(ctx, list, x)
	}
	found, err := r.related.Follow(ctx, list, x.Nav)
	if err != nil {
		return nil, err
	}
	related := make([][]*rows.Row, len(list))
	for i, row := range found {
		if row != nil {
			related[i] = []*rows.Row{row}
		}
	}
	return related, nil
}

func (r *Request) children(ctx context.Context, list []*rows.Row, x Expand) ([][]*rows.Row, error) {
	q, err := r.visible(ctx, x.Table, x.Query)
	if err != nil || q.Limit == 0 {
		return make([][]*rows.Row, len(list)), err
	}
	refs := make([]rows.Ref, len(list))
	for i, row := range list {
		refs[i] = row.Ref()
	}
	return r.related.Children(ctx, refs, x.By, q)
}

// show adds to rows of any tables what their rules work out, once to each.
func (r *Request) show(ctx context.Context, list []*rows.Row) error {
	byTable := map[*schema.Table][]*rows.Row{}
	for _, row := range list {
		if !r.shown[row] {
			r.shown[row] = true
			byTable[row.Table] = append(byTable[row.Table], row)
		}
	}
	for t, of := range byTable {
		if err := r.entities.show(ctx, t, of); err != nil {
			return sales.Public(err)
		}
	}
	return nil
}
