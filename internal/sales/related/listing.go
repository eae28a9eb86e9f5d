package related

import (
	"context"
	"fmt"
	"slices"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales/link"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// listing is how the rows of a table that point at one by a lookup are found: by an index of
// the table, or, where its indexes serve other lists, by rows of segue_link, each of which
// stands for one row and lookup (package link).
type listing struct {
	table  *schema.Table
	lookup *schema.Column
	index  *schema.Index // of the table; nil: there is none
	linked bool          // by rows of segue_link
}

// listingOf returns how the rows of a table are listed by a lookup, the zero listing where
// they are not. Lookups that Segue sets are left out: their changes are so many, and made by
// itself.
func listingOf(t *schema.Table, c *schema.Column) listing {
	if t.EngineMade || c.Write != schema.Always && c.Write != schema.OnCreate {
		return listing{}
	}
	if x := t.IndexOf(c.Name); x != nil && x.On == ListsOn && !x.Packed {
		return listing{table: t, lookup: c, index: x}
	}
	if slices.Contains(t.Listed, c.Name) {
		return listing{table: t, lookup: c, linked: true}
	}
	return listing{}
}

// lists reports whether the rows that point at one of a table are listed.
func (l listing) lists(at *schema.Table) bool {
	return l.index != nil || l.linked && at.Is(name.RecordTrait)
}

// scanned returns the table and the index whose entries list the rows.
func (l listing) scanned(s *schema.Schema) (*schema.Table, *schema.Index) {
	if l.index != nil {
		return l.table, l.index
	}
	t := s.Table(name.Link)
	return t, t.IndexOf(name.SegueLinkto)
}

// partitions returns where the rows that point at one are listed.
func (l listing) partitions(s *schema.Schema, at rows.Ref) []rows.Partition {
	t, x := l.scanned(s)
	to := schema.Ref(schema.Lookup{Table: at.Table, ID: at.ID})
	partitions, _ := rows.IndexPartitions(t, x, map[string]schema.Value{x.Partition[0]: to})
	return partitions
}

// entries reads a piece of a partition. Seen counts those of other lookups too, which rows of
// segue_link list beside them.
func (l listing) entries(ctx context.Context, db *rows.DB, p rows.Partition, after string, limit int) (rows.Entries, error) {
	t, _ := l.scanned(db.Schema())
	found, err := db.ReadEntries(ctx, t, p, after, limit)
	if err != nil || l.index != nil {
		return found, err
	}
	var own []rows.Entry
	for _, entry := range found.List {
		if id, ok := link.RowOf(l.table, l.lookup, entry.ID); ok {
			own = append(own, rows.Entry{ID: id, Key: entry.Key})
		}
	}
	found.List = own
	return found, nil
}

// rows reads a piece of a partition and the rows themselves, strongly consistent, but for
// those for which a condition does not hold.
func (l listing) rows(ctx context.Context, db *rows.DB, p rows.Partition, after string, only *rows.Where) (rows.Part, error) {
	if l.index != nil {
		return db.ReadWhere(ctx, l.table, p, after, atOnce, only)
	}
	found, err := l.entries(ctx, db, p, after, atOnce)
	if err != nil {
		return rows.Part{}, err
	}
	part, err := db.RowsOf(ctx, l.table, found.List, only)
	part.Seen, part.Next = found.Seen, found.Next
	return part, err
}

// refuseUnlisted says what a step lacks.
func (s Step) refuseUnlisted(at string) error {
	if s.Listed() {
		return nil
	}
	t, to := s.pointing(), s.pointedAt()
	detail := fmt.Sprintf("a segment cannot ask for relationship %s: ", s.Name)
	switch {
	case t.EngineMade || s.Lookup.Write != schema.Always && s.Lookup.Write != schema.OnCreate:
		detail += fmt.Sprintf("Segue itself sets %s of %s", s.Lookup.Name, t.Name)
	case to.Is(name.RecordTrait):
		detail += fmt.Sprintf(`no index lists the rows of %s that point at one by %s; in the table's file this would have them listed: "listed": [%q]`, t.Name, s.Lookup.Name, s.Lookup.Name)
	case slices.ContainsFunc(t.Indexes, func(x *schema.Index) bool { return x.On == ListsOn }):
		detail += fmt.Sprintf("no index on %s lists the rows of %s that point at one by %s, and the table uses it for something else", ListsOn, t.Name, s.Lookup.Name)
	default:
		detail += fmt.Sprintf(`no index lists the rows of %s that point at one by %s; in the table's file this would: {"name": %q, "serves": "…", "on": %q, "partition": [%q], "sort": []}`,
			t.Name, s.Lookup.Name, s.Lookup.Name, ListsOn, s.Lookup.Name)
	}
	return &filter.Error{Node: at, Offset: -1, Detail: detail}
}
