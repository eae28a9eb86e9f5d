package rows

import (
	"fmt"
	"slices"

	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// Rely makes the commit also demand that rows are still as this unit of work loaded
// them, or still absent, though it does not write them: what was decided on them then
// holds at the moment of the write. It is for changes of definitions and for jobs. A
// transaction on rows of records never relies on rows that others share, because two
// transactions that name one item cancel each other (ARCHITECTURE.md). A row that is
// written anyway needs nothing more. If nothing is written, nothing is checked. Each
// row is one of the at most 100 items of the commit.
//
// A row that was not loaded cannot be relied on: that is a mistake in the program,
// which the commit reports.
func (tx *Tx) Rely(refs ...Ref) { tx.relied = append(tx.relied, refs...) }

// Replace writes a row whatever is there: for a row that nobody changes on what it
// holds, such as one whose value tells only that something else has changed. So any
// number of units of work may replace one row at a time, and none of them fails
// because of it. Values are all that the row has afterwards, beside createdon and
// modifiedon: it also loses what another version of the program keeps in it. Its
// version is a new one. The last of several in one unit of work
// counts. One that also changes the row, or relies on it, ends with a
// [*ContradictionError].
func (tx *Tx) Replace(t *schema.Table, id string, values map[string]schema.Value) {
	row := tx.db.newRow(t, id)
	row.first = tx.db.first(row.Ref())
	row.SetAll(values)
	if len(t.Keys) > 0 {
		tx.fail(fmt.Errorf("replace %v: its alternate keys are known only when it is loaded", row.Ref()))
	}
	if tx.replace[row.Ref()] == nil {
		tx.replaced = append(tx.replaced, row.Ref())
	}
	tx.replace[row.Ref()] = row
}

// replaceOp is the operation that writes a row whatever is there.
func (tx *Tx) replaceOp(row *Row) (store.Op, error) {
	held := tx.rows[row.Ref()]
	changes := held != nil && (held.Version == 0 || held.Changed())
	if changes || tx.deleted[row.Ref()] || tx.patches[row.Ref()] != nil || slices.Contains(tx.relied, row.Ref()) {
		return store.Op{}, &ContradictionError{Ref: row.Ref()}
	}
	tx.stamp(row, CreatedOn, CreatedBy, name.Createdonbehalfby)
	tx.stamp(row, ModifiedOn, ModifiedBy, name.Modifiedonbehalfby)
	item, err := tx.db.encode(row, row.Next())
	return store.Put(item, store.Condition{}), err
}

// withChecks adds the checks of rows that the unit of work relies on and does not
// write.
func (tx *Tx) withChecks(ops []store.Op, names []Ref) ([]store.Op, []Ref, error) {
	if len(ops) == 0 {
		return nil, nil, nil
	}
	for _, ref := range tx.relied {
		if slices.Contains(names, ref) && tx.patches[ref] == nil { // a patch is not under the version
			continue
		}
		as, ok := tx.loaded(ref)
		if !ok {
			return nil, nil, fmt.Errorf("rely on %v: it was not loaded", ref)
		}
		ops, names = append(ops, store.Check(keyOf(tx.db.schema.Table(ref.Table), ref.ID), as)), append(names, ref)
	}
	return ops, names, nil
}

// loaded returns the condition that a row is as it was loaded; ok is false when it was
// not.
func (tx *Tx) loaded(ref Ref) (as store.Condition, ok bool) {
	row := tx.rows[ref]
	if row != nil && row.Version > 0 {
		return store.Equals(Version, store.Int(row.Version)), true
	}
	return store.NotThere(store.PK), row != nil || tx.absent[ref]
}
