package schema

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/guid"
)

// maxNumberText is the longest number that is read at all.
const maxNumberText = 100

// FromJSON reads a value decoded by encoding/json with UseNumber and checks it.
// The JSON type must be the column's: no number in quotes, no 1.0 for 1. A
// lookup is not read here: it is written through its navigation property.
func (c *Column) FromJSON(v any) (Value, error) {
	if v == nil {
		return Null(), nil
	}
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	truth, isTruth := v.(bool)
	switch {
	case c.Type == LookupTo:
		return Value{}, c.broken(RuleType, fmt.Sprint(v), "must be bound through its navigation property")
	case c.Type == Boolean && isTruth:
		return Bool(truth), nil
	case c.Type.number() && isNumber:
		return c.parseNumber(string(number))
	case c.Type.text() && isText:
		return c.parseString(text)
	}
	return Value{}, c.broken(RuleType, fmt.Sprint(v), "must be a JSON %s", c.Type.json())
}

// parseString reads a JSON string of a type that is one on the wire.
func (c *Column) parseString(text string) (Value, error) {
	switch c.Type {
	case DateTime:
		return c.parseTime(text, time.RFC3339)
	case Date:
		return c.parseTime(text, time.DateOnly)
	case GUID:
		return c.parseGUID(text)
	default:
		return c.checked(Text(text))
	}
}

// FromText reads a CSV cell or the text of a literal in a URL and checks it. Empty
// text is null. Besides numbers it takes the labels of options, in any case, and
// yes and no; dates as 2006-01-02 with or without a time, UTC unless an offset
// says otherwise; a lookup as table:GUID, or a bare GUID where the column has
// one target table. Numbers have no thousands separators.
func (c *Column) FromText(text string) (Value, error) {
	if text == "" {
		return Null(), nil
	}
	if c.Type == String || c.Type == Memo {
		return c.checked(Text(text))
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return Null(), nil
	case c.Type == DateTime:
		return c.parseTime(text, time.RFC3339, time.DateOnly, time.DateTime, "2006-01-02 15:04")
	case c.Type == Date:
		return c.parseTime(text, time.DateOnly)
	case c.Type == GUID:
		return c.parseGUID(text)
	case c.Type == LookupTo:
		return c.parseLookup(text)
	case c.Type == Boolean:
		return c.parseBoolean(text)
	}
	v, err := c.parseNumber(text)
	if err != nil {
		// Labels come second: one may look like the number of another option.
		for _, o := range c.Options {
			if strings.EqualFold(o.Label, text) {
				return Int(o.Value), nil
			}
		}
		if len(c.Options) > 0 {
			return Value{}, c.noOption(text)
		}
	}
	return v, err
}

// number reports whether values of the type are numbers on the wire.
func (t Type) number() bool {
	switch t {
	case Integer, BigInt, Decimal, Money, Double, Choice, State, Status:
		return true
	default:
		return false
	}
}

// text reports whether values of the type are strings on the wire.
func (t Type) text() bool { return !t.number() && t != Boolean && t != LookupTo }

// json names the JSON type of the type's values.
func (t Type) json() string {
	switch {
	case t == Boolean:
		return "boolean"
	case t.number():
		return "number"
	}
	return "string"
}

func (c *Column) parseNumber(text string) (Value, error) {
	if strings.Trim(text, "0123456789+-.,' ") == "" && strings.ContainsAny(text, ",' ") {
		return Value{}, c.broken(RuleType, text, "must be a number with a point before its decimals and no other separator")
	}
	if len(text) > maxNumberText || strings.Trim(text, "0123456789+-.eE") != "" {
		return Value{}, c.broken(RuleType, text, "must be a number")
	}
	switch c.Type {
	case Double:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return Value{}, c.broken(RuleType, text, "must be a number that fits 64 bits")
		}
		f += 0 // no negative zero
		return c.checked(Float(f))
	case Decimal, Money:
		d, err := decimal.NewFromString(text)
		if err != nil {
			return Value{}, c.broken(RuleType, text, "must be a number")
		}
		return c.checked(Dec(d))
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return Value{}, c.broken(RuleType, text, "must be a whole number of 64 bits")
		}
		return c.checked(Int(n))
	}
}

// checked returns v if it passes Check.
func (c *Column) checked(v Value) (Value, error) {
	if err := c.Check(v); err != nil {
		return Value{}, err
	}
	return v, nil
}

// parseTime reads a time in the first layout that fits.
func (c *Column) parseTime(text string, layouts ...string) (Value, error) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return c.checked(Time(t))
		}
	}
	return Value{}, c.broken(RuleType, text, "must be a %s such as %s", c.Type, layouts[0])
}

// parseGUID reads a GUID in any case, with or without braces.
func (c *Column) parseGUID(text string) (Value, error) {
	id, ok := guid.Parse(text)
	if !ok {
		return Value{}, c.broken(RuleType, text, "must be a GUID")
	}
	return Text(id), nil
}

func (c *Column) parseLookup(text string) (Value, error) {
	table, row, ok := strings.Cut(text, ":")
	if !ok && len(c.Targets) != 1 {
		return Value{}, c.broken(RuleLookupTarget, text, "must be table:GUID with a table of %s", c.targetNames())
	}
	if !ok {
		table, row = c.Targets[0].Table, text
	}
	id, ok := guid.Parse(row)
	if !ok {
		return Value{}, c.broken(RuleType, row, "must point at a row by its GUID")
	}
	return c.checked(Ref(Lookup{Table: strings.ToLower(table), ID: id}))
}

func (c *Column) parseBoolean(text string) (Value, error) {
	switch strings.ToLower(text) {
	case "true", "1":
		return Bool(true), nil
	case "false", "0":
		return Bool(false), nil
	}
	for _, o := range c.Options {
		if strings.EqualFold(o.Label, text) {
			return Bool(o.Value == 1), nil
		}
	}
	switch strings.ToLower(text) {
	case "yes":
		return Bool(true), nil
	case "no":
		return Bool(false), nil
	}
	return Value{}, c.broken(RuleType, text, "must be true, false, yes, no, 1 or 0")
}
