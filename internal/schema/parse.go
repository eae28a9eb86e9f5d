package schema

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// maxNumberText is the longest number that is read at all.
const maxNumberText = 100

// FromJSON reads a value decoded by encoding/json with UseNumber and checks it.
// The JSON type must be the column's: no number in quotes, no 1.0 for 1. A
// lookup is not read here: it is written through its navigation property.
func (c *Column) FromJSON(v any) (Value, error) {
	if v == nil {
		return nil, nil
	}
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	truth, isTruth := v.(bool)
	switch {
	case c.Type == LookupTo:
		return nil, c.broken(RuleType, v, "must be bound through its navigation property")
	case c.Type == Boolean && isTruth:
		return truth, nil
	case c.Type.number() && isNumber:
		return c.parseNumber(string(number))
	case c.Type.text() && isText:
		return c.parseString(text)
	}
	return nil, c.broken(RuleType, v, "must be a JSON %s", c.Type.json())
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
		return checked(c, text)
	}
}

// FromText reads a CSV cell or the text of a URL literal and checks it. Empty
// text is null. Beside numbers it takes the labels of options, in any case, and
// yes and no; dates as 2006-01-02 with or without a time, UTC unless an offset
// says otherwise; a lookup as table:GUID, or a bare GUID where the column has
// one target table. Numbers have no thousands separators.
func (c *Column) FromText(text string) (Value, error) {
	if text == "" {
		return nil, nil
	}
	if c.Type == String || c.Type == Memo {
		return checked(c, text)
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return nil, nil
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
		// Only now the labels: one may look like the number of another option.
		for _, o := range c.Options {
			if strings.EqualFold(o.Label, text) {
				return o.Value, nil
			}
		}
		if len(c.Options) > 0 {
			return nil, c.noOption(text)
		}
	}
	return v, err
}

// number says whether values of the type are numbers on the wire.
func (t Type) number() bool {
	switch t {
	case Integer, BigInt, Decimal, Money, Double, Choice, State, Status:
		return true
	default:
		return false
	}
}

// text says whether values of the type are strings on the wire.
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
	if len(text) > maxNumberText || strings.Trim(text, "0123456789+-.eE") != "" {
		return nil, c.broken(RuleType, text, "must be a number")
	}
	switch c.Type {
	case Double:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, c.broken(RuleType, text, "must be a number that fits 64 bits")
		}
		f += 0 // no negative zero
		return checked(c, f)
	case Decimal, Money:
		d, err := decimal.NewFromString(text)
		if err != nil {
			return nil, c.broken(RuleType, text, "must be a number")
		}
		return checked(c, d)
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, c.broken(RuleType, text, "must be a whole number of 64 bits")
		}
		return checked(c, n)
	}
}

// checked is v when it passes Check.
func checked[T any](c *Column, v T) (Value, error) {
	if err := c.Check(v); err != nil {
		return nil, err
	}
	return v, nil
}

// parseTime reads the first layout that fits and drops fractions of a second.
func (c *Column) parseTime(text string, layouts ...string) (Value, error) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return checked(c, t.UTC().Truncate(time.Second))
		}
	}
	return nil, c.broken(RuleType, text, "must be a %s such as %s", c.Type, layouts[0])
}

// parseGUID takes upper case and braces too.
func (c *Column) parseGUID(text string) (Value, error) {
	return checked(c, bareGUID(text))
}

func bareGUID(text string) string {
	text = strings.ToLower(text)
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		return strings.TrimSuffix(inner, "}")
	}
	return text
}

func (c *Column) parseLookup(text string) (Value, error) {
	table, id, ok := strings.Cut(text, ":")
	if !ok && len(c.Targets) != 1 {
		return nil, c.broken(RuleLookupTarget, text, "must be table:GUID with a table of %s", c.targetNames())
	}
	if !ok {
		table, id = c.Targets[0].Table, text
	}
	return checked(c, Lookup{Table: strings.ToLower(table), ID: bareGUID(id)})
}

func (c *Column) parseBoolean(text string) (Value, error) {
	switch text = strings.ToLower(text); text {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	for _, o := range c.Options {
		if strings.ToLower(o.Label) == text {
			return o.Value == 1, nil
		}
	}
	switch text {
	case "yes":
		return true, nil
	case "no":
		return false, nil
	}
	return nil, c.broken(RuleType, text, "must be true, false, yes, no, 1 or 0")
}
