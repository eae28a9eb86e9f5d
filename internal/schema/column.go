package schema

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"segue/internal/guid"
)

// Limits that hold for every column of a type.
const (
	minYear       = 1753 // of a date or date-time, as in Dataverse
	maxYear       = 9999
	moneyPlaces   = 4      // decimal places
	decimalPlaces = 10     // decimal places
	storedDigits  = 38     // significant digits of a DynamoDB number
	tiniest       = 1e-100 // smallest double that is not zero; DynamoDB ends at 1e-130
)

// Check checks that v is a value of the column: its kind, length, range, option
// and lookup target. Null is always a value; whether a row needs one is decided
// by [Table.CheckCreate] and [Table.CheckUpdate]. The error is an *[Error].
func (c *Column) Check(v Value) error {
	if v.IsNull() {
		return nil
	}
	if want := c.Type.Kind(); v.Kind() != want {
		return c.brokenBy(RuleType, v, "a column of type %q holds a value of kind %s, not %s", c.Type, want, v.Kind())
	}
	switch c.Type {
	case String, Memo:
		text, _ := v.Text()
		return c.checkText(text)
	case Integer, BigInt:
		if c.Min == nil && c.Max == nil {
			return nil
		}
		n, _ := v.Int()
		return c.checkRange(decimal.NewFromInt(n))
	case Decimal, Money:
		d, _ := v.Dec()
		return c.checkDecimal(d)
	case Double:
		f, _ := v.Float()
		return c.checkDouble(f)
	case Boolean:
		return nil
	case Choice, State, Status:
		n, _ := v.Int()
		return c.checkOption(n)
	case DateTime, Date:
		t, _ := v.Time()
		return c.checkTime(t)
	case GUID:
		id, _ := v.Text()
		return c.checkGUID(id)
	case LookupTo:
		l, _ := v.Ref()
		return c.checkLookup(l)
	}
	return c.brokenBy(RuleType, v, "there are no columns of type %q", c.Type)
}

func (c *Column) checkText(text string) error {
	if !utf8.ValidString(text) {
		return c.broken(RuleType, strings.ToValidUTF8(text, "�"), "must be valid UTF-8")
	}
	if n := units(text); n > c.MaxLength {
		broken := c.broken(RuleLength, text, "must have at most %d characters (UTF-16 code units), has %d", c.MaxLength, n)
		broken.Length, broken.Most = n, c.MaxLength
		return broken
	}
	return nil
}

// units returns the length of a text in UTF-16 code units, which is how Dataverse
// counts.
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
		return c.brokenBy(RuleRange, Dec(d), "must have at most %d significant digits", storedDigits)
	}
	places := int32(decimalPlaces)
	if c.Type == Money {
		places = moneyPlaces
	}
	if !d.Truncate(places).Equal(d) {
		return c.broken(RuleRange, d.String(), "must have at most %d decimal places", places)
	}
	if err := c.checkRange(d); err != nil {
		return err
	}
	if len(strings.Trim(d.Coefficient().Text(10), "-0")) > storedDigits {
		return c.broken(RuleRange, d.String(), "must have at most %d significant digits", storedDigits)
	}
	return nil
}

func (c *Column) checkDouble(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return c.brokenBy(RuleRange, Float(f), "must be a finite number")
	}
	if f != 0 && math.Abs(f) < tiniest {
		return c.brokenBy(RuleRange, Float(f), "must be 0 or at least %g away from 0", tiniest)
	}
	return c.checkRange(decimal.NewFromFloat(f))
}

func (c *Column) checkRange(d decimal.Decimal) error {
	if c.Min != nil && d.LessThan(*c.Min) {
		return c.broken(RuleRange, d.String(), "must be at least %s", c.Min)
	}
	if c.Max != nil && d.GreaterThan(*c.Max) {
		return c.broken(RuleRange, d.String(), "must be at most %s", c.Max)
	}
	return nil
}

func (c *Column) checkOption(n int64) error {
	if _, ok := c.label(n); ok {
		return nil
	}
	return c.noOption(strconv.FormatInt(n, 10))
}

// noOption returns the error of a text that is neither the value nor the label
// of an option.
func (c *Column) noOption(text string) error {
	values := make([]string, len(c.Options))
	for i, o := range c.Options {
		values[i] = fmt.Sprintf("%d %s", o.Value, o.Label)
	}
	return c.broken(RuleOption, text, "must be one of %s", strings.Join(values, ", "))
}

// label returns the label of an option.
func (c *Column) label(n int64) (string, bool) {
	for _, o := range c.Options {
		if o.Value == n {
			return o.Label, true
		}
	}
	return "", false
}

func (c *Column) checkTime(t time.Time) error {
	if c.Type == Date && !t.Equal(t.Truncate(24*time.Hour)) {
		return c.broken(RuleType, t.Format(timeLayout), "must be a date without a time")
	}
	if t.Year() < minYear || t.Year() > maxYear {
		return c.broken(RuleRange, t.Format(timeLayout), "must be in the years %d to %d", minYear, maxYear)
	}
	return nil
}

func (c *Column) checkGUID(id string) error {
	if !guid.Canonical(id) {
		return c.broken(RuleType, id, "must be a GUID in lower case")
	}
	return nil
}

func (c *Column) checkLookup(l Lookup) error {
	if !guid.Canonical(l.ID) {
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
