package schema

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Kind tells what a [Value] is. A switch over it names every kind, so that the
// linter reports the switches that a new kind must visit.
type Kind uint8

// The kinds of values. [Type.Kind] returns the one that a column type has.
const (
	KindNull  Kind = iota // no value: the zero Value
	KindText              // string
	KindInt               // int64
	KindDec               // decimal.Decimal
	KindFloat             // float64
	KindBool              // bool
	KindTime              // time.Time, UTC, whole seconds
	KindRef               // Lookup
)

// String names the kind in messages.
func (k Kind) String() string {
	switch k {
	case KindNull:
		return "null"
	case KindText:
		return "text"
	case KindInt:
		return "whole number"
	case KindDec:
		return "decimal number"
	case KindFloat:
		return "floating-point number"
	case KindBool:
		return "boolean"
	case KindTime:
		return "time"
	case KindRef:
		return "lookup"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Value is a column's value: null or one of the kinds. The zero Value is null. It
// is immutable, so that it can be shared, and four words long, so that copying
// it costs little.
//
// A Value is canonical: two values are equal if and only if they are ==. A decimal
// has no trailing zeros, a time is UTC in whole seconds, and there is one zero
// and one NaN of a floating-point number. A whole number 1 does not equal a
// decimal 1; no column holds both.
//
// An accessor returns the value and true where it is of the accessor's kind,
// else the zero of its Go type and false. So a null reads as the zero of any
// kind.
type Value struct {
	kind Kind
	exp  int32  // KindDec: power of ten
	n    int64  // KindInt; KindBool 0 or 1; KindTime Unix seconds; KindFloat its bits; KindRef length of the table in text; KindDec coefficient
	text string // KindText; KindRef as table:id; KindDec coefficient where it does not fit n, else ""
}

// Size returns about how many bytes the value is as text; 0 for null.
func (v Value) Size() int {
	if v.kind == KindNull || v.text != "" {
		return len(v.text)
	}
	return 20 // a number, a time
}

// Null returns the zero Value.
func Null() Value { return Value{} }

// Text makes a value of a text, which may be empty: that is not null.
func Text(s string) Value { return Value{kind: KindText, text: s} }

// Int makes a value of a whole number, an option, a state or a status.
func Int(n int64) Value { return Value{kind: KindInt, n: n} }

// Dec makes a value of a decimal number.
func Dec(d decimal.Decimal) Value {
	if d.NumDigits() > 18 {
		return Value{kind: KindDec, exp: d.Exponent()}.withDigits(d.Coefficient().String())
	}
	return Scaled(d.CoefficientInt64(), d.Exponent())
}

// Scaled makes a value of the decimal number n times ten to the power of exp.
func Scaled(n int64, exp int32) Value {
	v := Value{kind: KindDec, n: n, exp: exp}
	if v.n == 0 {
		v.exp = 0
	}
	for v.n != 0 && v.n%10 == 0 && v.exp < math.MaxInt32 {
		v.n, v.exp = v.n/10, v.exp+1
	}
	return v
}

// withDigits sets the coefficient of a decimal to one that may not fit 64 bits.
func (v Value) withDigits(digits string) Value {
	for v.exp < math.MaxInt32 && strings.HasSuffix(digits, "0") {
		digits, v.exp = digits[:len(digits)-1], v.exp+1
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		v.text = digits
		return v
	}
	v.n = n
	return v
}

// Float makes a value of a floating-point number.
func Float(f float64) Value {
	if f == 0 {
		f = 0 // not the negative zero
	}
	if math.IsNaN(f) {
		f = math.NaN()
	}
	return Value{kind: KindFloat, n: int64(math.Float64bits(f))}
}

// Bool makes a value of a boolean.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, n: 1}
	}
	return Value{kind: KindBool}
}

// Time makes a value of an instant. Its zone and its fraction of a second are
// dropped: columns hold UTC and whole seconds.
func Time(t time.Time) Value { return Value{kind: KindTime, n: t.Unix()} }

// Ref makes a value of a reference to a row.
func Ref(l Lookup) Value {
	return Value{kind: KindRef, n: int64(len(l.Table)), text: l.String()}
}

// Kind returns the kind of v.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == KindNull }

// Text returns a text.
func (v Value) Text() (string, bool) {
	if v.kind != KindText {
		return "", false
	}
	return v.text, true
}

// Int returns a whole number.
func (v Value) Int() (int64, bool) {
	if v.kind != KindInt {
		return 0, false
	}
	return v.n, true
}

// Dec returns a decimal number.
func (v Value) Dec() (decimal.Decimal, bool) {
	if v.kind != KindDec {
		return decimal.Decimal{}, false
	}
	if v.text == "" {
		return decimal.New(v.n, v.exp), true
	}
	coefficient, _ := new(big.Int).SetString(v.text, 10)
	return decimal.NewFromBigInt(coefficient, v.exp), true
}

// Float returns a floating-point number.
func (v Value) Float() (float64, bool) {
	if v.kind != KindFloat {
		return 0, false
	}
	return math.Float64frombits(uint64(v.n)), true
}

// Bool returns a boolean.
func (v Value) Bool() (b, ok bool) { return v.kind == KindBool && v.n == 1, v.kind == KindBool }

// Time returns an instant in UTC.
func (v Value) Time() (time.Time, bool) {
	if v.kind != KindTime {
		return time.Time{}, false
	}
	return time.Unix(v.n, 0).UTC(), true
}

// Ref returns a reference to a row.
func (v Value) Ref() (Lookup, bool) {
	if v.kind != KindRef {
		return Lookup{}, false
	}
	return Lookup{Table: v.text[:v.n], ID: v.text[v.n+1:]}, true
}

// Equal reports whether v == w. Packages that compare by a method look for it.
func (v Value) Equal(w Value) bool { return v == w }

// Compare orders values of one kind: numbers and times by size, texts by bytes,
// false before true. It is 0 only for equal values. Values of different kinds
// are ordered by kind.
func (v Value) Compare(w Value) int {
	if v.kind != w.kind {
		return cmp.Compare(v.kind, w.kind)
	}
	switch v.kind {
	case KindNull:
		return 0
	case KindText:
		return strings.Compare(v.text, w.text)
	case KindRef:
		return cmp.Or(strings.Compare(v.text, w.text), cmp.Compare(v.n, w.n))
	case KindInt, KindBool, KindTime:
		return cmp.Compare(v.n, w.n)
	case KindFloat:
		return cmp.Compare(math.Float64frombits(uint64(v.n)), math.Float64frombits(uint64(w.n)))
	case KindDec:
		return compareDecimals(v, w)
	}
	return 0
}

// compareDecimals is Decimal.Cmp without allocations where both numbers fit 64
// bits at the finer exponent.
func compareDecimals(v, w Value) int {
	exponent := min(v.exp, w.exp)
	x, okX := v.scaled(exponent)
	y, okY := w.scaled(exponent)
	if okX && okY {
		return cmp.Compare(x, y)
	}
	d, _ := v.Dec()
	e, _ := w.Dec()
	return d.Cmp(e)
}

// Units returns a decimal number in units of ten to the power of exp; ok is false where
// it is no whole number of them of 64 bits.
func (v Value) Units(exp int32) (n int64, ok bool) {
	if v.kind != KindDec || v.exp < exp && v.n != 0 {
		return 0, false
	}
	return v.scaled(exp)
}

// scaled returns a decimal in units of ten to the exponent, which is at most its
// own; ok is false when that does not fit.
func (v Value) scaled(exponent int32) (n int64, ok bool) {
	n = v.n
	for e := v.exp; e > exponent && n != 0; e-- {
		if n > math.MaxInt64/10 || n < math.MinInt64/10 {
			return 0, false
		}
		n *= 10
	}
	return n, v.text == ""
}

// longestDecimal is the largest number of zeros that a message writes out.
const longestDecimal = 100

// String writes v for messages, without regard to a column: [Column.Text] is
// for machines and [Column.Format] for people. Null is "null".
func (v Value) String() string {
	switch v.kind {
	case KindNull:
		return "null"
	case KindText, KindRef:
		return v.text
	case KindInt:
		return strconv.FormatInt(v.n, 10)
	case KindDec:
		d, _ := v.Dec()
		if v.exp > longestDecimal || v.exp < -longestDecimal {
			return fmt.Sprintf("%se%d", d.Coefficient(), v.exp)
		}
		return d.String()
	case KindFloat:
		return strconv.FormatFloat(math.Float64frombits(uint64(v.n)), 'g', -1, 64)
	case KindBool:
		return strconv.FormatBool(v.n == 1)
	case KindTime:
		return time.Unix(v.n, 0).UTC().Format(timeLayout)
	}
	return v.kind.String()
}
