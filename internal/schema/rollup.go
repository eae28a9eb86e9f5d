package schema

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Rollup says that a column is made of the rows that point at its row by a relationship.
// Segue alone writes it (package sales/rollup).
type Rollup struct {
	Relationship string          `json:"relationship"` // its schema name, seen from the table that is pointed at
	Function     RollupFunction  `json:"function"`
	Column       string          `json:"column"` // of the rows that point; none to count them
	Filter       json.RawMessage `json:"filter"` // condition on those rows, in the form that segments have; none for all
}

// RollupFunction is what a roll-up makes of many values.
type RollupFunction string

// The functions. Null counts for nothing, except that a row is counted by itself; of no
// values a count or a sum is 0, and anything else is null.
const (
	CountRows RollupFunction = "count"
	Sum       RollupFunction = "sum"
	Least     RollupFunction = "min"
	Most      RollupFunction = "max"
	Average   RollupFunction = "avg"
)

// tallySuffix is added to the name of a column with an average for that of the hidden one
// which keeps what it is the average of.
const tallySuffix = "_tally"

// Tally returns the name of the hidden column that keeps what a column is the average of.
func (c *Column) Tally() string { return c.Name + tallySuffix }

// fillRollup derives what the declaration of a roll-up column left out.
func (c *Column) fillRollup() {
	if c.Rollup == nil {
		return
	}
	if c.Write == Always {
		c.Write = Engine
	}
	if c.Preset == nil && (c.Rollup.Function == CountRows || c.Rollup.Function == Sum) {
		c.Preset = json.Number("0")
	}
}

// addTallies adds the hidden columns of averages.
func (t *Table) addTallies() error {
	for _, c := range slices.Clone(t.Columns) {
		if c.Rollup == nil || c.Rollup.Function != Average {
			continue
		}
		if t.byName[c.Tally()] != nil {
			return fmt.Errorf("column %s: its rollup keeps its sum and count in %s, which is a column too", c.Name, c.Tally())
		}
		t.add(&Column{Name: c.Tally(), Label: c.Label + " (Sum and Count)", Type: String, MaxLength: 100, Write: Hidden, Custom: true})
	}
	return nil
}

// checkRollups checks the roll-up columns of a table against the relationships, which are
// known by now.
func (s *Schema) checkRollups(t *Table) error {
	for _, c := range t.Columns {
		if c.Rollup == nil {
			continue
		}
		if err := s.checkRollup(t, c); err != nil {
			return fmt.Errorf("column %s: rollup: %w", c.Name, err)
		}
	}
	return nil
}

func (s *Schema) checkRollup(t *Table, c *Column) error {
	relation, ok := s.Relation(t.Name, c.Rollup.Relationship)
	switch {
	case c.Write != Engine || len(c.Sources()) > 0 || c.Shown || c.Personal:
		return fmt.Errorf("it takes a column of its own that Segue alone writes")
	case !ok || !relation.Many:
		return fmt.Errorf("relationship %q does not lead from %s to rows that point at it", c.Rollup.Relationship, t.Name)
	case relation.Column.Derived != "" || relation.Column.Write == Hidden:
		return fmt.Errorf("relationship %q is that of %s.%s, which is not stored or not shown", c.Rollup.Relationship, relation.Table.Name, relation.Column.Name)
	}
	of := relation.Table.Column(c.Rollup.Column)
	if c.Rollup.Function == CountRows {
		if c.Rollup.Column != "" || c.Type != Integer && c.Type != BigInt {
			return fmt.Errorf("function %q: it takes an %s or %s and no column", CountRows, Integer, BigInt)
		}
		return nil
	}
	if of == nil || of.Write == Hidden || of.Shown || of.Rollup != nil {
		return fmt.Errorf("column %q is none of %s, or hidden, not stored or a rollup itself", c.Rollup.Column, relation.Table.Name)
	}
	return c.checkFunction(of)
}

// checkFunction checks that a column can hold what the function of its roll-up makes of the
// values of another one.
func (c *Column) checkFunction(of *Column) error {
	exact := slices.Contains([]Type{Integer, BigInt, Decimal, Money}, of.Type)
	var fits bool
	switch c.Rollup.Function {
	case Sum: // floating-point numbers would not come out even when what was added is taken away
		fits = exact && c.Type.Kind() == of.Type.Kind() && len(c.Options) == 0
	case Average:
		fits = exact && (c.Type == Decimal || c.Type == Money)
	case Least, Most:
		fits = exact && c.Type.Kind() == of.Type.Kind() && len(c.Options) == 0 ||
			c.Type == of.Type && slices.Contains([]Type{Double, DateTime, Date}, of.Type)
	default:
		return fmt.Errorf("function %q: it is one of %q, %q, %q, %q and %q", c.Rollup.Function, CountRows, Sum, Least, Most, Average)
	}
	if !fits {
		return fmt.Errorf("function %q: a column of type %s does not hold it of one of type %s", c.Rollup.Function, c.Type, of.Type)
	}
	return nil
}
