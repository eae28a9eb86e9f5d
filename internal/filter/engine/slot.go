package engine

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"segue/internal/filter"
	"segue/internal/schema"
)

// null is the place of a column without a value.
const null = 0

// slot is a column and its cuts; of those one list is used, by the kind of its values.
type slot struct {
	column *schema.Column
	folds  bool // its texts are compared folded
	keeps  bool // patterns are looked for in them

	numbers  []int64 // whole numbers, options, truth values, seconds
	floats   []float64
	decimals []schema.Value
	units    []int64 // the decimals in units of ten to the power of exp, nil where not all are whole numbers of them
	exp      int32
	texts    []string
	heads    []uint64 // of the texts
	refs     []schema.Lookup
	tails    []uint64 // of the ids of the references
}

// slotsOf returns a slot for each column that conditions compare with constants, in the
// order of their names.
func slotsOf(programs []*filter.Program) []slot {
	found := map[string]*slot{}
	for _, p := range programs {
		t, tree := p.Tree()
		if tree == nil {
			continue
		}
		eachCondition(tree, func(c *filter.Condition) {
			s := found[c.Column]
			if s == nil {
				column := t.Column(c.Column)
				s = &slot{column: column, folds: column.Type == schema.String || column.Type == schema.Memo}
				found[c.Column] = s
			}
			s.add(c)
		})
	}
	slots := make([]slot, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		s := found[name]
		s.sort()
		slots = append(slots, *s)
	}
	return slots
}

// eachCondition visits the conditions of a tree that the engine evaluates itself.
func eachCondition(n filter.Node, visit func(*filter.Condition)) {
	switch n := n.(type) {
	case *filter.Group:
		for _, item := range n.Items {
			eachCondition(item, visit)
		}
	case *filter.Condition:
		if isOwn(n) {
			visit(n)
		}
	}
}

// isOwn reports whether a condition compares a column of the row with constants.
func isOwn(c *filter.Condition) bool {
	if len(c.Path) > 0 || c.Other != "" {
		return false
	}
	switch op, _ := c.Operator.Positive(); op {
	case filter.Eq, filter.In, filter.Gt, filter.Ge, filter.Lt, filter.Le, filter.Between, filter.Null,
		filter.Like, filter.Contains, filter.BeginsWith, filter.EndsWith:
		return true
	default:
		return false
	}
}

// add adds the values of a condition to the cuts.
func (s *slot) add(c *filter.Condition) {
	switch op, _ := c.Operator.Positive(); op {
	case filter.Like, filter.Contains, filter.EndsWith:
		s.keeps = true
	case filter.BeginsWith:
		if from, to := beginnings(c); from != "" {
			s.texts = append(s.texts, from, to)
		}
	default:
		for _, v := range c.Values {
			s.cut(v)
		}
	}
}

// beginnings returns the least text that begins as the condition says and the least one
// after all that do, both "" where every text does: texts are ordered by their bytes.
func beginnings(c *filter.Condition) (from, to string) {
	text, _ := c.Values[0].Text()
	from = filter.NewPattern(filter.BeginsWith, text).Folded()
	if from == "" {
		return "", ""
	}
	end := []byte(from) // UTF-8 has no byte 0xFF, so one more is a byte
	end[len(end)-1]++
	return from, string(end)
}

func (s *slot) cut(v schema.Value) {
	switch v.Kind() {
	case schema.KindInt, schema.KindBool, schema.KindTime:
		s.numbers = append(s.numbers, number(v))
	case schema.KindFloat:
		f, _ := v.Float()
		s.floats = append(s.floats, f)
	case schema.KindDec:
		s.decimals = append(s.decimals, v)
	case schema.KindText:
		text, _ := v.Text()
		if s.folds {
			text = filter.Folded(text)
		}
		s.texts = append(s.texts, text)
	case schema.KindRef:
		ref, _ := v.Ref()
		s.refs = append(s.refs, ref)
	case schema.KindNull:
	}
}

// number returns a value whose order is that of a whole number.
func number(v schema.Value) int64 {
	if b, ok := v.Bool(); ok && b {
		return 1
	}
	if t, ok := v.Time(); ok {
		return t.Unix()
	}
	n, _ := v.Int()
	return n
}

func (s *slot) sort() {
	s.numbers, s.floats, s.texts = sorted(s.numbers), sorted(s.floats), sorted(s.texts)
	slices.SortFunc(s.decimals, schema.Value.Compare)
	s.decimals = slices.Compact(s.decimals)
	s.exp = math.MaxInt32
	for _, v := range s.decimals {
		d, _ := v.Dec()
		s.exp = min(s.exp, d.Exponent())
	}
	for _, v := range s.decimals {
		n, ok := v.Units(s.exp)
		if !ok {
			s.units = nil
			break
		}
		s.units = append(s.units, n)
	}
	for _, text := range s.texts {
		s.heads = append(s.heads, head(text))
	}
	slices.SortFunc(s.refs, byTail)
	s.refs = slices.Compact(s.refs)
	for _, ref := range s.refs {
		s.tails = append(s.tails, tail(ref.ID))
	}
}

func sorted[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// head returns the first eight bytes of a text as a number: of two texts, the one that
// has the less is the less. Most texts are told apart by it. Texts are UTF-8, which has
// no byte 0xFF.
func head[T string | []byte](text T) uint64 {
	if len(text) >= 8 {
		return uint64(text[0])<<56 | uint64(text[1])<<48 | uint64(text[2])<<40 | uint64(text[3])<<32 |
			uint64(text[4])<<24 | uint64(text[5])<<16 | uint64(text[6])<<8 | uint64(text[7])
	}
	n := uint64(0)
	for i := range 8 {
		n <<= 8
		if i < len(text) {
			n |= uint64(text[i])
		}
	}
	return n
}

// tail returns the last eight bytes of an id, by which references are told apart.
func tail(id string) uint64 { return head(id[max(0, len(id)-8):]) }

// byTail orders references; any order would do.
func byTail(a, b schema.Lookup) int {
	return cmp.Or(cmp.Compare(tail(a.ID), tail(b.ID)), strings.Compare(a.ID, b.ID), strings.Compare(a.Table, b.Table))
}

// last returns the place after all cuts.
func (s *slot) last() uint32 {
	return uint32(2*(len(s.numbers)+len(s.floats)+len(s.decimals)+len(s.texts)+len(s.refs)) + 1)
}

// placeOf returns the place of a value of the slot's kind.
func (s *slot) placeOf(v schema.Value) uint32 {
	switch v.Kind() {
	case schema.KindInt, schema.KindBool, schema.KindTime:
		return placeOf(s.numbers, number(v))
	case schema.KindFloat:
		f, _ := v.Float()
		return placeOf(s.floats, f)
	case schema.KindDec:
		if n, ok := v.Units(s.exp); ok && s.units != nil {
			return placeOf(s.units, n)
		}
		return placeBy(s.decimals, v, schema.Value.Compare)
	case schema.KindText:
		text, _ := v.Text()
		if s.folds {
			text = filter.Folded(text)
		}
		return placeOfText(s, text)
	case schema.KindRef:
		ref, _ := v.Ref()
		return s.placeOfRef(ref)
	case schema.KindNull:
	}
	return null
}

// placeOf returns the place of a value that is not null among cuts.
func placeOf[T cmp.Ordered](cuts []T, v T) uint32 {
	low := lower(cuts, v)
	return place(low, low < len(cuts) && cuts[low] == v)
}

// place is that of a value that is a cut, or comes before it.
func place(cut int, equal bool) uint32 {
	if equal {
		return uint32(2*cut + 2)
	}
	return uint32(2*cut + 1)
}

// lower returns how many cuts are less than a value. What it does next never depends on a
// comparison, which no processor could foresee.
func lower[T cmp.Ordered](cuts []T, v T) int {
	low, n := 0, len(cuts)
	for n > 1 {
		half := n >> 1
		if cuts[low+half-1] < v {
			low += half
		}
		n -= half
	}
	if n == 1 && cuts[low] < v {
		low++
	}
	return low
}

// placeBy is placeOf by a comparison.
func placeBy[T any](cuts []T, v T, compare func(a, b T) int) uint32 {
	return place(slices.BinarySearchFunc(cuts, v, compare))
}

// placeOfText is placeOf for a text, which need not become a string.
func placeOfText[T string | []byte](s *slot, text T) uint32 {
	key := head(text)
	low := lower(s.heads, key)
	for high := s.alike(low, key); low < high; { // the few that begin as it does
		if middle := int(uint(low+high) >> 1); s.texts[middle] < string(text) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return place(low, low < len(s.texts) && s.texts[low] == string(text))
}

// alike returns where the texts end, from low on, that begin with a head.
func (s *slot) alike(low int, key uint64) int {
	if low+1 < len(s.heads) && s.heads[low+1] == key {
		return low + lower(s.heads[low:], key+1) // no text has the last of all heads
	}
	if low < len(s.heads) && s.heads[low] == key {
		return low + 1
	}
	return low
}

// placeOfRef is placeOf for a reference.
func (s *slot) placeOfRef(ref schema.Lookup) uint32 {
	key := tail(ref.ID)
	low := lower(s.tails, key)
	for n := low; n < len(s.tails) && s.tails[n] == key; n++ {
		if s.refs[n] == ref {
			return place(n, true)
		}
	}
	return place(low, false)
}
