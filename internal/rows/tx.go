package rows

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"segue/internal/clock"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
	"segue/internal/tally"
)

// ConflictError says that a commit was not applied because a row was no longer
// as it was loaded: changed, deleted, or, for a new row, already there.
type ConflictError struct {
	Ref  Ref
	Seen *Row // the row as it is, nil when there is none
	New  bool // the unit of work meant to create it
}

// Error names the row.
func (e *ConflictError) Error() string {
	if e.New {
		return fmt.Sprintf("%v is already there", e.Ref)
	}
	return fmt.Sprintf("%v has changed since it was read", e.Ref)
}

// Tx is a unit of work: rows loaded with their versions, changed as values, and
// written once by Commit with every condition that the loads imply. It belongs
// to one goroutine.
type Tx struct {
	db       *DB
	by       By
	again    bool // the use case has started again
	rows     map[Ref]*Row
	absent   map[Ref]bool // not there when they were loaded
	order    []Ref
	deleted  map[Ref]bool
	patches  map[Ref]*patch // of rows that are not held
	patched  []Ref          // the order of patches, of rows that are held since included
	relied   []Ref          // rows that must be as they were loaded, changed or not
	replace  map[Ref]*Row   // written whatever is there
	replaced []Ref          // the order of replace
	claims   map[Ref]bool   // rows that are to have their alternate keys, changed or not
	failed   error          // why there is nothing to commit
	hooks    []hook
}

// By is on whose behalf a unit of work writes: a user, and who acts for them. The zero By
// is the engine.
type By struct{ User, Actor name.UserID }

// Begin starts a unit of work on behalf of a user (a systemuser id; "" for the
// engine itself).
func (db *DB) Begin(by name.UserID) *Tx { return db.begin(By{User: by}) }

func (db *DB) begin(by By) *Tx {
	return &Tx{
		db: db, by: by, rows: map[Ref]*Row{}, absent: map[Ref]bool{}, deleted: map[Ref]bool{},
		patches: map[Ref]*patch{}, replace: map[Ref]*Row{}, claims: map[Ref]bool{},
	}
}

// fail ends the unit of work with the first error: nothing of it is committed.
func (tx *Tx) fail(err error) {
	if tx.failed == nil {
		tx.failed = err
	}
}

// Load reads rows that the unit of work does not hold yet, in one request, and
// returns all of refs in their order, nil where there is none.
func (tx *Tx) Load(ctx context.Context, refs ...Ref) ([]*Row, error) {
	var missing []Ref
	for _, ref := range refs {
		if tx.rows[ref] == nil {
			missing = append(missing, ref)
		}
	}
	if len(missing) > 0 {
		found, err := tx.db.Get(ctx, missing...)
		if err != nil {
			return nil, err
		}
		for i, row := range found {
			tx.take(missing[i], row)
		}
		if tx.failed != nil {
			return nil, tx.failed
		}
	}
	rows := make([]*Row, len(refs))
	for i, ref := range refs {
		rows[i] = tx.Held(ref) // nil for a row that this unit of work deletes
	}
	return rows, nil
}

// take adds what was found under a name, nil for nothing.
func (tx *Tx) take(ref Ref, row *Row) {
	switch {
	case row == nil && tx.patches[ref] != nil: // a patch is of a row that is there
		tx.fail(&ConflictError{Ref: ref})
	case row == nil:
		tx.absent[ref] = true
	case tx.absent[ref]: // made since: what was decided on its absence does not hold
		tx.fail(&ConflictError{Ref: ref, Seen: row})
	default:
		tx.Hold(row)
	}
}

// Hold adds a row that was read elsewhere (a list, a change record). Its version is
// the condition under which it is written.
func (tx *Tx) Hold(row *Row) {
	if tx.rows[row.Ref()] == nil {
		tx.order = append(tx.order, row.Ref())
	}
	tx.rows[row.Ref()] = row
	tx.patchHeld(row)
}

// stamps is how many columns a new row gets besides those that it is given, at most.
const stamps = 8

// Create adds a new row with these values. One commit cannot remove a row and make
// it again: that ends it with a [*ContradictionError].
func (tx *Tx) Create(t *schema.Table, id string, values map[string]schema.Value) *Row {
	row := tx.db.newRow(t, id)
	row.first = tx.db.first(row.Ref())
	row.values = make(map[string]schema.Value, len(values)+stamps)
	row.SetAll(values)
	if tx.deleted[row.Ref()] {
		tx.fail(&ContradictionError{Ref: row.Ref()})
		return row
	}
	tx.Hold(row)
	return row
}

// Delete removes a row, under the condition that it is still as it was read. From
// then on the unit of work has no such row.
func (tx *Tx) Delete(row *Row) {
	if tx.rows[row.Ref()] == nil {
		tx.Hold(row)
	}
	tx.deleted[row.Ref()] = true
}

// Commit writes everything that changed, atomically, and stamps the rows
// (version, createdon, modifiedon and who). If nothing changed, nothing
// is written. If a row is no longer as it was loaded, nothing is written and the
// error is a [*ConflictError].
func (tx *Tx) Commit(ctx context.Context) error {
	if tx.failed != nil {
		return tx.failed
	}
	ops, names, err := tx.operations()
	if err != nil {
		return err
	}
	ops, names, uses, err := tx.withKeys(ctx, ops, names)
	if err != nil {
		return err
	}
	if len(ops) == 0 {
		return nil
	}
	if len(ops) > MaxCommit {
		return &TooManyError{Rows: len(ops)}
	}
	err = tx.db.store.Write(ctx, ops...)
	if failed, ok := errors.AsType[*store.ConditionError](err); ok {
		seen, derr := tx.db.decode(failed.Item)
		if derr != nil {
			return derr
		}
		if failed.Op >= len(names) {
			return uses[failed.Op-len(names)].conflict()
		}
		ref := names[failed.Op]
		row := tx.rows[ref]
		return &ConflictError{Ref: ref, Seen: seen, New: row != nil && row.Version == 0}
	}
	if err != nil {
		return fmt.Errorf("write %v and %d more: %w", names[0], len(names)-1, err)
	}
	for i, ref := range names {
		if row := tx.rows[ref]; row != nil && ops[i].Kind == store.OpPut {
			row.Version, row.dirty, row.stored = ops[i].Item[Version].Int(), map[string]bool{}, ops[i].Item
		}
	}
	return nil
}

// operations returns what the commit writes, and the row of each. What it relies on
// is checked only if there is something to write.
func (tx *Tx) operations() (ops []store.Op, names []Ref, err error) {
	for _, ref := range tx.order {
		if err := tx.rows[ref].misread; err != nil {
			return nil, nil, err // what was decided on a column that is not there must not be written
		}
		op, ok, err := tx.op(tx.rows[ref])
		if err != nil {
			return nil, nil, err
		}
		if ok {
			ops, names = append(ops, op), append(names, ref)
		}
	}
	for _, ref := range tx.patched {
		p := tx.patches[ref]
		if p == nil { // its row is held since, and written above
			continue
		}
		op, err := tx.patchOp(p)
		if err != nil {
			return nil, nil, err
		}
		ops, names = append(ops, op), append(names, ref)
	}
	for _, ref := range tx.replaced {
		op, err := tx.replaceOp(tx.replace[ref])
		if err != nil {
			return nil, nil, err
		}
		ops, names = append(ops, op), append(names, ref)
	}
	return tx.withChecks(ops, names)
}

// op returns the operation that writes a row of the unit of work; ok is false when
// there is nothing to write.
func (tx *Tx) op(row *Row) (op store.Op, ok bool, err error) {
	key, unchanged := keyOf(row.Table, row.ID), store.Equals(Version, store.Int(row.Version))
	switch {
	case tx.deleted[row.Ref()]:
		return store.Delete(key, unchanged), row.Version > 0, nil
	case row.Version == 0:
		unchanged = store.NotThere(store.PK)
		tx.stamp(row, CreatedOn, CreatedBy, name.Createdonbehalfby)
	case !row.Changed():
		return store.Op{}, false, nil
	}
	if !row.rekeyed || len(row.dirty) > 1 { // else nobody has modified it
		tx.stamp(row, ModifiedOn, ModifiedBy, name.Modifiedonbehalfby)
	}
	item, err := tx.db.encode(row, row.Next())
	return store.Put(item, unchanged), err == nil, err
}

// randomVersion returns the version of a new row.
func randomVersion(Ref) int64 {
	return 1 + rand.Int64N(maxFirstVersion-1) //nolint:gosec // it must differ, not be secret
}

// maxFirstVersion is above the version of every new row.
const maxFirstVersion = 1 << 52

// stamp sets when and by whom a row was written, and who acted for them.
func (tx *Tx) stamp(row *Row, on, by, actedBy string) {
	if row.values[on].IsNull() || on == ModifiedOn {
		row.Set(on, schema.Time(tx.db.Now()))
	}
	if tx.by.User == "" {
		return
	}
	row.Set(by, schema.RefTo(name.User, tx.by.User))
	if tx.by.Actor == "" {
		row.Set(actedBy, schema.Null())
		return
	}
	row.Set(actedBy, schema.RefTo(name.User, tx.by.Actor))
}

// attempts is how often Do tries. With the waits between, sixteen units of work that
// change one row at the same moment all succeed, on a store that takes 20 ms a try:
// each success leaves fewer to overtake the others.
const attempts = 20

// between says how long Do waits before it tries again: 1.7 s on average in all.
func between() clock.Backoff {
	return clock.Backoff{Base: 2 * time.Millisecond, Most: 256 * time.Millisecond}
}

// tryAgain reports whether a unit of work that failed may succeed if it starts again. One
// that found a key taken starts again once: it may then find the row that has it.
func tryAgain(err error, try int) bool {
	if _, taken := errors.AsType[*DuplicateKeyError](err); taken {
		return try == 0
	}
	_, changed := errors.AsType[*ConflictError](err)
	return changed
}

// Do runs one use case: work loads, decides and changes; Do commits. When a row
// is no longer as it was loaded, it starts again with fresh rows, at most attempts
// times in all; then it returns the last [*ConflictError].
func (db *DB) Do(ctx context.Context, by name.UserID, work func(tx *Tx) error) error {
	return db.DoBy(ctx, By{User: by}, work)
}

// DoBy is Do on behalf of a user for whom somebody may act.
func (db *DB) DoBy(ctx context.Context, by By, work func(tx *Tx) error) error {
	var err error
	for try := range attempts {
		tx := db.begin(by)
		tx.again = try > 0
		// What the unit of work has found to be changed decides, not what work
		// made of it: Commit says so.
		if err = work(tx); err != nil && tx.failed == nil {
			return err
		}
		if err = tx.Commit(ctx); err == nil {
			return tx.runHooks(ctx)
		}
		if !tryAgain(err, try) {
			return err
		}
		tally.Add(ctx, tally.Conflicts, 1)
		if serr := db.clock.Sleep(ctx, between().Delay(try+1)); serr != nil {
			return serr
		}
	}
	return err
}
