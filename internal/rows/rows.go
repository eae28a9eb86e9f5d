// Package rows keeps the rows of the schema's tables in the store: it spells
// the keys, converts values, carries versions, and turns what a use case
// changed into one atomic write.
//
// Keys (one item a row; every other package speaks of tables, ids and columns):
//
//	pk = <table>#<shard of id>                        sk = <id>
//	g1pk = <index>#<partition values>[#<shard of id>] g1sk = <sort values>#<id>
//
// and so on for gsi2 to gsi4; the schema's files say which index a table uses and
// of which columns its keys are made ([schema.Index]). The other attributes of an
// item are the row's columns by logical name; a null column is not stored.
//
// Two versions of the program share a store during every deployment, so what this one
// does not know survives its writes: a row keeps attributes that its table does not
// declare, and the keys of uses of an index that its table does not have. An index
// over columns that the older version writes too is complete only when the rows that
// it wrote have been written again.
//
// A row's version (versionnumber) begins at a random number and rises by one at each
// write, so that no clock has a part in it and no later life of an id repeats one
// (docs/decisions/0010-versions.md).
//
// Size: keys, codec, unit of work and change images are one mapping between rows and
// items; apart, they would export the keys and what a row keeps of its item.
//
// Invariant: a row is written only under the condition that it is still as it
// was loaded, or not there if it is new, so that whatever was decided on the loaded
// rows still holds when the write is applied. [Tx.Replace] and [DB.AddOne] alone have none.
package rows

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"segue/internal/clock"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// Ref names a row.
type Ref struct{ Table, ID string }

// RefTo names a row of a table by an id of its own type.
func RefTo[ID ~string](table string, id ID) Ref { return Ref{table, string(id)} }

// String is "table id", for messages.
func (r Ref) String() string { return r.Table + " " + r.ID }

// Columns that rows itself maintains.
const (
	Version    = name.Versionnumber
	CreatedOn  = name.Createdon
	ModifiedOn = name.Modifiedon
	CreatedBy  = name.Createdby
	ModifiedBy = name.Modifiedby
)

// Row is one row as a value. It belongs to one goroutine.
type Row struct {
	Table   *schema.Table
	ID      string
	Version int64 // versionnumber it was loaded with; 0: not stored yet

	first   int64 // version with which a new row is written
	values  map[string]schema.Value
	dirty   map[string]bool
	rekeyed bool       // is written for its index keys, see Reindex
	stored  store.Item // what it was decoded from, attributes that the table lacks included; nil: not stored yet

	misread error       // the first read of a column that the table lacks
	report  func(error) // is told each of them; may be nil
}

// Ref names the row.
func (r *Row) Ref() Ref { return Ref{r.Table.Name, r.ID} }

// Value returns a column's value; it makes a Row a filter.Row.
func (r *Row) Value(column string) (schema.Value, error) {
	if column == r.Table.ID {
		return schema.Text(r.ID), nil
	}
	if column == Version {
		return schema.Int(r.Version), nil
	}
	return r.values[column], nil
}

// Text returns a column of text or a GUID, "" for null.
func (r *Row) Text(column string) string { s, _ := r.read(column, schema.KindText).Text(); return s }

// Int returns a column of whole numbers, a choice, state or status; 0 for null.
func (r *Row) Int(column string) int64 { n, _ := r.read(column, schema.KindInt).Int(); return n }

// Is returns a boolean column, false for null.
func (r *Row) Is(column string) bool { b, _ := r.read(column, schema.KindBool).Bool(); return b }

// Time returns a column of dates or date-times, the zero time for null.
func (r *Row) Time(column string) time.Time { t, _ := r.read(column, schema.KindTime).Time(); return t }

// Lookup returns a lookup column, the zero Lookup for null.
func (r *Row) Lookup(column string) schema.Lookup {
	l, _ := r.read(column, schema.KindRef).Ref()
	return l
}

// read returns a column that the table declares with values of a kind. Any other
// column is a mistake in the program, which must not pass for a null: it is
// reported, and a unit of work with the row is not committed.
func (r *Row) read(column string, kind schema.Kind) schema.Value {
	c := r.Table.Column(column)
	if c != nil && c.Type.Kind() == kind {
		return r.values[column]
	}
	err := fmt.Errorf("%v: no column %q with values of kind %v", r.Ref(), column, kind)
	if r.misread == nil {
		r.misread = err
	}
	if r.report != nil {
		r.report(err)
	}
	return schema.Null()
}

// Set changes a column; null clears it. Setting the value that is there changes
// nothing, and a row in which nothing changed is not written.
func (r *Row) Set(column string, v schema.Value) {
	if r.values[column] == v {
		return
	}
	following := r.following(column)
	r.put(column, v)
	r.dirty[column] = true
	r.derive(column)
	for _, c := range following {
		r.put(c.Name, r.imply(c))
	}
}

func (r *Row) put(column string, v schema.Value) {
	if v.IsNull() {
		delete(r.values, column)
	} else {
		r.values[column] = v
	}
}

// following returns the columns that follow from a column, among others, and have the
// value that follows.
func (r *Row) following(column string) (all []*schema.Column) {
	for _, c := range r.Table.Implied() {
		if slices.Contains(c.Sources(), column) && r.values[c.Name] == r.imply(c) {
			all = append(all, c)
		}
	}
	return all
}

// imply returns what follows for a column from those that it follows from.
func (r *Row) imply(c *schema.Column) schema.Value {
	return c.Imply(func(column string) schema.Value { return r.values[column] })
}

// derive sets the columns that repeat another one, "" for all of them.
func (r *Row) derive(from string) {
	for _, c := range r.Table.Derived() {
		if from != "" && from != c.Derived {
			continue
		}
		if v := c.Derive(r.values[c.Derived]); v.IsNull() {
			delete(r.values, c.Name)
		} else {
			r.values[c.Name] = v
		}
	}
}

// SetAll sets every column of values.
func (r *Row) SetAll(values map[string]schema.Value) {
	for column, v := range values {
		r.Set(column, v)
	}
}

// Touch makes the row be written with a new version though nothing in it
// changed.
func (r *Row) Touch() { r.dirty[Version] = true }

// Next returns the version that the unit of work writes the row with: one more than
// it has, and a random one for a new row. So a version is never repeated, neither in
// one life of an id nor by a later one, whatever clocks do, and an id that is derived
// from it belongs to one life (docs/decisions/0010-versions.md). The numbers stay
// below 2^53, where clients that read them as floating point would lose digits.
func (r *Row) Next() int64 {
	if r.Version > 0 {
		return r.Version + 1
	}
	return r.first
}

// Values is a copy of the columns that are not null, without the primary key
// and the version.
func (r *Row) Values() map[string]schema.Value { return maps.Clone(r.values) }

// Columns is [Row.Values] without the copy, for who reads it at once and does not change
// it.
func (r *Row) Columns() map[string]schema.Value { return r.values }

// hasSet reports whether a Set changed the column since the row was loaded.
func (r *Row) hasSet(column string) bool { return r.dirty[column] }

// Changed reports whether a Set changed the row since it was loaded or made.
func (r *Row) Changed() bool { return len(r.dirty) > 0 }

// DB is the rows of a schema in a store. It is safe for concurrent use.
type DB struct {
	store    store.Store
	schema   *schema.Schema
	clock    clock.Clock
	form     Form
	first    func(Ref) int64 // version of a new row
	misreads func(error)
	given    map[string][]store.Item // rows that are there by definition, by partition key
}

// New returns the rows of a schema in a store; c stamps them, and waits between
// the tries of a unit of work.
func New(s store.Store, tables *schema.Schema, c clock.Clock) *DB {
	return &DB{store: s, schema: tables, clock: c, first: randomVersion}
}

// FirstVersions makes first give the versions of new rows, each from 1 up to 2^52 and
// another in each life of an id; by default they are random. Tests foretell them by
// it. It is called before the DB is used.
func (db *DB) FirstVersions(first func(Ref) int64) { db.first = first }

// Form is how rows are stored. Both forms are read always, and every write puts the
// whole row into the form of its program.
type Form uint8

// The forms. Long is the one that programs from before decision 0023 read: every column
// under its own name, also those that follow from others. Compact stores columns under
// their short names, and those that follow from others only where they differ.
const (
	Compact Form = iota
	Long
)

// Write makes the DB write rows in a form, Compact by default. It is called before the
// DB is used.
func (db *DB) Write(form Form) { db.form = form }

// OnMisread makes report be told of each read of a column that its table does not
// declare, or declares with another type. Tests fail by it. It is called before
// the DB is used.
func (db *DB) OnMisread(report func(error)) { db.misreads = report }

// Schema is the tables of the DB.
func (db *DB) Schema() *schema.Schema { return db.schema }

// Now is the DB's clock in UTC, whole seconds.
func (db *DB) Now() time.Time { return db.clock.Now().UTC().Truncate(time.Second) }

// Get reads rows by id, strongly consistent, in the order of refs; nil where
// there is none. It makes one request for every 100 refs.
func (db *DB) Get(ctx context.Context, refs ...Ref) ([]*Row, error) {
	items, err := db.items(ctx, refs)
	if err != nil {
		return nil, err
	}
	found := make([]*Row, len(items))
	for i, item := range items {
		if found[i], err = db.decode(item); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// items reads the items of rows, nil where there is none.
func (db *DB) items(ctx context.Context, refs []Ref) ([]store.Item, error) {
	found := make([]store.Item, 0, len(refs))
	for start := 0; start < len(refs); start += store.MaxGetKeys {
		part := refs[start:min(start+store.MaxGetKeys, len(refs))]
		keys := make([]store.Key, len(part))
		for i, ref := range part {
			t, err := db.table(ref.Table)
			if err != nil {
				return nil, err
			}
			keys[i] = keyOf(t, ref.ID)
		}
		items, err := db.store.Get(ctx, keys...)
		if err != nil {
			return nil, fmt.Errorf("read %v and %d more: %w", part[0], len(part)-1, err)
		}
		for i, item := range items {
			if item == nil && len(db.given) > 0 {
				items[i] = db.givenItem(keys[i])
			}
		}
		found = append(found, items...)
	}
	return found, nil
}

// UnknownTableError says that a row is of a table that the schema lacks. Where two
// versions of the program share a store, it is the other one's.
type UnknownTableError struct{ Table string }

// Error names the table.
func (e *UnknownTableError) Error() string { return fmt.Sprintf("no table %q in the schema", e.Table) }

func (db *DB) table(name string) (*schema.Table, error) {
	t := db.schema.Table(name)
	if t == nil {
		return nil, &UnknownTableError{name}
	}
	return t, nil
}
