// Package overlay is the entries of sorted key spaces that lie over others: those that
// the embedded store has committed and not yet written into its tables. A tree is
// copied in no time, so each commit leaves its readers the one that they have.
//
// Invariant: a tree that somebody else may see is not changed; only its copies are.
package overlay

import (
	"bytes"
	"iter"

	"github.com/tidwall/btree"
)

// degree makes nodes of up to 23 entries. A commit copies the nodes that it changes,
// so they are smaller than is best for reading alone.
const degree = 12

// Tree is entries by key space and key. The empty one is made by New.
type Tree struct{ entries *btree.Map[string, Entry] }

// Entry is what lies over a key: a value, or that there is none. The value belongs to
// the tree and is not changed.
type Entry struct {
	Value   []byte
	Deleted bool
}

// New returns an empty tree.
func New() *Tree { return &Tree{btree.NewMap[string, Entry](degree)} }

// Copy returns a tree with the same entries. The caller alone may change it. Only one
// goroutine at a time may copy a tree.
func (t *Tree) Copy() *Tree { return &Tree{t.entries.Copy()} }

// Len returns how many entries there are.
func (t *Tree) Len() int { return t.entries.Len() }

func join(space byte, key []byte) string { return string(append([]byte{space}, key...)) }

// Get returns the entry of a key, false when nothing lies over it.
func (t *Tree) Get(space byte, key []byte) (Entry, bool) { return t.entries.Get(join(space, key)) }

// Set puts an entry over a key.
func (t *Tree) Set(space byte, key []byte, e Entry) { t.entries.Set(join(space, key), e) }

// All walks all entries, by key space and key.
func (t *Tree) All() iter.Seq2[string, Entry] {
	return func(yield func(string, Entry) bool) { t.entries.Scan(yield) }
}

// Layer is a walk through one of several layers: it returns the next entry in the
// order of the walk, false when there is none. The key holds until the next call.
type Layer func() (key []byte, e Entry, ok bool)

// Walk returns the entries of a key space from lo up to but not including hi, in the
// order of keys or in the opposite one. A nil hi has no end.
func (t *Tree) Walk(space byte, lo, hi []byte, descending bool) Layer {
	from, to := join(space, lo), join(space+1, nil)
	if hi != nil {
		to = join(space, hi)
	}
	it := t.entries.Iter()
	var ok bool
	step, past := it.Next, func(key string) bool { return key >= to }
	if descending {
		step, past = it.Prev, func(key string) bool { return key < from }
		if ok = it.Seek(to); ok {
			ok = it.Prev()
		} else {
			ok = it.Last()
		}
	} else {
		ok = it.Seek(from)
	}
	var key []byte // one for all: a list goes past thousands of entries, and keeps few
	return func() ([]byte, Entry, bool) {
		if !ok || past(it.Key()) {
			return nil, Entry{}, false
		}
		key = append(key[:0], it.Key()[1:]...)
		e := it.Value()
		ok = step()
		return key, e, true
	}
}

// Merge walks layers of which the earlier lie over the later, all in the same order,
// and leaves out what is deleted. A key holds until the next one.
func Merge(descending bool, layers ...Layer) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		m := merge{descending: descending}
		for _, next := range layers {
			m.heads = append(m.heads, head{next: next, past: true})
		}
		for key, e, ok := m.next(); ok; key, e, ok = m.next() {
			if !e.Deleted && !yield(key, e.Value) {
				return
			}
		}
	}
}

// head is the next entry of a layer, if there is one.
type head struct {
	next Layer
	key  []byte
	e    Entry
	ok   bool
	past bool // the entry was returned or hidden; the layer goes on only when its key is no longer needed
}

type merge struct {
	heads      []head
	descending bool
}

// next returns the first of the next entries, and goes past those that it hides.
func (m *merge) next() (key []byte, e Entry, ok bool) {
	for i := range m.heads {
		h := &m.heads[i]
		if h.past {
			h.key, h.e, h.ok = h.next()
		}
		if h.ok && (!ok || m.before(h.key, key)) {
			key, e, ok = h.key, h.e, true
		}
	}
	for i := range m.heads {
		h := &m.heads[i]
		h.past = h.ok && bytes.Equal(h.key, key)
	}
	return key, e, ok
}

func (m *merge) before(a, b []byte) bool {
	if m.descending {
		return bytes.Compare(a, b) > 0
	}
	return bytes.Compare(a, b) < 0
}
