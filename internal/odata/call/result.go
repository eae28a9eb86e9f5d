package call

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"segue/internal/odata"
	"segue/internal/odata/payload"
	"segue/internal/schema"
)

// Result is the value of a complex type, by property: nil, string, bool, int64,
// float64, time.Time, a Result, or a slice of those ([]string, []Result).
type Result map[string]any

// Encode returns the JSON of a response that is a value of a complex type.
func Encode(base string, c *Complex, value Result) ([]byte, error) {
	context, err := marshal(base + "$metadata#" + odata.Namespace + c.Name)
	if err != nil {
		return nil, err
	}
	return c.encode(append([]byte(`{"@odata.context":`), context...), value)
}

// EncodeRows returns the JSON of a response that is references to rows of several
// tables: the type and the key of each.
func EncodeRows(base string, tables *schema.Schema, list []schema.Lookup) ([]byte, error) {
	type row map[string]string
	response := struct {
		Context string `json:"@odata.context"`
		Value   []row  `json:"value"`
	}{base + "$metadata#Collection(" + odata.Namespace + "crmbaseentity)", []row{}}
	for _, l := range list {
		t := tables.Table(l.Table)
		response.Value = append(response.Value, row{
			"@odata.type": "#" + odata.Namespace + t.Name, "@odata.id": payload.Encoder{Base: base}.EntityURL(t, l.ID), t.ID: l.ID,
		})
	}
	return marshal(response)
}

// encode appends the properties of a value, in the order of the type, to an object that
// has been opened and may have members, and closes it.
func (c *Complex) encode(out []byte, value Result) ([]byte, error) {
	for name := range value {
		if !slices.ContainsFunc(c.Properties, func(p Property) bool { return p.Name == name }) {
			return nil, fmt.Errorf("type %s has no property %s", c.Name, name)
		}
	}
	for _, p := range c.Properties {
		if out[len(out)-1] != '{' {
			out = append(out, ',')
		}
		name, err := marshal(p.Name)
		if err != nil {
			return nil, err
		}
		out = append(append(out, name...), ':')
		if out, err = p.encode(out, value[p.Name]); err != nil {
			return nil, fmt.Errorf("property %s of type %s: %w", p.Name, c.Name, err)
		}
	}
	return append(out, '}'), nil
}

// encode appends the value of a property.
func (p Property) encode(out []byte, v any) ([]byte, error) {
	if !p.Many {
		return p.encodeOne(out, v)
	}
	var list []any
	switch v := v.(type) {
	case []string:
		list = anyOf(v)
	case []Result:
		list = anyOf(v)
	default:
		return nil, fmt.Errorf("%T is not a list", v)
	}
	out = append(out, '[')
	for i, one := range list {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = p.encodeOne(out, one); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func anyOf[T any](list []T) []any {
	values := make([]any, len(list))
	for i, v := range list {
		values[i] = v
	}
	return values
}

// encodeOne appends one value.
func (p Property) encodeOne(out []byte, v any) ([]byte, error) {
	if v == nil {
		if !p.Nullable {
			return nil, fmt.Errorf("it must not be null")
		}
		return append(out, "null"...), nil
	}
	if p.Of != nil {
		value, ok := v.(Result)
		if !ok {
			return nil, fmt.Errorf("%T is not a %s", v, p.Of.Name)
		}
		return p.Of.encode(append(out, '{'), value)
	}
	if at, ok := v.(time.Time); ok {
		v = at.UTC().Format(time.RFC3339)
	}
	if !p.holds(v) {
		return nil, fmt.Errorf("%v (%T) is not of type %s", v, v, p.Type)
	}
	text, err := marshal(v)
	return append(out, text...), err
}

// holds reports whether v, which is no list and not null, is of the property's type.
func (p Property) holds(v any) bool {
	switch v := v.(type) {
	case string:
		kind := p.Type.Kind()
		return p.Enum != nil && p.Enum.holds(v) ||
			p.Enum == nil && (kind == schema.KindText || kind == schema.KindTime)
	case int64:
		return p.Type == schema.BigInt || p.Type == schema.Integer && v >= math.MinInt32 && v <= math.MaxInt32
	case float64:
		return p.Type == schema.Double
	case bool:
		return p.Type == schema.Boolean
	}
	return false
}

// marshal is json.Marshal that leaves & < > as they are: links stay readable.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if err := out.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
