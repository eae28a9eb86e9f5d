package schema

import (
	gocmp "cmp"
	"fmt"
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// samples is one value of each kind, none equal to another.
func samples() []Value {
	return []Value{
		Null(), Text(""), Int(0), Dec(decimal.Zero), Float(0), Bool(false), Time(time.Unix(0, 0)), Ref(Lookup{}),
	}
}

func TestValueKinds(t *testing.T) {
	for kind, v := range samples() {
		if v.Kind() != Kind(kind) || v.IsNull() != (v.Kind() == KindNull) {
			t.Errorf("%v is of kind %v, want %v", v, v.Kind(), Kind(kind))
		}
		for _, w := range samples() {
			if got := v.Equal(w); got != (v.Kind() == w.Kind()) {
				t.Errorf("%v value equals %v value: %v", v.Kind(), w.Kind(), got)
			}
		}
	}
	if !(Value{}).Equal(Null()) {
		t.Error("the zero Value is not null")
	}
}

// An accessor reports true for its own kind alone and otherwise returns a zero.
func TestValueAccessors(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	lookup := Lookup{"team", idA}
	full := []Value{Null(), Text("x"), Int(-7), Dec(decimal.New(15, -1)), Float(-0.5), Bool(true), Time(at), Ref(lookup)}
	for _, v := range full {
		text, isText := v.Text()
		n, isInt := v.Int()
		d, isDec := v.Dec()
		f, isFloat := v.Float()
		b, isBool := v.Bool()
		moment, isTime := v.Time()
		l, isRef := v.Ref()
		got := []any{nil, text, n, d.String(), f, b, moment, l}
		want := []any{nil, "", int64(0), "0", 0.0, false, time.Time{}, Lookup{}}
		want[v.Kind()] = []any{nil, "x", int64(-7), "1.5", -0.5, true, at, lookup}[v.Kind()]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("accessors of a %v (-want +got):\n%s", v.Kind(), diff)
		}
		fits := []bool{v.IsNull(), isText, isInt, isDec, isFloat, isBool, isTime, isRef}
		for kind, fit := range fits {
			if fit != (v.Kind() == Kind(kind)) {
				t.Errorf("the accessor of %v reports %v of a %v", Kind(kind), fit, v.Kind())
			}
		}
	}
}

func TestValueEqual(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		a, b Value
		want bool
	}{
		{"decimals of other exponents", Dec(decimal.RequireFromString("1.0")), Dec(decimal.NewFromInt(1)), true},
		{"decimal zero without digits", Dec(decimal.Decimal{}), Dec(decimal.RequireFromString("0.00")), true},
		{"decimals of 38 digits", Dec(decimal.RequireFromString("12345678901234567890123456789012345678")), Dec(decimal.RequireFromString("12345678901234567890123456789012345679")), false},
		{"a whole number is not a decimal", Int(1), Dec(decimal.NewFromInt(1)), false},
		{"one instant in two zones", Time(noon), Time(noon.In(time.FixedZone("", 3600))), true},
		{"zeros of decimals", Dec(decimal.New(0, 5)), Dec(decimal.New(0, -5)), true},
		{"decimals beyond 64 bits", Dec(decimal.RequireFromString("100000000000000000000")), Dec(decimal.New(1, 20)), true},
		{"a coefficient beyond 64 bits that ends in zeros", Dec(decimal.RequireFromString("-123456789012345678900")), Dec(decimal.New(-1234567890123456789, 2)), true},
		{"exponents that cannot grow", Dec(decimal.New(10, math.MaxInt32)), Dec(decimal.New(1, math.MaxInt32)), false},
		{"within a second", Time(noon), Time(noon.Add(time.Second - 1)), true},
		{"next second", Time(noon), Time(noon.Add(time.Second)), false},
		{"not a number", Float(math.NaN()), Float(math.NaN()), true},
		{"zeros", Float(0), Float(math.Copysign(0, -1)), true},
		{"empty text is not null", Text(""), Null(), false},
		{"same text of two lookups", Ref(Lookup{"a:b", "c"}), Ref(Lookup{"a", "b:c"}), false},
		{"booleans", Bool(true), Bool(false), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.a.Equal(test.b) != test.want || test.b.Equal(test.a) != test.want {
				t.Errorf("%v and %v: equal is %v, want %v", test.a, test.b, !test.want, test.want)
			}
			if got := cmp.Equal(test.a, test.b); got != test.want {
				t.Errorf("cmp.Equal is %v, want %v", got, test.want)
			}
			if got := test.a == test.b; got != test.want {
				t.Errorf("== is %v, want %v", got, test.want)
			}
		})
	}
}

func TestValueString(t *testing.T) {
	for _, test := range []struct {
		value Value
		want  string
	}{
		{Null(), "null"},
		{Text("x"), "x"},
		{Int(-7), "-7"},
		{Dec(decimal.RequireFromString("1e2")), "100"},
		{Dec(decimal.RequireFromString("-123456789012345678901.50")), "-123456789012345678901.5"},
		{Dec(decimal.New(12, math.MaxInt32)), "12e2147483647"},
		{Dec(decimal.New(12, math.MinInt32)), "12e-2147483648"},
		{Float(0.1), "0.1"},
		{Bool(true), "true"},
		{Time(time.Date(2026, 1, 2, 4, 0, 0, 5, time.FixedZone("", 3600))), "2026-01-02T03:00:00Z"},
		{Ref(Lookup{"team", idA}), "team:" + idA},
		{Value{kind: 99}, "kind 99"},
	} {
		if got := fmt.Sprint(test.value); got != test.want {
			t.Errorf("%v is written as %q, want %q", test.value.Kind(), got, test.want)
		}
	}
}

// Times before 1970 lose their fraction towards the past as well.
func TestTimeKeepsWholeSeconds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-6e10, 2e11).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
		got, ok := Time(at).Time()
		if want := at.UTC().Truncate(time.Second); !ok || got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// Decimals keep their value, and Compare agrees with Decimal.Cmp.
func TestDecimals(t *testing.T) {
	number := rapid.Custom(func(t *rapid.T) decimal.Decimal {
		digits := rapid.StringMatching(`-?[0-9]{1,40}0{0,5}`).Draw(t, "digits")
		return decimal.RequireFromString(digits).Shift(rapid.Int32Range(-30, 30).Draw(t, "exponent"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		if rapid.Bool().Draw(t, "close") {
			b = a.Add(decimal.New(rapid.Int64Range(-1, 1).Draw(t, "difference"), rapid.Int32Range(-40, 40).Draw(t, "place")))
		}
		if got, ok := Dec(a).Dec(); !ok || !got.Equal(a) {
			t.Fatalf("%v became %v", a, got)
		}
		if got := Dec(a).Compare(Dec(b)); got != a.Cmp(b) {
			t.Fatalf("Compare of %v and %v = %d, want %d", a, b, got, a.Cmp(b))
		}
		if got := Dec(a) == Dec(b); got != a.Equal(b) {
			t.Fatalf("%v == %v is %v", a, b, got)
		}
	})
}

func TestCompare(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	ascending := []Value{
		Null(), Text(""), Text("B"), Text("a"), Text("é"), Int(math.MinInt64), Int(0), Int(math.MaxInt64),
		Dec(decimal.New(-1, 20)), Dec(decimal.New(-5, -1)), Dec(decimal.Zero), Dec(decimal.New(1, -20)), Dec(decimal.New(3, 0)), Dec(decimal.New(2, 1)),
		Float(math.Inf(-1)), Float(-0.5), Float(0), Float(1e-9), Float(2), Bool(false), Bool(true),
		Time(noon.AddDate(-300, 0, 0)), Time(noon), Time(noon.Add(time.Second)), Ref(Lookup{"a", "b:c"}), Ref(Lookup{"a:b", "c"}), Ref(Lookup{"team", idA}),
	}
	for i, v := range ascending {
		for j, w := range ascending {
			if got := v.Compare(w); got != gocmp.Compare(i, j) {
				t.Errorf("Compare of %v %v and %v %v = %d, want %d", v.Kind(), v, w.Kind(), w, got, gocmp.Compare(i, j))
			}
		}
	}
}

// A Value of more than four words would be passed in memory, not in registers.
func TestValueIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Value{}); size > 32 {
		t.Errorf("a Value has %d bytes, want at most 32", size)
	}
}

func TestTypeKind(t *testing.T) {
	for _, table := range mustDefault(t).Tables() {
		for _, c := range table.Columns {
			if c.Type.Kind() == KindNull {
				t.Errorf("type %q of %s.%s has no kind", c.Type, table.Name, c.Name)
			}
		}
	}
	if kind := Type("blob").Kind(); kind != KindNull {
		t.Errorf("a type that does not exist has values of kind %v", kind)
	}
}
