package embed

import (
	"encoding/binary"
	"errors"
	"fmt"

	"segue/internal/store"
)

// An item is encoded as a zero, how many names the vocabulary had, the number of its
// attributes and then, in the order of their names, each name and value. A name is its
// place in the vocabulary, or itself (words.go); a value has its length before it. So a
// reader of some attributes skips the others, and equal items are equal bytes, as long as
// the vocabulary does not grow. A value is one byte for its kind, then its text: of a
// boolean the first letter, of a null nothing, of a value of another kind its JSON
// (store.ParseJSON). All numbers are unsigned varints. The older form, which a program
// without a vocabulary wrote, begins with the number of attributes, which is not zero, and
// has each name with its length before it.

// errCorrupt means that bytes in the file are not what this package wrote.
var errCorrupt = errors.New("the store's file is damaged")

func appendText[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendValue appends a value, with its length before it.
func appendValue(b []byte, v store.Value) []byte {
	text := v.Text()
	if v.Kind() == store.Bool {
		text = text[:1]
	}
	b = binary.AppendUvarint(b, uint64(1+len(text)))
	return append(append(b, byte(v.Kind())), text...)
}

// image is an encoded item.
type image struct {
	words *vocabulary // all names that it may refer to, or more
	text  []byte
}

// Values decodes some attributes and skips the rest.
func (i image) Values(names *store.Names, into []store.Value) error {
	clear(into)
	a := i.attributes()
	for left := len(into); left > 0 && a.next(); {
		n := names.Find(a.named())
		if n < 0 {
			continue
		}
		v, err := decodeValue(a.value(), string(a.value()))
		if err != nil {
			return fmt.Errorf("attribute %s: %w", names.List()[n], err)
		}
		into[n] = v
		left--
	}
	return a.err
}

// Item decodes all attributes. Their texts are parts of one.
func (i image) Item() (store.Item, error) {
	text := string(i.text)
	a := i.attributes()
	item := make(store.Item, min(a.left, uint64(len(i.text))))
	for a.next() {
		v, err := decodeValue(a.value(), text[a.at-a.size:a.at])
		if err != nil {
			return nil, err
		}
		if a.place < 0 {
			item[string(a.name())] = v
		} else {
			item[a.words[a.place]] = v
		}
	}
	return item, a.end()
}

// attributes walks through an image.
type attributes struct {
	reader
	words []string // nil in the older form
	left  uint64

	place    int // of the name among the words, -1 if it is none of them
	from, to int // then where it is
	size     int // of the value, which ends where the reader is
}

func (a *attributes) name() []byte  { return a.b[a.from:a.to] }
func (a *attributes) value() []byte { return a.b[a.at-a.size : a.at] }

func (i image) attributes() attributes {
	a := attributes{reader: reader{b: i.text}, place: -1}
	if len(i.text) > 0 && i.text[0] == 0 {
		a.byte()
		a.words = i.words.list
		if known := a.uint(); known > uint64(len(a.words)) {
			a.fail()
		}
	}
	a.left = a.uint()
	return a
}

// next goes to the next attribute, if there is one.
func (a *attributes) next() bool {
	if a.left == 0 || a.err != nil {
		return false
	}
	a.left--
	n := a.uint()
	if a.words == nil {
		a.spelled(n)
	} else {
		a.numbered(n)
	}
	n = a.uint()
	if !a.skip(n) {
		return false
	}
	a.size = int(n)
	return a.err == nil
}

// named returns the name of the attribute.
func (a *attributes) named() string {
	if a.place >= 0 {
		return a.words[a.place]
	}
	return string(a.name())
}

// spelled reads a name of a length.
func (a *attributes) spelled(length uint64) {
	a.from = a.at
	a.skip(length)
	a.place, a.to = -1, a.at
}

// numbered reads a name that begins with a number: twice its place in the vocabulary and
// one, or twice its length, after which comes its text.
func (a *attributes) numbered(n uint64) {
	switch half := n >> 1; {
	case n&1 == 0:
		a.spelled(half)
	case half < uint64(len(a.words)):
		a.place = int(half)
	default:
		a.fail()
	}
}

// decodeValue returns the value of bytes, which are text as well.
func decodeValue(b []byte, text string) (store.Value, error) {
	if len(b) == 0 {
		return store.Value{}, errCorrupt
	}
	text = text[1:]
	switch store.Kind(b[0]) {
	case store.String:
		return store.S(text), nil
	case store.Number:
		return store.N(text), nil
	case store.Bool:
		return store.B(text == "t"), nil
	case store.Null:
		return store.Nil(), nil
	case store.Other:
		v, err := store.ParseJSON(b[1:])
		if err != nil {
			return store.Value{}, fmt.Errorf("%w: %w", errCorrupt, err)
		}
		return v, nil
	case store.Absent:
	}
	return store.Value{}, errCorrupt
}

// reader decodes what the functions above encode. After an error it returns zero
// values. It counts where it is, rather than cutting off what it has read: a list reads
// millions of values, and a number is written for less than a slice.
type reader struct {
	b   []byte
	at  int
	err error
}

func (r *reader) uint() uint64 {
	if r.at < len(r.b) && r.b[r.at] < 0x80 { // nearly every length; for speed
		r.at++
		return uint64(r.b[r.at-1])
	}
	return r.longUint()
}

func (r *reader) longUint() uint64 {
	n, used := binary.Uvarint(r.b[r.at:])
	if used <= 0 {
		r.fail()
		return 0
	}
	r.at += used
	return n
}

// bytes returns a text or value that has its length before it. It is a part of the
// reader's own bytes.
func (r *reader) bytes() []byte { return r.take(r.uint()) }

// take returns the next n bytes, as a part of the reader's own.
func (r *reader) take(n uint64) []byte {
	if !r.skip(n) {
		return nil
	}
	return r.b[r.at-int(n) : r.at : r.at]
}

// skip goes past the next n bytes, if there are as many.
func (r *reader) skip(n uint64) bool {
	if n > uint64(len(r.b)-r.at) {
		r.fail()
		return false
	}
	r.at += int(n)
	return true
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) byte() byte {
	if r.at == len(r.b) {
		r.fail()
		return 0
	}
	r.at++
	return r.b[r.at-1]
}

// rest returns what was not read yet, as a part of the reader's own bytes.
func (r *reader) rest() []byte { return r.b[r.at:] }

func (r *reader) fail() { r.at, r.err = len(r.b), errCorrupt }

// end returns the reader's error, or errCorrupt when bytes are left over.
func (r *reader) end() error {
	if r.err == nil && r.at < len(r.b) {
		r.fail()
	}
	return r.err
}
