// Package query reads lists of rows. A [Query] names a table, a condition and an order;
// the reader takes the index that the schema declares for the equalities in the
// condition, walks its partitions and returns the rows that match, page by page, with
// their number if that is asked for.
//
// An order that the index has costs nothing. For any other one all rows that match are
// read for every page, and the first of them are kept, so that a page costs memory and
// not the list. [Reader.Explain] tells which of it a query gets.
//
// Size: pages, counts, groups and tuples are made of the same plans, sources and budget,
// which nobody else may use.
//
// Invariant: a page shows no row that does not match when it is read, though an
// index lags, and it costs a bounded number of reads: what would examine more rows than
// its [Budget] is refused with an error that names the indexes, never answered in part.
// It holds a bounded number of bytes too: a page of wide rows has fewer of them.
package query

import (
	"context"
	"errors"
	"iter"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// How many rows are read at once: minChunk where most may not match, firstChunk
// before it is known how wide they are, and never more than maxChunk, for the rows
// after wide ones may be wider.
const (
	minChunk   = 200
	firstChunk = 100
	maxChunk   = 1000
)

// maxHeld is how many bytes the rows of a page hold in all, the columns included that
// nobody asked for. A row has 400 KB at most.
const maxHeld = 16 << 20

// MaxCount is how far the rows of a list are counted.
const MaxCount = 5000

// ErrBadToken means that a page token does not belong to the query that it came
// with.
var ErrBadToken = errors.New("the page token does not belong to this query")

// Query selects rows of a table. Where nil is all rows.
type Query struct {
	Table *schema.Table
	Where *filter.Group
	Scope *filter.Scope // what conditions may ask beyond rows, which the reader supplies; nil: nothing
	Reads Readable      // of rows that conditions and orders lead to; nil: all of them

	// Each ignores what follows.

	Order []Order // nil: in the order in which they are read
	Count bool    // Page.Count is wanted
	Limit int     // rows of a page, at least 1
	Token string  // Page.Token of the page before, "" for the first
	// A page also ends with the row by which its rows weigh Bytes, so that no more is
	// read than its reader will make use of; 0 for any weight.
	Bytes  int
	Weigh  func(*rows.Row) int  // what a row counts as; needed with Bytes
	Unseen func(*rows.Row) bool // rows that nobody is to see, and that are not counted; nil: none
	Budget *Budget              // of the request that the query is part of; nil: its own
}

// Readable returns which rows of a table the one who asks may read, nil for all.
type Readable func(context.Context, *schema.Table) (func(*rows.Row) (bool, error), error)

// Reader reads lists from a DB. It is safe for concurrent use.
type Reader struct {
	db  *rows.DB
	max int // rows that a request examines
}

// New makes a Reader.
func New(db *rows.DB) *Reader { return &Reader{db, MaxExamined} }

// Bound sets how many rows a request may examine, [MaxExamined] by default. It is called
// before the Reader is used.
func (r *Reader) Bound(max int) { r.max = max }

// Select reads one page. It reads each row itself, strongly consistent, so that
// a lagging index never shows a row that does not match. Errors are a
// *filter.Error, an [*OrderError], a [*TooBroadError], [ErrBadToken] or the store's.
func (r *Reader) Select(ctx context.Context, q Query) (Page, error) {
	run, err := r.begin(q)
	if err != nil {
		return Page{}, err
	}
	at, err := run.plan.decodePosition(q.Token)
	if err != nil {
		return Page{}, err
	}
	if run.plan.sort != nil {
		return run.selectSorted(ctx, at)
	}
	return run.selectRead(ctx, at)
}

// Count returns the number of rows that match, [MaxCount] at most; more says that there
// are more. It ignores the order, the limit and the token of the query.
func (r *Reader) Count(ctx context.Context, q Query) (n int, more bool, err error) {
	q.Order = nil
	run, err := r.begin(q)
	if err != nil {
		return 0, false, err
	}
	count := counter{run: run}
	if err := count.rest(ctx, run.source(position{})); err != nil {
		return 0, false, err
	}
	return min(count.n, MaxCount), count.n > MaxCount, nil
}

// Each reads all rows that match, however many: for tools, jobs and small
// tables, not for requests. A row that comes or goes meanwhile may be missed.
func (r *Reader) Each(ctx context.Context, q Query) iter.Seq2[*rows.Row, error] {
	return func(yield func(*rows.Row, error) bool) {
		q.Order, q.Unseen, q.Budget = nil, nil, unbounded()
		run, err := r.begin(q)
		if err != nil {
			yield(nil, err)
			return
		}
		for from := run.source(position{}); !from.done(); {
			piece, err := from.read(ctx, maxChunk)
			var shown []bool
			if err == nil {
				shown, err = run.shown(ctx, piece.rows)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for i, row := range piece.rows {
				if shown[i] && !yield(row, nil) {
					return
				}
			}
		}
	}
}

// run is a query that is being carried out.
type run struct {
	query   Query
	plan    *plan
	db      *rows.DB
	related *related
	scope   filter.Scope
}

// begin plans a query.
func (r *Reader) begin(q Query) (*run, error) {
	plan, err := r.plan(q)
	if err != nil {
		return nil, err
	}
	if q.Budget == nil {
		q.Budget = r.Budget()
	}
	run := &run{query: q, plan: plan, db: r.db, related: newRelated(r.db, q.Budget, q.Reads)}
	if q.Scope != nil {
		run.scope = *q.Scope
	}
	run.scope.Related = run.related
	return run, nil
}

// shown reports for each of some rows whether it belongs to the list.
func (r *run) shown(ctx context.Context, list []*rows.Row) ([]bool, error) {
	shown := make([]bool, len(list))
	if !r.plan.asksRows {
		for i, row := range list {
			ok, err := r.plan.may(row)
			if err != nil {
				return nil, err
			}
			shown[i] = ok && r.sees(row)
		}
		return shown, nil
	}
	r.related.trim()
	holds, err := r.related.hold(ctx, r.plan.match, list, &r.scope)
	if err != nil {
		return nil, err
	}
	for i, row := range list {
		shown[i] = holds[i] && r.sees(row)
	}
	return shown, nil
}

func (r *run) sees(row *rows.Row) bool { return r.query.Unseen == nil || !r.query.Unseen(row) }

// selectRead reads a page of rows that are read in the order that is asked for.
func (r *run) selectRead(ctx context.Context, at position) (Page, error) {
	sel := selection{run: r}
	from := r.source(at)
	for !from.done() && !sel.more {
		if err := sel.read(ctx, from); err != nil {
			return Page{}, err
		}
	}
	if !r.query.Count {
		return sel.page(), nil
	}
	// The pages of one list say the same number: the first one counts, in one go with the
	// reading, and the token carries it on.
	n := at.Count
	if r.query.Token == "" || n == nil {
		count := counter{run: r}
		if r.query.Token == "" {
			count.n = len(sel.rows) + sel.after
		} else {
			from = r.source(position{})
		}
		if err := count.rest(ctx, from); err != nil {
			return Page{}, err
		}
		n = &count.n
	}
	sel.total = n
	return sel.page(), nil
}
