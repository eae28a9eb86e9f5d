package odata

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/schema"
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
	var inner string
	if body = bytes.TrimSpace(body); bytes.HasPrefix(body, []byte(`"`)) && json.Unmarshal(body, &inner) == nil {
		body = []byte(inner)
	}
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
		if plain(text) {
			return text, true
		}
		err := json.Unmarshal(m.value, &text)
		return text, err == nil
	}
	return json.Number(m.value), true
}

// Parameter declares a parameter of an action.
type Parameter struct {
	Name     string
	Type     schema.Type // schema.String, schema.GUID or schema.Boolean
	Required bool
}

// ReadParameters reads the body of an action against the parameters that the action
// declares. An empty body has no parameters. GUIDs are returned in lower case
// without braces, booleans as "true" and "false"; a parameter that was null or left
// out is not in the map.
func ReadParameters(body []byte, declared []Parameter) (map[string]string, error) {
	var members []member
	if len(bytes.TrimSpace(body)) > 0 {
		var err error
		if members, err = readObject(body); err != nil {
			return nil, err
		}
	}
	byName := map[string]member{}
	for _, m := range members {
		if !annotation(m.name) {
			byName[m.name] = m
		}
	}
	values := map[string]string{}
	for _, p := range declared {
		m, ok := byName[p.Name]
		delete(byName, p.Name) // what is left at the end is unknown
		if null := ok && string(m.value) == "null"; !ok || null {
			if p.Required {
				return nil, Errorf(InvalidArgument, "the parameter '%s' is required", p.Name)
			}
			continue
		}
		text, err := p.read(m)
		if err != nil {
			return nil, err
		}
		values[p.Name] = text
	}
	for _, m := range members { // in their order, so that the first one is named
		if _, unknown := byName[m.name]; unknown {
			return nil, Errorf(InvalidArgument, "there is no parameter '%s'", excerpt.Of(m.name))
		}
	}
	return values, nil
}

func (p Parameter) read(m member) (string, error) {
	v, _ := m.scalar()
	if p.Type == schema.Boolean {
		given, ok := v.(bool)
		if !ok {
			return "", Errorf(InvalidArgument, "the parameter '%s' must be true or false, not %s", p.Name, excerpt.Of(string(m.value)))
		}
		return strconv.FormatBool(given), nil
	}
	text, ok := v.(string)
	if !ok {
		return "", Errorf(InvalidArgument, "the parameter '%s' must be a string, not %s", p.Name, excerpt.Of(string(m.value)))
	}
	if p.Type == schema.GUID {
		if text, ok = guid.Parse(text); !ok {
			return "", Errorf(InvalidArgument, "the parameter '%s' must be a GUID, not %s", p.Name, excerpt.Of(string(m.value)))
		}
	}
	return text, nil
}
