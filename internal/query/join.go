package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// Join joins a table to the one above it by a lookup. The rows of a query with joins are
// [Tuple]s.
type Join struct {
	Table  *schema.Table
	Lookup *schema.Column // of Table when Many, else of the table above
	Many   bool           // a row above may have many partners
	Outer  bool           // a row above without a partner stays
	Where  *filter.Group  // on Table; nil: all rows
	Unseen func(*rows.Row) bool
	Joins  []Join
}

// Tuple is a row with its partners: its own at 0, then those of the joins in the order in
// which they are written, each before the joins inside it. A partner that an outer join
// does not find is nil.
type Tuple []*rows.Row

// Field is a column of one of the rows of a [Tuple].
type Field struct {
	At     int           // place of the row in the tuple
	Table  *schema.Table // of that row
	Column *schema.Column
}

// value returns the value of a field, null where there is no partner.
func (f Field) value(t Tuple) (schema.Value, error) {
	row := t[f.At]
	if row == nil {
		return schema.Null(), nil
	}
	v, err := row.Value(f.Column.Name)
	if err != nil {
		return v, fmt.Errorf("%v: %w", row.Ref(), err)
	}
	return v, nil
}

// FieldOrder orders tuples by a field, as [Order] does rows.
type FieldOrder struct {
	Field
	Descending bool
}

// MaxTuples is how many tuples a request makes at most: rows that are joined to many
// multiply.
const MaxTuples = MaxExamined

// Tuples reads all rows of a query, which has a Budget or gets one, with the rows joined
// to them, in an order; without one, in that of the primary keys. The query's own Order,
// Limit and Token do not count. Errors are those of [Reader.Select].
func (r *Reader) Tuples(ctx context.Context, q Query, joins []Join, order []FieldOrder) ([]Tuple, error) {
	if q.Budget == nil {
		q.Budget = r.Budget()
	}
	j := joiner{reader: r, query: q, related: newRelated(r.db, q.Budget, q.Reads)}
	var tuples []Tuple
	err := r.all(ctx, q, func(row *rows.Row) error {
		tuples = append(tuples, Tuple{row})
		return nil
	})
	if err == nil {
		tuples, err = j.joinAll(ctx, q.Table, tuples, 0, joins)
	}
	if err != nil {
		return nil, err
	}
	return tuples, j.sort(ctx, tuples, order)
}

// all reads the rows of a query within its budget.
func (r *Reader) all(ctx context.Context, q Query, take func(*rows.Row) error) error {
	q.Order = nil
	run, err := r.begin(q)
	if err != nil {
		return err
	}
	for from := run.source(position{}); !from.done(); {
		piece, err := from.read(ctx, maxChunk)
		if err != nil {
			return err
		}
		shown, err := run.shown(ctx, piece.rows)
		if err != nil {
			return err
		}
		for i, row := range piece.rows {
			if !shown[i] {
				continue
			}
			if err := take(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// joiner joins rows to tuples.
type joiner struct {
	reader  *Reader
	query   Query
	related *related
}

// of returns the query of the rows that a join may have.
func (j *joiner) of(join Join) Query {
	return Query{Table: join.Table, Where: join.Where, Unseen: join.Unseen, Scope: j.query.Scope, Reads: j.query.Reads, Budget: j.query.Budget}
}

// joinAll adds the partners of each join, and of those inside it, to the tuples; at is
// the place of the row that they are joined to, which is one of table t.
func (j *joiner) joinAll(ctx context.Context, t *schema.Table, tuples []Tuple, at int, joins []Join) ([]Tuple, error) {
	for _, join := range joins {
		partners, err := j.partners(ctx, t, tuples, at, join)
		if err != nil {
			return nil, err
		}
		if tuples, err = j.multiply(tuples, at, join, partners); err != nil {
			return nil, err
		}
		if len(tuples) == 0 {
			return nil, nil
		}
		if tuples, err = j.joinAll(ctx, join.Table, tuples, len(tuples[0])-1, join.Joins); err != nil {
			return nil, err
		}
	}
	return tuples, nil
}

// multiply returns the tuples with one partner each, in the order of the tuples.
func (j *joiner) multiply(tuples []Tuple, at int, join Join, partners map[string][]*rows.Row) ([]Tuple, error) {
	var joined []Tuple
	for _, tuple := range tuples {
		found := partners[j.keyOf(tuple[at], join)]
		if len(found) == 0 && join.Outer {
			found = []*rows.Row{nil}
		}
		for _, partner := range found {
			joined = append(joined, append(slices.Clip(tuple), partner))
		}
		if len(joined) > MaxTuples {
			return nil, &TooBroadError{join.Table, MaxTuples}
		}
	}
	return joined, nil
}

// keyOf returns what partners of a row are found by: its own id, or that in its lookup.
func (j *joiner) keyOf(row *rows.Row, join Join) string {
	switch {
	case row == nil:
		return ""
	case join.Many:
		return row.ID
	}
	ref, _ := hopOf(row.Table, join).target(row)
	return ref.ID
}

// hopOf returns the way from rows of t to their partners.
func hopOf(t *schema.Table, join Join) hop {
	return hop{columns: map[string]string{t.Name: join.Lookup.Name}, tables: []*schema.Table{join.Table}}
}

// partners reads the rows that a join may have for the tuples, by [joiner.keyOf].
func (j *joiner) partners(ctx context.Context, t *schema.Table, tuples []Tuple, at int, join Join) (map[string][]*rows.Row, error) {
	above := make([]*rows.Row, 0, len(tuples))
	seen := map[string]bool{}
	for _, tuple := range tuples {
		if row := tuple[at]; row != nil && !seen[row.ID] {
			seen[row.ID] = true
			above = append(above, row)
		}
	}
	if len(above) == 0 {
		return nil, nil //nolint:nilnil // nobody has a partner
	}
	if join.Many {
		return j.many(ctx, above, seen, join)
	}
	return j.one(ctx, t, above, join)
}

// one follows the lookups of the rows above.
func (j *joiner) one(ctx context.Context, t *schema.Table, above []*rows.Row, join Join) (map[string][]*rows.Row, error) {
	run, err := j.reader.begin(j.of(join))
	if err != nil {
		return nil, err
	}
	h := hopOf(t, join)
	partners, err := j.related.step(ctx, above, h)
	if err != nil {
		return nil, err
	}
	shown, err := run.shown(ctx, partners)
	if err != nil {
		return nil, err
	}
	found := map[string][]*rows.Row{}
	for i, partner := range partners {
		if shown[i] {
			found[partner.ID] = []*rows.Row{partner}
		}
	}
	return found, nil
}

// maxAsked is how many rows have their partners asked for one by one, by an index of the
// lookup; for more, all rows of the table are read.
const maxAsked = 100

// many reads the rows whose lookups point at the rows above.
func (j *joiner) many(ctx context.Context, above []*rows.Row, ids map[string]bool, join Join) (map[string][]*rows.Row, error) {
	all := pointing{j.reader, j.of(join), join.Lookup.Name}
	found := map[string][]*rows.Row{}
	take := func(row *rows.Row) error {
		to, err := pointsAt(row, join.Lookup.Name)
		if err == nil && to.Table == above[0].Table.Name && ids[to.ID] {
			found[to.ID] = append(found[to.ID], row)
		}
		return err
	}
	indexed, err := all.indexed(above[0].Ref())
	if err != nil {
		return nil, err
	}
	if !indexed || len(above) > maxAsked {
		return found, j.reader.all(ctx, all.query, take)
	}
	for _, row := range above {
		if err := j.reader.all(ctx, all.at(row.Ref()), take); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// sorted is a tuple with the values that decide its place.
type sorted struct {
	tuple  Tuple
	values []schema.Value
}

// sort brings tuples into an order, and those with the same place into that of their
// primary keys.
func (j *joiner) sort(ctx context.Context, tuples []Tuple, order []FieldOrder) error {
	list := make([]sorted, len(tuples))
	for i, tuple := range tuples {
		list[i] = sorted{tuple, make([]schema.Value, len(order))}
	}
	for n, o := range order {
		key, err := newSortKey(j.related.db.Schema(), o.Table, Order{Column: o.Column.Name, Descending: o.Descending})
		if err != nil {
			return err
		}
		if err := j.place(ctx, list, n, o.At, key); err != nil {
			return err
		}
	}
	slices.SortFunc(list, func(a, b sorted) int {
		for i, o := range order {
			if c := CompareValues(a.values[i], b.values[i]); c != 0 {
				return c * o.sign()
			}
		}
		return a.tuple.compare(b.tuple)
	})
	for i := range list {
		tuples[i] = list[i].tuple
	}
	return nil
}

// place works out value n of the places of tuples.
func (j *joiner) place(ctx context.Context, list []sorted, n, at int, key sortKey) error {
	var above []*rows.Row
	for _, one := range list {
		if row := one.tuple[at]; row != nil {
			above = append(above, row)
		}
	}
	names := newRelated(j.related.db, j.query.Budget, j.query.Reads)
	if err := names.fetch(ctx, above, key.hops); err != nil {
		return err
	}
	if len(names.rows) > MaxNames {
		return (&sorting{keys: []sortKey{key}}).tooManyNames()
	}
	for _, one := range list {
		row := one.tuple[at]
		if row == nil {
			continue // null comes first
		}
		var err error
		if one.values[n], err = key.value(row, names); err != nil {
			return err
		}
	}
	return nil
}

// sign is -1 for a descending order.
func (o FieldOrder) sign() int {
	if o.Descending {
		return -1
	}
	return 1
}

// compare orders tuples by the primary keys of their rows; none comes first.
func (t Tuple) compare(other Tuple) int {
	id := func(row *rows.Row) string {
		if row == nil {
			return ""
		}
		return row.ID
	}
	return slices.CompareFunc(t, other, func(a, b *rows.Row) int { return strings.Compare(id(a), id(b)) })
}
