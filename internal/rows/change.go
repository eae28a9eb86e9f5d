package rows

import (
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
}

// Image is a row as it was in a change record. It decodes a column when it is
// first asked for it, and once, for many segments read the same few columns; it
// makes a filter.Row. It belongs to one goroutine.
type Image struct {
	db    *DB
	table *schema.Table
	id    string
	image store.Image
	known map[string]schema.Value // columns decoded so far
}

// Change reads a change record, which stays lazy.
func (db *DB) Change(c store.Change) (Change, error) {
	t, err := db.table(tableOf(c.Key.PK))
	if err != nil {
		return Change{}, fmt.Errorf("change of %s/%s: %w", c.Key.PK, c.Key.SK, err)
	}
	change := Change{Ref: Ref{t.Name, c.Key.SK}, Table: t, Kind: c.Kind}
	if c.Old != nil {
		change.Old = &Image{db: db, table: t, id: c.Key.SK, image: c.Old}
	}
	if c.New != nil {
		change.New = &Image{db: db, table: t, id: c.Key.SK, image: c.New}
	}
	return change, nil
}

// TableOf is the logical name of a change record's table, which the schema may
// not know.
func TableOf(c store.Change) string { return tableOf(c.Key.PK) }

// Touches says whether one of the columns differs between the images; it is
// true when the row is new or gone. It compares what is stored and decodes
// nothing.
func (c Change) Touches(columns []string) (bool, error) {
	if c.Old == nil || c.New == nil {
		return true, nil
	}
	for _, name := range columns {
		before, err := c.Old.image.Value(name)
		if err != nil {
			return false, fmt.Errorf("old image of %v, column %s: %w", c.Ref, name, err)
		}
		after, err := c.New.image.Value(name)
		if err != nil {
			return false, fmt.Errorf("new image of %v, column %s: %w", c.Ref, name, err)
		}
		if !before.Equal(after) {
			return true, nil
		}
	}
	return false, nil
}

// Value returns one column as it was.
func (i *Image) Value(column string) (schema.Value, error) {
	if column == i.table.ID {
		return schema.Text(i.id), nil
	}
	if v, ok := i.known[column]; ok {
		return v, nil
	}
	c := i.table.Column(column)
	if c == nil {
		return schema.Null(), fmt.Errorf("no column %q on %s", column, i.table.Name)
	}
	attr, err := i.image.Value(column)
	if err != nil {
		return schema.Null(), fmt.Errorf("image of %s %s, column %s: %w", i.table.Name, i.id, column, err)
	}
	v, err := decodeValue(c, attr)
	if err != nil {
		return schema.Null(), err
	}
	if i.known == nil {
		i.known = map[string]schema.Value{}
	}
	i.known[column] = v
	return v, nil
}

// Row is the whole row as it was, with the version of that moment: held by a
// unit of work, it is written only if the row has not moved on since.
func (i *Image) Row() (*Row, error) {
	item, err := i.image.Item()
	if err != nil {
		return nil, fmt.Errorf("image of %s %s: %w", i.table.Name, i.id, err)
	}
	return i.db.decode(item)
}
