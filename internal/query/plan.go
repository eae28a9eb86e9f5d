package query

import (
	"fmt"
	"slices"
	"strings"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// TooBroadError reports that no index narrows a list enough: reading it would examine
// more than [MaxExamined] rows.
type TooBroadError struct{ Table *schema.Table }

// Error names what would help: the equalities that an index serves.
func (e *TooBroadError) Error() string {
	var ways []string
	for _, x := range e.Table.Indexes {
		if x.IsDue() || x.Building {
			continue
		}
		ways = append(ways, strings.Join(conditions(e.Table, x), " and "))
	}
	ways = append(ways, e.Table.ID+" eq <id>")
	return fmt.Sprintf("this list of %s would examine more than %d rows: filter by %s, or page without a filter",
		e.Table.Name, MaxExamined, strings.Join(ways, ", or by "))
}

// conditions returns the equalities that an index serves, in the words of a filter.
func conditions(t *schema.Table, x *schema.Index) []string {
	var all []string
	for _, name := range x.Partition {
		if !x.ForTable(name) {
			all = append(all, name+" eq <value>")
		}
	}
	for _, c := range t.Columns { // in a fixed order
		if v, ok := x.When[c.Name]; ok {
			all = append(all, c.Name+" eq "+c.Text(v))
		}
	}
	return all
}

// plan is how a list is read: partitions of the table or of one index, one after
// the other, or one row by its id.
type plan struct {
	table      *schema.Table
	match      *filter.Program
	everything bool        // every row matches
	only       *rows.Where // the condition, as far as it can be told without the whole row; nil for all rows
	where      string      // table and condition, which a page token must belong to
	partitions []rows.Partition
	id         string // of the one row that can match; partitions then has one entry that is not read
}

// matches reports whether the condition of the plan holds for a row.
func (p *plan) matches(row *rows.Row) (bool, error) {
	ok, err := p.match.Match(row)
	if err != nil {
		return false, fmt.Errorf("%v: %w", row.Ref(), err)
	}
	return ok, nil
}

// plan compiles a query and chooses its access path.
func (r *Reader) plan(q Query) (*plan, error) {
	where := q.Where
	if where == nil {
		where = &filter.Group{Logic: filter.And}
	}
	match, err := filter.Compile(r.db.Schema(), q.Table.Name, where)
	if err != nil {
		return nil, err
	}
	p := &plan{table: q.Table, match: match, everything: len(where.Items) == 0, where: q.Table.Name + where.String()}
	equal := equalities(where)
	if id, ok := equal[q.Table.ID].Text(); ok {
		p.id, p.partitions = id, make([]rows.Partition, 1)
		return p, nil
	}
	p.partitions = access(q.Table, equal)
	if !p.everything {
		p.only = rows.NewWhere(q.Table, match.Columns(), func(row *rows.Row) (bool, error) { return match.Match(row) })
	}
	return p, nil
}

// access chooses the first index of the table that the equalities satisfy, in
// the order of its file, or else the table's own list.
func access(t *schema.Table, equal map[string]schema.Value) []rows.Partition {
	for _, x := range t.Indexes {
		if x.IsDue() || x.Building || !implies(equal, x.When) {
			continue
		}
		if partitions, ok := rows.IndexPartitions(t, x, equal); ok {
			return partitions
		}
	}
	return rows.ListPartitions(t)
}

// implies reports whether the equalities include each of the values.
func implies(equal, values map[string]schema.Value) bool {
	for name, v := range values {
		if w, ok := equal[name]; !ok || w != v {
			return false
		}
	}
	return true
}

// equalities returns the columns that must equal one value for where to hold, with
// that value. Only conditions that every row must meet count, those below an "and".
func equalities(where *filter.Group) map[string]schema.Value {
	values := map[string]schema.Value{}
	if where.Logic != filter.And {
		return values
	}
	for _, node := range where.Items {
		switch node := node.(type) {
		case *filter.Condition:
			if node.Operator == filter.Eq || node.Operator == filter.In && oneID(node.Values) {
				values[node.Column] = node.Values[0]
			}
		case *filter.Group:
			for column, v := range equalities(node) {
				values[column] = v
			}
		}
	}
	return values
}

// oneID reports whether values are one id in several tables, which is how a
// lookup with several targets is asked for by id alone.
func oneID(values []schema.Value) bool {
	first, ok := values[0].Ref()
	return ok && !slices.ContainsFunc(values, func(v schema.Value) bool {
		l, ok := v.Ref()
		return !ok || l.ID != first.ID
	})
}
