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
	head    bool             // it reads the id or the version as well
	attrs   []string         // of each column its own name and that of its attribute, if it has another; at the end those of the head
	match   func(*Row) (bool, error)
}

// NewWhere returns a condition on rows of a table that reads some columns, nil where one
// of them is not stored: then only the whole row tells.
func NewWhere(t *schema.Table, columns []string, match func(*Row) (bool, error)) *Where {
	w := &Where{table: t, match: match}
	for _, column := range columns {
		if column == t.ID || column == Version {
			w.head = true
		} else if !w.add(column) {
			return nil
		}
	}
	if w.head {
		w.attrs = append(w.attrs, store.SK, Version)
	}
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

// probe is what the condition reads of one item after another.
type probe struct {
	where  *Where
	row    *Row
	values []store.Value // of the attributes
}

func (w *Where) probe() *probe {
	row := &Row{Table: w.table, values: make(map[string]schema.Value, len(w.columns))}
	return &probe{w, row, make([]store.Value, len(w.attrs))}
}

// keeper returns what a store asks of items. One that cannot be told is kept, for
// whoever decodes it to say so.
func (w *Where) keeper() func(store.Image) bool {
	if w == nil {
		return nil
	}
	p := w.probe()
	return func(image store.Image) bool {
		ok, err := p.holds(image)
		return ok || err != nil
	}
}

// keep returns the items with nil in place of those for which the condition does not
// hold, and has part say what was left out.
func (w *Where) keep(items []store.Item, part *Part) []store.Item {
	kept := make([]store.Item, len(items))
	p := w.probe()
	for i, item := range items {
		if item == nil {
			continue
		}
		ok, err := p.holds(item)
		switch {
		case err != nil:
			part.Broken = append(part.Broken, BrokenRow{p.row.Ref(), err})
		case ok:
			kept[i] = item
		default:
			part.Skipped++
			part.SkippedBytes += item.Size()
		}
	}
	return kept
}

// holds reports whether the condition holds for an item. Its row has the id after an
// error, too.
func (p *probe) holds(image store.Image) (bool, error) {
	ok, err := p.read(image)
	if err == nil {
		return ok, nil
	}
	if p.row.ID == "" {
		id := make([]store.Value, 1)
		_ = image.Values([]string{store.SK}, id) // what cannot be read is what the error says
		p.row.ID = id[0].Text()
	}
	return false, fmt.Errorf("%v: %w", p.row.Ref(), err)
}

func (p *probe) read(image store.Image) (bool, error) {
	p.row.ID = ""
	if err := image.Values(p.where.attrs, p.values); err != nil {
		return false, err
	}
	if p.where.head {
		end := len(p.values)
		p.row.ID, p.row.Version = p.values[end-2].Text(), p.values[end-1].Int()
	}
	next := 0
	for _, c := range p.where.columns {
		attr := p.values[next]
		if next++; c.Stored() != c.Name {
			if attr.Kind() == store.Absent { // see rename
				attr = p.values[next]
			}
			next++
		}
		v, err := decodeValue(c, attr)
		if err != nil {
			return false, err
		}
		if attr.Kind() == store.Absent && len(c.Sources()) > 0 {
			v = p.row.imply(c)
		}
		p.row.values[c.Name] = v
	}
	return p.where.match(p.row)
}
