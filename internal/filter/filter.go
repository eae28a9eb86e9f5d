// Package filter is the condition language of Segue: trees of comparisons of a
// row's columns with constants, with each other, with the time and with the caller, and
// of conditions on related rows. Segments, assignment rules, field conditions,
// flow filters and $filter all come here, so that the same words mean the same
// everywhere; package odata/uri builds the same trees from $filter text.
//
// A tree is parsed ([Parse]), or built by code and checked ([Check]); it is printed
// ([Group.String]) and compiled ([Compile]). [Program.Match] returns its result for a
// row, [Program.Explain] also the reasons; what a program asks beyond the row is in a
// [Scope] ([Program.MatchIn]).
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
//	on on-or-after     by the date that a clock     moment
//	on-or-before       shows in the scope's zone
//	today last-week    in that time, which package  moment; those of
//	next-x-days …      calendar defines             hours no date
//	eq-userid …        an id of the caller          reference
//	above under        above or below the row of    reference to a row
//	eq-or-above        the value, by the lookups    of a hierarchy
//	eq-or-under        of the hierarchy, or itself
//
// Each of ne not-in not-between not-like not-contains not-begin-with
// not-end-with not-null ne-userid ne-businessid not-under is the exact negation of its positive,
// null included:
//
//	null column        eq in gt ge lt le between like contains
//	                   begins-with ends-with not-null and those
//	                   of dates, the caller and hierarchies      false
//	                   ne not-in not-between not-like not-contains
//	                   not-begin-with not-end-with null
//	                   ne-userid ne-businessid not-under         true
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
// state, status, boolean) and references (guid, lookup) are only equal or not. Two
// columns are compared as a column and a constant are; where either is null, eq and the
// orders are false and ne is true.
//
// Size: a tree is one closed set of nodes and operators, to whoever reads its text,
// checks it, prints it and evaluates it; apart, they would export to each other what
// nobody else may use. The arithmetic of dates is a package of its own.
//
// Invariant: [Program.Match] and [Program.Explain] have the same result, and a tree
// that [Check] accepts prints to a text that [Parse] reads as the same tree.
package filter

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"segue/internal/schema"
)

// Limits of a filter.
const (
	MaxDepth  = 10      // groups and relationships inside each other, the root included
	MaxValues = 100     // values of in and not-in
	MaxPath   = 5       // lookups of a path
	MaxLevels = 100     // of a hierarchy above a row; what is higher counts as not above it
	MaxUnits  = 1 << 20 // the number of hours, days or other units in an operator such as last-x-days
	MaxText   = 1 << 20 // bytes of text that Parse reads
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

// Condition compares one column with constants or with another column of its row. Of
// constants, null and not-null take none, between and not-between two, in and not-in 1
// to MaxValues, the operators of dates and of the caller as many as their names say,
// the others one. No value is null.
type Condition struct {
	// Path leads from the row through lookups, by their navigation properties, to the
	// row that is compared; nil is the row itself. Where a lookup is null or its row is
	// gone, all columns behind it are null.
	Path     []string
	Column   string
	Operator Operator
	Values   []schema.Value
	Other    string // the column compared with, of the same row and type, in place of Values; "" for none
}

// Related is a condition on related rows: with Contains, Filter must hold for at
// least one of them, otherwise for none. A relationship of a table with itself is seen
// from the row that is pointed at.
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
		Node:   nodeAfter(g, nil, limit).String(),
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
func nodeAfter(g *Group, path *place, n int) *place {
	for i, item := range g.Items {
		if has := item.conditions(); n >= has {
			n -= has // the condition comes later
			continue
		}
		path = path.item(i)
		switch item := item.(type) {
		case *Group:
			return nodeAfter(item, path, n)
		case *Related:
			if item.Filter.conditions() > 0 {
				return nodeAfter(item.Filter, path.filter(), n)
			}
		}
		break // item is the condition itself, or a Related that counts as one
	}
	return path
}

// Error describes what is wrong with a filter and where. Its text may be shown
// to the author of the filter.
type Error struct {
	Node       string // path as in items[2].items[0] or items[1].values[0]; "" is the root
	Offset     int    // byte offset in the text that Parse was given, -1 for a tree that was built by code
	Detail     string // what is wrong and what is expected
	LimitName  string // of a filter that has too much of something, else ""
	Most, Used int
}

// Limit returns, of a filter that has too much of something, the name of the limit, its
// value and how much there is, 0 where that is not counted; most is 0 for any other error.
func (e *Error) Limit() (name string, most, used int) { return e.LimitName, e.Most, e.Used }

// exceeds says which limit it is that the error is about.
func (e *Error) exceeds(limit string, most, used int) *Error {
	e.LimitName, e.Most, e.Used = limit, most, used
	return e
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

func errorAt(node *place, format string, args ...any) *Error {
	return &Error{Node: node.String(), Offset: -1, Detail: fmt.Sprintf(format, args...)}
}

// place is where a node or a value is in a tree; nil is the root. It becomes a text only
// where somebody reads it.
type place struct {
	in     *place
	member string
	number int // its index in the member; -1 if the member is not a list
}

func (p *place) item(i int) *place  { return &place{p, "items", i} }
func (p *place) value(i int) *place { return &place{p, "values", i} }
func (p *place) filter() *place     { return &place{p, "filter", -1} }

// String returns the place as [Error.Node] has it.
func (p *place) String() string { return string(p.append(nil)) }

// append keeps nothing of the places, so that they need no memory of their own.
func (p *place) append(b []byte) []byte {
	if p == nil {
		return b
	}
	if p.in != nil {
		b = append(p.in.append(b), '.')
	}
	b = append(b, p.member...)
	if p.number >= 0 {
		b = append(strconv.AppendInt(append(b, '['), int64(p.number), 10), ']')
	}
	return b
}
