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
	match   func(*Row) (bool, error)
}

// NewWhere returns a condition on rows of a table that reads some columns, nil where one
// of them follows from others: then only the whole row tells.
func NewWhere(t *schema.Table, columns []string, match func(*Row) (bool, error)) *Where {
	w := &Where{table: t, match: match}
	for _, column := range columns {
		c := t.Column(column)
		switch {
		case column == t.ID || column == Version:
		case c == nil || c.Derived != "" || c.Shown || slices.Contains(t.Implied(), c):
			return nil
		default:
			w.columns = append(w.columns, c)
		}
	}
	return w
}

// keep returns the items with nil in place of those for which the condition does not
// hold, and has part say what was left out.
func (w *Where) keep(items []store.Item, part *Part) []store.Item {
	kept := make([]store.Item, len(items))
	row := &Row{Table: w.table, values: make(map[string]schema.Value, len(w.columns))}
	for i, item := range items {
		if item == nil {
			continue
		}
		ok, err := w.holds(row, item)
		switch {
		case err != nil:
			part.Broken = append(part.Broken, BrokenRow{row.Ref(), err})
		case ok:
			kept[i] = item
		default:
			part.Skipped++
			part.SkippedBytes += item.Size()
		}
	}
	return kept
}

// holds reports whether the condition holds for an item, of which row gets the columns.
func (w *Where) holds(row *Row, item store.Item) (bool, error) {
	clear(row.values)
	row.ID, row.Version = item.Key().SK, item[Version].Int()
	for _, c := range w.columns {
		attr, own := item[c.Name]
		if !own {
			attr = item[c.Stored()] // see rename
		}
		v, err := decodeValue(c, attr)
		if err != nil {
			return false, fmt.Errorf("%v: %w", row.Ref(), err)
		}
		row.values[c.Name] = v
	}
	return w.match(row)
}
