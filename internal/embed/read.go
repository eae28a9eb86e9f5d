package embed

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"segue/internal/store"
)

// Get implements store.Store; here it is a snapshot across keys too.
func (s *Store) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	if err := store.CheckGet(keys); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	items := make([]store.Item, len(keys))
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		b := bucket(tx, bucketItems)
		for n, k := range keys {
			v := b.Get(itemKey(k))
			if v == nil {
				continue
			}
			item, err := image(v).Item()
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

// Query implements store.Store; here an index never lags.
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
	at, err := q.DecodeCursor()
	if err != nil {
		return store.Page{}, err
	}
	x := s.index(q.Index)
	base := appendPartition(appendHash(nil, q.Partition), q.Partition)
	if x != nil {
		base = appendPartition(nil, q.Partition)
	}
	w := walk{span: querySpan(base, q), descending: q.Descending, limit: q.Limit, bucket: bucketItems, decode: decodeItem}
	if x != nil {
		w.bucket, w.decode = x.bucket, x.decode
	}
	if at != nil {
		w.span = w.span.beyond(position(q, *at), q.Descending)
	}
	items, more, err := s.page(ctx, w)
	page := store.Page{Items: items}
	if more {
		last := items[len(items)-1]
		p := store.Position{Key: last.Key()}
		if x != nil {
			p.Sort = last[x.SK].Text()
		}
		page.Cursor = q.EncodeCursor(p)
	}
	return page, err
}

// position is the key of the entry that a cursor of q points at.
func position(q store.Query, p store.Position) []byte {
	if q.Index == "" {
		return itemKey(p.Key)
	}
	return appendEntry(appendEntry(nil, q.Partition, p.Sort), p.Key.PK, p.Key.SK)
}

// Scan implements store.Store.
func (s *Store) Scan(ctx context.Context, sc store.Scan) (store.Page, error) {
	page, err := s.scan(ctx, sc)
	if err != nil {
		return store.Page{}, fmt.Errorf("scan: %w", err)
	}
	return page, nil
}

func (s *Store) scan(ctx context.Context, sc store.Scan) (store.Page, error) {
	if err := store.CheckScan(sc); err != nil {
		return store.Page{}, err
	}
	at, err := sc.DecodeCursor()
	if err != nil {
		return store.Page{}, err
	}
	w := walk{span: segmentSpan(sc.Segment, sc.Segments), limit: sc.Limit, bucket: bucketItems, decode: decodeItem}
	if at != nil {
		w.span = w.span.beyond(itemKey(at.Key), false)
	}
	items, more, err := s.page(ctx, w)
	page := store.Page{Items: items}
	if more {
		page.Cursor = sc.EncodeCursor(items[len(items)-1].Key())
	}
	return page, err
}

// walk is what page reads: part of a bucket and how to decode its entries.
type walk struct {
	span       span
	bucket     string
	descending bool
	limit      int
	decode     func(k, v []byte) (store.Item, error)
}

// page reads items until the limit, the page or the span is full, and says
// whether more of the span is left.
func (s *Store) page(ctx context.Context, w walk) (items []store.Item, more bool, err error) {
	size := 0
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		for k, v := range entries(bucket(tx, w.bucket), w.span, w.descending) {
			item, err := w.decode(k, v)
			if err != nil {
				return err
			}
			size += item.Size()
			if w.limit > 0 && len(items) == w.limit || size > store.MaxPageBytes {
				more = true
				return nil
			}
			items = append(items, item)
		}
		return nil
	})
	return items, more, err
}

func decodeItem(_, v []byte) (store.Item, error) { return image(v).Item() }

// decode is what a query on the index answers of an entry: the four keys.
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

// index finds an index by name, nil for the table itself.
func (s *Store) index(name string) *index {
	for i := range s.indexes {
		if s.indexes[i].Name == name {
			return &s.indexes[i]
		}
	}
	return nil
}

// view reads in one snapshot.
func (s *Store) view(ctx context.Context, read func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.db.View(read)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return errClosed
	}
	return err
}
