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
	switch v.Kind() {
	case KindNull:
		return ""
	case KindTime:
		t, _ := v.Time()
		if c.Type == Date {
			return t.Format(time.DateOnly)
		}
		return t.Format(timeLayout)
	case KindRef:
		if l, _ := v.Ref(); len(c.Targets) == 1 {
			return l.ID
		}
		return v.String()
	case KindText, KindInt, KindDec, KindFloat, KindBool:
		return v.String()
	}
	return ""
}

// Format writes a value for people, as the formatted values of Dataverse in
// US English do (docs/webapi.md §6): the label of an option, $20,000.00, 4/7/2023
// 2:59 PM as a clock of a zone (nil: UTC) shows it. A date is the same in every zone. It is "" for null and for a lookup, whose name the column
// does not know.
func (c *Column) Format(v Value, zone *time.Location) string {
	switch v.Kind() {
	case KindNull, KindRef:
		return ""
	case KindText:
		return v.String()
	case KindInt:
		n, _ := v.Int()
		if label, ok := c.label(n); ok {
			return label
		}
		return grouped(v.String())
	case KindDec:
		d, _ := v.Dec()
		if c.Type == Money {
			return dollars(d)
		}
		return grouped(d.String())
	case KindFloat:
		f, _ := v.Float()
		return grouped(strconv.FormatFloat(f, 'f', -1, 64))
	case KindBool:
		b, _ := v.Bool()
		return c.booleanLabel(b)
	case KindTime:
		t, _ := v.Time()
		if c.Type == Date {
			return t.Format("1/2/2006")
		}
		if zone != nil {
			t = t.In(zone)
		}
		return t.Format("1/2/2006 3:04 PM")
	}
	return ""
}

func (c *Column) booleanLabel(b bool) string {
	n := int64(0)
	if b {
		n = 1
	}
	label, _ := c.label(n)
	return label
}

// dollars rounds to cents.
func dollars(d decimal.Decimal) string {
	text := grouped(d.StringFixed(2))
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		return "-$" + rest
	}
	return "$" + text
}

// grouped puts a comma before every third digit of the whole part.
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
