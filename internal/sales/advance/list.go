package advance

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"segue/internal/rows"
	"segue/internal/schema"
)

// list is the due list as one list, the oldest entry first: its shards, merged.
type list struct {
	db     *rows.DB
	now    time.Time
	page   int // entries of a request
	shards [schema.Shards]shard
}

// shard is one partition of the list: what has been read of it and is left.
type shard struct {
	entries []rows.DueEntry
	after   string // key after which the rest starts
	more    bool   // there is a rest
}

// open reads the first page of every shard at the same time: the only requests where
// nothing is due.
func (l *list) open(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range l.shards {
		group.Go(func() error { return l.read(ctx, i) })
	}
	return group.Wait()
}

// read reads the next page of a shard.
func (l *list) read(ctx context.Context, i int) error {
	s := &l.shards[i]
	entries, next, err := l.db.ReadDue(ctx, i, l.now, s.after, l.page)
	if err != nil {
		return err
	}
	s.entries, s.after, s.more = entries, next, next != ""
	return nil
}

// next takes the oldest entry that is left; ok is false when there is none.
func (l *list) next(ctx context.Context) (entry rows.DueEntry, ok bool, err error) {
	var oldest *shard
	for i := range l.shards {
		s := &l.shards[i]
		for len(s.entries) == 0 && s.more {
			if err := l.read(ctx, i); err != nil {
				return rows.DueEntry{}, false, err
			}
		}
		if len(s.entries) > 0 && (oldest == nil || s.entries[0].Key < oldest.entries[0].Key) {
			oldest = s
		}
	}
	if oldest == nil {
		return rows.DueEntry{}, false, nil
	}
	entry, oldest.entries = oldest.entries[0], oldest.entries[1:]
	return entry, true, nil
}
