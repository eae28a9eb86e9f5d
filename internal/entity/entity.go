// Package entity creates, reads, changes and deletes rows of any table on behalf
// of a caller: it authorizes, lets the schema check the values and the table's
// [Rules] what goes beyond it, and writes once. It knows no table; rules are
// registered by [sales.Subject].
//
// Every change has two forms: CreateIn, UpdateIn and DeleteIn work in a unit of
// work that somebody else commits, so that several can share one; Create,
// Update and Delete are those with a unit of work of their own.
//
// Size: creating, changing and deleting ask for the same rights and rules in the same order,
// each in a unit of work or by itself; apart, they would export those steps.
//
// Invariant: no row is written that breaks a rule of the schema or one of its
// table, whichever way it is written.
package entity

import (
	"context"
	"slices"

	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/principal"
	"segue/internal/sales/setting"
	"segue/internal/schema"
)

// Rules is what the rows of a table obey beyond the schema. A rule sees the row
// as it is to be written and may change it, and may load and change others in
// the same unit of work, which may be tried several times. Embed [Plain] and
// write the rules that there are.
type Rules interface {
	// Create checks a new row.
	Create(ctx context.Context, tx *rows.Tx, row *rows.Row) error
	// Update checks a changed row; before has its columns that were not null.
	Update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error
	// Delete ends what hangs on a row. It says keep when the row itself is to
	// stay for now.
	Delete(ctx context.Context, tx *rows.Tx, row *rows.Row) (keep bool, err error)
	// Show adds to rows of one table that were read what is worked out at a read.
	Show(ctx context.Context, list []*rows.Row) error
	// Committed runs after a create, update or delete has been committed, once a
	// unit of work.
	Committed(ctx context.Context) error
}

// Plain is the rules of a table without any.
type Plain struct{}

var _ Rules = Plain{}

// Create implements [Rules].
func (Plain) Create(context.Context, *rows.Tx, *rows.Row) error { return nil }

// Update implements [Rules].
func (Plain) Update(context.Context, *rows.Tx, *rows.Row, map[string]schema.Value) error { return nil }

// Delete implements [Rules].
func (Plain) Delete(context.Context, *rows.Tx, *rows.Row) (keep bool, err error) { return false, nil }

// Show implements [Rules].
func (Plain) Show(context.Context, []*rows.Row) error { return nil }

// Committed implements [Rules].
func (Plain) Committed(context.Context) error { return nil }

// Entities is the use cases on rows of any table. It is safe for concurrent use
// once everything has been registered.
type Entities struct {
	db         *rows.DB
	lists      *query.Reader
	principals *principal.Directory
	settings   *setting.Settings
	newID      func() string
	rules      map[string][]Rules // by table, in the order of their registration
}

// New returns entities without rules; newID makes the ids of rows that come
// without one.
func New(db *rows.DB, principals *principal.Directory, settings *setting.Settings, newID func() string) *Entities {
	return &Entities{db: db, lists: query.New(db), principals: principals, settings: settings, newID: newID, rules: map[string][]Rules{}}
}

// Bound sets how many rows a request may examine, [query.MaxExamined] by default. It is
// called before the Entities are used.
func (e *Entities) Bound(max int) { e.lists.Bound(max) }

// NewID makes an id for a row of a table that comes without one: that of the values,
// where a rule says so ([Identified]), else a new one.
func (e *Entities) NewID(table string, values map[string]schema.Value) string {
	for _, r := range e.rules[table] {
		if identified, ok := r.(Identified); ok {
			return identified.IDOf(values)
		}
	}
	return e.newID()
}

// Identified is [Rules] of a table whose rows are told apart by values: two rows
// with the same cannot be.
type Identified interface {
	// IDOf returns the id that a row with these values has.
	IDOf(values map[string]schema.Value) string
}

// Parting is [Rules] of a table whose rows may outlive their deletion.
type Parting interface {
	// Gone reports whether a row is there only until what hangs on it has ended:
	// nobody sees it any more.
	Gone(row *rows.Row) bool
}

// Answering is [Rules] of a table with columns that are worked out only where they are
// selected by name, because that is much work.
type Answering interface {
	// Answer adds to rows of one table what is selected.
	Answer(ctx context.Context, list []*rows.Row, selected []string) error
}

// Answer adds to rows of a table that a caller has read those selected columns that are
// worked out only then.
func (e *Entities) Answer(ctx context.Context, t *schema.Table, list []*rows.Row, selected []string) error {
	for _, r := range e.rules[t.Name] {
		if answering, ok := r.(Answering); ok {
			if err := answering.Answer(ctx, list, selected); err != nil {
				return sales.Public(err)
			}
		}
	}
	return nil
}

// Register makes r, which must be comparable, the rules of every table of a
// subject. A table that several subjects match obeys the rules of each, those
// registered first before the others.
func (e *Entities) Register(subject sales.Subject, r Rules) {
	for _, t := range e.db.Schema().Tables() {
		if subject.Matches(t) {
			e.rules[t.Name] = append(e.rules[t.Name], r)
		}
	}
}

// table finds a table on which the caller has a privilege.
func (e *Entities) table(c sales.Caller, name string, p sales.Privilege) (*schema.Table, error) {
	t := e.db.Schema().Table(name)
	if t == nil || t.Set == "" {
		return nil, sales.Refuse(sales.NotFound, "table %q does not exist", name)
	}
	return t, e.principals.Authorize(c, sales.Right{Privilege: p, Table: name})
}

// Admit refuses a caller who lacks one of the rights on any row, or who is a disabled
// user. The caller is about to write, and becomes a user by it
// ([principal.Directory.Admit]).
func (e *Entities) Admit(ctx context.Context, c sales.Caller, rights ...sales.Right) error {
	if err := e.principals.Authorize(c, rights...); err != nil {
		return err
	}
	_, err := e.principals.Admit(ctx, c)
	return err
}

// admit is table for a caller who is about to write, and who becomes a user by it
// ([principal.Directory.Admit]).
func (e *Entities) admit(ctx context.Context, c sales.Caller, name string, p sales.Privilege) (*schema.Table, error) {
	t, err := e.table(c, name, p)
	if err != nil {
		return nil, err
	}
	_, err = e.principals.Admit(ctx, c)
	return t, err
}

// gone reports whether nobody sees a row any more.
func (e *Entities) gone(row *rows.Row) bool {
	return slices.ContainsFunc(e.rules[row.Table.Name], func(r Rules) bool {
		parting, ok := r.(Parting)
		return ok && parting.Gone(row)
	})
}

// unseen returns gone for a table of which there may be such rows, else nil.
func (e *Entities) unseen(t *schema.Table) func(*rows.Row) bool {
	if slices.ContainsFunc(e.rules[t.Name], func(r Rules) bool { _, ok := r.(Parting); return ok }) {
		return e.gone
	}
	return nil
}

// show adds to rows of one table what their rules work out.
func (e *Entities) show(ctx context.Context, t *schema.Table, list []*rows.Row) error {
	for _, r := range e.rules[t.Name] {
		if err := r.Show(ctx, list); err != nil {
			return err
		}
	}
	return nil
}

// announce makes the rules of a table learn of the commit.
func (e *Entities) announce(tx *rows.Tx, t *schema.Table) {
	for _, r := range e.rules[t.Name] {
		tx.OnCommit(r, r.Committed)
	}
}
