package rows

import (
	"context"
	"errors"
	"fmt"

	"segue/internal/schema"
	"segue/internal/store"
)

// Change is a change record of a row.
type Change struct {
	Ref      Ref
	Table    *schema.Table
	Kind     store.ChangeKind
	Old, New *Image // nil where there was no row
	Present  bool   // no change, but the row as it is ([DB.Present])
}

// Image is a row as it was at a change. It implements filter.Row, and engine.Filler for
// the columns of the [Reading] that was read. It belongs to one goroutine.
type Image struct {
	db    *DB
	table *schema.Table
	id    string
	image store.Image

	reading *Reading
	read    *bothImages
	attrs   []store.Value // of the reading's attributes, in read
	others  []other       // columns that were asked for and are not in it
}

// other is what is stored of a column.
type other struct {
	column string
	value  store.Value
}

// Change returns a change record as the change of a row. It decodes no column yet. The
// error is an [*UnknownTableError], and only Ref and Kind are known then.
func (db *DB) Change(c store.Change) (Change, error) { return db.change(c, new([2]Image)) }

// Changes calls each with the changes of a batch, as [DB.Change] returns them.
func (db *DB) Changes(batch []store.Change, each func(n int, c Change, err error)) {
	images := make([][2]Image, len(batch))
	for n := range batch {
		c, err := db.change(batch[n], &images[n])
		each(n, c, err)
	}
}

func (db *DB) change(c store.Change, images *[2]Image) (Change, error) {
	change := Change{Ref: RefOf(c.Key), Kind: c.Kind}
	t, err := db.table(change.Ref.Table)
	if err != nil {
		return change, fmt.Errorf("change of %s/%s: %w", c.Key.PK, c.Key.SK, err)
	}
	change.Table = t
	if c.Old != nil {
		images[0] = Image{db: db, table: t, id: c.Key.SK, image: c.Old}
		change.Old = &images[0]
	}
	if c.New != nil {
		images[1] = Image{db: db, table: t, id: c.Key.SK, image: c.New}
		change.New = &images[1]
	}
	return change, nil
}

// Present returns a row as it is, in the form of the change that would make it: an
// insert without an image of before. Where there is no row it is a removal without
// an image.
func (db *DB) Present(ctx context.Context, ref Ref) (Change, error) {
	t, err := db.table(ref.Table)
	if err != nil {
		return Change{}, err
	}
	items, err := db.store.Get(ctx, keyOf(t, ref.ID))
	if err != nil {
		return Change{}, fmt.Errorf("read %v: %w", ref, err)
	}
	if items[0] == nil {
		return Change{Ref: ref, Table: t, Kind: store.Remove, Present: true}, nil
	}
	image := &Image{db: db, table: t, id: ref.ID, image: items[0]}
	return Change{Ref: ref, Table: t, Kind: store.Insert, New: image, Present: true}, nil
}

// Ref names the row.
func (i *Image) Ref() Ref { return Ref{i.table.Name, i.id} }

// Touches reports whether one of the columns differs between the images. It is true
// when the row is new or deleted. It compares what is stored and decodes nothing.
func (c Change) Touches(columns []string) (bool, error) {
	if c.Old == nil || c.New == nil {
		return true, nil
	}
	for n, name := range columns {
		before, err := c.Old.stored(name, n)
		if err != nil {
			return false, err
		}
		after, err := c.New.stored(name, n)
		if err != nil {
			return false, err
		}
		if before != after {
			return true, nil
		}
	}
	return false, nil
}

// Moves reports, as [Change.Touches] does, whether one of some lookups differs between the
// images. Where there are no lookups it is false, also of a row that is new.
func (c Change) Moves(lookups []string) (bool, error) {
	if len(lookups) == 0 {
		return false, nil
	}
	return c.Touches(lookups)
}

// Value returns one column as it was.
func (i *Image) Value(column string) (schema.Value, error) {
	if column == i.table.ID {
		return schema.Text(i.id), nil
	}
	c := i.table.Column(column)
	if c == nil {
		return schema.Null(), fmt.Errorf("no column %q on %s", column, i.table.Name)
	}
	if c.Derived != "" {
		v, err := i.Value(c.Derived)
		return c.Derive(v), err
	}
	attr, err := i.stored(column, 0)
	if err != nil {
		return schema.Null(), err
	}
	if attr.Kind() == store.Absent && isMade(c) {
		return i.imply(c)
	}
	return decodeValue(c, attr)
}

// isMade reports whether a column is made of others where it is not stored.
func isMade(c *schema.Column) bool { return c.Follows == "" && len(c.Sources()) > 0 }

// imply returns a column as others make it.
func (i *Image) imply(c *schema.Column) (schema.Value, error) {
	var err error
	made := c.Imply(func(column string) schema.Value {
		v, verr := i.Value(column)
		err = errors.Join(err, verr)
		return v
	})
	return made, err
}

// Row returns the whole row as it was, with its version at that time. A unit of work
// that holds it writes it only if the row has not changed since.
func (i *Image) Row() (*Row, error) {
	item, err := i.image.Item()
	if err != nil {
		return nil, fmt.Errorf("image of %s %s: %w", i.table.Name, i.id, err)
	}
	return i.db.decode(item)
}
