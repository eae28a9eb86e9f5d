package query

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"segue/internal/rows"
	"segue/internal/schema"
)

// atOnce is how many lists of rows that point at others are read at the same time.
const atOnce = 8

// Related reads rows that are related to those of a request, each once. It belongs to
// one goroutine.
type Related struct {
	reader  *Reader
	related *related
}

// Related returns a reader of related rows within the budget of a request.
func (r *Reader) Related(budget *Budget, reads Readable) *Related {
	return &Related{r, newRelated(r.db, budget, reads)}
}

// Follow returns for each of some rows the one that a navigation property leads to, nil
// where there is none that may be read. It reads all of them in one batch.
func (x *Related) Follow(ctx context.Context, list []*rows.Row, nav string) ([]*rows.Row, error) {
	var tables []*schema.Table
	for _, row := range list {
		if !slices.Contains(tables, row.Table) {
			tables = append(tables, row.Table)
		}
	}
	found := make([]*rows.Row, len(list))
	h, ok := newHop(x.reader.db.Schema(), tables, nav)
	if !ok {
		return found, nil
	}
	if _, err := x.related.step(ctx, list, h); err != nil {
		return nil, err
	}
	for i, row := range list {
		found[i] = x.related.follow(row, h)
	}
	return found, nil
}

// Children returns for each of some rows those rows of a query that point at it by a
// column, the first q.Limit of them in its order. An index is asked for each row;
// without one, all rows of the query are read once.
func (x *Related) Children(ctx context.Context, parents []rows.Ref, column string, q Query) ([][]*rows.Row, error) {
	q.Budget, q.Token, q.Count = x.related.budget, "", false
	if len(parents) == 0 {
		return nil, nil
	}
	all := pointing{x.reader, q, column}
	switch indexed, err := all.indexed(parents[0]); {
	case err != nil:
		return nil, err
	case !indexed:
		return x.childrenOfAll(ctx, parents, column, q)
	}
	children := make([][]*rows.Row, len(parents))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, parent := range parents {
		group.Go(func() error {
			page, err := x.reader.Select(ctx, all.at(parent))
			children[i] = page.Rows
			return err
		})
	}
	return children, group.Wait() //nolint:wrapcheck // it is that of Select
}

// childrenOfAll reads all rows of a query once and gives each row its own.
func (x *Related) childrenOfAll(ctx context.Context, parents []rows.Ref, column string, q Query) ([][]*rows.Row, error) {
	keys, err := sortKeys(x.reader.db.Schema(), q.Table, q.Order, nil)
	if err != nil {
		return nil, err
	}
	order := &sorting{keys}
	q.Order = nil
	run, err := x.reader.begin(q)
	if err != nil {
		return nil, err
	}
	names := newRelated(run.db, q.Budget, q.Reads)
	of := map[rows.Ref]*top{}
	for _, parent := range parents {
		of[parent] = &top{run: run, sort: order, names: names, first: true}
	}
	for from := run.source(position{}); !from.done(); {
		piece, err := from.read(ctx, maxChunk)
		if err == nil {
			err = run.distribute(ctx, piece.rows, column, of)
		}
		if err != nil {
			return nil, err
		}
	}
	children := make([][]*rows.Row, len(parents))
	for i, parent := range parents {
		if children[i], err = of[parent].rows(); err != nil {
			return nil, err
		}
	}
	return children, nil
}

// distribute gives rows that match to those that they point at.
func (r *run) distribute(ctx context.Context, list []*rows.Row, column string, of map[rows.Ref]*top) error {
	shown, err := r.shown(ctx, list)
	if err != nil {
		return err
	}
	for i, row := range list {
		at, err := pointsAt(row, column)
		if err != nil {
			return err
		}
		parent := of[at]
		if !shown[i] || parent == nil {
			continue
		}
		if err := parent.addAll(ctx, []*rows.Row{row}); err != nil {
			return err
		}
	}
	return nil
}
