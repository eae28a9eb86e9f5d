package engine

import (
	"encoding/binary"
	"slices"

	"segue/internal/filter"
	"segue/internal/schema"
)

// compiler writes operations from the last to the first, so that each knows where it
// jumps to.
type compiler struct {
	*Engine
	program int   // whose tree is compiled
	yes, no int32 // where the program jumps to

	columns  map[string]int // numbers of slots
	shares   []shares       // of each slot
	sets     map[string]uint32
	numberOf map[patternKey]uint32
}

type patternKey struct {
	op   filter.Operator
	text string
}

// compile makes the code.
func (e *Engine) compile() {
	k := compiler{Engine: e, columns: map[string]int{}, sets: map[string]uint32{}, numberOf: map[patternKey]uint32{}}
	for n := range e.slots {
		k.columns[e.slots[n].column.Name] = n
		k.shares = append(k.shares, e.slots[n].guess())
	}
	e.starts = make([]int32, len(e.programs))
	next := k.emit(op{kind: found, low: uint32(len(e.programs))})
	for k.program = len(e.programs) - 1; k.program >= 0; k.program-- {
		hit := k.emit(op{kind: found, low: uint32(k.program)})
		next = k.root(hit, next)
		e.starts[k.program] = next
	}
	k.turn()
}

// emit adds an operation and returns where it is.
func (k *compiler) emit(o op) int32 {
	k.code = append(k.code, o)
	return int32(len(k.code) - 1)
}

// turn puts the operations into the order in which they are executed.
func (k *compiler) turn() {
	last := int32(len(k.code) - 1)
	slices.Reverse(k.code)
	for n := range k.code {
		o := &k.code[n]
		o.yes, o.no = last-o.yes, last-o.no
	}
	for n := range k.starts {
		k.starts[n] = last - k.starts[n]
	}
}

// root compiles a program and returns where it begins.
func (k *compiler) root(yes, no int32) int32 {
	_, tree := k.programs[k.program].Tree()
	if tree == nil {
		return k.emit(op{kind: asks, low: uint32(k.program), yes: yes, no: no})
	}
	k.yes, k.no = yes, no
	return k.node(k.plan(tree), yes, no)
}

// node compiles a node that goes on at yes where it holds and at no where it does not,
// and returns where it begins.
func (k *compiler) node(p plan, yes, no int32) int32 {
	switch {
	case p.group == filter.And:
		for _, item := range slices.Backward(p.items) {
			yes = k.node(item, yes, no)
		}
		return yes
	case p.group == filter.Or:
		for _, item := range slices.Backward(p.items) {
			no = k.node(item, yes, no)
		}
		return no
	case p.op.kind == asks: // it decides the program, whatever stands around it
		yes, no = k.yes, k.no
	case p.negated:
		yes, no = no, yes
	}
	p.op.yes, p.op.no = yes, no
	return k.emit(p.op)
}

// condition returns the operation of a condition on a slot, without its jumps.
func (k *compiler) condition(n int, c *filter.Condition) op {
	s := &k.slots[n]
	switch positive, _ := c.Operator.Positive(); positive {
	case filter.Null:
		return between(n, null, null)
	case filter.Like, filter.Contains, filter.EndsWith:
		text, _ := c.Values[0].Text()
		return op{slot: uint16(n), kind: pattern, low: k.pattern(filter.NewPattern(positive, text), positive)}
	case filter.BeginsWith:
		if from, to := beginnings(c); from != "" {
			return between(n, placeOfText(s, from), placeOfText(s, to)-1)
		}
		return between(n, 1, s.last())
	default:
		return k.comparison(n, positive, c.Values)
	}
}

// comparison returns the operation of a condition that needs only an order.
func (k *compiler) comparison(n int, positive filter.Operator, values []schema.Value) op {
	s := &k.slots[n]
	first, last := s.placeOf(values[0]), s.last()
	switch positive {
	case filter.Gt:
		return between(n, first+1, last)
	case filter.Ge:
		return between(n, first, last)
	case filter.Lt:
		return between(n, 1, first-1)
	case filter.Le:
		return between(n, 1, first)
	case filter.Between:
		return between(n, first, s.placeOf(values[1]))
	default: // Eq, In
		return k.among(n, values)
	}
}

// between returns the operation of a range of places, of none where the first is the
// greater.
func between(slot int, first, last uint32) op {
	if first > last {
		first, last = never, never
	}
	return op{slot: uint16(slot), kind: within, low: first, span: last - first}
}

// never is a place that no value has.
const never = 1<<32 - 1

// among returns the operation of a list of values.
func (k *compiler) among(n int, values []schema.Value) op {
	s := &k.slots[n]
	var places []uint32
	for _, v := range values {
		places = append(places, s.placeOf(v))
	}
	slices.Sort(places)
	places = slices.Compact(places)
	if len(places) == 1 {
		return between(n, places[0], places[0])
	}
	words := make([]uint64, s.last()/64+1)
	var key []byte
	for _, place := range places {
		words[place/64] |= 1 << (place % 64)
		key = binary.LittleEndian.AppendUint32(key, place)
	}
	key = binary.LittleEndian.AppendUint32(key, uint32(len(words)))
	at, known := k.sets[string(key)]
	if !known {
		at = uint32(len(k.words))
		k.sets[string(key)] = at
		k.words = append(k.words, words...)
	}
	return op{slot: uint16(n), kind: among, low: at}
}

// pattern returns the number of a pattern.
func (k *compiler) pattern(p filter.Pattern, positive filter.Operator) uint32 {
	key := patternKey{positive, p.Folded()}
	at, known := k.numberOf[key]
	if !known {
		at = uint32(len(k.patterns))
		k.numberOf[key] = at
		k.patterns = append(k.patterns, p)
	}
	return at
}
