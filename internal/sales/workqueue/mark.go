package workqueue

import (
	"context"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Marks is what a user notes of a record for themselves; nil leaves a mark as it is.
type Marks struct{ Read, Followed *bool }

// Mark sets marks of the caller's at a record that the caller may read, in a unit of work
// that somebody else commits. Marks that are set already change nothing. Refusals:
// [sales.Invalid], [sales.NotFound], [sales.Forbidden].
func (q *Queues) Mark(ctx context.Context, tx *rows.Tx, c sales.Caller, record rows.Ref, m Marks) error {
	if m.Read == nil && m.Followed == nil {
		return sales.Refuse(sales.Invalid, "Read and Followed are both missing; one of them says what to mark")
	}
	if c.ID == "" {
		return sales.Refuse(sales.Invalid, "the caller is no user, and has no marks")
	}
	if err := sales.Connectable(q.db.Schema(), record.Table); err != nil {
		return err
	}
	if err := q.entities.Admit(ctx, c, sales.Right{Privilege: sales.Read, Table: record.Table}); err != nil {
		return err
	}
	if _, err := q.entities.RetrieveIn(ctx, tx, c, record); err != nil {
		return err
	}
	ref := markOf(c.ID, record)
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return err
	}
	row := found[0]
	if row == nil {
		if !isTrue(m.Read) && !isTrue(m.Followed) {
			return nil // no row is no mark
		}
		t := tx.Schema().Table(name.WorkMark)
		row = tx.Create(t, ref.ID, map[string]schema.Value{
			name.SegueRecord: schema.Text(lookup(record).String()), name.SegueUser: schema.Text(string(c.ID)),
		})
	}
	for column, mark := range map[string]*bool{name.SegueRead: m.Read, name.SegueFollowed: m.Followed} {
		if mark != nil && row.Is(column) != *mark {
			row.Set(column, schema.Bool(*mark))
		}
	}
	return nil
}

func isTrue(mark *bool) bool { return mark != nil && *mark }

func lookup(ref rows.Ref) schema.Lookup { return schema.Lookup{Table: ref.Table, ID: ref.ID} }

// markOf names the row of a user's marks at a record. Its id follows from the two, so that
// the marks of a page are read without an index.
func markOf(user name.UserID, record rows.Ref) rows.Ref {
	return rows.Ref{Table: name.WorkMark, ID: guid.Derive("workmark", string(user), record.Table, record.ID)}
}

// marks reads the marks at the records of items, and fills them in.
func (r *reader) marks(ctx context.Context, items []Item) error {
	refs := make([]rows.Ref, len(items))
	for i, item := range items {
		refs[i] = markOf(r.caller.ID, rows.Ref{Table: item.Record.Table, ID: item.Record.ID})
	}
	if err := r.read(ctx, refs); err != nil {
		return err
	}
	for i := range items {
		if row := r.rows[refs[i]]; row != nil {
			items[i].Read, items[i].Followed = row.Is(name.SegueRead), row.Is(name.SegueFollowed)
		}
	}
	return nil
}
