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
	ids       []string             // sorted; nil: those of the partition
	pointing  func(*rows.Row) bool // which of those are meant; nil: all
}

// placeOf returns the place of a scan of ids.
func placeOf(t *schema.Table, scan sales.Scan) place {
	ids := slices.Clone(scan.IDs)
	slices.Sort(ids)
	return place{table: t, ids: slices.Compact(ids)}
}

// piece is rows of a task that were read together, and what is done with each.
type piece struct {
	refs   []rows.Ref
	do     func(ctx context.Context, n int, tally *sales.JobTally) (changed bool, err error)
	broken []rows.BrokenRow
	seen   int    // entries that were read, those that are left out included
	next   string // after which the next piece starts, "" at the end
}

// work reads a piece of a place.
type work func(ctx context.Context, db *rows.DB, from place, after string, limit int) (piece, error)

// onRows is the work on rows that are decoded; nil for nil.
func onRows(do sales.JobWork) work {
	if do == nil {
		return nil
	}
	return func(ctx context.Context, db *rows.DB, from place, after string, limit int) (piece, error) {
		part, err := from.read(ctx, db, after, limit)
		p := piece{broken: part.Broken, seen: part.Seen, next: part.Next}
		for _, row := range part.Rows {
			p.refs = append(p.refs, row.Ref())
		}
		p.do = func(ctx context.Context, n int, tally *sales.JobTally) (bool, error) {
			return do(ctx, part.Rows[n], tally)
		}
		return p, err
	}
}

// onImages is the work on rows as they are stored; nil for nil.
func onImages(do sales.JobImageWork) work {
	if do == nil {
		return nil
	}
	return func(ctx context.Context, db *rows.DB, from place, after string, limit int) (piece, error) {
		images, err := db.ReadImages(ctx, from.table, from.partition, after, limit)
		p := piece{seen: len(images.List), next: images.Next}
		for _, present := range images.List {
			p.refs = append(p.refs, present.Ref)
		}
		p.do = func(ctx context.Context, n int, tally *sales.JobTally) (bool, error) {
			return do(ctx, images.List[n], tally)
		}
		return p, err
	}
}

// read reads the piece of a place that starts after a cursor, "" for its start.
func (p place) read(ctx context.Context, db *rows.DB, after string, limit int) (rows.Part, error) {
	if p.ids == nil {
		part, err := db.Read(ctx, p.table, p.partition, after, limit)
		if p.pointing != nil {
			part.Rows = slices.DeleteFunc(part.Rows, func(row *rows.Row) bool { return !p.pointing(row) })
		}
		return part, err
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
