package embed

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/store"
)

func values() *rapid.Generator[store.Value] {
	other := rapid.SampledFrom([]string{
		`{"L":[]}`, `{"M":{"a":{"L":[{"S":"x"},{"NULL":true}]},"b":{"B":"AQ=="}}}`, `{"SS":["a","b"]}`, `{"NS":["1","2"]}`, `{"B":"AAEC"}`,
	})
	return rapid.Custom(func(t *rapid.T) store.Value {
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return store.S(rapid.String().Draw(t, "string"))
		case 1:
			return store.Int(rapid.Int64().Draw(t, "number"))
		case 2:
			return store.B(rapid.Bool().Draw(t, "bool"))
		case 3:
			return store.Nil()
		}
		v, err := store.ParseJSON([]byte(other.Draw(t, "other")))
		if err != nil {
			t.Fatal(err)
		}
		return v
	})
}

func TestImageRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		item := store.Item(rapid.MapOfN(rapid.String(), values(), 0, 8).Draw(t, "item"))
		words := newVocabulary(slices.Compact(slices.Sorted(slices.Values(append(rapid.SliceOf(rapid.StringN(1, -1, -1)).Draw(t, "words"), rapid.SliceOf(rapid.SampledFrom(append(slices.Collect(maps.Keys(item)), "w"))).Draw(t, "names")...)))))
		delete(words.numbers, "")
		i := words.image(words.encode(item))
		got, err := i.Item()
		if d := cmp.Diff(item, got); d != "" || err != nil {
			t.Fatalf("item: error %v (-want +got):\n%s", err, d)
		}
		wanted := append(rapid.Permutation(slices.Sorted(maps.Keys(item))).Draw(t, "wanted"), "none at all")
		wanted = wanted[rapid.IntRange(0, len(wanted)-1).Draw(t, "from"):]
		p, all := &probe{image: i}, store.NewNames(wanted...)
		for _, names := range []*store.Names{all, store.NewNames(slices.Sorted(slices.Values(wanted))...), store.NewNames(wanted[:1]...), all} {
			for _, image := range []store.Image{i, p} {
				values, want := make([]store.Value, len(names.List())), make([]store.Value, len(names.List()))
				values[0] = store.S("left over")
				if err := errors.Join(image.Values(names, values), item.Values(names, want)); err != nil || !slices.Equal(values, want) {
					t.Fatalf("columns %q of %T: got %v, error %v, want %v", names.List(), image, values, err, want)
				}
			}
		}
		if again := words.encode(got); !bytes.Equal(i.text, again) {
			t.Fatalf("one item has two encodings:\n%x\n%x", i.text, again)
		}
	})
}

// FuzzImage feeds damaged bytes: an error or an item, never a panic.
func FuzzImage(f *testing.F) {
	words := newVocabulary([]string{"a", "word"})
	f.Add(words.encode(store.Item{"a": store.S("x"), "b": store.N("1"), "c": store.B(true), "d": store.Nil()}))
	f.Add(olderImage(store.Item{"a": store.S("x"), "b": store.N("1")}))
	f.Add([]byte{0, 2, 1, 7, 1, byte(store.Null)}) // the fourth of two words
	f.Add([]byte{0, 9, 0})
	f.Add([]byte("\x01\x01a\x0b\x05" + `{"L": [ ]}`))
	f.Add([]byte{1, 1, 'a', 2, byte(store.Other), 0xff})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		item, err := words.image(b).Item()
		if err != nil {
			return
		}
		for name, want := range item {
			// Of an attribute that is there twice, which is never written, the
			// first counts here and the last there.
			if err := words.image(b).Values(store.NewNames(name), make([]store.Value, 1)); err != nil {
				t.Errorf("column %q of %v: %v", name, want, err)
			}
		}
		if again, err := words.image(words.encode(item)).Item(); err != nil || !cmp.Equal(item, again) {
			t.Errorf("encoded again it is %v, error %v, not %v", again, err, item)
		}
	})
}

func TestDamagedRecords(t *testing.T) {
	words := newVocabulary(nil)
	c := change{key: store.Key{PK: "p", SK: "s"}, after: words.encode(store.Item{"a": store.S("x")})}
	raw := c.record(1700000000)
	if _, err := parseRecord(1, raw, words); err != nil {
		t.Fatal(err)
	}
	for n := range raw {
		if _, err := parseRecord(1, raw[:n], words); err == nil {
			t.Errorf("record cut to %d of %d bytes was read", n, len(raw))
		}
	}
	entry := appendEntry(nil, "partition", "sort")
	for n := range entry {
		if _, _, _, err := cutEntry(entry[:n]); err == nil {
			t.Errorf("entry cut to %d of %d bytes was read", n, len(entry))
		}
	}
}

func TestEntriesSortAsTheirTexts(t *testing.T) {
	texts := rapid.StringOf(rapid.SampledFrom([]rune{0, 1, 'a', 'b', '\u00ff'}))
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts.Draw(t, "a"), texts.Draw(t, "b")
		rest := texts.Draw(t, "rest")
		x, y := append(appendEntry(nil, "p", a), rest...), appendEntry(nil, "p", b)
		if got, want := bytes.Compare(x, append(y, rest...)), strings.Compare(a, b); got != want {
			t.Fatalf("%q and %q compare as %d, want %d", a, b, got, want)
		}
		p, s, left, err := cutEntry(x)
		if p != "p" || s != a || string(left) != rest || err != nil {
			t.Fatalf("cut into %q %q %q, error %v, want p %q %q", p, s, left, err, a, rest)
		}
		if end := after(slices.Clone(x)); bytes.Compare(end, append(slices.Clone(x), 0xff)) <= 0 {
			t.Fatalf("after %x is %x", x, end)
		}
	})
	if end := after([]byte{0xff, 0xff}); end != nil {
		t.Errorf("after the last key there is %x", end)
	}
}

func BenchmarkImage(b *testing.B) {
	item := store.Item{}
	for _, name := range strings.Fields("pk sk firstname lastname subject statecode statuscode ownerid createdon modifiedon msdyn_segmentid city") {
		item[name] = store.S("some text of a row")
	}
	words := newVocabulary(slices.Sorted(maps.Keys(item)))
	i := words.image(words.encode(item))
	for name, attrs := range map[string][]string{
		"one column": {"subject"}, "six columns": strings.Fields("city firstname lastname msdyn_segmentid statecode subject"),
	} {
		b.Run(name, func(b *testing.B) {
			names, into := store.NewNames(attrs...), make([]store.Value, len(attrs))
			for b.Loop() {
				if err := i.Values(names, into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("item", func(b *testing.B) {
		for b.Loop() {
			if _, err := i.Item(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
