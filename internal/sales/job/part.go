package job

import (
	"context"
	"slices"
	"sort"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// place is where the rows of a task are: a partition, or a list of ids.
type place struct {
	table     *schema.Table
	partition rows.Partition
	ids       []string // sorted; nil: those of the partition
}

// placeOf returns the place of a scan of ids.
func placeOf(t *schema.Table, scan sales.Scan) place {
	ids := slices.Clone(scan.IDs)
	slices.Sort(ids)
	return place{table: t, ids: slices.Compact(ids)}
}

// read reads the piece of a place that starts after a cursor, "" for its start.
func (p place) read(ctx context.Context, db *rows.DB, after string, limit int) (rows.Part, error) {
	if p.ids == nil {
		return db.Read(ctx, p.table, p.partition, after, limit)
	}
	rest := p.ids[sort.Search(len(p.ids), func(i int) bool { return p.ids[i] > after }):]
	piece := rest[:min(len(rest), limit)]
	refs := make([]rows.Ref, len(piece))
	for i, id := range piece {
		refs[i] = rows.Ref{Table: p.table.Name, ID: id}
	}
	found, err := db.Get(ctx, refs...)
	if err != nil {
		return rows.Part{}, err
	}
	part := rows.Part{Rows: slices.DeleteFunc(found, func(row *rows.Row) bool { return row == nil }), Seen: len(piece)}
	if len(piece) < len(rest) {
		part.Next = piece[len(piece)-1]
	}
	return part, nil
}
