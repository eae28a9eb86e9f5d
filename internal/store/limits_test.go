package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What a check says, as the tests name it.
const (
	fine     = "fine"
	broken   = "invalid"
	tooLarge = "exceeded"
)

func verdict(err error) string {
	var exceeded *ExceededError
	switch {
	case err == nil:
		return fine
	case errors.As(err, &exceeded):
		return tooLarge
	case errors.Is(err, ErrInvalid):
		return broken
	}
	return "other: " + err.Error()
}

func keys(n int) []Key {
	ks := make([]Key, n)
	for i := range ks {
		ks[i] = Key{"p", fmt.Sprint(i)}
	}
	return ks
}

func long(n int) string { return strings.Repeat("x", n) }

func terms(n int) (c Condition) {
	for i := range n {
		c = And(c, NotEquals(fmt.Sprint("column_", i), S("x")))
	}
	return c
}

func columns(n int) Item {
	i := Item{}
	for n := range n {
		i[fmt.Sprint("column_", n)] = S("x")
	}
	return i
}

func TestCheckGet(t *testing.T) {
	for _, test := range []struct {
		name string
		keys []Key
		want string
	}{
		{"none", nil, fine},
		{"100 keys", keys(100), fine},
		{"101 keys", keys(101), tooLarge},
		{"a key twice", []Key{{"p", "s"}, {"p", "t"}, {"p", "s"}}, broken},
		{"no partition key", []Key{{"", "s"}}, broken},
		{"no sort key", []Key{{"p", ""}}, broken},
		{"longest key", []Key{{long(2048), long(1024)}}, fine},
		{"partition key too long", []Key{{long(2049), "s"}}, tooLarge},
		{"sort key too long", []Key{{"p", long(1025)}}, tooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := verdict(CheckGet(test.keys)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCheckQuery(t *testing.T) {
	indexes := []Index{{Name: "stage", PK: "gpk", SK: "gsk"}}
	for _, test := range []struct {
		name string
		q    Query
		want string
	}{
		{"partition", Query{Partition: "p"}, fine},
		{"range of an index", Query{Index: "stage", Partition: "p", After: "a", To: "b"}, fine},
		{"no partition", Query{}, broken},
		{"unknown index", Query{Index: "owner", Partition: "p"}, broken},
		{"negative limit", Query{Partition: "p", Limit: -1}, broken},
		{"partition too long", Query{Partition: long(2049)}, tooLarge},
		{"end too long", Query{Partition: "p", To: long(1025)}, tooLarge},
		{"start too long", Query{Partition: "p", After: long(1025)}, tooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := verdict(CheckQuery(indexes, test.q)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCheckWrite(t *testing.T) {
	indexes := []Index{{Name: "stage", PK: "gpk", SK: "gsk"}}
	k := Key{"p", "s"}
	with := func(attr string, v Value) Item { return Item{PK: S("p"), SK: S("s"), attr: v} }
	put := func(attr string, v Value) []Op { return []Op{Put(with(attr, v), Condition{})} }
	update := func(set Item, remove ...string) []Op { return []Op{Update(k, set, remove, Condition{})} }
	when := func(c Condition) []Op { return []Op{Check(k, c)} }
	puts := func(n, size int) (ops []Op) {
		for _, k := range keys(n) {
			i := Item{PK: S(k.PK), SK: S(k.SK), "fill": S("")}
			i["fill"] = S(long(size - i.Size()))
			ops = append(ops, Put(i, Condition{}))
		}
		return ops
	}
	for _, test := range []struct {
		name string
		ops  []Op
		want string
	}{
		{"nothing", nil, fine},
		{"100 operations", puts(100, 50), fine},
		{"101 operations", puts(101, 50), tooLarge},
		{"400 KB", puts(1, 400<<10), fine},
		{"400 KB and one byte", puts(1, 400<<10+1), tooLarge},
		{"4 MB", puts(64, 64<<10), fine},
		{"4 MB and 64 KB", puts(65, 64<<10), tooLarge},
		{"update of 400 KB", update(Item{"a": S(long(400 << 10))}), tooLarge},
		{"a key twice", []Op{Delete(k, Condition{}), Check(k, Condition{})}, broken},
		{"empty key", []Op{Delete(Key{}, Condition{})}, broken},
		{"no kind", []Op{{Key: k}}, broken},
		{"put under another key", []Op{{Kind: OpPut, Key: Key{"p", "t"}, Item: with("a", S(""))}}, broken},
		{"put with a number as key", []Op{Put(Item{PK: S("p"), SK: Int(1)}, Condition{})}, broken},
		{"put of an absent value", put("a", Value{}), broken},
		{"put without an attribute's name", put("", S("x")), broken},
		{"index key", put("gpk", S("x")), fine},
		{"index key is a number", put("gpk", Int(1)), broken},
		{"index key is empty", put("gsk", S("")), broken},
		{"index key too long", put("gsk", S(long(1025))), tooLarge},
		{"update", update(Item{"a": S("")}, "b"), fine},
		{"update of 350 attributes", update(columns(350)), fine},
		{"update of 351 attributes", update(columns(350), "more"), tooLarge},
		{"update of nothing", update(nil), broken},
		{"update of the key", update(Item{PK: S("q")}), broken},
		{"update that removes the key", update(nil, SK), broken},
		{"update both ways", update(Item{"a": S("")}, "a"), broken},
		{"update that removes twice", update(nil, "a", "a"), broken},
		{"update of an index key to a number", update(Item{"gpk": Int(1)}), broken},
		{"delete with attributes", []Op{{Kind: OpDelete, Key: k, Item: Item{}}}, broken},
		{"condition", when(And(Exists("a"), Equals("b", Nil()))), fine},
		{"condition on no attribute", when(Exists("")), broken},
		{"condition of 75 terms", when(terms(75)), fine},
		{"condition of 76 terms", when(terms(76)), tooLarge},
		{"condition of no kind", when(Condition{[]Term{{Attr: "a"}}}), broken},
		{"condition with an absent value", when(Equals("a", Value{})), broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := verdict(CheckWrite(indexes, test.ops)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCheckNumber(t *testing.T) {
	for text, want := range map[string]string{
		"0": fine, "7": fine, "-7": fine, "0.5": fine, "-0.05": fine, "120": fine, "1" + strings.Repeat("0", 125): fine,
		strings.Repeat("9", 38): fine, "0." + strings.Repeat("9", 38): fine, "0." + strings.Repeat("0", 129) + "1": fine,
		"": broken, "-": broken, "+1": broken, "-0": broken, "00": broken, "01": broken, ".5": broken, "1.": broken,
		"1.50": broken, "0.0": broken, "1e3": broken, "1.2.3": broken, "--1": broken, "NaN": broken, "١": broken,
		strings.Repeat("9", 39): tooLarge, "1" + strings.Repeat("0", 37) + "1": tooLarge,
		"1" + strings.Repeat("0", 126): tooLarge, "0." + strings.Repeat("0", 130) + "1": tooLarge,
	} {
		if got := verdict(checkNumber(text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestCheckItemSize(t *testing.T) {
	if got := verdict(CheckItemSize(Key{"p", "s"}, MaxItemBytes)); got != fine {
		t.Errorf("largest item: got %s", got)
	}
	err := CheckItemSize(Key{"p", "s"}, MaxItemBytes+1)
	if want := "bytes of item p/s has 409601; the limit is 409600"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
