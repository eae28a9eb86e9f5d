package store

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// ParseJSON reads a value in DynamoDB's JSON, as {"S":"x"} or
// {"L":[{"N":"1"},{"SS":["a","b"]}]}. Strings, numbers, booleans and nulls
// become values of their own kinds, everything else an [Other] that a store
// carries unread: its Text is the JSON in canonical form (no white space, maps
// by name, sets in byte order), so that values that DynamoDB takes for equal
// are equal. Numbers inside keep the text that DynamoDB gives, which is the same
// for equal numbers once it has stored them.
//
// The size of an [Other] is what DynamoDB bills: a list or map has three bytes
// plus one for each element and the element's size, a map the names too; a set
// has the sizes of its elements; binary its length without base64.
//
// The error is [ErrInvalid] for a value that DynamoDB would not accept, and an
// [*ExceededError] for one of more than 32 levels.
func ParseJSON(raw []byte) (Value, error) {
	p := parser{}
	size, err := p.value(raw, 1)
	if err != nil {
		return Value{}, err
	}
	if p.plain.kind != Absent {
		return p.plain, nil
	}
	return Value{kind: Other, size: uint32(size), text: string(p.text)}, nil
}

// parser writes the canonical form of the value that it reads.
type parser struct {
	text  []byte
	plain Value // the whole value, when it is of a kind that has no parts
}

// value reads one value and returns its size.
func (p *parser) value(raw []byte, level int) (size int, err error) {
	if err := atMost("levels of values", level, maxDepth); err != nil {
		return 0, err
	}
	var typed map[string]json.RawMessage
	if json.Unmarshal(raw, &typed) != nil || len(typed) != 1 {
		return 0, invalid("%.100q is not a value with its type", raw)
	}
	for kind, content := range typed {
		p.text = append(appendJSON(append(p.text, '{'), kind), ':')
		size, err = p.content(kind, content, level)
		p.text = append(p.text, '}')
	}
	return size, err
}

func (p *parser) content(kind string, raw json.RawMessage, level int) (size int, err error) {
	switch kind {
	case "L":
		return p.list(raw, level)
	case "M":
		return p.entries(raw, level)
	case "SS", "NS", "BS":
		return p.set(kind[:1], raw)
	case "S", "N", "B":
		var text *string
		if json.Unmarshal(raw, &text) != nil || text == nil {
			return 0, invalid("%.100q is not the text of a value of type %s", raw, kind)
		}
		return p.scalar(kind, *text, level)
	}
	var is bool
	err = json.Unmarshal(raw, &is)
	switch {
	case kind == "BOOL" && err == nil:
		p.leaf(B(is), level)
	case kind == "NULL" && err == nil && is:
		p.leaf(Nil(), level)
	default:
		return 0, invalid("%.100q is not a value of type %.100q", raw, kind)
	}
	p.text = appendJSON(p.text, is)
	return 1, nil
}

// leaf records a value that has no parts, if it is the whole value.
func (p *parser) leaf(v Value, level int) {
	if level == 1 {
		p.plain = v
	}
}

// scalar writes a string, a number or binary.
func (p *parser) scalar(kind, text string, level int) (size int, err error) {
	p.text = appendJSON(p.text, text)
	switch kind {
	case "S":
		p.leaf(S(text), level)
	case "N":
		p.leaf(N(text), level)
	}
	return scalarSize(kind, text)
}

func scalarSize(kind, text string) (int, error) {
	switch kind {
	case "N":
		var number json.Number
		if json.Unmarshal([]byte(text), &number) != nil {
			return 0, invalid("%.100q is not a number", text)
		}
		return numberSize(text), nil
	case "B":
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return 0, invalid("binary is not base64: %v", err)
		}
		return len(b), nil
	}
	return len(text), nil
}

func (p *parser) list(raw json.RawMessage, level int) (size int, err error) {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil || elements == nil {
		return 0, invalid("%.100q is not a list", raw)
	}
	p.text, size = append(p.text, '['), 3
	for i, element := range elements {
		if i > 0 {
			p.text = append(p.text, ',')
		}
		n, err := p.value(element, level+1)
		if err != nil {
			return 0, fmt.Errorf("element %d: %w", i, err)
		}
		size += 1 + n
	}
	p.text = append(p.text, ']')
	return size, nil
}

func (p *parser) entries(raw json.RawMessage, level int) (size int, err error) {
	var entries map[string]json.RawMessage
	if json.Unmarshal(raw, &entries) != nil || entries == nil {
		return 0, invalid("%.100q is not a map", raw)
	}
	p.text, size = append(p.text, '{'), 3
	for i, name := range slices.Sorted(maps.Keys(entries)) {
		if name == "" {
			return 0, invalid("an entry of a map has no name")
		}
		if i > 0 {
			p.text = append(p.text, ',')
		}
		p.text = append(appendJSON(p.text, name), ':')
		n, err := p.value(entries[name], level+1)
		if err != nil {
			return 0, fmt.Errorf("entry %s: %w", name, err)
		}
		size += 1 + len(name) + n
	}
	p.text = append(p.text, '}')
	return size, nil
}

func (p *parser) set(kind string, raw json.RawMessage) (size int, err error) {
	var elements []string
	if json.Unmarshal(raw, &elements) != nil || len(elements) == 0 {
		return 0, invalid("%.100q is not a set", raw)
	}
	slices.Sort(elements)
	if len(slices.Compact(slices.Clone(elements))) < len(elements) {
		return 0, invalid("a set has an element twice")
	}
	for _, text := range elements {
		n, err := scalarSize(kind, text)
		if err != nil {
			return 0, err
		}
		size += n
	}
	p.text = appendJSON(p.text, elements)
	return size, nil
}

func appendJSON(b []byte, v any) []byte {
	text, _ := json.Marshal(v) //nolint:errchkjson // strings and booleans always encode
	return append(b, text...)
}
