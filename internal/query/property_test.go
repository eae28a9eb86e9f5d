package query_test

import (
	"context"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"segue/internal/clock"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/filter/filtertest"
	"segue/internal/query"
	"segue/internal/query/querytest"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/store"
)

// play reads the list of a story and compares it with what the oracle says of all rows.
func play(ctx context.Context, p *querytest.Stage, c querytest.Story) error {
	defer func() { _ = p.Clear(ctx) }()
	if err := p.Make(ctx, c.Rows); err != nil {
		return err
	}
	s := p.DB.Schema()
	before, err := p.World(ctx)
	if err != nil {
		return err
	}
	q := query.Query{Table: s.Table(c.Table), Where: c.Where, Order: c.Order, Scope: c.Scope, Count: c.Count}
	var found []string
	counted := 0
	for page := 0; ; page++ {
		q.Limit = c.Limit[page%len(c.Limit)]
		list, err := query.New(p.DB).Select(ctx, q)
		if err != nil {
			return err
		}
		if page == 0 {
			counted = list.Count
		}
		list.Cut(c.Cut[page%len(c.Cut)])
		for _, row := range list.Rows {
			found = append(found, row.ID)
		}
		if q.Token = list.Token; q.Token == "" {
			break
		}
		if page < len(c.Later) {
			if err := p.Make(ctx, c.Later[page]); err != nil {
				return err
			}
		}
	}
	after, err := p.World(ctx)
	if err != nil {
		return err
	}
	return c.Check(s, before, after, found, counted)
}

// TestLists: whatever the condition, the order and the pages, a list has the rows that a
// naive filter finds among all rows, each once and in order, while others are made.
func TestLists(t *testing.T) {
	s := filtertest.Schema(t)
	open := func(in store.Store) *querytest.Stage {
		return &querytest.Stage{DB: rows.New(in, s, clock.Of(rowstest.Clock))}
	}
	t.Run("embedded", func(t *testing.T) {
		p := open(rowstest.Open(t, filepath.Join(t.TempDir(), "rows.db")))
		rapid.Check(t, func(rt *rapid.T) {
			c := querytest.Draw(rt, s)
			if err := play(t.Context(), p, c); err != nil {
				explained, _ := query.New(p.DB).Explain(query.Query{Table: s.Table(c.Table), Where: c.Where, Order: c.Order, Scope: c.Scope})
				rt.Fatalf("%s of %s by %v, %+v: %v", c.Where, c.Table, c.Order, explained, err)
			}
		})
	})
	t.Run("DynamoDB", func(t *testing.T) {
		p := open(dynamotest.Open(t, rows.Indexes()))
		stories := rapid.Custom(func(rt *rapid.T) querytest.Story { return querytest.Draw(rt, s) })
		for seed := range 12 {
			c := stories.Example(seed)
			if err := play(t.Context(), p, c); err != nil {
				t.Fatalf("seed %d: %s of %s by %v: %v", seed, c.Where, c.Table, c.Order, err)
			}
		}
	})
}
