package rows

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"segue/internal/filter/engine"
	"segue/internal/schema"
	"segue/internal/store"
)

// Reading is columns of a table that are read from the images of many changes, in one
// pass over each. It is made once, for all columns that a reaction compares or asks for.
// It is safe for concurrent use.
type Reading struct {
	columns []readColumn
	at      map[string]int
	names   *store.Names
	free    sync.Pool // of *bothImages
	slots   atomic.Pointer[slots]
}

// readColumn is a column and where it is stored: in the first of some attributes that is
// there.
type readColumn struct {
	*schema.Column // nil for one that the table does not have
	name           string
	first          int
	more           []int

	plain  bool        // what is stored is the value, and what is not is null
	kind   schema.Kind // of its values, then
	stored store.Kind  // and as they are stored
}

// bothImages is what is read of the two images of a change.
type bothImages [2][]store.Value

// NewReading returns a reading of columns, whether the table has them or not.
func NewReading(t *schema.Table, columns ...string) *Reading {
	r := &Reading{at: map[string]int{}}
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
		c := readColumn{Column: t.Column(column), name: column, first: add(column)}
		for _, attribute := range places(t, column) {
			c.more = append(c.more, add(attribute))
		}
		if c.Column != nil && c.Derived == "" && !isMade(c.Column) && column != t.ID {
			c.plain, c.kind, c.stored = true, c.Type.Kind(), attributeKind(c.Column)
		}
		r.at[column] = len(r.columns)
		r.columns = append(r.columns, c)
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
func (c *readColumn) value(attrs []store.Value) store.Value {
	v := attrs[c.first]
	for _, next := range c.more {
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
	if hint < len(r.columns) && r.columns[hint].name == column {
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
			return i.reading.columns[at].value(i.attrs), nil
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
	v := alone.columns[0].value(attrs)
	i.others = append(i.others, other{column, v})
	return v, nil
}

// FillRecord implements [engine.Filler].
func (i *Image) FillRecord(r *engine.Record) {
	if i.reading == nil {
		for n := range r.Engine().Columns() {
			r.Read(n)
		}
		return
	}
	for n, at := range i.reading.slotsOf(r.Engine()) {
		if at >= 0 {
			i.reading.columns[at].fill(r, n, i.attrs)
		} else {
			r.Read(n)
		}
	}
}

// slots is where the columns of an engine stand in a reading, -1 for those that are not
// in it or are more than what is stored.
type slots struct {
	engine *engine.Engine
	at     []int
}

// slotsOf keeps the slots of the engine that asked last: mostly there is one.
func (r *Reading) slotsOf(e *engine.Engine) []int {
	if known := r.slots.Load(); known != nil && known.engine == e {
		return known.at
	}
	found := &slots{e, make([]int, e.Columns())}
	for n := range found.at {
		found.at[n] = -1
		if at, ok := r.at[e.Column(n).Name]; ok && r.columns[at].plain {
			found.at[n] = at
		}
	}
	r.slots.Store(found)
	return found.at
}

// fill sets the slot of a column to what is stored of it.
func (c *readColumn) fill(r *engine.Record, slot int, attrs []store.Value) {
	v := c.value(attrs)
	if kind := v.Kind(); kind != c.stored {
		if kind == store.Absent || kind == store.Null {
			r.Null(slot)
		} else {
			r.Break()
		}
		return
	}
	var err error
	switch c.kind {
	case schema.KindText:
		r.Text(slot, v.Text())
	case schema.KindRef:
		r.Ref(slot, refOf(c.Column, v.Text()))
	case schema.KindInt:
		var n int64
		n, err = strconv.ParseInt(v.Text(), 10, 64)
		r.Number(slot, n)
	case schema.KindTime:
		var n int64
		n, err = parseSeconds(c.Column, v.Text())
		r.Number(slot, n)
	default:
		var value schema.Value
		value, err = parseKind(c.Column, c.kind, v)
		r.Set(slot, value)
	}
	if err != nil {
		r.Break()
	}
}
