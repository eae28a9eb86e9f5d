package entity

import (
	"context"
	"slices"

	"segue/internal/filter"
	"segue/internal/filter/calendar"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
)

// Tuples reads all rows of a table that the caller may read, with the rows joined to
// them that the caller may read too; see [query.Reader.Tuples].
func (e *Entities) Tuples(ctx context.Context, c sales.Caller, name string, q query.Query, joins []query.Join, order []query.FieldOrder) ([]query.Tuple, error) {
	q, joins, err := e.visibleAll(ctx, c, name, q, joins)
	if err != nil {
		return nil, err
	}
	tuples, err := e.lists.Tuples(ctx, q, joins, order)
	if err != nil {
		return nil, refuseList(err)
	}
	return tuples, nil
}

// ShowAll adds to the rows of tuples what is worked out when a row is read.
func (e *Entities) ShowAll(ctx context.Context, tuples []query.Tuple) error {
	byTable := map[string][]*rows.Row{}
	seen := map[*rows.Row]bool{}
	for _, tuple := range tuples {
		for _, row := range tuple {
			if row != nil && !seen[row] {
				seen[row] = true
				byTable[row.Table.Name] = append(byTable[row.Table.Name], row)
			}
		}
	}
	for _, list := range byTable {
		if err := e.show(ctx, list[0].Table, list); err != nil {
			return sales.Public(err)
		}
	}
	return nil
}

// Aggregate works an aggregation out over the rows that the caller may read; see
// [query.Reader.Aggregate]. Dates are those of the organization.
func (e *Entities) Aggregate(ctx context.Context, c sales.Caller, name string, q query.Query, joins []query.Join, a query.Aggregation) ([]query.Group, error) {
	var by calendar.Calendar
	if slices.ContainsFunc(a.By, func(key query.Key) bool { return key.Part != "" }) {
		settings, err := e.settings.Get(ctx)
		if err != nil {
			return nil, sales.Public(err)
		}
		by = settings.Calendar
	}
	q, joins, err := e.visibleAll(ctx, c, name, q, joins)
	if err != nil {
		return nil, err
	}
	groups, err := e.lists.Aggregate(ctx, q, joins, a, by)
	if err != nil {
		return nil, refuseList(err)
	}
	return groups, nil
}

// visibleAll fills in what a query of the caller and its joins have beside what was asked
// for: what the caller may read of each table, the time, the caller, and one budget.
func (e *Entities) visibleAll(ctx context.Context, c sales.Caller, name string, q query.Query, joins []query.Join) (query.Query, []query.Join, error) {
	r := e.Request(c)
	asks := q.Where.Asks() | asksOf(joins)
	q, err := r.visible(ctx, name, q)
	if err != nil {
		return q, nil, err
	}
	if q.Scope, err = r.scope(ctx, asks); err != nil {
		return q, nil, sales.Public(err)
	}
	joins, err = r.visibleJoins(ctx, joins)
	return q, joins, err
}

// asksOf returns what the conditions of joins ask beyond rows.
func asksOf(joins []query.Join) filter.Asks {
	var asks filter.Asks
	for _, join := range joins {
		asks |= join.Where.Asks() | asksOf(join.Joins)
	}
	return asks
}

func (r *Request) visibleJoins(ctx context.Context, joins []query.Join) ([]query.Join, error) {
	narrowed := make([]query.Join, len(joins))
	for i, join := range joins {
		q, err := r.visible(ctx, join.Table.Name, query.Query{Where: join.Where})
		if err != nil {
			return nil, err
		}
		join.Where, join.Unseen = q.Where, q.Unseen
		if join.Joins, err = r.visibleJoins(ctx, join.Joins); err != nil {
			return nil, err
		}
		narrowed[i] = join
	}
	return narrowed, nil
}
