package embed

import (
	"context"
	"fmt"

	"segue/internal/store"
)

// Get implements [store.Store]. Here it is also a snapshot across keys.
func (s *Store) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	if err := store.CheckGet(keys); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	items := make([]store.Item, len(keys))
	err := s.read(ctx, func(v *view) error {
		for n, k := range keys {
			raw := v.get(spaceItems, itemKey(k))
			if raw == nil {
				continue
			}
			item, err := v.store.words.Load().image(raw).Item()
			if err != nil {
				return fmt.Errorf("%s/%s: %w", k.PK, k.SK, err)
			}
			items[n] = item
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	return items, nil
}

// Query implements [store.Store]. Here an index never lags.
func (s *Store) Query(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := s.query(ctx, q)
	if err != nil {
		return store.Page{}, fmt.Errorf("query %s: %w", q.Partition, err)
	}
	return page, nil
}

func (s *Store) query(ctx context.Context, q store.Query) (store.Page, error) {
	if err := store.CheckQuery(s.checked, q); err != nil {
		return store.Page{}, err
	}
	w := walk{span: querySpan(q), descending: q.Descending, limit: q.Limit, space: spaceItems, decode: s.decodeItem, keep: q.Keep}
	if x := s.index(q.Index); x != nil {
		w.space, w.decode, w.keep = x.space, x.decode, nil
	}
	return s.page(ctx, w)
}

// walk tells page what to read: part of a key space, and how to decode its entries.
type walk struct {
	span       span
	space      byte
	descending bool
	limit      int
	decode     func(k, v []byte) (store.Item, error)
	keep       func(store.Passing) bool // nil for all
}

// page reads items until the limit, the page or the span is full.
func (s *Store) page(ctx context.Context, w walk) (store.Page, error) {
	var page store.Page
	size := 0
	var left []byte // key of the last entry, if it was left out
	err := s.read(ctx, func(v *view) error {
		seen := &probe{image: s.words.Load().image(nil)}
		for k, raw := range v.entries(w.space, w.span, w.descending) {
			if w.limit > 0 && len(page.Items)+page.Left == w.limit {
				page.More = true
				return nil
			}
			seen.key, seen.text = k, raw
			if w.keep != nil && !w.keep(seen) {
				page.Left, page.LeftBytes, left = page.Left+1, page.LeftBytes+len(raw), append(left[:0], k...)
				continue
			}
			item, err := w.decode(k, raw)
			if err != nil {
				return err
			}
			if size += item.Size(); size > store.MaxPageBytes {
				page.More = true
				return nil
			}
			page.Items, left = append(page.Items, item), left[:0]
		}
		return nil
	})
	if err == nil && len(left) > 0 && page.More {
		_, page.LeftLast, _, err = cutEntry(left)
	}
	return page, err
}

func (s *Store) decodeItem(_, v []byte) (store.Item, error) {
	return s.words.Load().image(v).Item()
}

// decode returns what a query on the index returns for an entry: the four keys.
func (x *index) decode(k, _ []byte) (store.Item, error) {
	p, s, rest, err := cutEntry(k)
	if err != nil {
		return nil, err
	}
	pk, sk, rest, err := cutEntry(rest)
	if err != nil || len(rest) > 0 {
		return nil, errCorrupt
	}
	return store.Item{store.PK: store.S(pk), store.SK: store.S(sk), x.PK: store.S(p), x.SK: store.S(s)}, nil
}

// index returns an index by name, nil for the table itself.
func (s *Store) index(name string) *index {
	for i := range s.indexes {
		if s.indexes[i].Name == name {
			return &s.indexes[i]
		}
	}
	return nil
}

// read reads in one snapshot, unless ctx has ended.
func (s *Store) read(ctx context.Context, read func(*view) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.snapshot(read)
}
