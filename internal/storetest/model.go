package storetest

import (
	"cmp"
	"context"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"

	"segue/internal/table"
)

// Model is the contract at its most naive, a map under a mutex: the oracle
// that the property test compares a store with. It has no change feed.
type Model struct {
	indexes []table.Index

	mu    sync.Mutex
	items map[table.Key]table.Item
}

var _ table.Store = (*Model)(nil)

// NewModel makes an empty Model.
func NewModel(indexes []table.Index) *Model {
	return &Model{indexes: indexes, items: map[table.Key]table.Item{}}
}

// Get implements table.Store.
func (m *Model) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if err := cmp.Or(ctx.Err(), table.CheckGet(keys)); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	items := make([]table.Item, len(keys))
	for n, k := range keys {
		items[n] = m.items[k].Clone()
	}
	return items, nil
}

// Query implements table.Store.
func (m *Model) Query(ctx context.Context, q table.Query) (table.Page, error) {
	at, err := q.DecodeCursor()
	if err = cmp.Or(ctx.Err(), table.CheckQuery(m.indexes, q), err); err != nil {
		return table.Page{}, err
	}
	x := table.Index{PK: table.PK, SK: table.SK}
	if i := slices.IndexFunc(m.indexes, func(x table.Index) bool { return x.Name == q.Index }); i >= 0 {
		x = m.indexes[i]
	}
	place := func(i table.Item) table.Position {
		if q.Index == "" {
			return table.Position{Key: i.Key()}
		}
		return table.Position{Key: i.Key(), Sort: i[x.SK].Text()}
	}
	direction := 1
	if q.Descending {
		direction = -1
	}
	order := func(p, r table.Position) int {
		return direction * cmp.Or(cmp.Compare(p.Sort, r.Sort), cmp.Compare(p.Key.PK, r.Key.PK), cmp.Compare(p.Key.SK, r.Key.SK))
	}
	selected := m.sorted(func(i table.Item) bool {
		p, s := i[x.PK], i[x.SK]
		return p.Text() == q.Partition && s.Kind() == table.String && strings.HasPrefix(s.Text(), q.Prefix) &&
			s.Text() >= q.From && (q.To == "" || s.Text() <= q.To) && (at == nil || order(place(i), *at) > 0)
	}, func(a, b table.Item) int { return order(place(a), place(b)) })
	if q.Index != "" {
		for n, i := range selected {
			selected[n] = table.Item{table.PK: i[table.PK], table.SK: i[table.SK], x.PK: i[x.PK], x.SK: i[x.SK]}
		}
	}
	return page(selected, q.Limit, func(i table.Item) string { return q.EncodeCursor(place(i)) }), nil
}

// Scan implements table.Store.
func (m *Model) Scan(ctx context.Context, s table.Scan) (table.Page, error) {
	at, err := s.DecodeCursor()
	if err = cmp.Or(ctx.Err(), table.CheckScan(s), err); err != nil {
		return table.Page{}, err
	}
	order := func(k, l table.Key) int { return cmp.Or(cmp.Compare(k.PK, l.PK), cmp.Compare(k.SK, l.SK)) }
	selected := m.sorted(func(i table.Item) bool {
		h := fnv.New32a()
		_, _ = h.Write([]byte(i[table.PK].Text())) // a hash never fails
		return int(h.Sum32())%s.Segments == s.Segment && (at == nil || order(i.Key(), at.Key) > 0)
	}, func(a, b table.Item) int { return order(a.Key(), b.Key()) })
	return page(selected, s.Limit, func(i table.Item) string { return s.EncodeCursor(i.Key()) }), nil
}

func (m *Model) sorted(keep func(table.Item) bool, order func(a, b table.Item) int) []table.Item {
	m.mu.Lock()
	defer m.mu.Unlock()
	var items []table.Item
	for _, i := range m.items {
		if keep(i) {
			items = append(items, i.Clone())
		}
	}
	slices.SortFunc(items, order)
	return items
}

func page(items []table.Item, limit int, cursor func(table.Item) string) table.Page {
	size := 0
	for n, i := range items {
		if size += i.Size(); n > 0 && (n == limit || size > table.MaxPageBytes) {
			return table.Page{Items: items[:n], Cursor: cursor(items[n-1])}
		}
	}
	return table.Page{Items: items}
}

// Write implements table.Store.
func (m *Model) Write(ctx context.Context, ops ...table.Op) error {
	if err := cmp.Or(ctx.Err(), table.CheckWrite(m.indexes, ops)); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := maps.Clone(m.items)
	for n, op := range ops {
		old := m.items[op.Key]
		if !op.If.Holds(old) {
			return &table.ConditionError{Op: n, Key: op.Key, Item: old.Clone()}
		}
		next[op.Key] = leaves(op, old)
		if err := table.CheckItemSize(op.Key, next[op.Key].Size()); err != nil {
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
func leaves(op table.Op, old table.Item) table.Item {
	switch op.Kind {
	case table.OpPut:
		return op.Item.Clone()
	case table.OpUpdate:
		i := table.Item{table.PK: table.S(op.Key.PK), table.SK: table.S(op.Key.SK)}
		maps.Copy(i, old)
		maps.Copy(i, op.Item)
		maps.DeleteFunc(i, func(name string, _ table.Value) bool { return slices.Contains(op.Remove, name) })
		return i
	case table.OpCheck:
		return old
	case table.OpDelete:
	}
	return nil
}
