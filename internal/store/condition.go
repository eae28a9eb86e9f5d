package store

// Condition is what must hold of an item for an operation on it to happen. It
// is a closed set (Exists, Absent, Equals, NotEquals and their conjunction by
// And), so that every store can decide it. The zero Condition always holds.
type Condition struct{ Terms []Term }

// Test is one comparison of a Term.
type Test uint8

// The comparisons. NotEquals holds for an attribute that is not there.
const (
	TestExists Test = iota + 1
	TestAbsent
	TestEquals
	TestNotEquals
)

// Term is one comparison of an attribute; Value matters to TestEquals and
// TestNotEquals only.
type Term struct {
	Test  Test
	Attr  string
	Value Value
}

// Exists holds when the item has the attribute. Exists(PK) holds when there is
// an item at all.
func Exists(attr string) Condition { return Condition{[]Term{{Test: TestExists, Attr: attr}}} }

// NotThere holds when the item lacks the attribute. NotThere(PK) holds when
// there is no item.
func NotThere(attr string) Condition { return Condition{[]Term{{Test: TestAbsent, Attr: attr}}} }

// Equals holds when the attribute is there and equal to v.
func Equals(attr string, v Value) Condition { return Condition{[]Term{{TestEquals, attr, v}}} }

// NotEquals holds when the attribute is not there or not equal to v.
func NotEquals(attr string, v Value) Condition { return Condition{[]Term{{TestNotEquals, attr, v}}} }

// And holds when all cs hold.
func And(cs ...Condition) Condition {
	var all Condition
	for _, c := range cs {
		all.Terms = append(all.Terms, c.Terms...)
	}
	return all
}

// Holds reports whether c holds for an item, nil when there is none. Stores that have
// no conditions of their own use it, and so does the naive store of the contract
// suite.
func (c Condition) Holds(i Item) bool {
	for _, t := range c.Terms {
		v, ok := i[t.Attr]
		var holds bool
		switch t.Test {
		case TestExists:
			holds = ok
		case TestAbsent:
			holds = !ok
		case TestEquals:
			holds = ok && v.Equal(t.Value)
		case TestNotEquals:
			holds = !ok || !v.Equal(t.Value)
		}
		if !holds {
			return false
		}
	}
	return true
}
