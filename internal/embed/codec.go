package embed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"segue/internal/store"
)

// An item is encoded as the number of its attributes and then, in the order of their
// names, each name and value with its length before it. So a reader of some
// attributes skips the others, and equal items are equal bytes. A value is one byte
// for its kind, then its text: of a boolean the first letter, of a null nothing, of a
// value of another kind its JSON (store.ParseJSON). All numbers are unsigned varints.

// errCorrupt means that bytes in the file are not what this package wrote.
var errCorrupt = errors.New("the store's file is damaged")

func appendText[T string | []byte | image](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func encodeItem(i store.Item) []byte {
	b := binary.AppendUvarint(nil, uint64(len(i)))
	var value []byte
	for _, name := range slices.Sorted(maps.Keys(i)) {
		value = appendValue(value[:0], i[name])
		b = appendText(b, name)
		b = appendText(b, value)
	}
	return b
}

func appendValue(b []byte, v store.Value) []byte {
	b = append(b, byte(v.Kind()))
	if v.Kind() == store.Bool {
		return append(b, v.Text()[0])
	}
	return append(b, v.Text()...)
}

// image is an encoded item.
type image []byte

// Values decodes some attributes and skips the rest.
func (i image) Values(attrs []string, into []store.Value) error {
	clear(into)
	r := reader{b: i}
	left := len(attrs)
	for n := r.uint(); n > 0 && left > 0 && r.err == nil; n-- {
		name, value := r.bytes(), r.bytes()
		for n, attr := range attrs {
			if attr != string(name) || r.err != nil {
				continue
			}
			v, err := decodeValue(value)
			if err != nil {
				return fmt.Errorf("attribute %s: %w", name, err)
			}
			into[n] = v
			left--
		}
	}
	return r.err
}

// Item decodes all attributes.
func (i image) Item() (store.Item, error) {
	r := reader{b: i}
	n := r.uint()
	item := make(store.Item, min(n, uint64(len(r.b))))
	for ; n > 0 && r.err == nil; n-- {
		name := r.bytes()
		v, err := decodeValue(r.bytes())
		if err != nil {
			return nil, err
		}
		item[string(name)] = v
	}
	return item, r.end()
}

func decodeValue(b []byte) (store.Value, error) {
	if len(b) == 0 {
		return store.Value{}, errCorrupt
	}
	text := string(b[1:])
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
// values.
type reader struct {
	b   []byte
	err error
}

func (r *reader) uint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 { // nearly every length; for speed
		n := uint64(r.b[0])
		r.b = r.b[1:]
		return n
	}
	n, used := binary.Uvarint(r.b)
	if used <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[used:]
	return n
}

// bytes returns a text or value that has its length before it. It is a part of the
// reader's own bytes.
func (r *reader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	var b []byte
	b, r.b = r.b[:n:n], r.b[n:]
	return b
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	b := r.b[0]
	r.b = r.b[1:]
	return b
}

func (r *reader) fail() { r.b, r.err = nil, errCorrupt }

// end returns the reader's error, or errCorrupt when bytes are left over.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.fail()
	}
	return r.err
}
