package rows

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"segue/internal/schema"
	"segue/internal/store"
)

// Change is a change record of a row.
type Change struct {
	Ref      Ref
	Table    *schema.Table
	Kind     store.ChangeKind
	Old, New *Image // nil where there was no row
}

// Image is a row as it was at a change. It keeps what [Image.Read] reads ahead and
// decodes a column once, when it is first asked for: many segments read the same few
// columns. It implements filter.Row. It belongs to one goroutine.
type Image struct {
	db    *DB
	table *schema.Table
	id    string
	image store.Image

	columns []string       // read so far
	attrs   []store.Value  // what is stored of each
	values  []schema.Value // each decoded, where decoded says so
	decoded []bool
}

// Change returns a change record as the change of a row. It decodes no column yet. The
// error is an [*UnknownTableError], and only Ref and Kind are known then.
func (db *DB) Change(c store.Change) (Change, error) {
	change := Change{Ref: RefOf(c.Key), Kind: c.Kind}
	t, err := db.table(change.Ref.Table)
	if err != nil {
		return change, fmt.Errorf("change of %s/%s: %w", c.Key.PK, c.Key.SK, err)
	}
	change.Table = t
	if c.Old != nil {
		change.Old = &Image{db: db, table: t, id: c.Key.SK, image: c.Old}
	}
	if c.New != nil {
		change.New = &Image{db: db, table: t, id: c.Key.SK, image: c.New}
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
		return Change{Ref: ref, Table: t, Kind: store.Remove}, nil
	}
	image := &Image{db: db, table: t, id: ref.ID, image: items[0]}
	return Change{Ref: ref, Table: t, Kind: store.Insert, New: image}, nil
}

// Read reads columns of both images ahead, in one pass over each: all columns
// that a reaction will compare or ask for, whether the table has them or not.
// The list must not change afterwards, and the same list for every change is the
// fastest.
func (c Change) Read(columns []string) error {
	for _, i := range []*Image{c.Old, c.New} {
		if i == nil {
			continue
		}
		if err := i.Read(columns); err != nil {
			return err
		}
	}
	return nil
}

// Touches reports whether one of the columns differs between the images. It is true
// when the row is new or deleted. It compares what is stored and decodes nothing.
func (c Change) Touches(columns []string) (bool, error) {
	if c.Old == nil || c.New == nil {
		return true, nil
	}
	if err := c.Read(columns); err != nil {
		return false, err
	}
	for n, name := range columns {
		if c.Old.attrs[c.Old.at(name, n)] != c.New.attrs[c.New.at(name, n)] {
			return true, nil
		}
	}
	return false, nil
}

// Read reads columns ahead; see [Change.Read].
func (i *Image) Read(columns []string) error {
	missing := columns
	if i.columns != nil {
		missing = nil
		for n, name := range columns {
			if i.at(name, n) < 0 {
				missing = append(missing, name)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	attrs, err := i.stored(missing)
	if err != nil {
		return fmt.Errorf("image of %s %s: %w", i.table.Name, i.id, err)
	}
	if i.columns == nil {
		i.columns, i.attrs = slices.Clip(missing), attrs // the list is the caller's
		return nil
	}
	i.columns, i.attrs = append(i.columns, missing...), append(i.attrs, attrs...)
	return nil
}

// stored reads what is stored of columns, in one pass over the image.
func (i *Image) stored(columns []string) ([]store.Value, error) {
	names, several := columns, false // of attributes
	for _, column := range columns {
		c := i.table.Column(column)
		several = several || c != nil && (c.Attribute != "" || c.Follows != "")
	}
	if several {
		names = slices.Clone(columns)
		for _, column := range columns {
			names = append(names, places(i.table, column)...)
		}
	}
	attrs := make([]store.Value, len(names))
	if err := i.image.Values(names, attrs); err != nil {
		return nil, err
	}
	next := len(columns)
	for n, column := range columns {
		if !several {
			break
		}
		for range places(i.table, column) {
			if attrs[n].Kind() == store.Absent {
				attrs[n] = attrs[next]
			}
			next++
		}
	}
	return attrs[:len(columns):len(columns)], nil
}

// places returns the attributes in which the value of a column may be stored beside the
// one with its own name, which goes first.
func places(t *schema.Table, column string) (attributes []string) {
	c := t.Column(column)
	if c == nil {
		return nil
	}
	for ; c != nil; c = t.Column(c.Follows) {
		if c.Name != column {
			attributes = append(attributes, c.Name)
		}
		if c.Attribute != "" {
			attributes = append(attributes, c.Attribute)
		}
	}
	return attributes
}

// at returns the position of a column among those read, -1 when it is not among
// them. hint is where it is if the caller goes through the list that was read.
func (i *Image) at(column string, hint int) int {
	if hint < len(i.columns) && i.columns[hint] == column {
		return hint
	}
	return slices.Index(i.columns, column)
}

// Value returns one column as it was.
func (i *Image) Value(column string) (schema.Value, error) {
	if column == i.table.ID {
		return schema.Text(i.id), nil
	}
	at := i.at(column, 0)
	if at >= 0 && at < len(i.decoded) && i.decoded[at] {
		return i.values[at], nil
	}
	c := i.table.Column(column)
	if c == nil {
		return schema.Null(), fmt.Errorf("no column %q on %s", column, i.table.Name)
	}
	if c.Derived != "" {
		v, err := i.Value(c.Derived)
		return c.Derive(v), err
	}
	if len(c.Joins) > 0 {
		return i.join(c)
	}
	if at < 0 {
		if err := i.Read([]string{column}); err != nil {
			return schema.Null(), err
		}
		at = len(i.columns) - 1
	}
	v, err := decodeValue(c, i.attrs[at])
	if err != nil {
		return schema.Null(), err
	}
	if missing := len(i.columns) - len(i.decoded); missing > 0 {
		i.values = append(i.values, make([]schema.Value, missing)...)
		i.decoded = append(i.decoded, make([]bool, missing)...)
	}
	i.values[at], i.decoded[at] = v, true
	return v, nil
}

// join returns a column that joins others, as it is stored if it is.
func (i *Image) join(c *schema.Column) (schema.Value, error) {
	attrs, err := i.stored([]string{c.Name})
	if err != nil || attrs[0].Kind() != store.Absent {
		if err != nil {
			return schema.Null(), err
		}
		return decodeValue(c, attrs[0])
	}
	joined := c.Imply(func(column string) schema.Value {
		v, verr := i.Value(column)
		err = errors.Join(err, verr)
		return v
	})
	return joined, err
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
