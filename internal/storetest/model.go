package storetest

import (
	"cmp"
	"context"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"

	"segue/internal/store"
)

// Model is the contract at its most naive, a map under a mutex: the oracle
// that the property test compares a store with. It has no change feed.
type Model struct {
	indexes []store.Index

	mu    sync.Mutex
	items map[store.Key]store.Item
}

var _ store.Store = (*Model)(nil)

// NewModel makes an empty Model.
func NewModel(indexes []store.Index) *Model {
	return &Model{indexes: indexes, items: map[store.Key]store.Item{}}
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
	at, err := q.DecodeCursor()
	if err = cmp.Or(ctx.Err(), store.CheckQuery(m.indexes, q), err); err != nil {
		return store.Page{}, err
	}
	x := store.Index{PK: store.PK, SK: store.SK}
	if i := slices.IndexFunc(m.indexes, func(x store.Index) bool { return x.Name == q.Index }); i >= 0 {
		x = m.indexes[i]
	}
	place := func(i store.Item) store.Position {
		if q.Index == "" {
			return store.Position{Key: i.Key()}
		}
		return store.Position{Key: i.Key(), Sort: i[x.SK].Text()}
	}
	direction := 1
	if q.Descending {
		direction = -1
	}
	order := func(p, r store.Position) int {
		return direction * cmp.Or(cmp.Compare(p.Sort, r.Sort), cmp.Compare(p.Key.PK, r.Key.PK), cmp.Compare(p.Key.SK, r.Key.SK))
	}
	selected := m.sorted(func(i store.Item) bool {
		p, s := i[x.PK], i[x.SK]
		return p.Text() == q.Partition && s.Kind() == store.String && strings.HasPrefix(s.Text(), q.Prefix) &&
			s.Text() >= q.From && (q.To == "" || s.Text() <= q.To) && (at == nil || order(place(i), *at) > 0)
	}, func(a, b store.Item) int { return order(place(a), place(b)) })
	if q.Index != "" {
		for n, i := range selected {
			selected[n] = store.Item{store.PK: i[store.PK], store.SK: i[store.SK], x.PK: i[x.PK], x.SK: i[x.SK]}
		}
	}
	return page(selected, q.Limit, func(i store.Item) string { return q.EncodeCursor(place(i)) }), nil
}

// Scan implements store.Store.
func (m *Model) Scan(ctx context.Context, s store.Scan) (store.Page, error) {
	at, err := s.DecodeCursor()
	if err = cmp.Or(ctx.Err(), store.CheckScan(s), err); err != nil {
		return store.Page{}, err
	}
	order := func(k, l store.Key) int { return cmp.Or(cmp.Compare(k.PK, l.PK), cmp.Compare(k.SK, l.SK)) }
	selected := m.sorted(func(i store.Item) bool {
		h := fnv.New32a()
		_, _ = h.Write([]byte(i[store.PK].Text())) // a hash never fails
		return int(h.Sum32())%s.Segments == s.Segment && (at == nil || order(i.Key(), at.Key) > 0)
	}, func(a, b store.Item) int { return order(a.Key(), b.Key()) })
	return page(selected, s.Limit, func(i store.Item) string { return s.EncodeCursor(i.Key()) }), nil
}

func (m *Model) sorted(keep func(store.Item) bool, order func(a, b store.Item) int) []store.Item {
	m.mu.Lock()
	defer m.mu.Unlock()
	var items []store.Item
	for _, i := range m.items {
		if keep(i) {
			items = append(items, i.Clone())
		}
	}
	slices.SortFunc(items, order)
	return items
}

func page(items []store.Item, limit int, cursor func(store.Item) string) store.Page {
	size := 0
	for n, i := range items {
		if size += i.Size(); n > 0 && (n == limit || size > store.MaxPageBytes) {
			return store.Page{Items: items[:n], Cursor: cursor(items[n-1])}
		}
	}
	return store.Page{Items: items}
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
		next[op.Key] = leaves(op, old)
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

// leaves is the item that op leaves behind, nil for none.
func leaves(op store.Op, old store.Item) store.Item {
	switch op.Kind {
	case store.OpPut:
		return op.Item.Clone()
	case store.OpUpdate:
		i := store.Item{store.PK: store.S(op.Key.PK), store.SK: store.S(op.Key.SK)}
		maps.Copy(i, old)
		maps.Copy(i, op.Item)
		maps.DeleteFunc(i, func(name string, _ store.Value) bool { return slices.Contains(op.Remove, name) })
		return i
	case store.OpCheck:
		return old
	case store.OpDelete:
	}
	return nil
}
