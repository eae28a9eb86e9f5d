package embed

import (
	"bytes"
	"iter"
	"maps"

	"go.etcd.io/bbolt"

	"segue/internal/embed/overlay"
)

// state is what is committed beside the tables. It is never changed, only replaced: by
// the commit loop, and by a checkpoint that ends.
type state struct {
	epoch  uint64        // another one after each beginning and end of a checkpoint
	tree   *overlay.Tree // over frozen, over the tables
	frozen *frozen       // what a checkpoint is writing into the tables, nil while there is none
	marks                // as of tree
}

// frozen is a tree that a checkpoint writes into the tables, with its marks.
type frozen struct {
	tree *overlay.Tree
	marks
	bytes int // of records in it
}

// marks are positions in the journal. Every change and every move of a cursor takes a
// number in it.
type marks struct {
	last    uint64            // number of the last record
	changed uint64            // number of the last change
	oldest  uint64            // number of the first record that is kept while there are no consumers
	cursors map[string]uint64 // of each consumer, the last record that it is done with
}

// done returns the number up to which every consumer is done.
func (m marks) done() uint64 {
	if len(m.cursors) == 0 {
		return m.oldest - 1
	}
	least := m.last
	for _, n := range m.cursors {
		least = min(least, n)
	}
	if least >= m.changed { // what follows are moves of cursors
		return m.last
	}
	return least
}

// view is one snapshot of the store: the tables and what lies over them.
type view struct {
	store *Store
	trees []*overlay.Tree // the first lies over the others
	marks marks
	tx    *bbolt.Tx
}

// The key spaces of trees: the items, and after them each index in turn.
const spaceItems = 0

func (s *Store) bucketOf(space byte) string {
	if space == spaceItems {
		return bucketItems
	}
	return s.indexes[space-1].bucket
}

// snapshot reads in one snapshot.
func (s *Store) snapshot(read func(*view) error) error {
	for {
		before := s.state.Load()
		tx, err := s.begin(false)
		if err != nil {
			return err
		}
		now := s.state.Load()
		if now.epoch != before.epoch { // tx may be older than a checkpoint that the state has left behind
			s.end(tx)
			continue
		}
		defer s.end(tx)
		v := &view{store: s, trees: []*overlay.Tree{now.tree}, marks: now.marks, tx: tx}
		if now.frozen != nil {
			v.trees = append(v.trees, now.frozen.tree)
		}
		return guard(s.path, func() error { return read(v) })
	}
}

// get returns the value of a key, nil when there is none. It holds until the snapshot
// ends.
func (v *view) get(space byte, key []byte) []byte {
	for _, tree := range v.trees {
		if e, ok := tree.Get(space, key); ok {
			return e.Value
		}
	}
	return bucket(v.tx, v.store.bucketOf(space)).Get(key)
}

// entries walks the entries of a key space within r. A key holds until the next one,
// values until the snapshot ends.
func (v *view) entries(space byte, r span, descending bool) iter.Seq2[[]byte, []byte] {
	layers := make([]overlay.Layer, 0, len(v.trees)+1)
	for _, tree := range v.trees {
		layers = append(layers, tree.Walk(space, r.lo, r.hi, descending))
	}
	layers = append(layers, walkTable(bucket(v.tx, v.store.bucketOf(space)), r, descending))
	return overlay.Merge(descending, layers...)
}

// walkTable is the lowest layer.
func walkTable(b *bbolt.Bucket, r span, descending bool) overlay.Layer {
	c := b.Cursor()
	var k, v []byte
	step := c.Next
	if descending {
		step = c.Prev
		k, v = seekBelow(c, r.hi)
	} else {
		k, v = c.Seek(r.lo)
	}
	return func() ([]byte, overlay.Entry, bool) {
		if k == nil || bytes.Compare(k, r.lo) < 0 || r.hi != nil && bytes.Compare(k, r.hi) >= 0 {
			return nil, overlay.Entry{}, false
		}
		key, e := k, overlay.Entry{Value: v}
		k, v = step()
		return key, e, true
	}
}

// unit is what one commit does: a snapshot that sees its own changes, and their records.
type unit struct {
	view
	tree    *overlay.Tree // its own copy
	records []byte
	count   int
}

func newUnit(v *view) *unit {
	u := &unit{view: *v, tree: v.trees[0].Copy()}
	u.trees = append([]*overlay.Tree{u.tree}, v.trees[1:]...)
	return u
}

// set makes value, which it keeps, that of a key; nil deletes the key.
func (u *unit) set(space byte, key, value []byte) {
	u.tree.Set(space, key, overlay.Entry{Value: value, Deleted: value == nil})
}

// logChange appends the record of a change.
func (u *unit) logChange(c change) {
	u.appendRecord(c.record(u.store.options.clock.Now().Unix()))
	u.marks.changed = u.marks.last
}

// setCursor moves the cursor of a consumer.
func (u *unit) setCursor(consumer string, last uint64) {
	u.appendRecord(cursorRecord(consumer, last))
	u.marks.cursors = maps.Clone(u.marks.cursors)
	u.marks.cursors[consumer] = last
}

func (u *unit) appendRecord(record []byte) {
	u.records = appendText(u.records, record)
	u.marks.last++
	u.count++
}
