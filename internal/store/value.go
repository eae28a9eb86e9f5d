package store

import (
	"maps"
	"slices"
	"strconv"
)

// Kind is the type of a Value, one of DynamoDB's.
type Kind uint8

// The kinds a store must carry. DynamoDB's sets and binary are left out: Segue
// stores none.
const (
	Absent Kind = iota // the zero Value: no such attribute; never stored
	String
	Number
	Bool
	Null
	List
	Map
)

// Value is one attribute value. It is immutable: whoever makes one hands over
// the slice or map inside it. The zero Value is Absent.
type Value struct {
	kind  Kind
	text  string // String; Number in canonical form; Bool "true" or "false"
	items []Value
	pairs map[string]Value
}

// S makes a string value; unlike in old DynamoDB it may be empty.
func S(s string) Value { return Value{kind: String, text: s} }

// N makes a number from its canonical decimal text: at most 38 significant
// digits, no exponent, no leading plus or zeros, no trailing zeros behind the
// point, no "-0". A store gives back the text it got.
func N(text string) Value { return Value{kind: Number, text: text} }

// Int makes a whole number.
func Int(n int64) Value { return N(strconv.FormatInt(n, 10)) }

// B makes a boolean.
func B(b bool) Value { return Value{kind: Bool, text: strconv.FormatBool(b)} }

// Nil makes a null, which is a value, unlike Absent.
func Nil() Value { return Value{kind: Null} }

// L makes a list of vs.
func L(vs ...Value) Value { return Value{kind: List, items: vs} }

// M makes a map of m.
func M(m map[string]Value) Value { return Value{kind: Map, pairs: m} }

// Kind says which kind v is.
func (v Value) Kind() Kind { return v.kind }

// Text is the text of a string or number, "true" or "false" of a boolean, and
// "" of anything else.
func (v Value) Text() string { return v.text }

// Int is the whole number v; 0 when v is no whole number of 64 bits.
func (v Value) Int() int64 {
	if v.kind != Number {
		return 0
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// True says that v is the boolean true.
func (v Value) True() bool { return v.kind == Bool && v.text == "true" }

// List is the elements of a list, nil of anything else; not to be changed.
func (v Value) List() []Value { return v.items }

// Map is the entries of a map, nil of anything else; not to be changed.
func (v Value) Map() map[string]Value { return v.pairs }

// Equal compares kind and content, deeply.
func (v Value) Equal(w Value) bool {
	return v.kind == w.kind && v.text == w.text &&
		slices.EqualFunc(v.items, w.items, Value.Equal) &&
		maps.EqualFunc(v.pairs, w.pairs, Value.Equal)
}

// Size is the value's size in bytes as DynamoDB bills it: text as its UTF-8
// length, a number one byte per two digits plus one, a boolean or null one, a
// list or map three plus one for each element and its size.
func (v Value) Size() int {
	switch v.kind {
	case Absent:
		return 0
	case String:
		return len(v.text)
	case Number:
		return (len(v.text)+1)/2 + 1
	case Bool, Null:
		return 1
	case List, Map:
		n := 3
		for _, e := range v.items {
			n += 1 + e.Size()
		}
		for name, e := range v.pairs {
			n += 1 + len(name) + e.Size()
		}
		return n
	}
	return 0
}
