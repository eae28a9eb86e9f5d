package store

import (
	"math"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Kind is the type of a [Value].
type Kind uint8

// The kinds of values. Segue itself writes strings, numbers and booleans.
// Everything else that DynamoDB can hold is [Other]: lists, maps, sets and
// binary, which another version of the program may have written.
const (
	Absent Kind = iota // the zero Value: no such attribute; never stored
	String
	Number
	Bool
	Null
	Other
)

// Value is one attribute value. It is immutable and small, and == compares it.
// The zero Value is [Absent].
type Value struct {
	kind Kind
	size uint32 // of Other only
	text string // String; Number in canonical form; Bool "true" or "false"; Other as DynamoDB's JSON
}

// S returns a string value, which may be empty.
func S(s string) Value { return Value{kind: String, text: s} }

// N returns the number with this canonical decimal text: at most 38 significant
// digits, no exponent, no leading plus or zeros, no trailing zeros in the
// decimal places, not "-0". A store gives back the text that it was given.
func N(text string) Value { return Value{kind: Number, text: text} }

// Int returns a whole number.
func Int(n int64) Value { return N(strconv.FormatInt(n, 10)) }

// plusOne returns a number that is one larger; what is absent counts as 0.
func plusOne(v Value) (Value, error) {
	switch v.kind {
	case Absent:
		return Int(1), nil
	case Number:
	case String, Bool, Null, Other:
		return Value{}, invalid("it is not a number")
	}
	if n, err := strconv.ParseInt(v.text, 10, 64); err == nil && n < math.MaxInt64 {
		return Int(n + 1), nil
	}
	n, err := decimal.NewFromString(v.text)
	if err != nil {
		return Value{}, invalid("%q is not a number", v.text)
	}
	sum := n.Add(decimal.NewFromInt(1)).String()
	if err := checkNumber(sum); err != nil {
		return Value{}, invalid("one more than %s is no number that can be stored: %v", v.text, err)
	}
	return N(sum), nil
}

// B returns a boolean.
func B(b bool) Value { return Value{kind: Bool, text: strconv.FormatBool(b)} }

// Nil returns a null, which is a value, unlike [Absent].
func Nil() Value { return Value{kind: Null} }

// Clone returns v with a text of its own, where it was a part of a larger one.
func (v Value) Clone() Value {
	v.text = strings.Clone(v.text)
	return v
}

// Kind returns which kind v is of.
func (v Value) Kind() Kind { return v.kind }

// Text returns the text of a string or number, "true" or "false" of a boolean,
// the canonical JSON of a value of another kind ([ParseJSON]), and "" of a null
// or an absent value.
func (v Value) Text() string { return v.text }

// Int returns the whole number v; 0 when v is not a whole number of 64 bits.
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

// True reports whether v is the boolean true.
func (v Value) True() bool { return v.kind == Bool && v.text == "true" }

// Equal compares kind and content as DynamoDB does: a list by its order, a map
// and a set without one.
func (v Value) Equal(w Value) bool { return v == w }

// Size returns the value's size in bytes as DynamoDB bills it: text as its
// UTF-8 length, a number one byte per two digits plus one, a boolean or null
// one. [ParseJSON] has the rest.
func (v Value) Size() int {
	switch v.kind {
	case Absent:
		return 0
	case String:
		return len(v.text)
	case Number:
		return numberSize(v.text)
	case Bool, Null:
		return 1
	case Other:
		return int(v.size)
	}
	return 0
}

func numberSize(text string) int { return (len(text)+1)/2 + 1 }
