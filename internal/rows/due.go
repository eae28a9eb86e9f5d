package rows

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"segue/internal/schema"
	"segue/internal/store"
)

// DueEntry is an entry of the due list as the index shows it, which may lag: the row
// may have changed since, and its table may be one that only another version of
// the program knows.
type DueEntry struct {
	Ref Ref
	Key string // its sort key; over all shards, the older entry has the smaller key
}

// ReadDue reads a page of one shard of the due list, of at most limit entries: those
// whose time has come at now, the oldest first, after a key ("": from the oldest).
// next is the key after which the next page starts, "" at the end. One call is one
// request.
func (db *DB) ReadDue(ctx context.Context, shard int, now time.Time, after string, limit int) (entries []DueEntry, next string, err error) {
	// A key has more after its time, so that this one follows those of the second
	// before it and belongs to no row.
	end := now.UTC().Truncate(time.Second).Add(time.Second).Format(keyTime)
	index := indexOf(schema.DueOn)
	page, err := db.store.Query(ctx, store.Query{
		Index: index.Name, Partition: schema.DueIndex + "#" + strconv.Itoa(shard), After: after, To: end, Limit: limit,
	})
	if err != nil {
		return nil, "", fmt.Errorf("read shard %d of the due list: %w", shard, err)
	}
	for _, item := range page.Items {
		key := item.Key()
		entries = append(entries, DueEntry{Ref{tableOf(key.PK), key.SK}, item[index.SK].Text()})
	}
	if page.More {
		next = entries[len(entries)-1].Key
	}
	return entries, next, nil
}

// Due reports whether the row is in the due list and its time has come at now.
func (r *Row) Due(now time.Time) bool {
	at, listed := r.DueAt()
	return listed && !at.After(now)
}

// At returns when the entry was due.
func (e DueEntry) At() (at time.Time, known bool) {
	text, _, _ := strings.Cut(e.Key, "#")
	at, err := time.Parse(keyTime, text)
	return at, err == nil
}

// DueAt returns when the row is due; known is false where it is not in the due list.
func (r *Row) DueAt() (at time.Time, known bool) {
	for _, x := range r.Table.Indexes {
		if !x.IsDue() {
			continue
		}
		_, _, listed := indexKey(r, x)
		return r.Time(x.Sort[0]), listed
	}
	return time.Time{}, false
}
