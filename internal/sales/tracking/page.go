package tracking

import (
	"context"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// Bounds of one page.
const (
	maxExamined = 10_000   // entries of the log
	maxBytes    = 16 << 20 // of rows
	chunk       = 500      // entries that are read at once
)

// Page is part of a list of changes: rows as they are, then those that are gone. A page
// may have nothing, and others follow.
type Page struct {
	Rows    []*rows.Row
	Removed []Removal
	More    bool   // there are other pages
	Next    Cursor // of the next page, or of the next list of changes

	ends []Cursor // after each of Rows
}

// Removal is a row that the caller sees no more.
type Removal struct {
	ID     string
	Hidden bool // it is there, and not for the caller to read
}

// Cut leaves the first n rows, at least one; all else begins the next page.
func (p *Page) Cut(n int) {
	if n < len(p.Rows) {
		p.Next, p.More = p.ends[n-1], true
		p.Rows, p.ends, p.Removed = p.Rows[:n], p.ends[:n], nil
	}
}

// reading is a page that is being read.
type reading struct {
	log      *Log
	entities *entity.Entities
	caller   sales.Caller
	table    *schema.Table
	limit    int

	at       Cursor
	page     Page
	seen     map[string]bool
	examined int
	bytes    int
	// Removals met among the changed rows: all there are, when these were read in one go.
	met   []Removal
	inOne bool
}

// Read reads a page of at most limit changes of rows of a table, for a caller.
func (l *Log) Read(ctx context.Context, entities *entity.Entities, c sales.Caller, t *schema.Table, at Cursor, limit int) (Page, error) {
	if at.until.IsZero() {
		at.until = l.db.Now()
	}
	r := &reading{
		log: l, entities: entities, caller: c, table: t, limit: limit, at: at, seen: map[string]bool{},
		inOne: !at.deletions && at.shard == 0 && at.after == "",
	}
	for !r.full() {
		if r.at.shard >= schema.Shards && !r.turn() {
			return r.end(at), nil
		}
		if err := r.piece(ctx); err != nil {
			return Page{}, err
		}
	}
	if r.at.shard >= schema.Shards && !r.turn() {
		return r.end(at), nil
	}
	r.page.More, r.page.Next = true, r.at
	return r.page, nil
}

// full reports whether the page takes nothing more.
func (r *reading) full() bool {
	return len(r.page.Rows)+len(r.page.Removed) >= r.limit || r.examined >= maxExamined || r.bytes >= maxBytes
}

// turn goes from the changed rows to the removed ones; false means that there are none to
// be read any more.
func (r *reading) turn() (more bool) {
	if r.at.deletions {
		return false
	}
	if r.inOne && len(r.page.Rows)+len(r.met) <= r.limit {
		r.page.Removed = r.met
		return false
	}
	r.at.deletions, r.at.shard, r.at.after = true, 0, ""
	r.seen = map[string]bool{}
	return true
}

// end ends the last page.
func (r *reading) end(at Cursor) Page {
	r.page.More, r.page.Next = false, at.next()
	return r.page
}

// piece reads on in a shard of the log.
func (r *reading) piece(ctx context.Context) error {
	from := rows.ListPartitions(r.log.table())[r.at.shard].Within(r.table.Name + "#")
	after := r.at.after
	if after == "" {
		after = before(r.table.Name, r.at.since)
	}
	part, err := r.log.db.Read(ctx, r.log.table(), from, after, min(chunk, r.limit-len(r.page.Rows)-len(r.page.Removed)))
	if err != nil {
		return sales.Public(err)
	}
	if len(part.Broken) > 0 {
		return part.Broken[0].Err
	}
	r.examined += part.Seen
	if err := r.take(ctx, part.Keys); err != nil {
		return err
	}
	if r.at.after = part.Next; part.Next == "" {
		r.at.shard++
	}
	return nil
}

// take adds the rows that entries are about to the page, as far as they belong to this
// part of it.
func (r *reading) take(ctx context.Context, entries []string) error {
	var ids []string
	var ends []Cursor
	for _, entry := range entries {
		if id := rowOf(entry); !r.seen[id] {
			r.seen[id] = true
			end := r.at
			end.after = entry
			ids, ends = append(ids, id), append(ends, end)
		}
	}
	sights, err := r.entities.Look(ctx, r.caller, r.table.Name, ids)
	if err != nil {
		return err
	}
	for i, sight := range sights {
		removal := Removal{ID: ids[i], Hidden: sight.Hidden}
		switch {
		case sight.Row == nil && r.at.deletions:
			r.page.Removed = append(r.page.Removed, removal)
		case sight.Row == nil:
			r.met = append(r.met, removal)
		case !r.at.deletions:
			r.page.Rows, r.page.ends = append(r.page.Rows, sight.Row), append(r.page.ends, ends[i])
			r.bytes += sight.Row.Size(nil)
		}
	}
	return nil
}
