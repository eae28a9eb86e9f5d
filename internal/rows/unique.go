package rows

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"segue/internal/guid"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// Alternate keys are unique by rows of their own: a row with a key has one row of
// segue_uniquekey, whose id is made of the table, the key and its values, and which names
// the row. Whoever writes the row writes it in the same commit, under the condition that
// it is not there: so of two that take one key at a time, one is refused, and a read by key
// is a read by id.

// KeyRef names a row by an alternate key.
type KeyRef struct {
	Table  string
	Key    *schema.Key
	Values map[string]schema.Value // of all columns of the key
}

// String is "table (column=value, …)", for messages.
func (k KeyRef) String() string {
	parts := make([]string, len(k.Key.Columns))
	for i, column := range k.Key.Columns {
		parts[i] = column + "=" + textOf(k.Values[column])
	}
	return k.Table + " (" + strings.Join(parts, ", ") + ")"
}

// textOf returns a value as people write it.
func textOf(v schema.Value) string {
	if to, ok := v.Ref(); ok {
		return to.ID
	}
	return v.String()
}

// DuplicateKeyError says that a commit was not applied because another row has the values
// of an alternate key.
type DuplicateKeyError struct {
	Ref Ref // the row that would have had them too
	Key *schema.Key
}

// Error names the key and its columns.
func (e *DuplicateKeyError) Error() string {
	return fmt.Sprintf("Entity Key %s violated. A record with the same value for %s already exists. A duplicate record cannot be created. Select one or more unique values and try again.",
		e.Key.Name, strings.Join(e.Key.Columns, ", "))
}

// claimID returns the id of the row that stands for the values of a key, "" where one is null.
// Texts that compare as equal have one.
func claimID(t *schema.Table, k *schema.Key, value func(column string) schema.Value) string {
	parts := []string{"key", t.Name, k.Name}
	for _, column := range k.Columns {
		v := value(column)
		if v.IsNull() {
			return ""
		}
		text := textOf(v)
		if v.Kind() == schema.KindText {
			text = strings.Map(unicode.ToLower, strings.TrimRight(text, " "))
		}
		parts = append(parts, text)
	}
	return guid.Derive(parts...)
}

// claimIDOf is claimID for a row as it stands in the unit of work.
func claimIDOf(row *Row, k *schema.Key) string {
	return claimID(row.Table, k, func(column string) schema.Value { return row.values[column] })
}

// Claim makes the commit see to it that a loaded row has its alternate keys, which it lacks
// if it was written before they were declared.
func (tx *Tx) Claim(row *Row) {
	if len(row.Table.Keys) > 0 {
		tx.claims[row.Ref()] = true
	}
}

// keyUse is what a commit does to the row of one value of a key.
type keyUse struct {
	id       string
	key      *schema.Key
	from, to *Row // has it before, and after; nil for none
	claim    bool // to may have it already
	op       store.Op
	skip     bool // nothing is to be done
}

// conflict returns the error of a use that failed.
func (u *keyUse) conflict() error {
	if u.to != nil {
		return &DuplicateKeyError{u.to.Ref(), u.key}
	}
	return &ConflictError{Ref: u.from.Ref()}
}

// withKeys adds what the commit does to keys to its operations. The use of the operation n of
// them is that of n less the number of names.
func (tx *Tx) withKeys(ctx context.Context, ops []store.Op, names []Ref) ([]store.Op, []Ref, []*keyUse, error) {
	uses, err := tx.keyUses(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, use := range uses { // a row that only claims its keys must still be as it was read
		if use.claim && !slices.Contains(names, use.to.Ref()) {
			as, _ := tx.loaded(use.to.Ref())
			ops, names = append(ops, store.Check(keyOf(use.to.Table, use.to.ID), as)), append(names, use.to.Ref())
		}
	}
	for _, use := range uses {
		ops = append(ops, use.op)
	}
	return ops, names, uses, nil
}

// keyUses returns what the commit does to keys. It reads those that a row gives up, which
// few commits do: a row that was written before its key was declared does not have it.
func (tx *Tx) keyUses(ctx context.Context) ([]*keyUse, error) {
	all := &keyChanges{byID: map[string]*keyUse{}}
	for _, ref := range tx.order {
		if row := tx.rows[ref]; len(row.Table.Keys) > 0 {
			if err := all.add(tx, row); err != nil {
				return nil, err
			}
		}
	}
	if len(all.list) == 0 {
		return nil, nil
	}
	held, err := tx.keysHeld(ctx, all.list)
	if err != nil {
		return nil, err
	}
	t := tx.db.schema.Table(name.UniqueKey)
	for _, use := range all.list {
		if err := tx.useKey(t, use, held[use.id]); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(all.list, func(u *keyUse) bool { return u.skip }), nil
}

// keyChanges collects the uses of keys in a commit.
type keyChanges struct {
	list []*keyUse
	byID map[string]*keyUse
}

func (c *keyChanges) use(id string, k *schema.Key) *keyUse {
	if c.byID[id] == nil {
		c.byID[id] = &keyUse{id: id, key: k}
		c.list = append(c.list, c.byID[id])
	}
	return c.byID[id]
}

// add adds the keys that a row takes and gives up.
func (c *keyChanges) add(tx *Tx, row *Row) error {
	deleted, claimed := tx.deleted[row.Ref()], tx.claims[row.Ref()]
	var before *Row
	switch {
	case row.Version == 0:
	case deleted || row.changesKey():
		var err error
		if before, err = tx.db.decode(row.stored); err != nil {
			return err
		}
	case !claimed:
		return nil
	}
	for _, k := range row.Table.Keys {
		was, is := "", ""
		if before != nil {
			was = claimIDOf(before, k)
		}
		if !deleted {
			is = claimIDOf(row, k)
		}
		if was != "" && was != is {
			c.use(was, k).from = row
		}
		if is == "" || was == is && !claimed {
			continue
		}
		if err := c.take(is, k, row, claimed); err != nil {
			return err
		}
	}
	return nil
}

// take adds a key that a row takes.
func (c *keyChanges) take(id string, k *schema.Key, row *Row, claimed bool) error {
	use := c.use(id, k)
	if use.to != nil {
		return &DuplicateKeyError{row.Ref(), k}
	}
	use.to, use.claim = row, claimed
	return nil
}

// changesKey reports whether a column of an alternate key was set.
func (r *Row) changesKey() bool { return slices.ContainsFunc(r.Table.Keys, r.changes) }

func (r *Row) changes(k *schema.Key) bool { return slices.ContainsFunc(k.Columns, r.hasSet) }

// keysHeld reads the rows of the keys that are given up or claimed.
func (tx *Tx) keysHeld(ctx context.Context, uses []*keyUse) (map[string]*Row, error) {
	var refs []Ref
	for _, use := range uses {
		if use.from != nil || use.claim {
			refs = append(refs, Ref{name.UniqueKey, use.id})
		}
	}
	found, err := tx.db.Get(ctx, refs...)
	if err != nil {
		return nil, err
	}
	held := map[string]*Row{}
	for i, row := range found {
		held[refs[i].ID] = row
	}
	return held, nil
}

// useKey makes the operation of a use; held is the row of the key where it was read.
func (tx *Tx) useKey(t *schema.Table, u *keyUse, held *Row) error {
	key := keyOf(t, u.id)
	is := func(row *Row) bool { return held != nil && row != nil && held.Text(name.SegueRow) == row.ID }
	switch {
	case u.to == nil:
		u.skip = !is(u.from)
		if !u.skip {
			u.op = store.Delete(key, store.Equals(Version, store.Int(held.Version)))
		}
		return nil
	case u.claim && is(u.to):
		u.skip = true
		return nil
	case held != nil && !is(u.from):
		return &DuplicateKeyError{u.to.Ref(), u.key}
	}
	row, unchanged := held, store.NotThere(store.PK)
	if held == nil {
		row = tx.db.newRow(t, u.id)
		row.first = tx.db.first(row.Ref())
	} else {
		unchanged = store.Equals(Version, store.Int(held.Version))
	}
	row.SetAll(map[string]schema.Value{name.SegueTable: schema.Text(u.to.Table.Name), name.SegueRow: schema.Text(u.to.ID)})
	item, err := tx.db.encode(row, row.Next())
	u.op = store.Put(item, unchanged)
	return err
}

// FindKey returns the row that has an alternate key; ok is false where none has it.
func (db *DB) FindKey(ctx context.Context, k KeyRef) (ref Ref, ok bool, err error) {
	row, err := db.Begin("").FindKey(ctx, k)
	if row == nil || err != nil {
		return Ref{}, false, err
	}
	return row.Ref(), true, nil
}

// FindKey loads the row that has an alternate key, as the unit of work stands, nil where none
// has it.
func (tx *Tx) FindKey(ctx context.Context, k KeyRef) (*Row, error) {
	t, err := tx.db.table(k.Table)
	if err != nil {
		return nil, err
	}
	id := claimID(t, k.Key, func(column string) schema.Value { return k.Values[column] })
	has := func(row *Row) bool { return row != nil && row.Table == t && claimIDOf(row, k.Key) == id }
	for _, ref := range tx.order {
		if row := tx.Held(ref); has(row) {
			return row, nil
		}
	}
	for range 2 { // the row may lose the key between the two reads, and another may take it
		found, err := tx.db.Get(ctx, Ref{name.UniqueKey, id})
		if err != nil || found[0] == nil {
			return nil, err
		}
		ref := Ref{t.Name, found[0].Text(name.SegueRow)}
		if tx.deleted[ref] || tx.rows[ref] != nil { // it has the key no more, here
			return nil, nil //nolint:nilnil // no row is not an error here
		}
		loaded, err := tx.Load(ctx, ref)
		if err != nil {
			return nil, err
		}
		if has(loaded[0]) {
			return loaded[0], nil
		}
	}
	return nil, fmt.Errorf("find %v: the row that has the key keeps changing: %w", k, store.ErrUnavailable)
}
