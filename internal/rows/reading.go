package rows

import (
	"fmt"
	"slices"
	"sync"

	"segue/internal/filter/engine"
	"segue/internal/schema"
	"segue/internal/store"
)

// Reading is columns of a table that are read from the images of many changes, in one
// pass over each. It is made once, for all columns that a reaction compares or asks for.
// It is safe for concurrent use.
type Reading struct {
	table   *schema.Table
	columns []string
	places  []place // of each column
	at      map[string]int
	names   *store.Names
	free    sync.Pool // of *bothImages
}

// bothImages is what is read of the two images of a change.
type bothImages [2][]store.Value

// place is where a column is stored: in the first of some attributes that is there.
type place struct {
	first int
	more  []int
}

// NewReading returns a reading of columns, whether the table has them or not.
func NewReading(t *schema.Table, columns ...string) *Reading {
	r := &Reading{table: t, at: map[string]int{}}
	var attributes []string
	add := func(attribute string) int {
		at := slices.Index(attributes, attribute)
		if at < 0 {
			at = len(attributes)
			attributes = append(attributes, attribute)
		}
		return at
	}
	for _, column := range columns {
		if _, again := r.at[column]; again {
			continue
		}
		r.at[column] = len(r.columns)
		p := place{first: add(column)}
		for _, attribute := range places(t, column) {
			p.more = append(p.more, add(attribute))
		}
		r.columns, r.places = append(r.columns, column), append(r.places, p)
	}
	r.names = store.NewNames(attributes...)
	return r
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

// value returns what is stored of a column, from what was read.
func (r *Reading) value(column int, attrs []store.Value) store.Value {
	p := &r.places[column]
	v := attrs[p.first]
	for _, next := range p.more {
		if v.Kind() != store.Absent {
			break
		}
		v = attrs[next]
	}
	return v
}

// find returns which of the columns one is, -1 for none. hint is where it is if the
// caller goes through a list like that of the reading.
func (r *Reading) find(column string, hint int) int {
	if hint < len(r.columns) && r.columns[hint] == column {
		return hint
	}
	if at, ok := r.at[column]; ok {
		return at
	}
	return -1
}

// Read reads columns of both images, until [Change.Forget].
func (c Change) Read(r *Reading) error {
	read, ok := r.free.Get().(*bothImages)
	if !ok {
		n := len(r.names.List())
		read = &bothImages{make([]store.Value, n), make([]store.Value, n)}
	}
	for n, i := range [...]*Image{c.Old, c.New} {
		if i == nil {
			continue
		}
		if err := i.image.Values(r.names, read[n]); err != nil {
			return fmt.Errorf("image of %s %s: %w", i.table.Name, i.id, err)
		}
		i.reading, i.read, i.attrs = r, read, read[n]
	}
	return nil
}

// Forget gives back the memory of what was read, for another change.
func (c Change) Forget() {
	var r *Reading
	var read *bothImages
	for _, i := range [...]*Image{c.Old, c.New} {
		if i != nil && i.reading != nil {
			r, read = i.reading, i.read
			i.reading, i.read, i.attrs = nil, nil, nil
		}
	}
	if r != nil {
		r.free.Put(read)
	}
}

// stored returns what is stored of a column.
func (i *Image) stored(column string, hint int) (store.Value, error) {
	if i.reading != nil {
		if at := i.reading.find(column, hint); at >= 0 {
			return i.reading.value(at, i.attrs), nil
		}
	}
	for n := range i.others {
		if i.others[n].column == column {
			return i.others[n].value, nil
		}
	}
	alone := NewReading(i.table, column)
	attrs := make([]store.Value, len(alone.names.List()))
	if err := i.image.Values(alone.names, attrs); err != nil {
		return store.Value{}, fmt.Errorf("image of %s %s: %w", i.table.Name, i.id, err)
	}
	v := alone.value(0, attrs)
	i.others = append(i.others, other{column, v})
	return v, nil
}

// FillRecord implements [engine.Filler].
func (i *Image) FillRecord(r *engine.Record) {
	e := r.Engine()
	for n := range e.Columns() {
		c, _ := e.Column(n)
		if c.Derived != "" || isMade(c) || c.Name == i.table.ID {
			r.Read(n)
			continue
		}
		if attr, err := i.stored(c.Name, n); err == nil {
			fill(r, n, c, attr)
		} else {
			r.Break()
		}
	}
}

// fill sets the slot of a column to what is stored of it.
func fill(r *engine.Record, slot int, c *schema.Column, v store.Value) {
	switch {
	case v.Kind() == store.Absent || v.Kind() == store.Null:
		r.Null(slot)
	case v.Kind() != attributeKind(c):
		r.Break()
	case c.Type.Kind() == schema.KindText:
		r.Text(slot, v.Text())
	case c.Type.Kind() == schema.KindRef:
		r.Ref(slot, refOf(c, v.Text()))
	default:
		value, err := parseValue(c, v)
		if err != nil {
			r.Break()
			return
		}
		r.Set(slot, value)
	}
}
