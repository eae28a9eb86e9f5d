package rollup_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/rollup"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// The words of the tests; salestest says what they mean.
type (
	values = salestest.Values
	world  = salestest.World
)

var (
	id     = salestest.ID
	lookup = salestest.Lookup
)

// newWorld is a world with the roll-ups of testdata/own, and its clock.
func newWorld(t *testing.T) (*world, *clock.Manual) {
	t.Helper()
	c := clock.NewManual(salestest.Now())
	return newWorldOn(t, salestest.OpenEmbedded(t, embed.NoSync(), embed.Clock(c)), c), c
}

// newWorldOn is newWorld on an empty store.
func newWorldOn(t *testing.T, on salestest.ChangeStore, c *clock.Manual) *world {
	t.Helper()
	folder, err := filepath.Abs("testdata/own")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SEGUE_SCHEMA", folder)
	return salestest.NewOn(t, on, c.Now, boot.Options{Freshness: sales.Freshness{Clock: c}})
}

func account(w *world, n int) rows.Ref {
	return w.Create("account", id("account", n), values{"name": fmt.Sprintf("Account %d", n)}).Ref()
}

func money(n int64) decimal.Decimal { return decimal.NewFromInt(n) }

func day(n int) time.Time { return time.Date(2026, 5, n, 0, 0, 0, 0, time.UTC) }

// later passes over the due list when indexes show everything and nobody has written for a
// while, twice: the first pass may change something.
func later(t *testing.T, w *world, c *clock.Manual) {
	t.Helper()
	w.Probe.Lag(0)
	w.Settle()
	for range 2 {
		c.Advance(rollup.Lag + time.Minute)
		if _, err := w.Advance.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Settle()
	}
	if due := all(w, name.Recount); len(due) > 0 {
		t.Errorf("%d rows are to be compared again without end", len(due))
	}
}

// lose has what has changed so far followed by nobody.
func lose(w *world) {
	w.T.Helper()
	if err := w.Store.Drain(w.T.Context(), "evaluate", func(context.Context, []store.Change) []store.Failure { return nil }); err != nil {
		w.T.Fatal(err)
	}
}

// all are the rows of a table that is on no wire.
func all(w *world, table string) (list []*rows.Row) {
	w.T.Helper()
	for row, err := range query.New(w.DB).Each(w.T.Context(), query.Query{Table: w.DB.Schema().Table(table)}) {
		if err != nil {
			w.T.Fatal(err)
		}
		list = append(list, row)
	}
	return list
}

// shown are the roll-ups of a row.
func shown(w *world, ref rows.Ref) values {
	w.T.Helper()
	return only(w.Row(ref.Table, ref.ID).Values())
}

func only(row map[string]schema.Value) values {
	got := values{}
	for column, v := range row {
		if len(column) > 4 && column[:4] == "new_" {
			got[column] = v.String()
		}
	}
	return got
}

// naive are the roll-ups of an account, by reading all opportunities.
func naive(w *world, ref rows.Ref) values {
	w.T.Helper()
	sum, total, n, open, bought := decimal.Zero, decimal.Zero, int64(0), 0, 0
	var likely []int64
	var closing []string
	for _, o := range w.List("opportunity", nil) {
		v, isOpen := o.Values(), o.Int("statecode") == 0
		if o.Lookup("customerid") == lookup(ref) {
			bought++
		}
		if o.Lookup("parentaccountid") != lookup(ref) {
			continue
		}
		if isOpen {
			open++
		}
		if d, ok := v["estimatedvalue"].Dec(); ok {
			n, total = n+1, total.Add(d)
			if isOpen {
				sum = sum.Add(d)
			}
		}
		if p, ok := v["closeprobability"].Int(); ok {
			likely = append(likely, p)
		}
		if _, ok := v["estimatedclosedate"].Time(); ok && isOpen {
			closing = append(closing, v["estimatedclosedate"].String())
		}
	}
	want := values{"new_opendeals": fmt.Sprint(open), "new_openrevenue": sum.String(), "new_bought": fmt.Sprint(bought)}
	if n > 0 {
		want["new_averagedeal"] = schema.Dec(total.DivRound(decimal.NewFromInt(n), 4)).String()
		want["new_averagedeal_tally"] = fmt.Sprintf("%d %s", n, total)
	}
	if len(likely) > 0 {
		want["new_leastlikely"] = fmt.Sprint(slices.Min(likely))
	}
	if len(closing) > 0 {
		want["new_lastclose"] = slices.Max(closing)
	}
	return want
}

// right checks that the roll-ups of accounts are what a reader of all rows makes of them.
func right(w *world, accounts ...rows.Ref) {
	w.T.Helper()
	for _, ref := range accounts {
		if d := cmp.Diff(naive(w, ref), shown(w, ref)); d != "" {
			w.T.Errorf("roll-ups of %v (-naive +shown):\n%s", ref, d)
		}
	}
}

// with are columns, those of more in place of others.
func with(v, more values) values {
	v = maps.Clone(v)
	maps.Copy(v, more)
	return v
}
