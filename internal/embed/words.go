package embed

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"

	"go.etcd.io/bbolt"

	"segue/internal/store"
)

// Every item spells out the names of its attributes, which are nearly half of it, and the
// same in thousands of others. The vocabulary of a store numbers them. A name is in the
// tables, on the disk, before an item refers to its number; so the items in which it is
// new still spell it out.

// maxWords and maxWord bound the vocabulary, in names and in bytes of one: a caller may
// make names of what users write.
const (
	maxWords = 4096
	maxWord  = 255
)

// vocabulary is numbered names. It is not changed; a longer one takes its place.
type vocabulary struct {
	list    []string
	numbers map[string]int
}

func newVocabulary(list []string) *vocabulary {
	v := &vocabulary{list, make(map[string]int, len(list))}
	if list == nil {
		v.list = []string{}
	}
	for n, word := range list {
		v.numbers[word] = n
	}
	return v
}

// encode returns the image of an item.
func (v *vocabulary) encode(i store.Item) []byte { return v.appendItem(nil, i) }

// appendItem appends the image of an item.
func (v *vocabulary) appendItem(b []byte, i store.Item) []byte {
	b = binary.AppendUvarint(append(b, 0), uint64(len(v.list)))
	b = binary.AppendUvarint(b, uint64(len(i)))
	names := make([]string, 0, len(i))
	for name := range i {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if n, ok := v.numbers[name]; ok {
			b = binary.AppendUvarint(b, uint64(n)<<1|1)
		} else {
			b = append(binary.AppendUvarint(b, uint64(len(name))<<1), name...)
		}
		b = appendValue(b, i[name])
	}
	return b
}

// image returns the image that bytes are.
func (v *vocabulary) image(text []byte) image { return image{v, text} }

// sameItem reports whether an image that is stored is that of an item, of which after is
// the image now: the stored one may have been made with fewer words.
func (v *vocabulary) sameItem(before []byte, item store.Item, after []byte) bool {
	if string(before) == string(after) {
		return true
	}
	if before == nil || after == nil {
		return false
	}
	r := reader{b: before[1:]}
	if before[0] == 0 && r.uint() == uint64(len(v.list)) {
		return false
	}
	return string(v.encode(item)) == string(after)
}

// meet remembers the names of an item that the vocabulary lacks. The commit loop calls it.
func (s *Store) meet(v *vocabulary, i store.Item) {
	for name := range i {
		if _, known := v.numbers[name]; !known && name != "" && len(name) <= maxWord {
			s.met = append(s.met, name)
		}
	}
}

// learn adds the names that were met to the vocabulary, if there is place in it. Without
// them, items are longer and not wrong.
func (s *Store) learn() {
	if len(s.met) == 0 {
		return
	}
	words := s.words.Load().list
	slices.Sort(s.met)
	met := slices.Compact(s.met)
	s.met = nil
	if met = met[:min(len(met), maxWords-len(words))]; len(met) == 0 {
		return
	}
	more := newVocabulary(slices.Concat(words, met))
	var raw []byte
	for _, word := range more.list {
		raw = appendText(raw, word)
	}
	err := s.update(func(tx *bbolt.Tx) error { return bucket(tx, bucketMeta).Put([]byte(keyWords), raw) })
	if err != nil {
		slog.Warn("the names of attributes cannot be stored", "file", s.path, "reason", err)
		return
	}
	s.words.Store(more)
}

// readWords returns the vocabulary that the tables have.
func readWords(meta *bbolt.Bucket) (*vocabulary, error) {
	var list []string
	r := reader{b: meta.Get([]byte(keyWords))}
	for len(r.rest()) > 0 {
		list = append(list, r.text())
	}
	if r.err != nil {
		return nil, fmt.Errorf("names of attributes: %w", r.err)
	}
	return newVocabulary(list), nil
}
