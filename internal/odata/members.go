package odata

import (
	"encoding/json"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/schema"
)

// Member is one member of a JSON object, its value not decoded yet.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Members reads a body that is one JSON object, as rows are read: a member that comes
// twice is refused, and a string that holds the object is read too.
func Members(body []byte) ([]Member, error) {
	read, err := readObject(body)
	if err != nil {
		return nil, err
	}
	members := make([]Member, len(read))
	for i, m := range read {
		members[i] = Member{Name: m.name, Value: m.value}
	}
	return members, nil
}

// Annotation reports whether a member is about the object or a property of it, not a
// property itself.
func (m Member) Annotation() bool { return annotation(m.Name) }

// ReadReference reads the URL of a row by its end, <set>(<key>), relative or absolute.
// what is the name of the member that holds it, for the refusal.
func ReadReference(s *schema.Schema, what, url string) (schema.Lookup, error) {
	set, key, ok := strings.Cut(url[strings.LastIndexByte(url, '/')+1:], "(")
	key, closed := strings.CutSuffix(key, ")")
	t := s.BySet(set)
	switch {
	case !ok || !closed:
		return schema.Lookup{}, Errorf(InvalidArgument, "'%s' must end with <set>(<id>), not '%s'", what, excerpt.Of(url))
	case set == "" || t == nil:
		return schema.Lookup{}, Errorf(InvalidArgument, "'%s' refers to the unknown set '%s'", what, excerpt.Of(set))
	}
	row, err := parseKey(t, key)
	if err == nil && row.Alternate != nil {
		return schema.Lookup{}, Errorf(InvalidArgument, "'%s' must name the row by its id, not '%s'", what, excerpt.Of(url))
	}
	return schema.Lookup{Table: t.Name, ID: row.ID}, err
}
