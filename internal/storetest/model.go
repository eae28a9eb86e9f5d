package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"segue/internal/probe"
	"segue/internal/store"
)

// Model implements the contract in the simplest way, as a map under a mutex. It is the
// oracle that the property test compares a store with. It has no change feed.
type Model struct {
	indexes []store.Index

	mu    sync.Mutex
	items map[store.Key]store.Item
}

var _ store.Store = (*Model)(nil)

// NewModel returns an empty Model.
func NewModel(indexes []store.Index) *Model {
	return &Model{indexes: indexes, items: map[store.Key]store.Item{}}
}

// Items returns all items.
func (m *Model) Items(testing.TB) map[store.Key]store.Item {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := map[store.Key]store.Item{}
	for key, item := range m.items {
		items[key] = item.Clone()
	}
	return items
}

// Get implements store.Store.
func (m *Model) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	if err := cmp.Or(ctx.Err(), store.CheckGet(keys)); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	items := make([]store.Item, len(keys))
	for n, k := range keys {
		items[n] = m.items[k].Clone()
	}
	return items, nil
}

// Query implements store.Store.
func (m *Model) Query(ctx context.Context, q store.Query) (store.Page, error) {
	if err := cmp.Or(ctx.Err(), store.CheckQuery(m.indexes, q)); err != nil {
		return store.Page{}, err
	}
	x := store.Index{PK: store.PK, SK: store.SK}
	if i := slices.IndexFunc(m.indexes, func(x store.Index) bool { return x.Name == q.Index }); i >= 0 {
		x = m.indexes[i]
	}
	var items []store.Item
	m.mu.Lock()
	for _, i := range m.items {
		if i[x.PK].Text() == q.Partition && i[x.SK].Kind() == store.String {
			items = append(items, i.Clone())
		}
	}
	m.mu.Unlock()
	if q.Index != "" {
		for n, i := range items {
			items[n] = store.Item{store.PK: i[store.PK], store.SK: i[store.SK], x.PK: i[x.PK], x.SK: i[x.SK]}
		}
	}
	return probe.Cut(items, q, x.SK), nil
}

// Write implements store.Store.
func (m *Model) Write(ctx context.Context, ops ...store.Op) error {
	if err := cmp.Or(ctx.Err(), store.CheckWrite(m.indexes, ops)); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := maps.Clone(m.items)
	for n, op := range ops {
		old := m.items[op.Key]
		if !op.If.Holds(old) {
			return &store.ConditionError{Op: n, Key: op.Key, Item: old.Clone()}
		}
		left, err := op.Result(old)
		if err != nil {
			return err
		}
		next[op.Key] = left
		if err := store.CheckItemSize(op.Key, next[op.Key].Size()); err != nil {
			return err
		}
		if next[op.Key] == nil {
			delete(next, op.Key)
		}
	}
	m.items = next
	return nil
}
