package entity

import (
	"context"
	"encoding/json"
	"fmt"

	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/principal"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// MaxCascade is how many rows a delete deletes or unlinks in its own unit of work because
// of their lookups; more is done by a job that begins with it.
const MaxCascade = 25

// CascadeKind is the kind of the jobs that do it.
const CascadeKind = "cascade"

// Followed is what a job of [CascadeKind] does: to the rows of a table that point at the
// job's subject by a column. It is the job's argument, as JSON.
type Followed struct {
	Table  string `json:"table"`
	Column string `json:"column"`
}

// cascade is what follows from a delete in its unit of work.
type cascade struct {
	*Entities
	tx     *rows.Tx
	caller sales.Caller
	done   int         // rows deleted and unlinked
	queue  []*rows.Row // deleted, and not followed yet
}

// follow does to the rows that point at a deleted row what their lookups say.
func (e *Entities) follow(ctx context.Context, tx *rows.Tx, c sales.Caller, deleted *rows.Row) error {
	f := cascade{Entities: e, tx: tx, caller: c, queue: []*rows.Row{deleted}}
	for len(f.queue) > 0 {
		row := f.queue[0]
		f.queue = f.queue[1:]
		for _, r := range e.db.Schema().Referrers(row.Table) {
			if err := f.one(ctx, row, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// one follows one lookup.
func (f *cascade) one(ctx context.Context, row *rows.Row, r schema.Referrer) error {
	left := MaxCascade - f.done
	if r.Column.OnDelete == schema.Restrict {
		left = 0
	}
	pointing, err := f.pointing(ctx, row, r, left+1)
	if err != nil {
		return err
	}
	switch {
	case len(pointing) == 0:
		return nil
	case r.Column.OnDelete == schema.Restrict:
		return sales.Refuse(sales.Associated, "%v cannot be deleted: %v points at it by %s", row.Ref(), pointing[0].Ref(), r.Column.Name)
	case len(pointing) > left:
		return f.begin(ctx, row, r)
	}
	for _, child := range pointing {
		if err := f.apply(ctx, child, r); err != nil {
			return err
		}
	}
	return nil
}

// apply deletes or unlinks a row.
func (f *cascade) apply(ctx context.Context, child *rows.Row, r schema.Referrer) error {
	f.done++
	if r.Column.OnDelete == schema.RemoveLink {
		return f.unlink(ctx, f.tx, child, r.Column.Name)
	}
	if err := f.principals.Authorize(f.caller, sales.Right{Privilege: sales.Delete, Table: child.Table.Name}); err != nil {
		return err
	}
	if err := f.principals.AuthorizeRow(ctx, f.caller, sales.Delete, principal.OwnedRow(child)); err != nil {
		return err
	}
	kept, err := f.remove(ctx, f.tx, child)
	if err == nil && !kept {
		f.queue = append(f.queue, child)
	}
	return err
}

// unlink clears a lookup on behalf of Segue itself: whoever may delete a row need not have
// rights on those that point at it.
func (e *Entities) unlink(ctx context.Context, tx *rows.Tx, row *rows.Row, column string) error {
	return e.change(ctx, tx, sales.Engine(), row, map[string]schema.Value{column: schema.Null()})
}

// pointing loads up to limit of the rows that point at a row by a lookup and are not deleted
// already. The index may not show one that was made a moment ago, which keeps pointing.
func (f *cascade) pointing(ctx context.Context, row *rows.Row, r schema.Referrer, limit int) ([]*rows.Row, error) {
	to := schema.RefTo(row.Table.Name, row.ID)
	page, err := f.lists.Select(ctx, query.Query{Table: r.Table, Limit: limit + f.done, Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
		&filter.Condition{Column: r.Column.Name, Operator: filter.Eq, Values: []schema.Value{to}},
	}}})
	if err != nil {
		return nil, err
	}
	refs := make([]rows.Ref, len(page.Rows))
	for i, found := range page.Rows {
		refs[i] = found.Ref()
	}
	loaded, err := f.tx.Load(ctx, refs...)
	if err != nil {
		return nil, err
	}
	var pointing []*rows.Row
	for _, child := range loaded {
		if child == nil || f.gone(child) || child.Ref() == row.Ref() || len(pointing) == limit {
			continue
		}
		if v, err := child.Value(r.Column.Name); err == nil && v == to {
			pointing = append(pointing, child)
		}
	}
	return pointing, nil
}

// begin begins the job that follows a lookup of too many rows.
func (f *cascade) begin(ctx context.Context, row *rows.Row, r schema.Referrer) error {
	if r.Column.OnDelete == schema.Cascade {
		if err := f.principals.Authorize(f.caller, sales.Right{Privilege: sales.Delete, Table: r.Table.Name}); err != nil {
			return err
		}
	}
	argument, err := json.Marshal(Followed{r.Table.Name, r.Column.Name})
	if err != nil {
		return fmt.Errorf("begin a cascade: %w", err)
	}
	return sales.BeginJob(ctx, f.tx, sales.NewJob{
		ID:   name.JobID(guid.Derive("cascade", row.Table.Name, row.ID, fmt.Sprint(row.Version), r.Table.Name, r.Column.Name)),
		Kind: CascadeKind, Name: fmt.Sprintf("Follow the deletion of %v by %s of %s", row.Ref(), r.Column.Name, r.Table.Name),
		Subject: row.Ref(), Argument: string(argument),
		Scans: []sales.Scan{{Table: r.Table.Name, Index: r.Index.Name, Single: !r.Index.Shards, Small: r.Index.Shards}},
	})
}

// Follow does to one row that points at a deleted row what a lookup of it says, on behalf
// of Segue itself; changed is false where nothing is to be done.
func (e *Entities) Follow(ctx context.Context, ref, deleted rows.Ref, column string) (changed bool, err error) {
	err = e.db.Do(ctx, "", func(tx *rows.Tx) error {
		changed = false
		row, err := e.load(ctx, tx, ref)
		if row == nil || err != nil {
			return err
		}
		c := row.Table.Column(column)
		if row.Lookup(column) != (schema.Lookup{Table: deleted.Table, ID: deleted.ID}) {
			return nil
		}
		changed = true
		if c.OnDelete == schema.RemoveLink {
			return e.unlink(ctx, tx, row, column)
		}
		return e.DeleteIn(ctx, tx, sales.Engine(), ref, If{})
	})
	return changed && err == nil, sales.Public(err)
}
