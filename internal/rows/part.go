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
	page, err := db.store.Query(ctx, store.Query{Index: p.index, Partition: p.key, After: max(after, p.prefix), To: p.lastKey(), Limit: limit})
	if err != nil {
		return Part{}, fmt.Errorf("list %s: %w", t.Name, err)
	}
	part := Part{Seen: len(page.Items)}
	if page.More {
		part.Next = page.Items[len(page.Items)-1][p.sortKey()].Text()
	}
	mine := slices.DeleteFunc(page.Items, func(i store.Item) bool { return tableOf(i.Key().PK) != t.Name })
	var rows []*Row
	if p.index == "" {
		rows, part.Broken = db.decodeAll(mine)
	} else if rows, part.Broken, err = db.rowsOf(ctx, t, mine); err != nil {
		return Part{}, err
	}
	for i, row := range rows {
		if row == nil {
			continue
		}
		part.Rows = append(part.Rows, row)
		part.Keys = append(part.Keys, mine[i][p.sortKey()].Text())
	}
	return part, nil
}

// rowsOf reads the rows of index entries, all of one table, nil where one is gone or
// broken.
func (db *DB) rowsOf(ctx context.Context, t *schema.Table, entries []store.Item) (rows []*Row, broken []BrokenRow, err error) {
	refs := make([]Ref, len(entries))
	for i, entry := range entries {
		refs[i] = Ref{t.Name, entry.Key().SK}
	}
	items, err := db.items(ctx, refs)
	if err != nil {
		return nil, nil, err
	}
	rows, broken = db.decodeAll(items)
	return rows, broken, nil
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
