// Package filter is the condition language of Segue: trees of comparisons of a
// row's columns with constants. Segments, assignment rules, field conditions,
// flow filters and $filter all come here, so that the same words mean the same
// everywhere; package odata builds the same trees from $filter text.
//
// A tree is parsed ([Parse]), or built by code and checked ([Check]); it is printed
// ([Group.String]) and compiled ([Compile]). [Program.Match] returns its result for a
// row, [Program.Explain] also the reasons.
//
// # Meaning
//
// A group "and" holds when all its items hold, so an empty one always does; a
// group "or" holds when any does, so an empty one never does.
//
// For a value that is not null:
//
//	eq                 equal                        every type
//	in                 equal to one of 1 to 100     text, number, choice, reference
//	gt ge lt le        greater, less, or equal      text, number, moment
//	between            from one to another, both    text, number, moment
//	                   included; nothing when the
//	                   first is the greater
//	like               the whole text fits; % is    text
//	                   any text, _ is any one
//	                   character, no escapes
//	contains           has the literal text in it   text
//	begins-with        starts with it               text
//	ends-with          ends with it                 text
//	null               false                        every type
//
// Each of ne not-in not-between not-like not-contains not-begin-with
// not-end-with not-null is the exact negation of its positive, null included:
//
//	null column        eq in gt ge lt le between like contains
//	                   begins-with ends-with not-null            false
//	                   ne not-in not-between not-like not-contains
//	                   not-begin-with not-end-with null          true
//
// Text (string, memo) is folded on both sides before it is compared: each character is
// replaced by its Unicode lower-case character, one by one, no locale. Blanks (U+0020)
// at the end of a value do not count, of the column and of the condition alike. Those
// of a pattern, which like, contains, begins-with and ends-with take, count as any
// other character: "Dr " is the start of "Dr Who" and not of "Drama", and neither of
// "Dr" nor of "Dr ", which are one value. Texts are ordered by folded code points. The
// empty text is a text; rows keep it as null, which null asks for.
// Numbers (integer, bigint, decimal, money, double) and moments (datetime,
// date) are compared by value, decimal and money exactly. Choices (choice,
// state, status, boolean) and references (guid, lookup) are only equal or not.
//
// Invariant: [Program.Match] and [Program.Explain] have the same result, and a tree
// that [Check] accepts prints to a text that [Parse] reads as the same tree.
package filter

import (
	"errors"
	"fmt"
	"strings"

	"segue/internal/schema"
)

// Limits of a filter.
const (
	MaxConditions = 10      // conditions of a segment or rule (docs/domain.md §9.1); applied by CheckLimit, not by Parse
	MaxDepth      = 10      // groups inside each other, the root included
	MaxValues     = 100     // values of in and not-in
	MaxText       = 1 << 20 // bytes of text that Parse reads
)

// ErrLimit is the error of a filter that has too many conditions.
var ErrLimit = errors.New("limit reached")

// Row is what a filter is evaluated on. Value returns null for a column without a
// value.
type Row interface {
	Value(column string) (schema.Value, error)
}

// Node is a part of a filter: *Group, *Condition or *Related.
type Node interface {
	appendJSON(b []byte) []byte
	conditions() int
}

// Logic is how a group joins its items.
type Logic string

// The two logics.
const (
	And Logic = "and"
	Or  Logic = "or"
)

// Group joins items. The root of a filter is a group.
type Group struct {
	Logic Logic
	Items []Node
}

// Condition compares one column with constants: none for null and not-null, two
// for between and not-between, 1 to MaxValues for in and not-in, else one. No
// value is null.
type Condition struct {
	Column   string
	Operator Operator
	Values   []schema.Value
}

// Related is a condition on related rows: with Contains, Filter must hold for at
// least one of them, otherwise for none. It is parsed, checked, printed and counted,
// but not evaluated.
type Related struct {
	Relationship string // schema name
	Contains     bool
	Filter       *Group // columns of the related table; never nil, an empty "and" takes any row
}

// Conditions returns the number of conditions anywhere in g. A [Related] without any
// inside counts as one (docs/domain.md §9.1).
func (g *Group) Conditions() int { return g.conditions() }

// CheckLimit refuses a filter of more than limit conditions. Its error wraps
// [ErrLimit] and an *[Error] that names the first node that is too many.
func (g *Group) CheckLimit(limit int) error {
	if g.conditions() <= limit {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrLimit, &Error{
		Node:   nodeAfter(g, "", limit),
		Offset: -1,
		Detail: fmt.Sprintf("condition %d of at most %d", limit+1, limit),
	})
}

func (g *Group) conditions() int {
	if g == nil {
		return 0
	}
	n := 0
	for _, item := range g.Items {
		n += item.conditions()
	}
	return n
}

func (*Condition) conditions() int { return 1 }

func (r *Related) conditions() int { return max(1, r.Filter.conditions()) }

// nodeAfter returns the path of condition n+1 of g, which has more than n.
func nodeAfter(g *Group, path string, n int) string {
	for i, item := range g.Items {
		if has := item.conditions(); n >= has {
			n -= has // the condition comes later
			continue
		}
		path = itemPath(path, i)
		switch item := item.(type) {
		case *Group:
			return nodeAfter(item, path, n)
		case *Related:
			if item.Filter.conditions() > 0 {
				return nodeAfter(item.Filter, join(path, "filter"), n)
			}
		}
		break // item is the condition itself, or a Related that counts as one
	}
	return path
}

// Error describes what is wrong with a filter and where. Its text may be shown
// to the author of the filter.
type Error struct {
	Node   string // path as in items[2].items[0] or items[1].values[0]; "" is the root
	Offset int    // byte offset in the text that Parse was given, -1 for a tree that was built by code
	Detail string // what is wrong and what is expected
}

// Error returns the place and the detail.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("filter")
	if e.Node != "" {
		b.WriteString(" at " + e.Node)
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " (offset %d)", e.Offset)
	}
	return b.String() + ": " + e.Detail
}

func errorAt(node, format string, args ...any) *Error {
	return &Error{Node: node, Offset: -1, Detail: fmt.Sprintf(format, args...)}
}

func join(path, member string) string {
	if path == "" {
		return member
	}
	return path + "." + member
}

func itemPath(path string, i int) string { return join(path, fmt.Sprintf("items[%d]", i)) }
