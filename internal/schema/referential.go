package schema

import (
	"fmt"
	"slices"
)

// Referential is what becomes of the rows that point at a row by a lookup when that row is
// deleted.
type Referential string

// The referential behaviors.
const (
	NoAction   Referential = ""           // they keep pointing at what is not there
	Restrict   Referential = "restrict"   // the row is not deleted while there is one
	Cascade    Referential = "cascade"    // they are deleted too
	RemoveLink Referential = "removeLink" // their lookup is cleared
)

// Referrer is a lookup by which rows point at those of a table, with a behavior, and the
// index that lists them.
type Referrer struct {
	Table  *Table
	Column *Column
	Index  *Index
}

// Referrers returns the lookups at a table that have a referential behavior, those that
// restrict first. The caller must not change the slice.
func (s *Schema) Referrers(t *Table) []Referrer { return s.referrers[t.Name] }

// linkReferrers registers the lookups of a table that have a referential behavior.
func (s *Schema) linkReferrers(t *Table) {
	for _, c := range t.Columns {
		if c.OnDelete == NoAction {
			continue
		}
		for _, target := range c.Targets {
			s.referrers[target.Table] = append(s.referrers[target.Table], Referrer{t, c, t.IndexOf(c.Name)})
			slices.SortStableFunc(s.referrers[target.Table], func(a, b Referrer) int { return a.rank() - b.rank() })
		}
	}
}

func (r Referrer) rank() int {
	if r.Column.OnDelete == Restrict {
		return 0
	}
	return 1
}

// IndexOf returns the index that lists all rows that point at a row by a column, nil when
// there is none.
func (t *Table) IndexOf(column string) *Index {
	for _, x := range t.Indexes {
		if len(x.Partition) == 1 && x.Partition[0] == column && len(x.Given) == 0 && !x.Building {
			return x
		}
	}
	return nil
}

// checkReferential checks the referential behavior of a column.
func (t *Table) checkReferential(c *Column) error {
	switch c.OnDelete {
	case NoAction:
		return nil
	case Restrict, Cascade, RemoveLink:
	default:
		return fmt.Errorf("onDelete %q: it is one of %q, %q and %q", c.OnDelete, Restrict, Cascade, RemoveLink)
	}
	switch {
	case c.Type != LookupTo || c.Derived != "" || len(c.Sources()) > 0:
		return fmt.Errorf("onDelete: it takes a lookup with a value of its own")
	case c.OnDelete == RemoveLink && c.Need == System:
		return fmt.Errorf("onDelete %q: the column must keep a value", c.OnDelete)
	case t.IndexOf(c.Name) == nil:
		return fmt.Errorf("onDelete: rows that point at one are found by an index with the partition [%q] and no \"when\", which is not there or is building", c.Name)
	}
	return nil
}
