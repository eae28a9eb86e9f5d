package query

import (
	"fmt"
	"slices"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// pointing is the rows of a query that point at others by a lookup.
type pointing struct {
	reader *Reader
	query  Query
	lookup string
}

// at returns the query of those that point at one row.
func (p pointing) at(row rows.Ref) Query {
	where := &filter.Group{Logic: filter.And, Items: []filter.Node{&filter.Condition{Column: p.lookup, Operator: filter.Eq, Values: []schema.Value{lookupOf(row)}}}}
	if p.query.Where != nil {
		where.Items = append(where.Items, p.query.Where)
	}
	q := p.query
	q.Where = where
	return q
}

// indexed reports whether the rows that point at one are found without the others, so
// that to ask for those of each row is cheaper than to read all once.
func (p pointing) indexed(row rows.Ref) (bool, error) {
	plan, err := p.reader.plan(p.at(row))
	if err != nil {
		return false, err
	}
	return plan.id != "" || slices.Contains(plan.pushed, p.lookup), nil
}

// pointsAt returns the row at which a row points by a lookup, the zero Ref for none.
func pointsAt(row *rows.Row, lookup string) (rows.Ref, error) {
	v, err := row.Value(lookup)
	if err != nil {
		return rows.Ref{}, fmt.Errorf("%v: %w", row.Ref(), err)
	}
	to, _ := v.Ref()
	return rows.Ref{Table: to.Table, ID: to.ID}, nil
}

// lookupOf returns the value of a lookup that points at a row.
func lookupOf(row rows.Ref) schema.Value {
	return schema.Ref(schema.Lookup{Table: row.Table, ID: row.ID})
}

// partitionsAt returns the partitions with the rows of a table that point at a row by a
// lookup; ok is false where no index has them.
func partitionsAt(t *schema.Table, lookup string, row rows.Ref) (partitions []rows.Partition, ok bool) {
	found := choose(t, demands{equal: map[string]schema.Value{lookup: lookupOf(row)}, more: new(bool)}, nil)
	return found.partitions, slices.Contains(found.pushed, lookup)
}
