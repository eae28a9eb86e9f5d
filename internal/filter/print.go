package filter

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"segue/internal/schema"
)

const (
	modeContains    = "contains"
	modeNotContains = "notContains"
)

// String returns the canonical JSON text of a filter that [Check] accepts: members in
// the order of the example of [Parse], no blanks, all members present. Lookups are
// "table:guid", moments UTC (RFC 3339, or a bare date at midnight).
func (g *Group) String() string { return string(g.appendJSON(nil)) }

func (g *Group) appendJSON(b []byte) []byte {
	if g == nil {
		return append(b, "null"...)
	}
	b = appendText(append(b, `{"type":`...), string(g.Logic))
	b = append(b, `,"items":[`...)
	for i, item := range g.Items {
		if i > 0 {
			b = append(b, ',')
		}
		b = item.appendJSON(b)
	}
	return append(b, `]}`...)
}

func (c *Condition) appendJSON(b []byte) []byte {
	b = append(b, '{')
	if len(c.Path) > 0 {
		b = append(b, `"path":[`...)
		for i, nav := range c.Path {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, nav)
		}
		b = append(b, `],`...)
	}
	b = appendText(append(b, `"attribute":`...), c.Column)
	b = appendText(append(b, `,"operator":`...), string(c.Operator))
	b = c.appendValues(append(b, `,"values":`...))
	if c.Other != "" {
		b = appendText(append(b, `,"other":`...), c.Other)
	}
	return append(b, '}')
}

func (c *Condition) appendValues(b []byte) []byte {
	b = append(b, '[')
	for i, v := range c.Values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, v)
	}
	return append(b, ']')
}

func (r *Related) mode() string {
	if r.Contains {
		return modeContains
	}
	return modeNotContains
}

// String returns the condition for a person, without what the related rows must meet.
func (r *Related) String() string { return r.mode() + " " + r.Relationship }

func (r *Related) appendJSON(b []byte) []byte {
	b = appendText(append(b, `{"relationship":`...), r.Relationship)
	b = appendText(append(b, `,"mode":`...), r.mode())
	return append(r.Filter.appendJSON(append(b, `,"filter":`...)), '}')
}

// name returns the column with the path to it.
func (c *Condition) name() string { return strings.Join(append(slices.Clone(c.Path), c.Column), "/") }

// String returns the condition for a person: column, operator and values.
func (c *Condition) String() string {
	text := c.name() + " " + string(c.Operator)
	if c.Other != "" {
		return text + " " + c.Other
	}
	switch len(c.Values) {
	case 0:
		return text
	case 1:
		return text + " " + string(appendValue(nil, c.Values[0]))
	}
	return text + " " + string(c.appendValues(nil))
}

func appendValue(b []byte, v schema.Value) []byte {
	switch v.Kind() {
	case schema.KindText, schema.KindRef:
		return appendText(b, v.String())
	case schema.KindTime:
		return appendText(b, strings.TrimSuffix(v.String(), "T00:00:00Z"))
	case schema.KindNull, schema.KindBool, schema.KindInt, schema.KindDec, schema.KindFloat:
		return append(b, v.String()...)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string always encodes
		return strconv.AppendQuote(b, s)
	}
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}
