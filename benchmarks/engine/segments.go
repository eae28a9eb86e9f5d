package main

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"sort"

	"segue/internal/filter"
	"segue/internal/schema"
)

// bitmap is leads.
type bitmap []uint64

func newBitmap(leads int) bitmap { return make(bitmap, (leads+63)/64) }

func (b bitmap) set(n int) { b[n/64] |= 1 << (n % 64) }

func (b bitmap) count() (n int) {
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}

// candidate is a condition and the leads that it holds for.
type candidate struct {
	*filter.Condition
	holds bitmap
	share float64
}

// drawCandidates draws conditions with constants from the data, by the share of leads
// that they hold for.
func drawCandidates(s *schema.Schema, r *rand.Rand, columns []column, all []lead) ([]candidate, error) {
	var found []candidate
	for len(found) < 6000 {
		i := r.IntN(len(columns))
		c := drawCondition(r, columns[i], i, all)
		if c == nil {
			continue
		}
		program, err := filter.Compile(s, "bench_lead", &filter.Group{Logic: filter.And, Items: []filter.Node{c}})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c, err)
		}
		next := candidate{c, newBitmap(len(all)), 0}
		for n := range all {
			holds, err := program.Match(row{columns, all[n]})
			if err != nil {
				return nil, err
			}
			if holds {
				next.holds.set(n)
			}
		}
		if next.share = float64(next.holds.count()) / float64(len(all)); next.share > 0 && next.share < 1 {
			found = append(found, next)
		}
	}
	sort.Slice(found, func(a, b int) bool { return found[a].share < found[b].share })
	return found, nil
}

// drawCondition draws a condition; nil where the lead that was drawn has no value.
func drawCondition(r *rand.Rand, c column, i int, all []lead) *filter.Condition {
	operators := map[schema.Type][]filter.Operator{
		schema.String:  {filter.Eq, filter.Ne, filter.In, filter.BeginsWith, filter.NotBeginWith, filter.Contains, filter.NotContains, filter.EndsWith},
		schema.Memo:    {filter.Contains, filter.NotContains},
		schema.Boolean: {filter.Eq, filter.Ne},
		schema.Choice:  {filter.Eq, filter.Ne, filter.In, filter.NotIn}, schema.LookupTo: {filter.Eq, filter.Ne, filter.In, filter.NotIn},
	}[c.kind]
	if operators == nil {
		operators = []filter.Operator{filter.Gt, filter.Ge, filter.Lt, filter.Le, filter.Between, filter.NotBetween}
	}
	op := operators[r.IntN(len(operators))]
	if r.IntN(12) == 0 {
		op = []filter.Operator{filter.Null, filter.NotNull}[r.IntN(2)]
	}
	condition := &filter.Condition{Column: c.name, Operator: op}
	least, most := op.Arity()
	count := least
	if most > least {
		count = 2 + r.IntN(4)
	}
	for len(condition.Values) < count {
		v := all[r.IntN(len(all))][i]
		if v.IsNull() {
			continue
		}
		if text, ok := v.Text(); ok {
			v = schema.Text(part(r, op, text))
		}
		condition.Values = append(condition.Values, v)
	}
	if count == 2 && most == 2 && condition.Values[0].Compare(condition.Values[1]) > 0 {
		condition.Values[0], condition.Values[1] = condition.Values[1], condition.Values[0]
	}
	return condition
}

// part returns what a pattern looks for: a part of a text of the data.
func part(r *rand.Rand, op filter.Operator, text string) string {
	length := min(len(text), 3+r.IntN(6))
	switch positive, _ := op.Positive(); positive {
	case filter.BeginsWith:
		return text[:length]
	case filter.EndsWith:
		return text[len(text)-length:]
	case filter.Contains:
		from := r.IntN(len(text) - length + 1)
		return text[from : from+length]
	default:
		return text
	}
}

// builder draws trees of ten conditions that hold for about a share of the leads.
type builder struct {
	r    *rand.Rand
	all  []candidate
	of   int     // leads
	lean float64 // what conditions drawn next are to hold for, beside what independence would ask
}

// tree is a node and the leads that it holds for.
type tree struct {
	filter.Node
	holds bitmap
}

// leaf draws a condition that holds for about a share of the leads.
func (b *builder) leaf(share float64) tree {
	share = min(max(share*b.lean*(0.9+0.2*b.r.Float64()), b.all[0].share), 0.995)
	at := sort.Search(len(b.all), func(n int) bool { return b.all[n].share >= share })
	at = min(max(at+b.r.IntN(61)-30, 0), len(b.all)-1)
	return tree{b.all[at].Condition, b.all[at].holds}
}

func (b *builder) leaves(n int, share float64) (all []tree) {
	for range n {
		all = append(all, b.leaf(share))
	}
	return all
}

// group joins nodes, in an order without meaning.
func (b *builder) group(logic filter.Logic, items ...tree) tree {
	b.r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	g, holds := &filter.Group{Logic: logic}, newBitmap(b.of)
	for n, item := range items {
		g.Items = append(g.Items, item.Node)
		for word := range holds {
			switch {
			case n == 0:
				holds[word] = item.holds[word]
			case logic == filter.And:
				holds[word] &= item.holds[word]
			default:
				holds[word] |= item.holds[word]
			}
		}
	}
	return tree{g, holds}
}

// either returns the share that each of n nodes has if one of them holds for a share.
func either(n int, share float64) float64 { return 1 - math.Pow(1-share, 1/float64(n)) }

// both returns the share that each of n nodes has if all of them hold for a share.
func both(n int, share float64) float64 { return math.Pow(share, 1/float64(n)) }

// shape draws a tree of one of the five shapes.
func (b *builder) shape(shape int, share float64) tree {
	and, or := filter.And, filter.Or
	switch shape {
	case 0: // ten that all hold
		return b.group(and, b.leaves(10, both(10, share))...)
	case 1: // five, and one of five
		return b.group(and, append(b.leaves(5, both(6, share)), b.group(or, b.leaves(5, either(5, both(6, share)))...))...)
	case 2: // five or five
		each := both(5, either(2, share))
		return b.group(or, b.group(and, b.leaves(5, each)...), b.group(and, b.leaves(5, each)...))
	case 3: // one of each of three lists
		each := both(3, share)
		return b.group(and, b.group(or, b.leaves(3, either(3, each))...), b.group(or, b.leaves(3, either(3, each))...), b.group(or, b.leaves(4, either(4, each))...))
	default: // three, and one of two pairs and of three
		each := both(4, share)
		inner := append(b.leaves(3, either(5, each)), b.group(and, b.leaves(2, both(2, either(5, each)))...), b.group(and, b.leaves(2, both(2, either(5, each)))...))
		return b.group(and, append(b.leaves(3, each), b.group(or, inner...))...)
	}
}

// drawSegments draws trees of which a fifth hold for less than a thousandth of the leads,
// half for up to a fiftieth and the others for up to a tenth.
func drawSegments(r *rand.Rand, leads int, all []candidate) []*filter.Group {
	var found []*filter.Group
	for n := range segments {
		low, high := 0.001, 0.02
		switch n % 10 {
		case 0, 1:
			low, high = 0.00005, 0.001
		case 2, 3, 4:
			low, high = 0.02, 0.1
		}
		b := &builder{r: r, all: all, of: leads, lean: 1}
		for {
			share := low * math.Pow(high/low, r.Float64())
			t := b.shape(n%5, share)
			got := float64(t.holds.count()) / float64(leads)
			if got >= low && got < high {
				found = append(found, t.Node.(*filter.Group))
				break
			}
			if got < low { // conditions of real data do not hold independently of each other
				b.lean *= 1.01
			} else {
				b.lean *= 0.99
			}
		}
	}
	r.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	return found
}

// row is a lead as filter reads one.
type row struct {
	columns []column
	values  lead
}

// Value implements [filter.Row].
func (r row) Value(name string) (schema.Value, error) {
	for i, c := range r.columns {
		if c.name == name {
			return r.values[i], nil
		}
	}
	return schema.Null(), fmt.Errorf("no column %s", name)
}
