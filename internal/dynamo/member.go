package dynamo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"segue/internal/store"
)

var errNoObject = errors.New("not a JSON object")

// rawImage is an image as JSON, known to be well-formed: {"name":{"S":"x"},…}.
// Columns are found by one walk that skips what is not wanted, which costs a
// microsecond per kilobyte and keeps nothing, so that an image may be read
// concurrently.
type rawImage []byte

// Values implements [store.Image]. It allocates nothing for what it skips, but
// for names with escapes.
func (r rawImage) Values(attrs []string, into []store.Value) error {
	clear(into)
	m, err := open(r)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	for left := len(attrs); left > 0 && m.next(); {
		name := m.text()
		for n, attr := range attrs {
			if attr != string(name) {
				continue
			}
			if into[n], err = decode(m.value); err != nil {
				return fmt.Errorf("attribute %s: %w", attr, err)
			}
			left--
		}
	}
	return nil
}

// Item implements [store.Image].
func (r rawImage) Item() (store.Item, error) {
	m, err := open(r)
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	item := store.Item{}
	for m.next() {
		v, err := decode(m.value)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", m.text(), err)
		}
		item[string(m.text())] = v
	}
	return item, nil
}

// decode reads a value with its type: a plain text or number in place, for speed,
// everything else by [store.ParseJSON].
func decode(raw []byte) (store.Value, error) {
	m, err := open(raw)
	if err != nil {
		return store.Value{}, err
	}
	plain := m.next() && len(m.value) > 1 && m.value[0] == '"' && bytes.IndexByte(m.value, '\\') < 0
	kind, text := m.name, m.value
	if plain && !m.next() { // a second member is a mistake, which ParseJSON reports
		switch string(kind) {
		case `"S"`:
			return store.S(string(text[1 : len(text)-1])), nil
		case `"N"`:
			return store.N(string(text[1 : len(text)-1])), nil
		}
	}
	return store.ParseJSON(raw)
}

// members walks the members of a JSON object that encoding/json has found
// well-formed.
type members struct {
	object []byte
	at     int

	name, value []byte // of the member found last, as they are written
}

// open returns a walk of the members of a JSON object.
func open(object []byte) (members, error) {
	p := space(object, 0)
	if p == len(object) || object[p] != '{' {
		return members{}, errNoObject
	}
	return members{object: object, at: space(object, p+1)}, nil
}

// next goes to the next member and reports whether there is one.
func (m *members) next() bool {
	b, p := m.object, m.at
	if p >= len(b) || b[p] != '"' {
		return false
	}
	end := skip(b, p)
	m.name = b[p:end]
	p = space(b, space(b, end)+1) // past the colon
	end = skip(b, p)
	m.value = b[p:end]
	if p = space(b, end); p < len(b) && b[p] == ',' {
		p = space(b, p+1)
	}
	m.at = p
	return true
}

// text returns the name without its quotes and escapes.
func (m *members) text() []byte {
	if bytes.IndexByte(m.name, '\\') < 0 {
		return m.name[1 : len(m.name)-1]
	}
	var s string
	if json.Unmarshal(m.name, &s) != nil {
		return nil
	}
	return []byte(s)
}

// space returns the first position from p on that is not white space.
func space(b []byte, p int) int {
	for p < len(b) && (b[p] == ' ' || b[p] == '\n' || b[p] == '\t' || b[p] == '\r') {
		p++
	}
	return p
}

// skip returns the position after the JSON value that starts at p.
func skip(b []byte, p int) int {
	depth := 0
	for ; p < len(b); p++ {
		switch b[p] {
		case '"':
			p = quoted(b, p)
			if depth == 0 {
				return p + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return p + 1
			}
			if depth < 0 { // after a number or a word at the end of its object
				return p
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return p
			}
		}
	}
	return p
}

// quoted returns the position of the quote that ends the string that starts at p.
func quoted(b []byte, p int) int {
	for p++; p < len(b) && b[p] != '"'; p++ {
		if b[p] == '\\' {
			p++
		}
	}
	return min(p, len(b)-1)
}
