package segmentation_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/store"
)

// clause is the conditions of a segment, and what they mean.
type clause struct {
	text    string
	columns []string
	holds   func(lead values) bool
}

func clauses() []clause {
	isWeb := func(lead values) bool { return lead[sources] == int64(8) }
	isHot := func(lead values) bool { return lead[quality] == int64(1) }
	inB := func(lead values) bool {
		text, _ := lead[city].(string)
		return strings.HasPrefix(strings.ToLower(text), "b")
	}
	const beginsWithB = `{"attribute":"address1_city","operator":"begins-with","values":["b"]}`
	return []clause{
		{web, []string{sources}, isWeb},
		{hot, []string{quality}, isHot},
		{beginsWithB, []string{city}, inB},
		{web + "," + beginsWithB, []string{sources, city}, func(lead values) bool { return isWeb(lead) && inB(lead) }},
		{`{"attribute":"leadqualitycode","operator":"ne","values":[1]}`, []string{quality}, func(lead values) bool { return !isHot(lead) }},
		{`{"type":"or","items":[` + hot + `,{"attribute":"address1_city","operator":"null"}]}`, []string{quality, city}, func(lead values) bool { return isHot(lead) || lead[city] == nil }},
	}
}

const city = "address1_city"

// history is what happens to segments and leads, drawn, and what must have come of it by
// docs/domain.md §8.3 and §8.4, worked out here as they are written.
type history struct {
	*world
	r        *rand.Rand
	segments map[int]*drawnSegment
	leads    []*drawnLead
}

type drawnSegment struct {
	clause
	active, takes bool
}

type drawnLead struct {
	ref    rows.Ref
	now    values
	member int // the number of its segment, 0 for none
}

// TestEvaluate_AnyHistory: whatever was done to the definitions before, each change of a
// record decides as the segments are then, on the membership that the record has. Changes
// of different records may come in any order, and coming again they change nothing.
func TestEvaluate_AnyHistory(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { playHistory(t, seed, 25) })
	}
}

func playHistory(t *testing.T, seed uint64, rounds int) {
	t.Helper()
	h := &history{world: newWorld(t, boot.Options{}), r: rand.New(rand.NewPCG(seed, 1)), segments: map[int]*drawnSegment{}}
	members := 0
	for round := range rounds {
		for range h.r.IntN(3) {
			h.define()
		}
		h.Settle()
		h.Fresh()
		touched := h.change(round)
		changes := h.Fresh()
		h.Deliver(h.shuffled(changes))
		for _, lead := range touched {
			h.decide(lead)
		}
		h.check(round, "once")
		h.Again(changes)
		h.check(round, "again")
		for _, lead := range h.leads {
			if lead.member > 0 {
				members++
			}
		}
		if t.Failed() {
			return
		}
	}
	if members == 0 || members == rounds*len(h.leads) {
		t.Errorf("%d memberships of %d leads: it says little", members, len(h.leads))
	}
	h.Sound(true)
}

// define does something to the definitions.
func (h *history) define() {
	n := 1 + h.r.IntN(5)
	key, s := id("segment", n), h.segments[n]
	update := func(v values) { h.Update("msdyn_segment", key, v) }
	state := map[bool]int64{true: 0, false: 1}
	all := clauses()
	switch {
	case s == nil:
		s = &drawnSegment{clause: all[h.r.IntN(len(all))], active: true, takes: h.r.IntN(2) == 0}
		h.segments[n] = s
		h.Segment(n, s.text, "", values{"msdyn_isresegmentationenabled": s.takes})
	case h.r.IntN(5) == 0:
		if s.active {
			update(values{"statecode": state[false]})
		}
		h.Remove("msdyn_segment", key)
		h.Settle() // or one that is made again under its id would keep the members
		delete(h.segments, n)
		for _, lead := range h.leads {
			if lead.member == n {
				lead.member = 0
			}
		}
	case h.r.IntN(3) == 0:
		s.active = !s.active
		update(values{"statecode": state[s.active]})
	case h.r.IntN(2) == 0:
		s.clause = all[h.r.IntN(len(all))]
		update(values{"msdyn_entityfilter": where(s.text)})
	default:
		update(values{"segue_priority": int64(1 + h.r.IntN(len(h.segments)))})
	}
}

// change creates a lead or changes some, each once, and returns those that segments run on.
func (h *history) change(round int) (touched []*drawnLead) {
	if len(h.leads) < 4 {
		lead := &drawnLead{now: values{sources: int64(8), quality: int64(1 + h.r.IntN(2))}}
		lead.ref = h.Lead(round, lead.now)
		h.leads = append(h.leads, lead)
		touched = append(touched, lead)
	}
	for _, lead := range h.leads {
		if slices.Contains(touched, lead) || h.r.IntN(3) == 0 {
			continue
		}
		column := []string{sources, quality, city, "jobtitle"}[h.r.IntN(4)]
		value := map[string][]any{
			sources: {int64(8), int64(1)}, quality: {int64(1), int64(2), int64(3)}, city: {"Bern", "basel", "Zug", nil}, "jobtitle": {"Buyer", "Owner"},
		}[column]
		drawn := value[h.r.IntN(len(value))]
		h.Update("lead", lead.ref.ID, values{column: drawn})
		runs := lead.now[column] != drawn && h.reads(column)
		lead.now[column] = drawn
		if runs {
			touched = append(touched, lead)
		}
	}
	return touched
}

// reads reports whether an active segment reads a column.
func (h *history) reads(column string) bool {
	for _, s := range h.segments {
		if s.active && slices.Contains(s.columns, column) {
			return true
		}
	}
	return false
}

// decide is §8.4 for a lead.
func (h *history) decide(lead *drawnLead) {
	var order []int
	for n := range h.segments {
		order = append(order, n)
	}
	priority := func(n int) int64 { return h.Row("msdyn_segment", id("segment", n)).Int("segue_priority") }
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(priority(a), priority(b)) })
	for _, n := range order {
		s := h.segments[n]
		if !s.active || !s.holds(lead.now) {
			continue
		}
		if lead.member == 0 || lead.member == n || s.takes {
			lead.member = n
			return
		}
	}
}

// shuffled returns changes in another order; each is of another record.
func (h *history) shuffled(changes []store.Change) []store.Change {
	other := slices.Clone(changes)
	h.r.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
	return other
}

func (h *history) check(round int, delivered string) {
	h.T.Helper()
	for _, lead := range h.leads {
		want := ""
		if lead.member > 0 {
			want = id("segment", lead.member)
		}
		if got, _ := h.On(lead.ref); got != want {
			h.T.Errorf("round %d, delivered %s: %v %v is in segment %q, want %d (%q)", round, delivered, lead.ref, lead.now, got, lead.member, want)
		}
	}
}
