package rows

import (
	"fmt"
	"slices"

	"segue/internal/schema"
	"segue/internal/store"
)

// Where is a condition on the rows of a read. Of a row for which it does not hold, only
// the columns that it reads are decoded.
type Where struct {
	table   *schema.Table
	columns []*schema.Column // the sources of those that follow from others before them
	attrs   []string         // of each column its own name and that of its attribute, if it has another
	names   *store.Names     // the same
	version *store.Names
	match   func(*Sketch) (bool, error)
}

// NewWhere returns a condition on rows of a table that reads some columns, nil where one
// of them is not stored: then only the whole row tells.
func NewWhere(t *schema.Table, columns []string, match func(*Sketch) (bool, error)) *Where {
	w := &Where{table: t, match: match}
	for _, column := range columns {
		if column != t.ID && column != Version && !w.add(column) {
			return nil
		}
	}
	w.names, w.version = store.NewNames(w.attrs...), store.NewNames(Version)
	return w
}

// add adds a column and those from which it follows; false says that it is not stored.
func (w *Where) add(column string) bool {
	c := w.table.Column(column)
	switch {
	case c == nil || c.Derived != "" || c.Shown:
		return false
	case slices.Contains(w.columns, c):
		return true
	}
	for _, source := range c.Sources() {
		if !w.add(source) {
			return false
		}
	}
	w.columns = append(w.columns, c)
	w.attrs = append(w.attrs, c.Name)
	if c.Stored() != c.Name {
		w.attrs = append(w.attrs, c.Stored())
	}
	return true
}

// keeper returns what a store asks of items. One that cannot be told is kept, for
// whoever decodes it to say so.
func (w *Where) keeper() func(store.Passing) bool {
	if w == nil {
		return nil
	}
	s := w.sketch()
	return func(item store.Passing) bool {
		ok, err := s.holds(item)
		return ok || err != nil
	}
}

// keep returns the items with nil in place of those for which the condition does not
// hold, and has part say what was left out.
func (w *Where) keep(items []store.Item, part *Part) []store.Item {
	kept := make([]store.Item, len(items))
	s := w.sketch()
	for i, item := range items {
		if item == nil {
			continue
		}
		ok, err := s.holds(item)
		switch {
		case err != nil:
			part.Broken = append(part.Broken, BrokenRow{s.Ref(), err})
		case ok:
			kept[i] = item
		default:
			part.Skipped++
			part.SkippedBytes += item.Size()
		}
	}
	return kept
}

// Sketch is the columns of a row that a [Where] reads. It implements filter.Row, and
// holds until the condition has answered: it becomes the next row then.
type Sketch struct {
	where  *Where
	item   store.Passing
	attrs  []store.Value  // of the condition
	values []schema.Value // of its columns
}

func (w *Where) sketch() *Sketch {
	return &Sketch{where: w, attrs: make([]store.Value, len(w.attrs)), values: make([]schema.Value, len(w.columns))}
}

// Value returns the value of a column that the condition reads, the id included, and the
// version.
func (s *Sketch) Value(column string) (schema.Value, error) {
	for n, c := range s.where.columns { // a few; a map would take longer
		if c.Name == column {
			return s.values[n], nil
		}
	}
	switch column {
	case s.where.table.ID:
		return schema.Text(s.item.SortKey()), nil
	case Version:
		version := make([]store.Value, 1)
		err := s.item.Values(s.where.version, version)
		return schema.Int(version[0].Int()), err //nolint:wrapcheck // holds names the row
	}
	return schema.Null(), nil
}

// Ref names the row.
func (s *Sketch) Ref() Ref { return Ref{s.where.table.Name, s.item.SortKey()} }

// Hold returns the row as it is stored, for [DB.Decode] to decode it later.
func (s *Sketch) Hold() Held { return Held{s.item.Hold()} }

// Size returns about how many bytes the row is as it is stored.
func (s *Sketch) Size() int { return s.item.Size() }

// Held is a row that is not decoded yet.
type Held struct{ image store.Image }

// Decode decodes a row.
func (db *DB) Decode(h Held) (*Row, error) {
	item, err := h.image.Item()
	if err != nil {
		return nil, fmt.Errorf("read a row: %w", err)
	}
	return db.decode(item)
}

// holds reports whether the condition holds for an item.
func (s *Sketch) holds(item store.Passing) (bool, error) {
	s.item = item
	err := s.read()
	ok := false
	if err == nil {
		ok, err = s.where.match(s)
	}
	if err != nil {
		return false, fmt.Errorf("%v: %w", s.Ref(), err)
	}
	return ok, nil
}

func (s *Sketch) read() error {
	if err := s.item.Values(s.where.names, s.attrs); err != nil {
		return err //nolint:wrapcheck // holds names the row
	}
	next := 0
	for n, c := range s.where.columns {
		attr := s.attrs[next]
		if next++; c.Stored() != c.Name {
			if attr.Kind() == store.Absent { // see rename
				attr = s.attrs[next]
			}
			next++
		}
		v, err := decodeValue(c, attr)
		if err != nil {
			return err
		}
		if attr.Kind() == store.Absent && len(c.Sources()) > 0 {
			v = c.Imply(s.source)
		}
		s.values[n] = v
	}
	return nil
}

// source is Value of a column from which others follow, which is read before them.
func (s *Sketch) source(column string) schema.Value {
	v, _ := s.Value(column) // only the head can fail, and nothing follows from it
	return v
}
