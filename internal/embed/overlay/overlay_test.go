package overlay

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestMerge compares layers with one map that the same changes were made to, in every
// span and both directions, and each tree with what it was when it was copied.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[ab]{0,3}`)
		flat := map[string]string{}
		var layers []*Tree
		for n := range rapid.IntRange(1, 3).Draw(t, "layers") {
			tree := New()
			for range rapid.IntRange(0, 40).Draw(t, "changes") {
				k := key.Draw(t, "key")
				tree = tree.Copy()
				if rapid.Bool().Draw(t, "delete") {
					tree.Set(1, []byte(k), Entry{Deleted: true})
					delete(flat, k)
					continue
				}
				v := fmt.Sprint(n, k)
				tree.Set(1, []byte(k), Entry{Value: []byte(v)})
				flat[k] = v
			}
			tree.Set(0, []byte("a"), Entry{Value: []byte("below")})
			tree.Set(2, nil, Entry{Value: []byte("above")})
			layers = append([]*Tree{tree}, layers...)
		}
		lo, hi, open := key.Draw(t, "lo"), key.Draw(t, "hi"), rapid.Bool().Draw(t, "open")
		for _, descending := range []bool{false, true} {
			want := [][2]string{}
			for _, k := range slices.Sorted(maps.Keys(flat)) {
				if k >= lo && (open || k < hi) {
					want = append(want, [2]string{k, flat[k]})
				}
			}
			end := []byte(hi)
			if open {
				end = nil
			}
			if descending {
				slices.Reverse(want)
			}
			var walks []Layer
			for _, tree := range layers {
				walks = append(walks, tree.Walk(1, []byte(lo), end, descending))
			}
			got := [][2]string{}
			for k, v := range Merge(descending, walks...) {
				got = append(got, [2]string{string(k), string(v)})
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("from %q to %q, open %v, descending %v (-want +got):\n%s", lo, hi, open, descending, d)
			}
		}
	})
}

func TestCopies(t *testing.T) {
	before := New()
	before.Set(0, []byte("k"), Entry{Value: []byte("1")})
	after := before.Copy()
	after.Set(0, []byte("k"), Entry{Value: []byte("2")})
	for tree, want := range map[*Tree]string{before: "1", after: "2"} {
		if e, ok := tree.Get(0, []byte("k")); !ok || string(e.Value) != want {
			t.Errorf("%q, %v, want %q", e.Value, ok, want)
		}
	}
}
