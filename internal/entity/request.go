package entity

import (
	"context"
	"errors"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// Request is what a request of a caller reads: rows, lists and what is related to them,
// all within one budget. It belongs to one goroutine.
type Request struct {
	entities *Entities
	caller   sales.Caller
	budget   *query.Budget
	related  *query.Related
	shown    map[*rows.Row]bool // rows with what their rules work out
}

// Request begins a request.
func (e *Entities) Request(c sales.Caller) *Request {
	r := &Request{entities: e, caller: c, budget: e.lists.Budget(), shown: map[*rows.Row]bool{}}
	r.related = e.lists.Related(r.budget, r.readable)
	return r
}

// Retrieve reads a row.
func (r *Request) Retrieve(ctx context.Context, ref rows.Ref) (*rows.Row, error) {
	return r.entities.Retrieve(ctx, r.caller, ref)
}

// List reads a page of the rows of a table that the caller may read, which it fills
// in in q. A page token is the caller's own where that is not all rows.
func (r *Request) List(ctx context.Context, name string, q query.Query) (query.Page, error) {
	q, err := r.visible(ctx, name, q)
	if err != nil {
		return query.Page{}, err
	}
	page, err := r.entities.lists.Select(ctx, q)
	if err != nil {
		return query.Page{}, refuseList(err)
	}
	return page, r.show(ctx, page.Rows)
}

// Count returns the number of rows of a table that match a condition and that the caller
// may read, [query.MaxCount] at most; more says that there are more.
func (r *Request) Count(ctx context.Context, name string, where *filter.Group) (n int, more bool, err error) {
	q, err := r.visible(ctx, name, query.Query{Where: where})
	if err != nil {
		return 0, false, err
	}
	if n, more, err = r.entities.lists.Count(ctx, q); err != nil {
		return 0, false, refuseList(err)
	}
	return n, more, nil
}

// visible fills in what a query of the caller has beside what was asked for: the table,
// what the caller may read, the time, the caller, and the budget of the request.
func (r *Request) visible(ctx context.Context, name string, q query.Query) (query.Query, error) {
	e := r.entities
	var err error
	if q.Table, err = e.table(r.caller, name, sales.Read); err != nil {
		return q, err
	}
	if q.Scope, err = r.scope(ctx, q.Where.Asks()); err != nil {
		return q, sales.Public(err)
	}
	visible, err := e.principals.Visible(ctx, r.caller, q.Table)
	if err != nil {
		return q, sales.Public(err)
	}
	if visible != nil {
		both := &filter.Group{Logic: filter.And, Items: []filter.Node{visible}}
		if q.Where != nil {
			both.Items = append(both.Items, q.Where)
		}
		q.Where = both
	}
	q.Unseen, q.Budget, q.Reads = e.unseen(q.Table), r.budget, r.readable
	return q, nil
}

// scope returns what a condition asks beyond rows, as far as it asks.
func (r *Request) scope(ctx context.Context, asks filter.Asks) (*filter.Scope, error) {
	scope := &filter.Scope{Now: r.entities.db.Now()}
	if asks&(filter.AsksZone|filter.AsksNow) != 0 {
		settings, err := r.entities.settings.Get(ctx)
		if err != nil {
			return nil, err
		}
		scope = settings.Scope(scope.Now)
	}
	if asks&filter.AsksCaller == 0 {
		return scope, nil
	}
	var err error
	scope.Caller, err = r.entities.principals.Asking(ctx, r.caller)
	return scope, err
}

// readable returns which rows of a table the caller may read, nil for all.
func (r *Request) readable(ctx context.Context, t *schema.Table) (func(*rows.Row) (bool, error), error) {
	e := r.entities
	err := e.principals.Authorize(r.caller, sales.Right{Privilege: sales.Read, Table: t.Name})
	if refusal, ok := errors.AsType[*sales.Error](err); ok && refusal.Kind == sales.Forbidden {
		return func(*rows.Row) (bool, error) { return false, nil }, nil
	}
	if err != nil {
		return nil, err
	}
	visible, err := e.principals.Visible(ctx, r.caller, t)
	unseen := e.unseen(t)
	if err != nil || visible == nil && unseen == nil {
		return nil, err
	}
	where := &filter.Group{Logic: filter.And}
	if visible != nil {
		where.Items = []filter.Node{visible}
	}
	program, err := filter.Compile(e.db.Schema(), t.Name, where)
	if err != nil {
		return nil, err
	}
	return func(row *rows.Row) (bool, error) {
		if unseen != nil && unseen(row) {
			return false, nil
		}
		return program.Match(row)
	}, nil
}
