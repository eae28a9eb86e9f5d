package query

import (
	"fmt"
	"slices"
	"strings"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// plan is how a list is read: partitions of the table or of one index, one after
// the other or merged, or one row by its id.
type plan struct {
	access
	table    *schema.Table
	match    *filter.Program // the condition, with the time and the caller settled
	local    *filter.Program // the same as far as the row alone tells
	asksRows bool            // the two differ
	only     *rows.Where     // the local one, if it can be told without the whole row; nil for all rows
	identity string          // what a page token must belong to: table, condition, order and access path
	id       string          // of the one row that can match; nothing else is read
	sort     *sorting        // what the rows are ordered by once they are read; nil: they are in order
	merged   bool            // the partitions are merged, which have the order that is asked for

	descending bool // they are read from their ends

	everything bool // every row matches
}

// may reports whether the condition of the plan may hold for a row: whether it does, if
// it asks for no others.
func (p *plan) may(row *rows.Row) (bool, error) {
	ok, err := p.local.Match(row)
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
	s := r.db.Schema()
	match, err := filter.Compile(s, q.Table.Name, where, mayAsk(q.Scope))
	if err == nil {
		match, err = match.Bind(q.Scope)
	}
	if err != nil {
		return nil, err
	}
	p := &plan{table: q.Table, match: match, local: match.Local(), asksRows: match.Needs().Asks&filter.AsksRows != 0, everything: where.Logic == filter.And && len(where.Items) == 0}
	d := demandsOf(q.Table, where)
	keys, err := sortKeys(s, q.Table, q.Order, d.equal)
	if err != nil {
		return nil, err
	}
	p.identity = identity(q.Table, where, keys)
	if id, ok := d.equal[q.Table.ID].Text(); ok {
		p.id = id
		return p, nil
	}
	p.access = choose(q.Table, d, keys)
	p.identity += " by " + p.name()
	if !p.everything {
		p.only = rows.NewWhere(q.Table, match.Columns(), func(row *rows.Sketch) (bool, error) { return p.local.Match(row) })
	}
	p.order(keys)
	return p, nil
}

// mayAsk returns what conditions may ask beyond the row.
func mayAsk(scope *filter.Scope) filter.Asks {
	switch {
	case scope == nil:
		return filter.AsksRows
	case scope.Caller == nil:
		return filter.AsksAnything &^ filter.AsksCaller
	}
	return filter.AsksAnything
}

// order makes the plan bring rows into an order.
func (p *plan) order(keys []sortKey) {
	if len(keys) == 0 {
		return
	}
	if !p.ordered {
		p.sort = &sorting{keys}
		return
	}
	descending := keys[0].descending
	p.merged, p.descending = len(p.partitions) > 1, descending
	if descending {
		p.partitions = slices.Clone(p.partitions)
		for i, part := range p.partitions {
			p.partitions[i] = part.Descending()
		}
	}
}

// identity tells one list from another.
func identity(t *schema.Table, where *filter.Group, keys []sortKey) string {
	var b strings.Builder
	b.WriteString(t.Name + where.String())
	for _, k := range keys {
		fmt.Fprintf(&b, " %s %t", k.name, k.descending)
	}
	return b.String()
}

// Explanation says how a list is read.
type Explanation struct {
	Index      string   // "" for the table's own list, or for one row by its id
	Partitions int      // that are read for all of it; 0 for one row by its id
	Pushed     []string // columns whose conditions the store answers; the others are looked at row by row
	Merged     bool     // the partitions are read together, for their order
	Sorted     bool     // all rows are read for each page, and ordered then
}

// Explain returns how a list would be read.
func (r *Reader) Explain(q Query) (Explanation, error) {
	p, err := r.plan(q)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Partitions: len(p.partitions), Pushed: p.pushed, Merged: p.merged, Sorted: p.sort != nil}
	if p.index != nil {
		e.Index = p.index.Name
	}
	if p.id != "" {
		e.Pushed = []string{p.table.ID}
	}
	return e, nil
}

// name returns the name of the access path.
func (a access) name() string {
	if a.index == nil {
		return ""
	}
	return a.index.Name
}
