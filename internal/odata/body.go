package odata

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"segue/internal/excerpt"
)

// member is one member of a JSON object, its value not decoded yet.
type member struct {
	name  string
	value json.RawMessage
}

// readObject reads a body that is one JSON object, its members in order. A
// JSON string that holds the object is read too: a client in use encodes
// twice. A member that comes twice is refused, because readers of JSON do not
// agree on which one counts. Nothing nested is decoded, so depth costs nothing.
func readObject(body []byte) ([]member, error) {
	body = decodedOnce(body)
	if !utf8.Valid(body) {
		return nil, Errorf(BadPayload, "the body is not UTF-8")
	}
	in := json.NewDecoder(bytes.NewReader(body))
	if start, err := in.Token(); err != nil || start != json.Delim('{') {
		return nil, Errorf(BadPayload, "the body must be a JSON object")
	}
	var members []member
	seen := map[string]bool{}
	for in.More() {
		token, err := in.Token()
		if err != nil {
			return nil, badJSON(in, err)
		}
		name, _ := token.(string) // the decoder returns nothing else in the place of a name
		m := member{name: name}
		if err := in.Decode(&m.value); err != nil {
			return nil, badJSON(in, err)
		}
		if seen[m.name] {
			return nil, Errorf(BadPayload, "the body has the property '%s' twice", excerpt.Of(m.name))
		}
		seen[m.name] = true
		members = append(members, m)
	}
	if _, err := in.Token(); err != nil {
		return nil, badJSON(in, err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, Errorf(BadPayload, "the body has more text after its JSON object, at byte %d", in.InputOffset())
	}
	return members, nil
}

// decodedOnce returns the text of a body that is a JSON string, else the body.
func decodedOnce(body []byte) []byte {
	var inner string
	if body = bytes.TrimSpace(body); bytes.HasPrefix(body, []byte(`"`)) && json.Unmarshal(body, &inner) == nil {
		return []byte(inner)
	}
	return body
}

func badJSON(in *json.Decoder, err error) error {
	return Errorf(BadPayload, "the body is not JSON, at byte %d: %v", in.InputOffset(), err)
}

// scalar returns the value of a member as encoding/json decodes it, a number as
// json.Number. ok is false for an object or array.
func (m member) scalar() (v any, ok bool) {
	switch m.value[0] { // of what a decoder has found to be a value
	case '{', '[':
		return nil, false
	case 'n':
		return nil, true
	case 't', 'f':
		return m.value[0] == 't', true
	case '"':
		text := string(m.value[1 : len(m.value)-1])
		if !strings.Contains(text, `\`) && utf8.ValidString(text) { // most: nothing is escaped
			return text, true
		}
		err := json.Unmarshal(m.value, &text)
		return text, err == nil
	}
	return json.Number(m.value), true
}
