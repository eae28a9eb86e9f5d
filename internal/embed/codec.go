package embed

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"segue/internal/store"
)

// An item is the number of its attributes and, in the order of their names,
// each name and value after their lengths; so a reader of one attribute skips
// the others, and equal items are equal bytes. A value is its kind and
//
//	String, Number   the text after its length
//	Bool             one byte
//	Null             nothing
//	List             the number of elements, and them
//	Map              the number of entries, and each name and value, by name
//
// All numbers are unsigned varints.

// errCorrupt says that bytes in the file are not what this package wrote.
var errCorrupt = errors.New("the store's file is damaged")

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func encodeItem(i store.Item) []byte {
	b := binary.AppendUvarint(nil, uint64(len(i)))
	var value []byte
	for _, name := range slices.Sorted(maps.Keys(i)) {
		value = appendValue(value[:0], i[name])
		b = appendText(b, name)
		b = append(binary.AppendUvarint(b, uint64(len(value))), value...)
	}
	return b
}

func appendValue(b []byte, v store.Value) []byte {
	b = append(b, byte(v.Kind()))
	switch v.Kind() {
	case store.String, store.Number:
		b = appendText(b, v.Text())
	case store.Bool:
		b = append(b, v.Text()[0])
	case store.List:
		b = binary.AppendUvarint(b, uint64(len(v.List())))
		for _, e := range v.List() {
			b = appendValue(b, e)
		}
	case store.Map:
		b = binary.AppendUvarint(b, uint64(len(v.Map())))
		for _, name := range slices.Sorted(maps.Keys(v.Map())) {
			b = appendValue(appendText(b, name), v.Map()[name])
		}
	case store.Absent, store.Null:
	}
	return b
}

// image is an encoded item.
type image []byte

// Value decodes one attribute and skips the rest.
func (i image) Value(attr string) (store.Value, error) {
	r := reader{b: i}
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		name, value := r.bytes(), r.bytes()
		if r.err == nil && string(name) == attr {
			return decodeValue(value)
		}
	}
	return store.Value{}, r.err
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
	r := reader{b: b}
	v := r.value()
	return v, r.end()
}

// reader takes apart what the functions above put together; after an error it
// answers zero values.
type reader struct {
	b   []byte
	err error
}

func (r *reader) uint() uint64 {
	n, used := binary.Uvarint(r.b)
	if used <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[used:]
	return n
}

// bytes is a text or value after its length, part of the reader's own bytes.
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

func (r *reader) value() store.Value {
	switch store.Kind(r.byte()) {
	case store.String:
		return store.S(r.text())
	case store.Number:
		return store.N(r.text())
	case store.Bool:
		return store.B(r.byte() == 't')
	case store.Null:
		return store.Nil()
	case store.List:
		var items []store.Value
		for n := r.uint(); n > 0 && r.err == nil; n-- {
			items = append(items, r.value())
		}
		return store.L(items...)
	case store.Map:
		pairs := map[string]store.Value{}
		for n := r.uint(); n > 0 && r.err == nil; n-- {
			name := r.text()
			pairs[name] = r.value()
		}
		return store.M(pairs)
	default:
		r.fail()
		return store.Value{}
	}
}

func (r *reader) fail() { r.b, r.err = nil, errCorrupt }

// end is the reader's error, and one when bytes are left over.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.fail()
	}
	return r.err
}
