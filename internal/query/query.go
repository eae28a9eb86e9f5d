// Package query reads lists of rows. A [Query] names a table and a condition;
// the reader takes the index that the schema declares for the equalities in the
// condition, walks its partitions and returns the rows that match, page by page.
//
// Invariant: a page shows no row that does not match when it is read, though an
// index lags, and it costs a bounded number of reads: what would examine more
// than [MaxExamined] rows is refused with an error that names the indexes. It
// holds a bounded number of bytes too: a page of wide rows has fewer of them.
package query

import (
	"context"
	"errors"
	"iter"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// MaxExamined is the number of rows that [Reader.Select] examines to fill one page. A
// list that would examine more is refused with a [*TooBroadError].
const MaxExamined = 10_000

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

// ErrBadToken means that a page token does not belong to the query that it came
// with.
var ErrBadToken = errors.New("the page token does not belong to this query")

// Query selects rows of a table. Where nil is all rows.
type Query struct {
	Table *schema.Table
	Where *filter.Group

	// Each ignores what follows.

	Limit int    // rows of a page, at least 1
	Token string // Page.Token of the page before, "" for the first
	// A page also ends with the row by which its rows weigh Bytes, so that no more is
	// read than its reader will make use of; 0 for any weight.
	Bytes int
	Weigh func(*rows.Row) int // what a row counts as; needed with Bytes
}

// Reader reads lists from a DB. It is safe for concurrent use.
type Reader struct{ db *rows.DB }

// New makes a Reader.
func New(db *rows.DB) *Reader { return &Reader{db} }

// Select reads one page. It reads each row itself, strongly consistent, so that
// a lagging index never shows a row that does not match. Errors are a
// *filter.Error, a [*TooBroadError], [ErrBadToken] or the store's.
func (r *Reader) Select(ctx context.Context, q Query) (Page, error) {
	plan, err := r.plan(q)
	if err != nil {
		return Page{}, err
	}
	at, err := decodePosition(q.Token, plan.where)
	if err != nil {
		return Page{}, err
	}
	if at.Partition > len(plan.partitions) { // a token that this package never made
		return Page{}, ErrBadToken
	}
	sel := selection{query: q, plan: plan}
	for examined := 0; at.Partition < len(plan.partitions) && !sel.more; {
		if examined >= MaxExamined {
			return Page{}, &TooBroadError{q.Table}
		}
		piece, err := r.read(ctx, plan, at, sel.chunk())
		if err != nil {
			return Page{}, err
		}
		if err := sel.take(piece, at.Partition); err != nil {
			return Page{}, err
		}
		examined, at = examined+piece.Seen, piece.next
	}
	return sel.page(), nil
}

// Each reads all rows that match, however many: for tools, jobs and small
// tables, not for requests. A row that comes or goes meanwhile may be missed.
func (r *Reader) Each(ctx context.Context, q Query) iter.Seq2[*rows.Row, error] {
	return func(yield func(*rows.Row, error) bool) {
		plan, err := r.plan(q)
		if err != nil {
			yield(nil, err)
			return
		}
		for at := (position{}); at.Partition < len(plan.partitions); {
			piece, err := r.read(ctx, plan, at, 0)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range piece.Rows {
				ok, err := plan.matches(row)
				if err != nil {
					yield(nil, err)
					return
				}
				if ok && !yield(row, nil) {
					return
				}
			}
			at = piece.next
		}
	}
}

// piece is a piece of a plan as it was read, and where the next one starts.
type piece struct {
	rows.Part
	next position
}

// read reads the piece of a plan that starts after a position.
func (r *Reader) read(ctx context.Context, p *plan, at position, limit int) (piece, error) {
	if p.id != "" {
		list, err := r.db.Get(ctx, rows.Ref{Table: p.table.Name, ID: p.id})
		if err != nil {
			return piece{}, err
		}
		done := piece{next: position{Partition: 1}}
		if list[0] != nil {
			done.Rows, done.Keys = list, []string{p.id}
		}
		return done, nil
	}
	part, err := r.db.ReadWhere(ctx, p.table, p.partitions[at.Partition], at.After, limit, p.only)
	if err != nil {
		return piece{}, err
	}
	if len(part.Broken) > 0 { // a list must not lack a row
		return piece{}, part.Broken[0].Err
	}
	next := position{Partition: at.Partition + 1}
	if part.Next != "" {
		next = position{Partition: at.Partition, After: part.Next}
	}
	return piece{part, next}, nil
}
