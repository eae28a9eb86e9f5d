package query

import (
	"maps"
	"slices"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// access is where the rows of a list are found: in the table's own list or in an index.
type access struct {
	index      *schema.Index // nil: the table's own list
	partitions []rows.Partition
	pushed     []string // columns whose conditions the store answers
	ordered    bool     // it has the rows in the order that is asked for, in each partition
	exact      bool     // the store answers all conditions: rows are left out only where an index lags
}

// demands are what a condition demands of every row, as far as keys can answer it.
type demands struct {
	equal  map[string]schema.Value // columns that must have one value
	ranges map[string]rows.Range   // columns that must have a value between two
	null   map[string]bool         // columns without a value; no key has one, but rows are in an index because of it
	more   *bool                   // there are conditions beside
}

// choose chooses the index that most narrows a list: by the most columns with a value of
// their own, then one that has the order, then by the most fixed values, then in the
// order of the table's file. Without any, it is the table's own list.
func choose(t *schema.Table, d demands, order []sortKey) access {
	best, most := access{partitions: rows.ListPartitions(t), ordered: inOrder(t, nil, d.equal, order)}, -1
	if best.ordered && len(order) > 0 {
		most = 0
	}
	for _, x := range t.Indexes {
		if x.IsDue() || x.Building || !d.imply(x.When) {
			continue
		}
		partitions, ok := rows.IndexPartitions(t, x, d.equal)
		if !ok {
			continue
		}
		a := access{index: x, ordered: inOrder(t, x, d.equal, order)}
		var narrowed []string
		a.partitions, narrowed = rows.Narrow(t, x, partitions, d.equal, d.ranges)
		a.pushed = slices.Concat(columnsOf(x), narrowed)
		a.exact = d.answeredBy(a.pushed)
		if rank := rank(x, a, len(order) > 0); rank > most {
			best, most = a, rank
		}
	}
	return best
}

// rank orders the indexes that serve a list by how much they help.
func rank(x *schema.Index, a access, wantsOrder bool) int {
	rank := len(x.When)
	if wantsOrder && a.ordered {
		rank += 10
	}
	for _, part := range x.Partition {
		if !x.ForTable(part) {
			rank += 100
		}
	}
	return rank
}

// columnsOf returns the columns by which a row is in the partitions of an index.
func columnsOf(x *schema.Index) []string {
	var columns []string
	for _, part := range x.Partition {
		if !x.ForTable(part) {
			columns = append(columns, part)
		}
	}
	for column := range x.When {
		columns = append(columns, column)
	}
	slices.Sort(columns)
	return columns
}

// imply reports whether every row that is demanded has each of the values.
func (d demands) imply(values map[string]schema.Value) bool {
	for name, v := range values {
		w, ok := d.equal[name]
		if v.IsNull() {
			ok = d.null[name]
		}
		if !ok || w != v {
			return false
		}
	}
	return true
}

// demandsOf returns what a condition demands of every row of a table. Only conditions that
// every row must meet count, those below an "and".
func demandsOf(t *schema.Table, where *filter.Group) demands {
	d := demands{map[string]schema.Value{}, map[string]rows.Range{}, map[string]bool{}, new(bool)}
	d.add(where)
	for _, c := range t.Derived() { // it has the value of another one, or null
		if v, ok := d.equal[c.Name]; ok {
			d.equal[c.Derived] = v
		}
	}
	return d
}

// answeredBy reports whether a row meets the condition if it has what is demanded of these
// columns.
func (d demands) answeredBy(columns []string) bool {
	for _, column := range slices.Concat(slices.Collect(maps.Keys(d.equal)), slices.Collect(maps.Keys(d.ranges)), slices.Collect(maps.Keys(d.null))) {
		if !slices.Contains(columns, column) {
			return false
		}
	}
	return !*d.more
}

func (d demands) add(where *filter.Group) {
	if where.Logic != filter.And {
		*d.more = true
		return
	}
	for _, node := range where.Items {
		switch node := node.(type) {
		case *filter.Condition:
			d.condition(node)
		case *filter.Group:
			d.add(node)
		default:
			*d.more = true
		}
	}
}

func (d demands) condition(c *filter.Condition) {
	if len(c.Path) > 0 || c.Other != "" { // no key has it
		*d.more = true
		return
	}
	switch c.Operator {
	case filter.Eq:
		d.equal[c.Column] = c.Values[0]
	case filter.Null:
		d.null[c.Column] = true
	case filter.In:
		if !oneID(c.Values) {
			*d.more = true
			return
		}
		d.equal[c.Column] = c.Values[0]
	case filter.Gt, filter.Ge:
		d.atLeast(c.Column, c.Values[0], c.Operator == filter.Gt)
	case filter.Lt, filter.Le:
		d.atMost(c.Column, c.Values[0], c.Operator == filter.Lt)
	case filter.Between:
		d.atLeast(c.Column, c.Values[0], false)
		d.atMost(c.Column, c.Values[1], false)
	default: // keys do not answer it
		*d.more = true
	}
}

func (d demands) atLeast(column string, v schema.Value, open bool) {
	r := d.ranges[column]
	if c := v.Compare(r.Low); r.Low.IsNull() || c > 0 || c == 0 && open {
		r.Low, r.LowOpen = v, open
	}
	d.ranges[column] = r
}

func (d demands) atMost(column string, v schema.Value, open bool) {
	r := d.ranges[column]
	if c := v.Compare(r.High); r.High.IsNull() || c < 0 || c == 0 && open {
		r.High, r.HighOpen = v, open
	}
	d.ranges[column] = r
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
