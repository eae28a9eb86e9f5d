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
	columns []*schema.Column
	attrs   []string // the id, the version and, of each column, its own name and that of its attribute
	match   func(*Row) (bool, error)
}

// NewWhere returns a condition on rows of a table that reads some columns, nil where one
// of them follows from others: then only the whole row tells.
func NewWhere(t *schema.Table, columns []string, match func(*Row) (bool, error)) *Where {
	w := &Where{table: t, match: match, attrs: []string{store.SK, Version}}
	for _, column := range columns {
		c := t.Column(column)
		switch {
		case column == t.ID || column == Version:
		case c == nil || c.Derived != "" || c.Shown || slices.Contains(t.Implied(), c):
			return nil
		default:
			w.columns = append(w.columns, c)
			w.attrs = append(w.attrs, c.Name, c.Stored())
		}
	}
	return w
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

// holds reports whether the condition holds for an item.
func (p *probe) holds(image store.Image) (bool, error) {
	if err := image.Values(p.where.attrs, p.values); err != nil {
		return false, err
	}
	clear(p.row.values)
	p.row.ID, p.row.Version = p.values[0].Text(), p.values[1].Int()
	for n, c := range p.where.columns {
		attr := p.values[2+2*n]
		if attr.Kind() == store.Absent { // see rename
			attr = p.values[3+2*n]
		}
		v, err := decodeValue(c, attr)
		if err != nil {
			return false, fmt.Errorf("%v: %w", p.row.Ref(), err)
		}
		p.row.values[c.Name] = v
	}
	return p.where.match(p.row)
}
