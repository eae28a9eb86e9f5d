package entity

import (
	"context"
	"errors"
	"maps"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/principal"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// If is what must be true of a row for it to be written (docs/webapi.md §10).
// The zero If demands nothing: an update of a row that is not there creates it.
type If struct {
	Version int64 // the row has this version; 0: any
	Exists  bool  // the row is there
	Absent  bool  // the row is not there
}

// Create makes a row. An empty id is filled in; a row with that id is
// [sales.Duplicate]. The caller owns the row if nobody else is named.
func (e *Entities) Create(ctx context.Context, c sales.Caller, name, id string, values map[string]schema.Value) (row *rows.Row, err error) {
	if id == "" {
		id = e.NewID(name, values) // the same in each try
	}
	err = e.db.DoBy(ctx, c.By(), func(tx *rows.Tx) error {
		row, err = e.CreateIn(ctx, tx, c, name, id, values)
		return err
	})
	if err != nil {
		return nil, sales.Public(err)
	}
	return row, nil
}

// CreateIn is Create in a unit of work.
func (e *Entities) CreateIn(ctx context.Context, tx *rows.Tx, c sales.Caller, name, id string, values map[string]schema.Value) (*rows.Row, error) {
	t, err := e.admit(ctx, c, name, sales.Create)
	if err != nil {
		return nil, err
	}
	checked, err := t.CheckCreate(withOwner(t, c, values))
	if err != nil {
		return nil, sales.InvalidInput(err)
	}
	if id == "" {
		id = e.NewID(name, values)
	} else if err := refuseDuplicate(ctx, tx, rows.Ref{Table: name, ID: id}); err != nil {
		return nil, err
	}
	return e.insert(ctx, tx, c, t, id, checked)
}

// NewRow is a row to be made.
type NewRow struct {
	ID     string
	Values map[string]schema.Value
}

// CreateAll makes rows of a table in one commit: all of them or none. The error is about
// the first that is refused.
func (e *Entities) CreateAll(ctx context.Context, c sales.Caller, name string, list []NewRow) error {
	return sales.Public(e.db.DoBy(ctx, c.By(), func(tx *rows.Tx) error {
		for _, row := range list {
			if _, err := e.CreateIn(ctx, tx, c, name, row.ID, row.Values); err != nil {
				return err
			}
		}
		return nil
	}))
}

// refuseDuplicate refuses to create a row that the unit of work has, or that is
// the reason why its last try failed. It costs a read on a repeated try only:
// the commit itself demands that the row is not there.
func refuseDuplicate(ctx context.Context, tx *rows.Tx, ref rows.Ref) error {
	if tx.Deleted(ref) {
		return deletedHere(ref)
	}
	row := tx.Held(ref)
	if row == nil && tx.Again() { // something was not as expected: is it the row itself?
		found, err := tx.Load(ctx, ref)
		if err != nil {
			return err
		}
		row = found[0]
	}
	if row != nil {
		return duplicate(ref)
	}
	return nil
}

func duplicate(ref rows.Ref) error {
	return sales.Refuse(sales.Duplicate, "A record with matching key values already exists: %v", ref)
}

// deletedHere refuses what one commit cannot do to a row: remove it and make it.
func deletedHere(ref rows.Ref) error {
	return sales.Refuse(sales.Precondition, "%v is deleted by the same request; it can be created again after that", ref)
}

// insert adds a checked row to the unit of work.
func (e *Entities) insert(ctx context.Context, tx *rows.Tx, c sales.Caller, t *schema.Table, id string, checked map[string]schema.Value) (*rows.Row, error) {
	at, err := e.loadTargets(ctx, tx, c, rows.Ref{Table: t.Name, ID: id}, checked)
	if err != nil {
		return nil, err
	}
	if err := e.setUnit(ctx, t, checked, at); err != nil {
		return nil, err
	}
	if err := e.authorizeCreate(ctx, c, t, checked, at); err != nil {
		return nil, err
	}
	e.announce(tx, t)
	if made := checked[name.Overriddencreatedon]; !made.IsNull() {
		// The row was made elsewhere then and is moved here now (docs/domain.md §4).
		checked[name.Createdon], checked[name.Overriddencreatedon] = made, schema.Time(e.db.Now())
	}
	row := tx.Create(t, id, checked)
	for _, r := range e.rules[t.Name] {
		if err := r.Create(ctx, tx, row); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// Update changes columns of a row; nil clears one. A row that is not there is
// created, unless cond says otherwise; created tells which.
func (e *Entities) Update(ctx context.Context, c sales.Caller, ref rows.Ref, changes map[string]schema.Value, cond If) (row *rows.Row, created bool, err error) {
	err = e.db.DoBy(ctx, c.By(), func(tx *rows.Tx) error {
		row, created, err = e.UpdateIn(ctx, tx, c, ref, changes, cond)
		return err
	})
	if err != nil {
		return nil, false, sales.Public(err)
	}
	return row, created, nil
}

// UpdateIn is Update in a unit of work. Where somebody else creates the row at
// the same moment, the next try finds it and changes it.
func (e *Entities) UpdateIn(ctx context.Context, tx *rows.Tx, c sales.Caller, ref rows.Ref, changes map[string]schema.Value, cond If) (row *rows.Row, created bool, err error) {
	t, err := e.admit(ctx, c, ref.Table, sales.Write)
	if err != nil {
		return nil, false, err
	}
	if _, assigns := changes[name.Ownerid]; assigns {
		if err := e.principals.Authorize(c, sales.Right{Privilege: sales.Assign, Table: t.Name}); err != nil {
			return nil, false, err
		}
	}
	row, err = e.load(ctx, tx, ref)
	if err != nil {
		return nil, false, err
	}
	if row == nil {
		row, err = e.upsert(ctx, tx, c, ref, changes, cond)
		return row, true, err
	}
	if err := e.principals.AuthorizeRow(ctx, c, sales.Write, principal.OwnedRow(row)); err != nil {
		return nil, false, err
	}
	if err := cond.check(row); err != nil {
		return nil, false, err
	}
	return row, false, e.change(ctx, tx, c, row, changes)
}

// upsert creates the row of an update that found none.
func (e *Entities) upsert(ctx context.Context, tx *rows.Tx, c sales.Caller, ref rows.Ref, values map[string]schema.Value, cond If) (*rows.Row, error) {
	if cond.Exists || cond.Version != 0 {
		return nil, sales.NoRow(ref)
	}
	t, err := e.table(c, ref.Table, sales.Create)
	if err != nil {
		return nil, err
	}
	checked, err := t.CheckCreate(withOwner(t, c, values))
	if err != nil {
		return nil, sales.InvalidInput(err)
	}
	if tx.Deleted(ref) {
		return nil, deletedHere(ref)
	}
	if tx.Held(ref) != nil { // it is there until what hangs on it has ended
		if cond.Absent {
			return nil, duplicate(ref)
		}
		return nil, sales.NoRow(ref)
	}
	return e.insert(ctx, tx, c, t, ref.ID, checked)
}

// change applies changes to a loaded row. A row in which nothing changed is not
// looked at by its rules, nor written.
func (e *Entities) change(ctx context.Context, tx *rows.Tx, c sales.Caller, row *rows.Row, changes map[string]schema.Value) error {
	e.announce(tx, row.Table)
	before := row.Values()
	checked, err := row.Table.CheckUpdate(asRead(row), withoutMade(row, changes))
	if err != nil {
		return sales.InvalidInput(err)
	}
	checked = changed(before, checked)
	if err := e.authorizeChange(ctx, tx, c, row, checked); err != nil {
		return err
	}
	row.SetAll(checked)
	if !row.Changed() {
		return nil
	}
	for _, r := range e.rules[row.Table.Name] {
		if err := r.Update(ctx, tx, row, before); err != nil {
			return err
		}
	}
	return nil
}

// withoutMade returns changes without the moment at which the row was made, given as
// a create takes it: whoever imports a file again says it again.
func withoutMade(row *rows.Row, changes map[string]schema.Value) map[string]schema.Value {
	made := changes[name.Overriddencreatedon]
	if made.IsNull() || made != schema.Time(row.Time(name.Createdon)) {
		return changes
	}
	rest := maps.Clone(changes)
	delete(rest, name.Overriddencreatedon)
	return rest
}

// asRead returns the columns of a row as a client reads them, the key and the
// version included.
func asRead(row *rows.Row) map[string]schema.Value {
	values := row.Values()
	values[row.Table.ID], values[rows.Version] = schema.Text(row.ID), schema.Int(row.Version)
	return values
}

// CheckDraft returns the columns that a row would have which is not saved: a new one for a
// nil row, else the row with changes. What the schema refuses of a create, or an update, is
// refused; rules of the table are not asked.
func (e *Entities) CheckDraft(c sales.Caller, t *schema.Table, saved *rows.Row, values map[string]schema.Value) (schema.Values, error) {
	if saved == nil {
		draft, err := t.CheckCreate(withOwner(t, c, values))
		return draft, sales.InvalidInput(err)
	}
	changed, err := t.CheckUpdate(asRead(saved), values)
	if err != nil {
		return nil, sales.InvalidInput(err)
	}
	draft := saved.Values()
	maps.Copy(draft, changed)
	return draft, nil
}

// errNotCommitted ends the unit of work of a check.
var errNotCommitted = errors.New("the unit of work is not committed")

// CheckUpdate says why an Update of a row would be refused, and does not write the row.
func (e *Entities) CheckUpdate(ctx context.Context, c sales.Caller, ref rows.Ref, changes map[string]schema.Value) error {
	err := e.db.DoBy(ctx, c.By(), func(tx *rows.Tx) error {
		if _, _, err := e.UpdateIn(ctx, tx, c, ref, changes, If{}); err != nil {
			return err
		}
		return errNotCommitted
	})
	if errors.Is(err, errNotCommitted) {
		return nil
	}
	return sales.Public(err)
}

func (cond If) check(row *rows.Row) error {
	switch {
	case cond.Absent:
		return duplicate(row.Ref())
	case cond.Version != 0 && cond.Version != row.Version:
		return sales.Refuse(sales.Stale, "The version of the existing record doesn't match the RowVersion property provided: %v is at version %d, not %d", row.Ref(), row.Version, cond.Version)
	}
	return nil
}

// Delete removes a row and, where a rule says so, ends what hangs on it.
func (e *Entities) Delete(ctx context.Context, c sales.Caller, ref rows.Ref, cond If) error {
	return sales.Public(e.db.DoBy(ctx, c.By(), func(tx *rows.Tx) error { return e.DeleteIn(ctx, tx, c, ref, cond) }))
}

// DeleteIn is Delete in a unit of work.
func (e *Entities) DeleteIn(ctx context.Context, tx *rows.Tx, c sales.Caller, ref rows.Ref, cond If) error {
	if _, err := e.admit(ctx, c, ref.Table, sales.Delete); err != nil {
		return err
	}
	row, err := e.load(ctx, tx, ref)
	if err != nil {
		return err
	}
	if row == nil {
		return sales.NoRow(ref)
	}
	if err := e.principals.AuthorizeRow(ctx, c, sales.Delete, principal.OwnedRow(row)); err != nil {
		return err
	}
	if err := cond.check(row); err != nil {
		return err
	}
	kept, err := e.remove(ctx, tx, row)
	if err != nil || kept {
		return err
	}
	return e.follow(ctx, tx, c, row)
}

// DeleteKept removes a loaded row that a rule of its table kept when it was deleted, on behalf
// of Segue itself, once what it was kept for is over.
func (e *Entities) DeleteKept(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	e.announce(tx, row.Table)
	tx.Delete(row)
	return e.follow(ctx, tx, sales.Engine(), row)
}

// remove deletes a loaded row, unless a rule of its table says that it is to stay for now.
func (e *Entities) remove(ctx context.Context, tx *rows.Tx, row *rows.Row) (kept bool, err error) {
	e.announce(tx, row.Table)
	for _, r := range e.rules[row.Table.Name] {
		keep, err := r.Delete(ctx, tx, row)
		if err != nil {
			return false, err
		}
		kept = kept || keep
	}
	if !kept {
		tx.Delete(row)
	}
	return kept, nil
}

// withOwner adds the caller as owner of a row that names none.
func withOwner(t *schema.Table, c sales.Caller, values map[string]schema.Value) map[string]schema.Value {
	if !t.Is(name.UserOwnedTrait) || c.ID == "" || !values[name.Ownerid].IsNull() {
		return values
	}
	with := map[string]schema.Value{}
	maps.Copy(with, values)
	with[name.Ownerid] = schema.RefTo(name.User, c.ID)
	return with
}
