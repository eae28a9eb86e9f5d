package filter

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"segue/internal/excerpt"
)

// maxNesting bounds JSON nesting: a group in a Related takes three levels, and
// MaxDepth of them fit.
const maxNesting = 4 * MaxDepth

// maxMembers bounds the members of an object; no part of a filter has as many.
const maxMembers = 8

// jsonValue is a JSON value with the place where it began.
type jsonValue struct {
	offset  int
	kind    jsonKind
	members []jsonMember // of an object, in the order of the text
	items   []jsonValue  // of an array
	scalar  any          // string, json.Number, bool or nil
}

type jsonKind uint8

const (
	jsonScalar jsonKind = iota
	jsonObject
	jsonArray
)

type jsonMember struct {
	name  string
	value jsonValue
}

// member finds a member of an object.
func (v jsonValue) member(name string) (jsonValue, bool) {
	for _, m := range v.members {
		if m.name == name {
			return m.value, true
		}
	}
	return jsonValue{}, false
}

// readJSON reads exactly one JSON value. It is stricter than encoding/json: no
// member may occur twice and the text is UTF-8.
func readJSON(text string) (jsonValue, error) {
	if len(text) > MaxText {
		return jsonValue{}, syntaxError(MaxText, "the text is longer than 1 MB")
	}
	if !utf8.ValidString(text) {
		return jsonValue{}, syntaxError(invalidByte(text), "the text is not UTF-8")
	}
	r := jsonReader{text: text, dec: json.NewDecoder(strings.NewReader(text))}
	r.dec.UseNumber()
	v, err := r.value(0)
	if err != nil {
		return jsonValue{}, err
	}
	if rest := strings.TrimLeft(text[r.dec.InputOffset():], " \t\r\n"); rest != "" {
		return jsonValue{}, syntaxError(len(text)-len(rest), "there is more text after the filter")
	}
	return v, nil
}

type jsonReader struct {
	text string
	dec  *json.Decoder
}

// offset returns where the next token begins.
func (r jsonReader) offset() int {
	at := int(r.dec.InputOffset())
	for at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	return at
}

func (r jsonReader) token() (json.Token, error) {
	offset := r.offset()
	token, err := r.dec.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, syntaxError(len(r.text), "invalid JSON: the text ends too early")
	}
	if err != nil {
		return nil, syntaxError(offset, "invalid JSON: %v", err)
	}
	return token, nil
}

func (r jsonReader) value(level int) (jsonValue, error) {
	v := jsonValue{offset: r.offset()}
	if level > maxNesting {
		return v, syntaxError(v.offset, "JSON is nested deeper than %d levels", maxNesting)
	}
	token, err := r.token()
	switch {
	case err != nil:
		return v, err
	case token == json.Delim('{'):
		v.kind = jsonObject
		err = r.object(&v, level)
	case token == json.Delim('['):
		v.kind = jsonArray
		err = r.array(&v, level)
	default:
		v.scalar = token
	}
	return v, err
}

func (r jsonReader) object(v *jsonValue, level int) error {
	for r.dec.More() {
		offset := r.offset()
		token, err := r.token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // the decoder refuses any other key
		if slices.ContainsFunc(v.members, func(m jsonMember) bool { return m.name == name }) {
			return syntaxError(offset, "member %q occurs twice", excerpt.Of(name))
		}
		if len(v.members) == maxMembers {
			return syntaxError(offset, "more than %d members in an object", maxMembers)
		}
		value, err := r.value(level + 1)
		if err != nil {
			return err
		}
		v.members = append(v.members, jsonMember{name, value})
	}
	_, err := r.token()
	return err
}

func (r jsonReader) array(v *jsonValue, level int) error {
	for r.dec.More() {
		item, err := r.value(level + 1)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	_, err := r.token()
	return err
}

func syntaxError(offset int, format string, args ...any) *Error {
	err := errorAt("", format, args...)
	err.Offset = offset
	return err
}

func invalidByte(text string) int {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			return i
		}
	}
	return len(text)
}
