// Package related is what conditions of segments ask of the rows around a record: which
// relationships they may lead through ([Check]), the rows themselves, read when a verdict
// depends on them ([Reader]), and the way back from a row that has changed to the records
// whose verdict it may change ([Watch], [Watch.Back]).
//
// Every relationship of a condition has an index that lists the rows which point at one
// ([Step]), or rows of segue_link that do so (package link). Towards such rows it is what a condition reads, and in the other direction it
// is the way back, so that neither goes through a table. The index may lag: it is not
// asked about rows that are in hand ([Hand]), whoever decides by it decides again later
// ([Reader.Lags]), and so does whoever moves a lookup that is a way back.
//
// Invariant: what is read is bounded ([MaxRead], [MaxRecords]). What is beyond is an error
// or left to a job ([Rest]), and never left out.
package related

import (
	"fmt"
	"slices"

	"segue/internal/filter"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Step leads from a row to others by a relationship.
type Step struct {
	Name     string // of the relationship
	From, To *schema.Table
	Many     bool           // from a row to those that point at it; otherwise to the one that it points at
	Lookup   *schema.Column // of To where Many, else of From
	listing  listing        // of the rows that point at one by Lookup; zero: there is none
}

// Listed reports whether the rows that point at one are listed.
func (s Step) Listed() bool { return s.listing.lists(s.pointedAt()) }

// Scanned returns the table and the index whose rows stand for those that point at one: the
// rows themselves, or others that list them.
func (s Step) Scanned(all *schema.Schema) (*schema.Table, *schema.Index) {
	return s.listing.scanned(all)
}

// pointing is the table with the lookup.
func (s Step) pointing() *schema.Table {
	if s.Many {
		return s.To
	}
	return s.From
}

// pointedAt is the table at the other end.
func (s Step) pointedAt() *schema.Table {
	if s.Many {
		return s.From
	}
	return s.To
}

// stepBy returns the step from a table by one of its relationships.
func stepBy(from *schema.Table, r schema.Relation) Step {
	s := Step{Name: r.Name, From: from, To: r.Table, Many: r.Many, Lookup: r.Column}
	s.listing = listingOf(s.pointing(), s.Lookup)
	return s
}

// stepAlong returns the step from a table to the row that a lookup points at.
func stepAlong(s *schema.Schema, from *schema.Table, nav schema.Nav) Step {
	return stepBy(from, schema.Relation{Name: nav.Target.Relationship, Table: s.Table(nav.Target.Table), Column: nav.Column})
}

// ListsOn is the secondary index that lists what points at a row: the one that functions
// which evaluate records may ask.
const ListsOn = "gsi1"

// Tables returns the tables whose rows conditions of segments may read beside the record's
// own: those that lookups with an index connect with a table of records, over any number
// of others.
func Tables(s *schema.Schema) []*schema.Table {
	next := connections(s)
	connected := map[*schema.Table]bool{}
	var reach func(t *schema.Table)
	reach = func(t *schema.Table) {
		for _, to := range next[t] {
			if !connected[to] {
				connected[to] = true
				reach(to)
			}
		}
	}
	for _, t := range s.Tables() {
		if t.Is(name.RecordTrait) {
			reach(t)
		}
	}
	return slices.DeleteFunc(slices.Clone(s.Tables()), func(t *schema.Table) bool { return !connected[t] })
}

// connections returns the tables to which conditions may lead from each.
func connections(s *schema.Schema) map[*schema.Table][]*schema.Table {
	next := map[*schema.Table][]*schema.Table{}
	for _, t := range s.Tables() {
		for _, c := range t.Columns {
			by := listingOf(t, c)
			for _, target := range c.Targets {
				to := s.Table(target.Table)
				if !by.lists(to) {
					continue
				}
				next[t], next[to] = append(next[t], to), append(next[to], t)
			}
		}
	}
	return next
}

// Check refuses conditions on the rows of a table that lead through a relationship without
// an index, or ask for the rows above others. Its error is a *[filter.Error] that names the
// first node that does, and the index that would help. The conditions were checked by
// package filter.
func Check(s *schema.Schema, table string, g *filter.Group) error {
	return checker{s}.group("", s.Table(table), g)
}

type checker struct{ schema *schema.Schema }

func (k checker) group(path string, t *schema.Table, g *filter.Group) error {
	for i, item := range g.Items {
		at := fmt.Sprintf("%sitems[%d]", path, i)
		var err error
		switch item := item.(type) {
		case *filter.Group:
			err = k.group(at+".", t, item)
		case *filter.Condition:
			err = k.condition(at, t, item)
		case *filter.Related:
			relation, _ := k.schema.Relation(t.Name, item.Relationship) // filter.Check has found it
			if err = stepBy(t, relation).refuseUnlisted(at); err == nil {
				err = k.group(at+".filter.", relation.Table, item.Filter)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k checker) condition(at string, t *schema.Table, c *filter.Condition) error {
	if slices.Contains(filter.Hierarchical(), c.Operator) {
		return &filter.Error{Node: at, Offset: -1, Detail: fmt.Sprintf("operator %s asks for the rows above others; no segment is evaluated when those change", c.Operator)}
	}
	for _, nav := range c.Path {
		step := stepAlong(k.schema, t, t.Navs(nav)[0])
		if err := step.refuseUnlisted(at); err != nil {
			return err
		}
		t = step.To
	}
	return nil
}
