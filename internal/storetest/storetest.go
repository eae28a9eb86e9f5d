// Package storetest defines what the contract of internal/store means: a script of
// operations that runs on every store, as it is and wrapped in a [probe.Probe] that
// makes its indexes lag and its responses get lost, and a [Model] that implements the
// contract in the simplest way.
//
// Invariant: the script asserts only what DynamoDB does, so that it passes on DynamoDB
// and on the embedded file. A rule that is not in the script is not part of the
// contract.
//
// Size: one script a rule, for every operation, condition, limit and race; it is
// test code that is not in _test files because each store's tests run it.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"segue/internal/probe"
	"segue/internal/store"
)

// Table is a store with a change feed.
type Table interface {
	store.Store
	store.Feed
}

// Run runs the whole contract. Every test opens an empty table of its own with
// the indexes that it needs; open registers the cleanup with t.
func Run(t *testing.T, open func(t *testing.T, indexes []store.Index) Table) {
	RunStore(t, func(t *testing.T, indexes []store.Index) store.Store { return open(t, indexes) })
	runAll(t, feedTests(), func(t *testing.T) *script {
		tab := open(t, testIndexes())
		s := newScript(t, tab)
		s.feed = tab
		return s
	})
}

// RunStore runs the part of the contract that needs no change feed.
func RunStore(t *testing.T, open func(t *testing.T, indexes []store.Index) store.Store) {
	for _, group := range []map[string]func(*script){
		writeTests(), readTests(), indexTests(), limitTests(), raceTests(),
	} {
		runAll(t, group, func(t *testing.T) *script { return newScript(t, open(t, testIndexes())) })
	}
	runAll(t, hostileTests(), func(t *testing.T) *script { return newHostile(t, open(t, testIndexes())) })
}

func runAll(t *testing.T, tests map[string]func(*script), open func(t *testing.T) *script) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(open(t))
		})
	}
}

// testIndexes returns four indexes, as many as the product declares: one with keys of
// its own, one that sorts by the table's sort key, and two that share attributes
// with these.
func testIndexes() []store.Index {
	return []store.Index{
		{Name: "stage", PK: "gpk", SK: "gsk"}, {Name: "owner", PK: "owner", SK: store.SK},
		{Name: "shared", PK: "gsk", SK: "owner"}, {Name: "due", PK: "owner", SK: "due"},
	}
}

// patience bounds the wait for what a store may do late. A test that passes never
// waits that long.
const patience = time.Minute

// script is a store and the verbs that the tests are written in.
type script struct {
	*testing.T
	ctx   context.Context //nolint:containedctx // a script is one test, which has one context
	store store.Store
	feed  store.Feed

	probe  *probe.Probe  // of a hostile store
	faults func(on bool) // of a hostile store, nil of any other
}

func newScript(t *testing.T, store store.Store) *script {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &script{T: t, ctx: ctx, store: store}
}

func key(pk, sk string) store.Key { return store.Key{PK: pk, SK: sk} }

// always returns the condition that always holds.
func always() store.Condition { return store.Condition{} }

// item makes an item from its key and pairs of attribute and value.
func item(k store.Key, pairs ...any) store.Item {
	i := attrs(pairs...)
	i[store.PK], i[store.SK] = store.S(k.PK), store.S(k.SK)
	return i
}

// attrs makes attributes from pairs of name and value: string, int or
// store.Value.
func attrs(pairs ...any) store.Item {
	i := store.Item{}
	for pair := range slices.Chunk(pairs, 2) {
		i[fmt.Sprint(pair[0])] = value(pair[1])
	}
	return i
}

// other reads a value in DynamoDB's JSON. An invalid text returns an absent
// value, which no store accepts.
func other(text string) store.Value {
	v, err := store.ParseJSON([]byte(text))
	if err != nil {
		return store.Value{}
	}
	return v
}

func value(v any) store.Value {
	switch v := v.(type) {
	case string:
		return store.S(v)
	case int:
		return store.Int(int64(v))
	case store.Value:
		return v
	}
	return store.Nil()
}

// filler returns a copy of i with a string attribute that makes it as large as size.
func filler(i store.Item, size int) store.Item {
	i = i.Clone()
	i["fill"] = store.S(strings.Repeat("x", size-i.Size()-len("fill")))
	return i
}

// write writes operations that must succeed.
func (s *script) write(ops ...store.Op) {
	s.Helper()
	if err := s.store.Write(s.ctx, ops...); err != nil {
		s.Fatalf("write: %v", err)
	}
}

// put stores items one by one, under no condition.
func (s *script) put(items ...store.Item) {
	s.Helper()
	for _, i := range items {
		s.write(store.Put(i, always()))
	}
}

// putAll stores items by transactions that stay below the limits.
func (s *script) putAll(items []store.Item) {
	s.Helper()
	var ops []store.Op
	size := 0
	for _, i := range items {
		if size += i.Size(); size > store.MaxWriteBytes || len(ops) == store.MaxWriteOps {
			s.write(ops...)
			ops, size = nil, i.Size()
		}
		ops = append(ops, store.Put(i, always()))
	}
	s.write(ops...)
}

// refused fails the test unless a write fails on the condition of operation op, which
// saw the item seen.
func (s *script) refused(op int, seen store.Item, ops ...store.Op) {
	s.Helper()
	err := s.store.Write(s.ctx, ops...)
	var got *store.ConditionError
	if !errors.As(err, &got) {
		s.Fatalf("write: got error %v, want a ConditionError", err)
	}
	want := &store.ConditionError{Op: op, Key: ops[op].Key, Item: seen}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		s.Errorf("condition error (-want +got):\n%s", d)
	}
	if seen == nil && got.Item != nil {
		s.Errorf("condition error has the item %v where there was none, want nil", got.Item)
	}
}

// exceeds fails the test unless err reports that a limit was exceeded.
func (s *script) exceeds(err error) {
	s.Helper()
	var got *store.ExceededError
	if !errors.As(err, &got) {
		s.Errorf("got error %v, want an ExceededError", err)
	}
}

// is fails the test unless err is of the kind.
func (s *script) is(err, kind error) {
	s.Helper()
	if !errors.Is(err, kind) {
		s.Errorf("got error %v, want %v", err, kind)
	}
}

// get reads one item, nil when there is none.
func (s *script) get(k store.Key) store.Item {
	s.Helper()
	items, err := s.store.Get(s.ctx, k)
	if err != nil || len(items) != 1 {
		s.Fatalf("get %v: got %d items, error %v", k, len(items), err)
	}
	return items[0]
}

// has fails the test unless these items are stored as they are.
func (s *script) has(want ...store.Item) {
	s.Helper()
	for _, w := range want {
		if d := cmp.Diff(w, s.get(w.Key())); d != "" {
			s.Errorf("item %v (-want +got):\n%s", w.Key(), d)
		}
	}
}

// lacks fails the test unless there is nothing under these keys.
func (s *script) lacks(keys ...store.Key) {
	s.Helper()
	for _, k := range keys {
		if got := s.get(k); got != nil {
			s.Errorf("item %v: got %v, want none", k, got)
		}
	}
}

// pages reads q to its end, each page after the last item of the one before.
func (s *script) pages(q store.Query) []store.Page {
	s.Helper()
	var pages []store.Page
	for {
		p, err := s.store.Query(s.ctx, q)
		if err != nil {
			s.Fatalf("query %+v: %v", q, err)
		}
		pages = append(pages, p)
		if !p.More {
			return pages
		}
		switch {
		case p.LeftLast != "":
			q.After = p.LeftLast
		case len(p.Items) == 0:
			s.Fatalf("query of %s: a page without items has More", q.Partition)
		default:
			q.After = p.Items[len(p.Items)-1][sortKeyOf(q.Index)].Text()
		}
	}
}

// sortKeyOf returns the attribute that orders an index of testIndexes.
func sortKeyOf(index string) string {
	for _, x := range testIndexes() {
		if x.Name == index {
			return x.SK
		}
	}
	return store.SK
}

// all returns the items of pages.
func all(pages []store.Page) []store.Item {
	var items []store.Item
	for _, p := range pages {
		items = append(items, p.Items...)
	}
	return items
}

// sortKeys returns the sort keys of all pages of q.
func (s *script) sortKeys(q store.Query) []string {
	s.Helper()
	var keys []string
	for _, i := range all(s.pages(q)) {
		keys = append(keys, i[store.SK].Text())
	}
	return keys
}

// eventually waits until q on an index, which may lag, returns want.
func (s *script) eventually(q store.Query, want ...store.Item) {
	s.Helper()
	s.eventuallySorted(q, func(_, _ store.Item) int { return 0 }, want)
}

// eventuallySorted is eventually for items in an order that is not promised.
func (s *script) eventuallySorted(q store.Query, order func(a, b store.Item) int, want []store.Item) {
	s.Helper()
	for {
		got := all(s.pages(q))
		slices.SortStableFunc(got, order)
		d := cmp.Diff(want, got, cmpopts.EquateEmpty())
		if d == "" {
			return
		}
		select {
		case <-s.ctx.Done():
			s.Fatalf("query %+v (-want +got):\n%s", q, d)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
