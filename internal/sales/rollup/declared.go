package rollup

import (
	"fmt"
	"maps"
	"slices"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// Declared is the roll-up columns of a schema, compiled.
type Declared struct {
	ways    map[string][]*way             // by the table that is counted
	columns map[string]map[string]*column // by the table that has them, by their names
}

// way is a lookup by which rows of a table are counted at the rows that it points at.
type way struct {
	table   *schema.Table
	lookup  *schema.Column
	columns []string             // of the table, that decide where a row is counted and as what
	rollups map[string][]*column // by the table that is pointed at
}

// column is a roll-up column.
type column struct {
	*schema.Column

	table *schema.Table
	of    *schema.Column  // whose values it is made of; the column itself where rows are counted
	where *filter.Program // on the rows that are counted
	way   *way
}

// Of compiles the roll-up columns of a schema. A condition that asks for more than the row
// that is counted is refused: nobody would tell when its answer changes. The error names
// table and column.
func Of(s *schema.Schema) (Declared, error) {
	d := Declared{ways: map[string][]*way{}, columns: map[string]map[string]*column{}}
	for _, t := range s.Tables() {
		for _, c := range t.Columns {
			if c.Rollup == nil {
				continue
			}
			if err := d.add(s, t, c); err != nil {
				return Declared{}, fmt.Errorf("table %s: column %s: rollup: %w", t.Name, c.Name, err)
			}
		}
	}
	return d, nil
}

func (d *Declared) add(s *schema.Schema, t *schema.Table, c *schema.Column) error {
	relation, ok := s.Relation(t.Name, c.Rollup.Relationship)
	if !ok { // the schema has found it
		return fmt.Errorf("no relationship %q", c.Rollup.Relationship)
	}
	text := `{"type":"and","items":[]}`
	if len(c.Rollup.Filter) > 0 {
		text = string(c.Rollup.Filter)
	}
	group, err := filter.Parse(s, relation.Table.Name, text)
	if err != nil {
		return err
	}
	where, err := filter.Compile(s, relation.Table.Name, group)
	if err != nil {
		return err
	}
	for _, name := range where.Columns() {
		if relation.Table.Column(name).Rollup != nil {
			return fmt.Errorf("its condition reads %s, which is a rollup itself", name)
		}
	}
	w := d.way(relation)
	made := &column{Column: c, table: t, of: c, where: where, way: w}
	if c.Rollup.Column != "" {
		made.of = relation.Table.Column(c.Rollup.Column)
		w.reads(made.of)
	}
	for _, name := range where.Columns() {
		w.reads(relation.Table.Column(name))
	}
	w.rollups[t.Name] = append(w.rollups[t.Name], made)
	if d.columns[t.Name] == nil {
		d.columns[t.Name] = map[string]*column{}
	}
	d.columns[t.Name][c.Name] = made
	return nil
}

// way returns the way of a relationship, which others with the same lookup share.
func (d *Declared) way(relation schema.Relation) *way {
	of := relation.Table.Name
	for _, w := range d.ways[of] {
		if w.lookup == relation.Column {
			return w
		}
	}
	w := &way{table: relation.Table, lookup: relation.Column, rollups: map[string][]*column{}}
	w.reads(relation.Column)
	d.ways[of] = append(d.ways[of], w)
	return w
}

// reads notes a column that decides what a row is counted as.
func (w *way) reads(c *schema.Column) {
	for _, name := range append([]string{c.Name}, c.Sources()...) {
		if !slices.Contains(w.columns, name) {
			w.columns = append(w.columns, name)
		}
	}
}

// tables lists the tables whose rows are counted.
func (d Declared) tables() []string { return slices.Sorted(maps.Keys(d.ways)) }

// share is where a row is counted by a lookup, and as what.
type share struct {
	parent rows.Ref
	values map[string]schema.Value // by the name of the roll-up column; nil: nowhere
}

func (s share) equal(other share) bool {
	return s.parent == other.parent && maps.Equal(s.values, other.values)
}

// shareOf returns where a row is to be counted by a way. No row is counted nowhere.
func (w *way) shareOf(row filter.Row) (share, error) {
	v, err := row.Value(w.lookup.Name)
	to, ok := v.Ref()
	if err != nil || !ok {
		return share{}, err
	}
	values := map[string]schema.Value{}
	for _, c := range w.rollups[to.Table] {
		holds, err := c.where.Match(row)
		if err != nil {
			return share{}, err
		}
		if !holds {
			continue
		}
		value := schema.Int(1)
		if c.of != c.Column {
			if value, err = row.Value(c.of.Name); err != nil {
				return share{}, err
			}
		}
		if !value.IsNull() {
			values[c.Name] = value
		}
	}
	if len(values) == 0 {
		return share{}, nil
	}
	return share{parent: rows.Ref{Table: to.Table, ID: to.ID}, values: values}, nil
}
