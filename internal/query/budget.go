package query

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"

	"segue/internal/rows"
	"segue/internal/schema"
)

// MaxExamined is the number of rows that a request examines by default: those of its
// list, those that it follows lookups to and those that it expands, in all.
const MaxExamined = 50_000

// Budget is how many rows a request may still examine. It is safe for concurrent use.
type Budget struct {
	max  int
	used atomic.Int64
}

// Budget returns the budget of a request.
func (r *Reader) Budget() *Budget { return &Budget{max: r.max} }

// unbounded returns a budget that does not end, for what is no request.
func unbounded() *Budget { return &Budget{max: math.MaxInt} }

// take takes up to n rows out of the budget and returns how many there were.
func (b *Budget) take(n int) int {
	used := int(b.used.Add(int64(n)))
	if used <= b.max {
		return n
	}
	over := min(n, used-b.max)
	b.used.Add(-int64(over))
	return n - over
}

// left returns how many rows are left.
func (b *Budget) left() int { return b.max - int(b.used.Load()) }

// giveBack returns rows that were taken and not examined.
func (b *Budget) giveBack(n int) { b.used.Add(-int64(n)) }

// spend takes exactly n rows, or says that there are not as many.
func (b *Budget) spend(t *schema.Table, n int) error {
	if got := b.take(n); got < n {
		b.giveBack(got)
		return b.tooBroad(t)
	}
	return nil
}

// read reads a piece of a partition, of at most limit entries, all of which it spends.
func (b *Budget) read(ctx context.Context, db *rows.DB, t *schema.Table, p rows.Partition, after string, limit int, only *rows.Where) (rows.Part, error) {
	granted := b.take(limit)
	part, err := db.ReadWhere(ctx, t, p, after, max(1, granted), only) // with none left, only an end is no error
	switch {
	case err != nil:
		return part, err
	case len(part.Broken) > 0: // a list must not lack a row
		return part, part.Broken[0].Err
	case part.Seen > granted:
		return part, b.tooBroad(t)
	}
	b.giveBack(granted - part.Seen)
	return part, nil
}

// entries is read for the entries of an index.
func (b *Budget) entries(ctx context.Context, db *rows.DB, t *schema.Table, p rows.Partition, after string, limit int) (rows.Entries, error) {
	granted := b.take(limit)
	entries, err := db.ReadEntries(ctx, t, p, after, max(1, granted))
	switch {
	case err != nil:
		return entries, err
	case entries.Seen > granted:
		return entries, b.tooBroad(t)
	}
	b.giveBack(granted - entries.Seen)
	return entries, nil
}

func (b *Budget) tooBroad(t *schema.Table) error { return &TooBroadError{t, b.max} }

// TooBroadError reports that no index narrows a list enough: the request that it is part
// of would examine more rows than it may.
type TooBroadError struct {
	Table *schema.Table
	Max   int
}

// Limit returns the name of the limit and its value; how much would be wanted of it is not
// known.
func (e *TooBroadError) Limit() (name string, most, used int) { return "ExaminedRows", e.Max, 0 }

// Error names what would help: the indexes, with the equalities that each serves.
func (e *TooBroadError) Error() string {
	var ways []string
	for _, x := range e.Table.Indexes {
		if x.IsDue() || x.Building {
			continue
		}
		way := strings.Join(conditions(e.Table, x), " and ")
		if way == "" {
			way = "anything"
		}
		way += " (index " + x.Name
		if len(x.Sort) > 0 {
			way += ", in the order of " + strings.Join(x.Sort, ", ")
		}
		ways = append(ways, way+")")
	}
	ways = append(ways, e.Table.ID+" eq <id>")
	return fmt.Sprintf("this request would examine more than %d rows of %s: filter by %s, or page without a filter and an order",
		e.Max, e.Table.Name, strings.Join(ways, ", or by "))
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
		if v, ok := x.When[c.Name]; ok && v.IsNull() {
			all = append(all, c.Name+" eq null")
		} else if ok {
			all = append(all, c.Name+" eq "+c.Text(v))
		}
	}
	return all
}
