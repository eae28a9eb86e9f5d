package schema

import (
	"fmt"

	"segue/internal/excerpt"
)

// Rule names the rule of a column that a value broke.
type Rule string

// The rules.
const (
	RuleType         Rule = "type"
	RuleLength       Rule = "length"
	RuleRange        Rule = "range"
	RuleOption       Rule = "option"
	RuleStatusPair   Rule = "status pair"
	RuleRequired     Rule = "required"
	RuleReadOnly     Rule = "read-only"
	RuleUnknown      Rule = "unknown column"
	RuleLookupTarget Rule = "lookup target"
)

// Error tells which value broke which rule of which column. Its text is meant
// for the caller who sent the value.
type Error struct {
	Table, Column string
	Value         string // as sent, an excerpt; "" for none
	Rule          Rule
	Detail        string // what the rule wants
	Length, Most  int    // of a text that is too long, and how long it may be
}

// Limit returns, of a text that is too long, the name of the limit, its value and the
// length; most is 0 for any other error.
func (e *Error) Limit() (name string, most, used int) {
	return e.Table + "." + e.Column + ".MaxLength", e.Most, e.Length
}

// Error names the column, the value and the rule.
func (e *Error) Error() string {
	name := e.Table
	if e.Column != "" {
		name += "." + e.Column
	}
	if e.Value == "" {
		return fmt.Sprintf("%s: %s: %s", name, e.Rule, e.Detail)
	}
	return fmt.Sprintf("%s: %s: %s, got %q", name, e.Rule, e.Detail, e.Value)
}

// broken returns the error of a text that was to become a value of c, "" for
// none.
func (c *Column) broken(rule Rule, text, format string, args ...any) *Error {
	return &Error{Table: c.table, Column: c.Name, Value: excerpt.Of(text), Rule: rule, Detail: fmt.Sprintf(format, args...)}
}

// brokenBy returns the error of a value of c. A null is not shown.
func (c *Column) brokenBy(rule Rule, v Value, format string, args ...any) error {
	text := ""
	if !v.IsNull() {
		text = v.String()
	}
	return c.broken(rule, text, format, args...)
}
