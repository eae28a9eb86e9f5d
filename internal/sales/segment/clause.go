package segment

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/filter"
)

// MaxValue is how many bytes of a value that a condition read are kept with its verdict.
const MaxValue = 100

// Clause is the verdict of one group or condition as it is kept.
type Clause struct {
	Node  string  `json:"node"` // as in [filter.Verdict]
	Text  string  `json:"text"`
	Holds bool    `json:"holds"`
	Value *string `json:"value,omitempty"` // nil for null and for groups
	Cut   bool    `json:"cut,omitempty"`   // Value is but the start of what was read
}

// Group reports whether the verdict is that of a group.
func (c Clause) Group() bool { return filter.Verdict{Text: c.Text}.Group() }

// ClausesOf returns the clauses of a verdict in the order of the text, each value cut
// after [MaxValue] bytes.
func ClausesOf(v filter.Verdict) []Clause {
	var clauses []Clause
	for _, one := range v.Flat() {
		c := Clause{Node: one.Node, Text: one.Text, Holds: one.Holds, Value: one.Value}
		if c.Value != nil {
			kept := excerpt.Bytes(*c.Value, MaxValue)
			c.Cut = len(kept) < len(*c.Value)
			c.Value = &kept
		}
		clauses = append(clauses, c)
	}
	return clauses
}

// EncodeClauses returns clauses as text in few characters, which [DecodeClauses] reads: a
// JSON array of arrays of node, text, verdict and, where there is one, the value, which
// comes in an array of its own if it is cut.
func EncodeClauses(clauses []Clause) (string, error) {
	short := make([][]any, len(clauses))
	for i, c := range clauses {
		short[i] = []any{c.Node, c.Text, 0}
		if c.Holds {
			short[i][2] = 1
		}
		switch {
		case c.Value == nil:
		case c.Cut:
			short[i] = append(short[i], []string{*c.Value})
		default:
			short[i] = append(short[i], *c.Value)
		}
	}
	text, err := json.Marshal(short)
	return string(text), err
}

// DecodeClauses reads clauses; "" is none. It also takes them as a JSON array of objects.
func DecodeClauses(text string) (clauses []Clause, err error) {
	switch {
	case text == "":
		return nil, nil
	case strings.HasPrefix(text, "[{"):
		err = json.Unmarshal([]byte(text), &clauses)
		return clauses, err
	}
	var short [][]json.RawMessage
	if err := json.Unmarshal([]byte(text), &short); err != nil {
		return nil, fmt.Errorf("clauses: %w", err)
	}
	clauses = make([]Clause, len(short))
	for i, parts := range short {
		if err := clauses[i].decode(parts); err != nil {
			return nil, fmt.Errorf("clause %d: %w", i, err)
		}
	}
	return clauses, nil
}

func (c *Clause) decode(parts []json.RawMessage) error {
	if len(parts) < 3 {
		return fmt.Errorf("%d parts, want node, text and verdict", len(parts))
	}
	holds := 0
	err := errors.Join(json.Unmarshal(parts[0], &c.Node), json.Unmarshal(parts[1], &c.Text), json.Unmarshal(parts[2], &holds))
	c.Holds = holds == 1
	if len(parts) == 3 || err != nil {
		return err
	}
	var cut []string
	if json.Unmarshal(parts[3], &cut) == nil && len(cut) == 1 {
		c.Value, c.Cut = &cut[0], true
		return nil
	}
	return json.Unmarshal(parts[3], &c.Value)
}
