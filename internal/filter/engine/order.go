package engine

import (
	"cmp"
	"math"
	"slices"

	"segue/internal/filter"
	"segue/internal/schema"
)

// shares is how often values of a slot are taken to have each place, of all 1.
type shares []float64

// What an operation costs, beside a range, which is 1.
const (
	patternCost = 8
	askCost     = 200
)

// What is taken for likely.
const (
	likelyNull    = 0.3
	likelyPattern = 0.05
	likelyAsk     = 0.5
)

// guess returns shares for values that it has not seen: options are about as frequent as
// each other, and other values seldom those that a condition names.
func (s *slot) guess() shares {
	all := make(shares, s.last()+1)
	equal, other := 0.01, 1.0 // weights of a cut, and of what is between two
	switch s.column.Type {
	case schema.Choice, schema.State, schema.Status, schema.Boolean:
		cuts := len(s.numbers)
		equal, other = 1, float64(max(0, len(s.column.Options)-cuts))/float64(cuts+1)
	default:
	}
	sum := 1e-9
	for place := range all {
		switch {
		case place == null:
		case place%2 == 0:
			all[place] = equal
		default:
			all[place] = other
		}
		sum += all[place]
	}
	for place := range all {
		all[place] *= (1 - likelyNull) / sum
	}
	all[null] = likelyNull
	return all
}

// plan is a node whose items are in the order in which they are evaluated.
type plan struct {
	group   filter.Logic // of a group
	items   []plan
	op      op // of a condition
	negated bool

	cost   float64 // of an evaluation, on average
	chance float64 // that it holds
}

// plan returns the plan of a node of the present program.
func (k *compiler) plan(n filter.Node) plan {
	switch n := n.(type) {
	case *filter.Group:
		return k.planGroup(n)
	case *filter.Condition:
		if isOwn(n) {
			return k.planCondition(n)
		}
	}
	return plan{op: op{kind: asks, low: uint32(k.program)}, cost: askCost, chance: likelyAsk}
}

func (k *compiler) planCondition(c *filter.Condition) plan {
	n := k.columns[c.Column]
	p := plan{op: k.condition(n, c), cost: 1}
	_, p.negated = c.Operator.Positive()
	switch p.op.kind {
	case within:
		p.chance = k.shares[n].of(p.op.low, p.op.span)
	case among:
		for place, share := range k.shares[n] {
			if k.words[int(p.op.low)+place/64]>>(place%64)&1 != 0 {
				p.chance += share
			}
		}
	default:
		p.cost, p.chance = patternCost, likelyPattern
	}
	if p.negated {
		p.chance = 1 - p.chance
	}
	return p
}

// of returns the share of a range of places.
func (s shares) of(low, span uint32) float64 {
	if low == never {
		return 0
	}
	sum := 0.0
	for _, share := range s[low : low+span+1] {
		sum += share
	}
	return sum
}

// planGroup puts the items first that decide the group soonest for what they cost, as if
// they held independently of each other.
func (k *compiler) planGroup(g *filter.Group) plan {
	p := plan{group: g.Logic}
	for _, item := range g.Items {
		p.items = append(p.items, k.plan(item))
	}
	decides := func(item plan) float64 {
		if g.Logic == filter.Or {
			return item.chance
		}
		return 1 - item.chance
	}
	price := func(item plan) float64 { return item.cost / math.Max(decides(item), 1e-9) }
	slices.SortStableFunc(p.items, func(a, b plan) int { return cmp.Compare(price(a), price(b)) })
	open := 1.0 // the chance that the items so far do not decide
	for _, item := range p.items {
		p.cost += open * item.cost
		open *= 1 - decides(item)
	}
	p.chance = open
	if g.Logic == filter.Or {
		p.chance = 1 - open
	}
	return p
}
