package odata

import (
	"strings"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// References is the rows that earlier requests of a change set are about: by Content-ID, each
// as <set>(<key>). It is nil outside change sets.
type References map[string]string

// Path returns a path from the service root with the row in place of a Content-ID that it
// begins with, such as $1/lastname.
func (r References) Path(path string) (string, error) {
	first, _, _ := strings.Cut(path, "/")
	id, ok := strings.CutPrefix(first, "$")
	if name, _, _ := strings.Cut(first, "("); !ok || name == "$metadata" || reserved(name) != "" {
		return path, nil
	}
	row, known := r[id]
	if !known {
		return "", Errorf(BadRequest, "Content-ID Reference: '%s' does not exist in the batch context.", excerpt.Of(first))
	}
	return row + path[len(first):], nil
}

// Reference is a row that a body or a URL refers to.
type Reference struct {
	Table *schema.Table
	Key
}

// Reference reads the body of a request on a relationship, {"@odata.id":"<URL>"}.
func (b Bodies) Reference(body []byte) (Reference, error) {
	members, err := readObject(body)
	if err != nil {
		return Reference{}, err
	}
	for _, m := range members {
		if m.name != "@odata.id" {
			continue
		}
		if v, ok := m.scalar(); ok {
			if url, ok := v.(string); ok {
				return b.Resolve(url)
			}
		}
		break
	}
	return Reference{}, Errorf(BadPayload, "the body must be like {\"@odata.id\":\"accounts(<id>)\"}")
}

// Target reads the query string of a request that takes a row out of related ones,
// $id=<URL>.
func (b Bodies) Target(rawQuery string) (Reference, error) {
	options, _, err := uri.SplitQuery(rawQuery)
	if err != nil {
		return Reference{}, FromURI(err)
	}
	for _, option := range options {
		if option.Name == "$id" {
			return b.Resolve(option.Value)
		}
	}
	return Reference{}, Errorf(BadRequest, "name the row in the path, like lead_parent_account(<id>)/$ref, or in the query option '$id'")
}

// Resolve reads the URL of a row by its end, <set>(<key>), or a Content-ID: clients send
// it relative, with a slash, absolute, and absolute with a broken scheme.
func (b Bodies) Resolve(url string) (Reference, error) {
	row, err := b.References.Path(lastSegment(url))
	if err != nil {
		return Reference{}, err
	}
	set, key, ok := strings.Cut(row, "(")
	key, closed := strings.CutSuffix(key, ")")
	if !ok || !closed {
		return Reference{}, Errorf(BadPayload, "a row is referred to as <set>(<id>), not as '%s'", excerpt.Of(url))
	}
	t := b.Schema.BySet(set)
	if set == "" || t == nil {
		return Reference{}, Errorf(BadPayload, "'%s' refers to the unknown set '%s'", excerpt.Of(url), excerpt.Of(set))
	}
	parsed, err := parseKey(t, key)
	return Reference{Table: t, Key: parsed}, err
}

// lastSegment returns what follows the last slash of a URL that is not in quotes or brackets.
func lastSegment(url string) string {
	segments, ok := uri.Split(url, '/')
	if !ok {
		return url[strings.LastIndexByte(url, '/')+1:]
	}
	return segments[len(segments)-1]
}

// RowPath returns the path of a row after the service root.
func RowPath(t *schema.Table, id string) string { return t.Set + "(" + id + ")" }

// RowIn returns the row that a path begins with, as <set>(<key>), "" for none.
func RowIn(path string) string {
	segments, ok := uri.Split(path, '/')
	if !ok || !strings.HasSuffix(segments[0], ")") {
		return ""
	}
	return segments[0]
}

// PointingAt returns the condition that a lookup points at a row, and others, nil for none.
func PointingAt(lookup *schema.Column, table, id string, others *filter.Group) *filter.Group {
	points := &filter.Group{Logic: filter.And, Items: []filter.Node{&filter.Condition{
		Column: lookup.Name, Operator: filter.Eq, Values: []schema.Value{schema.RefTo(table, id)},
	}}}
	if others != nil {
		points.Items = append(points.Items, others)
	}
	return points
}
