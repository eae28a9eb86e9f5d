package filter

import (
	"fmt"

	"segue/internal/schema"
)

// Match reports whether the filter holds on row. It stops as soon as a group is decided,
// and asks for related rows only where the row's own columns leave that open, so an error
// of the row in a condition that was not needed goes unnoticed. A value of another
// kind than its column's is an error, and so is a condition that asks for more than the
// row ([Program.MatchIn]).
func (p *Program) Match(row Row) (bool, error) { return p.root.match(row, nil) }

// MatchIn is [Program.Match] for a program that asks for more than the row.
func (p *Program) MatchIn(row Row, scope *Scope) (bool, error) { return p.root.match(row, scope) }

// Explain returns the result of each node of the filter on row. It evaluates all
// of them; the root's Holds is what [Program.Match] returns.
func (p *Program) Explain(row Row) (Verdict, error) { return p.root.explain(row, nil) }

// ExplainIn is [Program.Explain] for a program that asks for more than the row.
func (p *Program) ExplainIn(row Row, scope *Scope) (Verdict, error) {
	return p.root.explain(row, scope)
}

func (s *step) match(row Row, scope *Scope) (bool, error) {
	if s.test != nil {
		_, holds, err := s.decide(row)
		return holds, err
	}
	if s.asks {
		_, holds, err := s.beyond.decide(row, scope)
		return holds, err
	}
	if s.rows {
		if holds, known := s.withoutRows(row, scope); known {
			return holds, nil
		}
	}
	decisive := s.or
	for _, item := range s.items {
		var holds bool
		var err error
		if item.test != nil { // most are, and a call less is a tenth of the time
			_, holds, err = item.decide(row)
		} else {
			holds, err = item.match(row, scope)
		}
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

func (s *step) explain(row Row, scope *Scope) (Verdict, error) {
	verdict := Verdict{Node: s.path.String(), Text: s.text()}
	if s.isCondition() {
		value, holds, err := s.answer(row, scope)
		if err == nil && !value.IsNull() {
			var shown bool
			if shown, err = s.shows(row, scope); shown {
				text := s.column.Text(value)
				verdict.Value = &text
			}
		}
		if found := s.found(row, scope); found != "" {
			verdict.Value = &found
		}
		verdict.Holds = holds
		return verdict, err
	}
	decisive := s.or
	verdict.Holds = !decisive
	for _, item := range s.items {
		inner, err := item.explain(row, scope)
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

func (s *step) isCondition() bool { return s.test != nil || s.asks }

// answer evaluates any condition and also returns the value that it read, null for
// conditions on related rows.
func (s *step) answer(row Row, scope *Scope) (value schema.Value, holds bool, err error) {
	if s.test != nil {
		return s.decide(row)
	}
	return s.beyond.decide(row, scope)
}

// decide evaluates a condition and also returns the value that it read.
func (s *step) decide(row Row) (value schema.Value, holds bool, err error) {
	value, err = row.Value(s.source) // as read does, which is not called: this is where a list spends its time
	if err != nil {
		return schema.Null(), false, s.unreadable(err)
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
		return schema.Null(), false, s.wrongKind(value)
	}
}

// read reads the column of a condition.
func (s *step) read(row Row) (schema.Value, error) {
	value, err := row.Value(s.source)
	if err != nil {
		return schema.Null(), s.unreadable(err)
	}
	if s.source != s.column.Name {
		value = s.column.Derive(value)
	}
	return value, nil
}

func (s *step) unreadable(err error) error {
	return fmt.Errorf("filter at %s: read column %s: %w", s.path, s.source, err)
}

func (s *step) wrongKind(value schema.Value) error {
	return errorAt(s.path, "column %s of type %s holds a value of kind %s", s.column.Name, s.column.Type, value.Kind())
}
