package rows

import (
	"context"
	"fmt"

	"segue/internal/schema"
	"segue/internal/store"
)

// Part is a piece of a partition: rows, their sort keys in the partition, and the
// sort key after which the next piece starts, "" at the end.
type Part struct {
	Rows []*Row
	Keys []string
	Next string
	Seen int // entries that were read, those that are left out included
	// Skipped is how many rows a condition left out, and SkippedBytes the sizes of their
	// items.
	Skipped, SkippedBytes int
	// Broken are the items of a table's list that could not be read as rows.
	Broken []BrokenRow
}

// BrokenRow is an item that is stored in a way that this program cannot read.
type BrokenRow struct {
	Ref Ref
	Err error
}

// Read reads the piece of a partition that starts after a sort key ("": at its
// start), of at most limit entries (0: as many as a page of the store holds). For
// an index it reads each row itself, strongly consistent, so a row may no longer be
// what the index showed. Rows that are gone, and rows of other tables that share the
// partition, are left out.
func (db *DB) Read(ctx context.Context, t *schema.Table, p Partition, after string, limit int) (Part, error) {
	return db.ReadWhere(ctx, t, p, after, limit, nil)
}

// ReadWhere is [DB.Read] that leaves out rows for which a condition does not hold, unless
// it is nil.
func (db *DB) ReadWhere(ctx context.Context, t *schema.Table, p Partition, after string, limit int, where *Where) (Part, error) {
	if p.index != "" {
		entries, err := db.ReadEntries(ctx, t, p, after, limit)
		if err != nil {
			return Part{}, err
		}
		part, err := db.RowsOf(ctx, t, entries.List, where)
		part.Seen, part.Next = entries.Seen, entries.Next
		return part, err
	}
	keep := where.keeper()
	if len(db.given[p.key]) > 0 { // whether a given row has a stored one in its place is told by all that are stored
		keep = nil
	}
	page, err := db.page(ctx, t, p, after, limit, keep)
	if err != nil {
		return Part{}, err
	}
	part := Part{Seen: len(page.Items) + page.Left, Skipped: page.Left, SkippedBytes: page.LeftBytes, Next: p.next(page)}
	items := db.withGiven(p, page.Items, after, part.Next)
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = item[store.SK].Text()
	}
	db.fill(&part, items, keys, where)
	return part, nil
}

// page reads a page of a partition.
func (db *DB) page(ctx context.Context, t *schema.Table, p Partition, after string, limit int, keep func(store.Passing) bool) (store.Page, error) {
	from, to := p.ends(after)
	page, err := db.store.Query(ctx, store.Query{
		Index: p.index, Partition: p.key, After: from, To: to, Limit: limit, Descending: p.descending, Keep: keep,
	})
	if err != nil {
		return store.Page{}, fmt.Errorf("list %s: %w", t.Name, err)
	}
	return page, nil
}

// next returns the sort key after which the page that follows another starts, "" for none.
func (p Partition) next(page store.Page) string {
	switch {
	case page.More && page.LeftLast != "":
		return page.LeftLast
	case page.More:
		return page.Items[len(page.Items)-1][p.sortKey()].Text()
	}
	return ""
}

// fill adds the rows of items and their sort keys to a part; an item is nil where there is
// none.
func (db *DB) fill(part *Part, items []store.Item, keys []string, where *Where) {
	if where != nil {
		items = where.keep(items, part)
	}
	rows, broken := db.decodeAll(items)
	part.Broken = append(part.Broken, broken...)
	for i, row := range rows {
		if row != nil {
			part.Rows = append(part.Rows, row)
			part.Keys = append(part.Keys, keys[i])
		}
	}
}

// Images is a piece of a table's list: rows as they are stored, each in the form in which
// [DB.Present] returns it, and the sort key after which the next piece starts, "" at the
// end.
type Images struct {
	List []Change
	Next string
}

// ReadImages reads the piece of a partition of a table's list that starts after a sort key,
// of at most limit rows, and decodes none of them.
func (db *DB) ReadImages(ctx context.Context, t *schema.Table, p Partition, after string, limit int) (Images, error) {
	var read Images
	add := func(item store.Passing) {
		id := item.SortKey()
		image := &Image{db: db, table: t, id: id, image: item.Hold()}
		read.List = append(read.List, Change{Ref: Ref{t.Name, id}, Table: t, Kind: store.Insert, New: image, Present: true})
	}
	page, err := db.page(ctx, t, p, after, limit, func(item store.Passing) bool {
		add(item)
		return false
	})
	if err != nil {
		return Images{}, err
	}
	for _, item := range page.Items { // of a store that has decoded them
		add(item)
	}
	read.Next = p.next(page)
	return read, nil
}

// Entry is an entry of an index, which may lag: where it has a row, and under which key.
type Entry struct {
	ID  string
	Key string // sort key
}

// Entries is a piece of a partition of an index: the entries of one table, how many were
// read in all, and the sort key after which the next piece starts, "" at the end.
type Entries struct {
	List []Entry
	Seen int
	Next string
}

// ReadEntries reads the piece of an index partition that starts after a sort key, of at
// most limit entries, as [DB.Read] does, and no rows.
func (db *DB) ReadEntries(ctx context.Context, t *schema.Table, p Partition, after string, limit int) (Entries, error) {
	page, err := db.page(ctx, t, p, after, limit, nil)
	if err != nil {
		return Entries{}, err
	}
	entries := Entries{Seen: len(page.Items), Next: p.next(page)}
	for _, item := range page.Items {
		if key := item.Key(); tableOf(key.PK) == t.Name {
			entries.List = append(entries.List, Entry{key.SK, item[p.sortKey()].Text()})
		}
	}
	return entries, nil
}

// RowsOf reads the rows of index entries, strongly consistent, but for those that are gone
// and those for which a condition does not hold, unless it is nil.
func (db *DB) RowsOf(ctx context.Context, t *schema.Table, entries []Entry, where *Where) (Part, error) {
	refs, keys := make([]Ref, len(entries)), make([]string, len(entries))
	for i, entry := range entries {
		refs[i], keys[i] = Ref{t.Name, entry.ID}, entry.Key
	}
	items, err := db.items(ctx, refs)
	if err != nil {
		return Part{}, err
	}
	var part Part
	db.fill(&part, items, keys, where)
	return part, nil
}

// decodeAll returns the rows of items, nil for those that are not there and those that
// are broken.
func (db *DB) decodeAll(items []store.Item) (rows []*Row, broken []BrokenRow) {
	rows = make([]*Row, len(items))
	for i, item := range items {
		row, err := db.decode(item)
		if err != nil {
			broken = append(broken, BrokenRow{Ref{tableOf(item.Key().PK), item.Key().SK}, err})
			continue
		}
		rows[i] = row
	}
	return rows, broken
}
