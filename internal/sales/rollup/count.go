package rollup

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// countedRef names the row that says where a row is counted by a way.
func (w *way) countedRef(of rows.Ref) rows.Ref {
	return rows.Ref{Table: name.CountedRow, ID: guid.Derive("counted", of.Table, of.ID, w.lookup.Name)}
}

// count brings what a row is counted as by a way up to the row as it is, whether it is there
// or not, and reports whether anything was to be done. One that moves is taken away from one
// place and added at the other in two transactions, each of which is right by itself. likely
// is where it is probably to be counted, which saves a request; the zero Ref for nowhere.
func (r *Rollups) count(ctx context.Context, w *way, of rows.Ref, likely rows.Ref) (changed bool, err error) {
	for more := true; more; {
		did := false
		err := r.db.Do(ctx, "", func(tx *rows.Tx) (err error) {
			did, more, err = r.step(ctx, tx, w, of, likely)
			return err
		})
		if err != nil {
			return changed, fmt.Errorf("count %v by %s: %w", of, w.lookup.Name, err)
		}
		changed = changed || did
	}
	return changed, nil
}

// step does one transaction of count in a unit of work; more says that another one follows.
//
// The row is read after the row that tells of it: whoever counts a newer version of it has
// then either been seen, or is in the way of the commit.
func (r *Rollups) step(ctx context.Context, tx *rows.Tx, w *way, of rows.Ref, likely rows.Ref) (did, more bool, err error) {
	ref := w.countedRef(of)
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return false, false, err
	}
	counted, before := found[0], r.declared.counted(found[0])
	refs := []rows.Ref{of}
	for _, parent := range []rows.Ref{before.parent, likely} {
		if parent != (rows.Ref{}) && !slices.Contains(refs, parent) {
			refs = append(refs, parent)
		}
	}
	if found, err = tx.Load(ctx, refs...); err != nil {
		return false, false, err
	}
	after := share{}
	if row := found[0]; row != nil {
		if after, err = w.shareOf(row); err != nil {
			return false, false, err
		}
	}
	if counted != nil && (before.parent != after.parent || after.values == nil) {
		tx.Delete(counted)
		return true, after.values != nil, r.change(ctx, tx, before.parent, before.values, nil, ref)
	}
	if before.equal(after) {
		return false, false, nil
	}
	parent, err := tx.Load(ctx, after.parent)
	if err != nil || parent[0] == nil { // a row that is not there has nothing to add to
		return false, false, err
	}
	values, err := r.stored(w, of, found[0].Version, after)
	if err != nil {
		return false, false, err
	}
	if counted == nil {
		tx.Create(tx.Schema().Table(name.CountedRow), ref.ID, values)
	} else {
		counted.SetAll(values)
	}
	return true, false, r.change(ctx, tx, after.parent, before.values, after.values, ref)
}

// counted reads a row of segue_counted, nil for none. Values of columns that are no roll-ups
// any more, or of another type than they were, count for nothing.
func (d Declared) counted(row *rows.Row) share {
	if row == nil {
		return share{}
	}
	s := share{parent: rows.Ref{Table: row.Text(name.SegueParenttable), ID: row.Text(name.SegueParent)}, values: map[string]schema.Value{}}
	var texts map[string]string
	if json.Unmarshal([]byte(row.Text(name.SegueValues)), &texts) != nil {
		return s
	}
	for called, text := range texts {
		c := d.columns[s.parent.Table][called]
		if c == nil {
			continue
		}
		if v, err := c.of.FromText(text); err == nil {
			s.values[called] = v
		}
	}
	return s
}

// stored returns the columns of the row of segue_counted that says that a version of a row
// is counted.
func (r *Rollups) stored(w *way, of rows.Ref, version int64, s share) (map[string]schema.Value, error) {
	texts := make(map[string]string, len(s.values))
	for called, v := range s.values {
		texts[called] = r.declared.columns[s.parent.Table][called].of.Text(v)
	}
	text, err := json.Marshal(texts)
	return map[string]schema.Value{
		name.SegueTable: schema.Text(of.Table), name.SegueRow: schema.Text(of.ID), name.SegueLookup: schema.Text(w.lookup.Name),
		name.SegueCountedversion: schema.Int(version),
		name.SegueParenttable:    schema.Text(s.parent.Table), name.SegueParent: schema.Text(s.parent.ID),
		name.SegueValues: schema.Text(string(text)),
	}, err
}

// change brings the roll-ups of a row up by the difference of what one row counted for and
// counts for now. counted is the row that tells of it.
func (r *Rollups) change(ctx context.Context, tx *rows.Tx, ref rows.Ref, before, after map[string]schema.Value, counted rows.Ref) error {
	parent := tx.Held(ref)
	if parent == nil { // deleted since: nothing to take away from
		return nil
	}
	var left []*column // whose extreme has left
	for _, called := range slices.Sorted(maps.Keys(r.declared.columns[ref.Table])) {
		c := r.declared.columns[ref.Table][called]
		was, is := before[called], after[called]
		if was == is {
			continue
		}
		if c.extreme() {
			if c.leaves(parent, was, is) {
				left = append(left, c)
			}
			continue
		}
		if err := c.add(parent, was, is); err != nil {
			return err
		}
	}
	if len(left) == 0 {
		return nil
	}
	return r.replaceExtremes(ctx, tx, parent, left, after, counted)
}

// extreme reports whether the column is the least or the most of the values.
func (c *column) extreme() bool {
	return c.Rollup.Function == schema.Least || c.Rollup.Function == schema.Most
}

// beyond reports whether a value is further than another, of which null is the least far.
func (c *column) beyond(v, than schema.Value) bool {
	switch {
	case v.IsNull():
		return false
	case than.IsNull():
		return true
	case c.Rollup.Function == schema.Least:
		return v.Compare(than) < 0
	}
	return v.Compare(than) > 0
}

// further returns the further one of two values.
func (c *column) further(v, w schema.Value) schema.Value {
	if c.beyond(v, w) {
		return v
	}
	return w
}

// leaves sets the column if a new value is the extreme, and reports whether the extreme was
// the old one, so that another one must be found.
func (c *column) leaves(parent *rows.Row, was, is schema.Value) bool {
	extreme := parent.Columns()[c.Name]
	if !c.beyond(extreme, is) {
		parent.Set(c.Name, is)
		return false
	}
	return !was.IsNull() && !c.beyond(extreme, was)
}

// add changes a count, a sum or an average by the difference of two values.
func (c *column) add(parent *rows.Row, was, is schema.Value) error {
	t := c.total(parent)
	t.take(was)
	t.put(is)
	return c.set(parent, t)
}

// replaceExtremes finds the extremes of columns anew, where one has left. The index may not
// show yet what was counted a moment ago, so they are looked at again when it does; and so
// they are, where more rows are counted than a change may read.
func (r *Rollups) replaceExtremes(ctx context.Context, tx *rows.Tx, parent *rows.Row, left []*column, after map[string]schema.Value, counted rows.Ref) error {
	totals, ok, err := r.fold(ctx, parent.Ref(), counted.ID, MaxRead)
	if err != nil {
		return err
	}
	for _, c := range left {
		if ok {
			parent.Set(c.Name, c.further(after[c.Name], totals[c.Name].extreme))
		}
	}
	return r.again(tx, parent)
}

// sortedColumns returns the roll-up columns of a table by name.
func (d Declared) sortedColumns(table string) []*column {
	return slices.SortedFunc(maps.Values(d.columns[table]), func(a, b *column) int { return cmp.Compare(a.Name, b.Name) })
}
