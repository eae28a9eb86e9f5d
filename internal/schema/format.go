package schema

import (
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Text writes a value for machines, so that FromText reads it back; "" for
// null. A lookup with one target table is a bare GUID.
func (c *Column) Text(v Value) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case decimal.Decimal:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		if c.Type == Date {
			return v.Format(time.DateOnly)
		}
		return v.UTC().Format(timeLayout)
	case Lookup:
		if len(c.Targets) == 1 {
			return v.ID
		}
		return v.String()
	}
	return ""
}

// Format writes a value for people, as the formatted values of Dataverse in
// US English do (webapi.md §6): the label of an option, $20,000.00, 4/7/2023
// 2:59 PM in UTC. It is "" for null and for a lookup, whose name the column
// does not know.
func (c *Column) Format(v Value) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		if label, ok := c.label(v); ok {
			return label
		}
		return grouped(c.Text(v))
	case decimal.Decimal:
		if c.Type == Money {
			return dollars(v)
		}
		return grouped(v.String())
	case float64:
		return grouped(strconv.FormatFloat(v, 'f', -1, 64))
	case bool:
		n := int64(0)
		if v {
			n = 1
		}
		label, _ := c.label(n)
		return label
	case time.Time:
		if c.Type == Date {
			return v.Format("1/2/2006")
		}
		return v.UTC().Format("1/2/2006 3:04 PM")
	}
	return ""
}

// dollars rounds to cents.
func dollars(d decimal.Decimal) string {
	text := grouped(d.StringFixed(2))
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		return "-$" + rest
	}
	return "$" + text
}

// grouped puts a comma before every third digit in front of the point.
func grouped(number string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(number, "-"); negative {
		sign, number = "-", rest
	}
	whole, fraction, point := strings.Cut(number, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if point {
		b.WriteString("." + fraction)
	}
	return b.String()
}
