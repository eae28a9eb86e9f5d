package filter

import (
	"fmt"

	"segue/internal/schema"
)

// Verdict is the result of one node for one row, and why.
type Verdict struct {
	Node  string    `json:"node"` // path as in items[2].items[0]; "" is the root
	Text  string    `json:"text"` // "and", "or" or the condition as in leadsourcecode in [1,8]
	Holds bool      `json:"holds"`
	Value *string   `json:"value,omitempty"` // what a condition read (Column.Text), nil for null and for groups
	Items []Verdict `json:"items,omitempty"` // of a group
}

// Match reports whether the filter holds on row. It asks for the column of each
// condition at most once and stops as soon as a group is decided, so an error
// of the row in a condition that was not needed goes unnoticed. A value of another
// kind than its column's is an error.
func (p *Program) Match(row Row) (bool, error) { return p.root.match(row) }

// Explain returns the result of each node of the filter on row. It evaluates all
// of them; the root's Holds is what [Program.Match] returns.
func (p *Program) Explain(row Row) (Verdict, error) { return p.root.explain(row) }

func (s *step) match(row Row) (bool, error) {
	if s.test != nil {
		_, holds, err := s.decide(row)
		return holds, err
	}
	decisive := s.logic == Or
	for _, item := range s.items {
		holds, err := item.match(row)
		if err != nil {
			return false, err
		}
		// One item that holds decides an "or", one that does not decides an "and".
		if holds == decisive {
			return decisive, nil
		}
	}
	return !decisive, nil
}

func (s *step) explain(row Row) (Verdict, error) {
	verdict := Verdict{Node: s.path, Text: s.text}
	if s.test != nil {
		value, holds, err := s.decide(row)
		if !value.IsNull() {
			text := s.column.Text(value)
			verdict.Value = &text
		}
		verdict.Holds = holds
		return verdict, err
	}
	decisive := s.logic == Or
	verdict.Holds = !decisive
	for _, item := range s.items {
		inner, err := item.explain(row)
		if err != nil {
			return Verdict{}, err
		}
		if inner.Holds == decisive { // and go on: every item is explained
			verdict.Holds = decisive
		}
		verdict.Items = append(verdict.Items, inner)
	}
	return verdict, nil
}

// decide evaluates a condition and also returns the value that it read.
func (s *step) decide(row Row) (value schema.Value, holds bool, err error) {
	value, err = row.Value(s.source)
	if err != nil {
		return schema.Null(), false, fmt.Errorf("filter at %s: read column %s: %w", s.path, s.source, err)
	}
	if s.source != s.column.Name {
		value = s.column.Derive(value)
	}
	switch value.Kind() {
	case schema.KindNull:
		return value, s.isNull != s.negate, nil
	case s.kind:
		return value, s.test(value) != s.negate, nil
	default:
		return schema.Null(), false, errorAt(s.path, "column %s of type %s holds a value of kind %s", s.column.Name, s.column.Type, value.Kind())
	}
}
