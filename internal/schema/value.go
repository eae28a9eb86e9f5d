package schema

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// Limits that hold for every column of a type.
const (
	minYear       = 1753 // of a date or date-time, as in Dataverse
	maxYear       = 9999
	moneyDigits   = 4      // behind the point
	decimalDigits = 10     // behind the point
	storedDigits  = 38     // significant digits of a DynamoDB number
	tiniest       = 1e-100 // smallest double that is not zero; DynamoDB ends at 1e-130
)

// Check says whether v is a value of the column: its Go type, length, range,
// option and lookup target. Null is always a value; whether a row needs one is
// CheckCreate's and CheckUpdate's to say. The error is an *Error.
func (c *Column) Check(v Value) error {
	if v == nil {
		return nil
	}
	switch c.Type {
	case String, Memo:
		return checkAs(c, v, c.checkText)
	case Integer, BigInt:
		return checkAs(c, v, func(n int64) error { return c.checkRange(decimal.NewFromInt(n)) })
	case Decimal, Money:
		return checkAs(c, v, c.checkDecimal)
	case Double:
		return checkAs(c, v, c.checkDouble)
	case Boolean:
		return checkAs(c, v, func(bool) error { return nil })
	case Choice, State, Status:
		return checkAs(c, v, c.checkOption)
	case DateTime, Date:
		return checkAs(c, v, c.checkTime)
	case GUID:
		return checkAs(c, v, c.checkGUID)
	case LookupTo:
		return checkAs(c, v, c.checkLookup)
	}
	return c.broken(RuleType, v, "a column of type %q holds no values", c.Type)
}

// checkAs checks a value that must be of Go type T.
func checkAs[T any](c *Column, v Value, check func(T) error) error {
	typed, ok := v.(T)
	if !ok {
		return c.broken(RuleType, v, "must be a %s held as %T, not as %T", c.Type, typed, v)
	}
	return check(typed)
}

func (c *Column) checkText(text string) error {
	if !utf8.ValidString(text) {
		return c.broken(RuleType, strings.ToValidUTF8(text, "�"), "must be valid UTF-8")
	}
	if n := units(text); n > c.MaxLength {
		return c.broken(RuleLength, text, "must have at most %d characters (UTF-16 code units), has %d", c.MaxLength, n)
	}
	return nil
}

// units is a text's length in UTF-16 code units, the way Dataverse counts.
func units(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

func (c *Column) checkDecimal(d decimal.Decimal) error {
	// The exponent first: comparing 1e1000000000 would build that number.
	if d.Exponent() > storedDigits || d.Exponent() < -2*storedDigits || d.NumDigits() > 3*storedDigits {
		return c.broken(RuleRange, fmt.Sprintf("%se%d", d.Coefficient(), d.Exponent()), "must have at most %d significant digits", storedDigits)
	}
	behind := int32(decimalDigits)
	if c.Type == Money {
		behind = moneyDigits
	}
	if !d.Truncate(behind).Equal(d) {
		return c.broken(RuleRange, d, "must have at most %d digits behind the point", behind)
	}
	if err := c.checkRange(d); err != nil {
		return err
	}
	if len(strings.Trim(d.Coefficient().Text(10), "-0")) > storedDigits {
		return c.broken(RuleRange, d, "must have at most %d significant digits", storedDigits)
	}
	return nil
}

func (c *Column) checkDouble(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return c.broken(RuleRange, f, "must be a finite number")
	}
	if f != 0 && math.Abs(f) < tiniest {
		return c.broken(RuleRange, f, "must be 0 or at least %g from it", tiniest)
	}
	return c.checkRange(decimal.NewFromFloat(f))
}

func (c *Column) checkRange(d decimal.Decimal) error {
	if c.Min != nil && d.LessThan(*c.Min) {
		return c.broken(RuleRange, d, "must be at least %s", c.Min)
	}
	if c.Max != nil && d.GreaterThan(*c.Max) {
		return c.broken(RuleRange, d, "must be at most %s", c.Max)
	}
	return nil
}

func (c *Column) checkOption(n int64) error {
	if _, ok := c.label(n); ok {
		return nil
	}
	return c.noOption(n)
}

// noOption names the options that a value, or the text of one, is none of.
func (c *Column) noOption(v any) error {
	values := make([]string, len(c.Options))
	for i, o := range c.Options {
		values[i] = fmt.Sprintf("%d %s", o.Value, o.Label)
	}
	return c.broken(RuleOption, v, "must be one of %s", strings.Join(values, ", "))
}

// label is the label of an option.
func (c *Column) label(n int64) (string, bool) {
	for _, o := range c.Options {
		if o.Value == n {
			return o.Label, true
		}
	}
	return "", false
}

func (c *Column) checkTime(t time.Time) error {
	whole := time.Second
	if c.Type == Date {
		whole = 24 * time.Hour
	}
	if t.Location() != time.UTC || !t.Equal(t.Truncate(whole)) {
		return c.broken(RuleType, t, "must be a %s in UTC without parts of a %s", c.Type, whole)
	}
	if t.Year() < minYear || t.Year() > maxYear {
		return c.broken(RuleRange, t.Format(timeLayout), "must lie in the years %d to %d", minYear, maxYear)
	}
	return nil
}

func (c *Column) checkGUID(id string) error {
	if !canonicalGUID(id) {
		return c.broken(RuleType, id, "must be a GUID in lower case")
	}
	return nil
}

func (c *Column) checkLookup(l Lookup) error {
	if !canonicalGUID(l.ID) {
		return c.broken(RuleType, l.ID, "must point at a row by a GUID in lower case")
	}
	for _, t := range c.Targets {
		if t.Table == l.Table {
			return nil
		}
	}
	return c.broken(RuleLookupTarget, l.Table, "must point at %s", c.targetNames())
}

// targetNames lists the tables that a lookup may point at.
func (c *Column) targetNames() string {
	names := make([]string, len(c.Targets))
	for i, t := range c.Targets {
		names[i] = t.Table
	}
	return strings.Join(names, ", ")
}

// canonicalGUID says that id is 8-4-4-4-12 lower-case hexadecimal digits.
func canonicalGUID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		b := id[i]
		switch i {
		case 8, 13, 18, 23:
			if b != '-' {
				return false
			}
		default:
			if (b < '0' || b > '9') && (b < 'a' || b > 'f') {
				return false
			}
		}
	}
	return true
}
