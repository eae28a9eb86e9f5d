package rows

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
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
	db      *DB
	by      string // user on whose behalf; "" for the engine
	try     int64  // how often the use case has started anew
	rows    map[Ref]*Row
	order   []Ref
	deleted map[Ref]bool
	patches map[Ref]*patch // of rows that are not held
	patched []Ref          // the order of patches, of rows that are held since included
	failed  error          // why there is nothing to commit
	hooks   []hook
}

// Begin starts a unit of work on behalf of a user (a systemuser id; "" for the
// engine itself).
func (db *DB) Begin(by string) *Tx {
	return &Tx{db: db, by: by, rows: map[Ref]*Row{}, deleted: map[Ref]bool{}, patches: map[Ref]*patch{}}
}

// fail ends the unit of work with the first error: nothing of it is committed.
func (tx *Tx) fail(err error) {
	if tx.failed == nil {
		tx.failed = err
	}
}

// Load reads rows that the unit of work does not hold yet, in one request, and
// answers all in the order of refs; nil where there is none.
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
			if row != nil {
				tx.Hold(row)
			} else if tx.patches[missing[i]] != nil { // a patch is of a row that is there
				tx.fail(&ConflictError{Ref: missing[i]})
			}
		}
		if tx.failed != nil {
			return nil, tx.failed
		}
	}
	rows := make([]*Row, len(refs))
	for i, ref := range refs {
		rows[i] = tx.rows[ref]
	}
	return rows, nil
}

// Hold takes in a row that was read elsewhere (a list, a change record): its
// version is the condition under which it is written.
func (tx *Tx) Hold(row *Row) {
	if tx.rows[row.Ref()] == nil {
		tx.order = append(tx.order, row.Ref())
	}
	tx.rows[row.Ref()] = row
	tx.patchHeld(row)
}

// Create adds a new row with these values.
func (tx *Tx) Create(t *schema.Table, id string, values map[string]schema.Value) *Row {
	row := newRow(t, id)
	row.SetAll(values)
	tx.Hold(row)
	return row
}

// Delete removes a row that the unit of work holds.
func (tx *Tx) Delete(row *Row) { tx.deleted[row.Ref()] = true }

// version is what every row of this commit gets: larger than that of any row it
// holds, and than that of anything written a while ago, so that a row deleted
// and made again never repeats a version. A row that is patched may have it
// nevertheless; then the commit fails and the next try takes another.
func (tx *Tx) version() int64 {
	next := tx.db.now().UnixMilli()
	for _, row := range tx.rows {
		next = max(next, row.Version+1)
	}
	return next + tx.try
}

// Commit writes everything that changed, atomically, and stamps the rows
// (version, createdon, modifiedon and who). Nothing changed: nothing is
// written. A row that is no longer as it was loaded ends it with a
// *ConflictError.
func (tx *Tx) Commit(ctx context.Context) error {
	if tx.failed != nil {
		return tx.failed
	}
	var ops []store.Op
	var names []Ref
	version := tx.version()
	for _, ref := range tx.order {
		op, ok, err := tx.op(tx.rows[ref], version)
		if err != nil {
			return err
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
		op, err := tx.patchOp(p, version)
		if err != nil {
			return err
		}
		ops, names = append(ops, op), append(names, ref)
	}
	if len(ops) == 0 {
		return nil
	}
	err := tx.db.store.Write(ctx, ops...)
	if failed, ok := errors.AsType[*store.ConditionError](err); ok {
		seen, derr := tx.db.decode(failed.Item)
		if derr != nil {
			return derr
		}
		ref := names[failed.Op]
		row := tx.rows[ref]
		return &ConflictError{Ref: ref, Seen: seen, New: row != nil && row.Version == 0}
	}
	if err != nil {
		return fmt.Errorf("write %v and %d more: %w", names[0], len(names)-1, err)
	}
	for _, ref := range names {
		if row := tx.rows[ref]; row != nil {
			row.Version, row.dirty = version, map[string]bool{}
		}
	}
	return nil
}

// op is the operation that writes a held row, ok false when it needs none.
func (tx *Tx) op(row *Row, version int64) (op store.Op, ok bool, err error) {
	key, unchanged := keyOf(row.Table, row.ID), store.Equals(Version, store.Int(row.Version))
	switch {
	case tx.deleted[row.Ref()]:
		return store.Delete(key, unchanged), row.Version > 0, nil
	case row.Version == 0:
		unchanged = store.NotThere(store.PK)
		tx.stamp(row, CreatedOn, CreatedBy)
	case !row.Changed():
		return store.Op{}, false, nil
	}
	tx.stamp(row, ModifiedOn, ModifiedBy)
	written := *row
	written.Version = version
	item, err := encode(&written)
	return store.Put(item, unchanged), err == nil, err
}

func (tx *Tx) stamp(row *Row, on, by string) {
	if row.values[on].IsNull() || on == ModifiedOn {
		row.Set(on, schema.Time(tx.db.Now()))
	}
	if tx.by != "" {
		row.Set(by, schema.Ref(schema.Lookup{Table: name.User, ID: tx.by}))
	}
}

// Attempts of Do, and the longest pause between two.
const (
	attempts = 10
	maxPause = 64 * time.Millisecond
)

// Do runs one use case: work loads, decides and changes; Do commits. When a row
// is no longer as it was loaded it starts anew with fresh rows, a bounded number
// of times; then the last *ConflictError is answered.
func (db *DB) Do(ctx context.Context, by string, work func(tx *Tx) error) error {
	var err error
	for try := range attempts {
		tx := db.Begin(by)
		tx.try = int64(try)
		// What the unit of work has found to be changed decides, not what work
		// made of it: Commit says so.
		if err = work(tx); err != nil && tx.failed == nil {
			return err
		}
		if err = tx.Commit(ctx); err == nil {
			return tx.committed(ctx)
		}
		if _, again := errors.AsType[*ConflictError](err); !again {
			return err
		}
		if perr := pause(ctx, try); perr != nil {
			return perr
		}
	}
	return err
}

// pause waits a random time that doubles with every try.
func pause(ctx context.Context, try int) error {
	longest := min(time.Millisecond<<try, maxPause)
	timer := time.NewTimer(rand.N(longest)) //nolint:gosec // jitter needs no secrecy
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
