package dynamo_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"segue/internal/dynamo"
	"segue/internal/store"
)

// attributes are names as an event writes them and as they are: some begin as others do,
// some need escapes, one is written in two ways.
func attributes() (written, names []string) {
	written = []string{`a`, `ab`, `\u0061b`, `abc`, `q\"`, `q`, `b\\n`, `b\n`, `b`, `é`, `\u00e9t\u00e9`, ``}
	names = []string{`a`, `ab`, `ab`, `abc`, `q"`, `q`, `b\n`, "b\n", `b`, `é`, `été`, ``}
	for n := range 12 {
		name := fmt.Sprintf("column_%02d", n)
		written, names = append(written, name), append(names, name)
	}
	return written, names
}

// In whatever order the images of a batch have their attributes, and whichever they leave
// out, each has its own values, read by a long list and by a short one.
func TestImagesOfABatch(t *testing.T) {
	written, names := attributes()
	var all []string
	for n, name := range names {
		if n != 2 { // the second way of writing one
			all = append(all, name)
		}
	}
	long, short := store.NewNames(append(all, "missing")...), store.NewNames("ab", "column_03", "missing")
	rapid.Check(t, func(t *rapid.T) {
		var records []string
		var want []store.Item
		usual := rapid.Permutation(indices(len(written))).Draw(t, "usual order")
		for range rapid.IntRange(1, 6).Draw(t, "records") {
			order := usual
			if rapid.Bool().Draw(t, "another order") {
				order = rapid.Permutation(usual).Draw(t, "order")
			}
			item := store.Item{store.PK: store.S("p"), store.SK: store.S("s")}
			image := []string{`"pk":{"S":"p"}`, `"sk":{"S":"s"}`}
			for _, n := range order {
				value, text := drawWritten(t)
				if text != "" {
					item[names[n]] = value
					image = append(image, `"`+written[n]+`":`+text)
				}
			}
			want = append(want, item)
			records = append(records, `{"eventName":"INSERT","dynamodb":{"Keys":{"pk":{"S":"p"},"sk":{"S":"s"}},"NewImage":{`+strings.Join(image, ",")+`},"SequenceNumber":"1"}}`)
		}
		changes, err := dynamo.DecodeEvent([]byte(`{"Records":[` + strings.Join(records, ",") + `]}`))
		if err != nil || len(changes) != len(want) {
			t.Fatalf("%d changes, %v, want %d", len(changes), err, len(want))
		}
		for n, c := range changes {
			for _, list := range []*store.Names{long, short} {
				got := make([]store.Value, len(list.List()))
				if err := c.New.Values(list, got); err != nil {
					t.Fatal(err)
				}
				for at, name := range list.List() {
					if got[at] != want[n][name] {
						t.Fatalf("change %d, attribute %q of %d: got %v, want %v", n, name, len(got), got[at], want[n][name])
					}
				}
			}
		}
	})
}

func indices(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// drawWritten draws a value and how an event writes it; "" for none.
func drawWritten(t *rapid.T) (v store.Value, written string) {
	text := rapid.SampledFrom([]string{"", "x", "a longer text, of more than eight bytes", "12345678"}).Draw(t, "text")
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0, 1, 2:
		return store.Value{}, ""
	case 3:
		return store.N("12.5"), `{"N":"12.5"}`
	case 4:
		return store.B(true), `{"BOOL":true}`
	case 5:
		return store.B(false), `{"BOOL":false}`
	case 6:
		return store.S(text + "\n"), `{ "S":"` + text + `\n" }`
	case 7:
		return store.Nil(), `{"NULL":true}`
	default:
		return store.S(text), `{"S":"` + text + `"}`
	}
}
