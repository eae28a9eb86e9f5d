package filter_test

import (
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"segue/internal/filter"
)

// verdicts draws the verdict of a tree whose conditions come out at random.
func verdicts(t *rapid.T, depth int) filter.Verdict {
	if depth == 0 || rapid.Bool().Draw(t, "condition") {
		return filter.Verdict{Text: "subject eq x", Holds: rapid.Bool().Draw(t, "holds")}
	}
	v := filter.Verdict{Text: rapid.SampledFrom([]string{"and", "or"}).Draw(t, "logic")}
	for range rapid.IntRange(0, 3).Draw(t, "items") {
		v.Items = append(v.Items, verdicts(t, depth-1))
	}
	v.Holds = holds(v, func(l filter.Verdict) bool { return l.Holds })
	return v
}

// holds works a verdict out from those of its conditions.
func holds(v filter.Verdict, leaf func(filter.Verdict) bool) bool {
	if !v.Group() {
		return leaf(v)
	}
	all, any := true, false
	for _, item := range v.Items {
		h := holds(item, leaf)
		all, any = all && h, any || h
	}
	if v.Text == "and" {
		return all
	}
	return any
}

// What is missing is a smallest set: turning its conditions makes the whole hold, and no
// smaller set does.
func TestMissing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := verdicts(t, 3)
		leaves := v.Leaves()
		if len(leaves) > 10 {
			t.Skip("too many conditions to try all sets")
		}
		fewest, possible := len(leaves)+1, false
		for set := range 1 << len(leaves) {
			n := 0
			if holds(v, func(l filter.Verdict) bool { n++; return l.Holds != (set>>(n-1)&1 == 1) }) {
				fewest, possible = min(fewest, bits.OnesCount(uint(set))), true
			}
		}
		missing, ok := v.Missing()
		if ok != possible || ok && len(missing) != fewest {
			t.Errorf("%+v: missing %d, %t; the smallest set has %d, %t", v, len(missing), ok, fewest, possible)
		}
		for _, m := range missing {
			if m.Holds || m.Group() {
				t.Errorf("%+v is missing", m)
			}
		}
	})
}
