package schema

import (
	"fmt"
	"unicode/utf8"
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

// Error says which value broke which rule of which column. Its text is meant
// for the caller who sent the value.
type Error struct {
	Table, Column string
	Value         string // as sent, shortened to 100 characters; "" for none
	Rule          Rule
	Detail        string // what the rule wants
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

// maxShown is how many characters of a value an error shows.
const maxShown = 100

// shorten cuts a value for an error.
func shorten(text string) string {
	if len(text) <= maxShown || utf8.RuneCountInString(text) <= maxShown {
		return text
	}
	return string([]rune(text)[:maxShown-1]) + "…"
}

// broken is the error of a value of c.
func (c *Column) broken(rule Rule, value any, format string, args ...any) error {
	shown := ""
	if value != nil {
		shown = shorten(fmt.Sprint(value))
	}
	return &Error{Table: c.table, Column: c.Name, Value: shown, Rule: rule, Detail: fmt.Sprintf(format, args...)}
}
