package rows

import (
	"context"
	"fmt"
	"slices"

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
	from, to := p.ends(after)
	page, err := db.store.Query(ctx, store.Query{
		Index: p.index, Partition: p.key, After: from, To: to, Limit: limit, Descending: p.descending, Keep: where.keeper(),
	})
	if err != nil {
		return Part{}, fmt.Errorf("list %s: %w", t.Name, err)
	}
	part := Part{Seen: len(page.Items) + page.Left, Skipped: page.Left, SkippedBytes: page.LeftBytes}
	switch {
	case page.More && page.LeftLast != "":
		part.Next = page.LeftLast
	case page.More:
		part.Next = page.Items[len(page.Items)-1][p.sortKey()].Text()
	}
	mine := slices.DeleteFunc(page.Items, func(i store.Item) bool { return tableOf(i.Key().PK) != t.Name })
	mine = db.withGiven(p, mine, after, part.Next)
	items := mine
	if p.index != "" {
		if items, err = db.itemsOf(ctx, t, mine); err != nil {
			return Part{}, err
		}
	}
	if where != nil {
		items = where.keep(items, &part)
	}
	rows, broken := db.decodeAll(items)
	part.Broken = append(part.Broken, broken...)
	for i, row := range rows {
		if row == nil {
			continue
		}
		part.Rows = append(part.Rows, row)
		part.Keys = append(part.Keys, mine[i][p.sortKey()].Text())
	}
	return part, nil
}

// itemsOf reads the items of index entries, all of one table, nil where one is gone.
func (db *DB) itemsOf(ctx context.Context, t *schema.Table, entries []store.Item) ([]store.Item, error) {
	refs := make([]Ref, len(entries))
	for i, entry := range entries {
		refs[i] = Ref{t.Name, entry.Key().SK}
	}
	return db.items(ctx, refs)
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
