package odata

import (
	"slices"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// Kind is what a path leads to.
type Kind string

// The kinds of resource.
const (
	Root       Kind = "service document"
	Collection Kind = "collection" // all rows of Table
	Entity     Kind = "entity"     // the row ID of Table
	Operation  Kind = "operation"  // the function or action Name
	Bound      Kind = "bound"      // the action Name, bound to the set of Table
	Batched    Kind = "batch"      // requests in a body
)

// Batch is the path of a batch.
const Batch = "$batch"

// CreateMultiple is the action, bound to an entity set, that creates rows together.
const CreateMultiple = "CreateMultiple"

// Resource is what a path leads to; fields that Kind does not name are zero.
type Resource struct {
	Kind  Kind
	Table *schema.Table
	ID    string // GUID, lower case
	Name  string
}

// ParsePath reads the rest of a path that [ParseVersion] returned, percent-decoded. operations
// are the names of the functions and actions that are served without
// parameters in the path; they are tried before entity sets. Set names are
// case-sensitive. A known form of the API that is not served is a 501, anything
// else that leads nowhere a 404.
func ParsePath(s *schema.Schema, path string, operations ...string) (Resource, error) {
	if len(path) > MaxBatchURL {
		return Resource{}, Errorf(BadRequest, "the path has %d bytes, the limit is %d", len(path), MaxBatchURL)
	}
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return Resource{Kind: Root}, nil
	}
	segments, ok := splitPath(path)
	if !ok {
		return Resource{}, Errorf(BadRequest, "the path '%s' has a quote that is not closed", excerpt.Of(path))
	}
	first, rest := segments[0], segments[1:]
	name, key, keyed := strings.Cut(first, "(")
	if keyed {
		if key, ok = strings.CutSuffix(key, ")"); !ok {
			return Resource{}, Errorf(BadRequest, "')' expected at the end of the segment '%s'", excerpt.Of(first))
		}
	}
	if path == Batch {
		return Resource{Kind: Batched}, nil
	}
	if form := reserved(name); form != "" {
		return Resource{}, notServed(form, first)
	}
	if slices.Contains(operations, name) {
		return operation(name, key, rest)
	}
	t := s.BySet(name)
	if name == "" || t == nil {
		return Resource{}, NoSegment(name)
	}
	if !keyed && len(rest) == 1 && strings.TrimSuffix(rest[0], "()") == Namespace+CreateMultiple {
		return Resource{Kind: Bound, Table: t, Name: CreateMultiple}, nil
	}
	if !keyed {
		return Resource{Kind: Collection, Table: t}, checkRest(s, t, rest, false)
	}
	id, err := parseKey(t, key)
	if err != nil {
		return Resource{}, err
	}
	return Resource{Kind: Entity, Table: t, ID: id}, checkRest(s, t, rest, true)
}

// operation returns the resource of a function or action.
func operation(name, parameters string, rest []string) (Resource, error) {
	switch {
	case parameters != "":
		return Resource{}, notServed("the function call with parameters", name+"("+parameters+")")
	case len(rest) > 0:
		return Resource{}, NoSegment(rest[0])
	}
	return Resource{Kind: Operation, Name: name}, nil
}

// splitPath splits a path at slashes outside quotes; ok is false when a quote is not
// closed.
func splitPath(path string) (segments []string, ok bool) {
	quoted, start := false, 0
	for i := range len(path) {
		switch {
		case path[i] == '\'':
			quoted = !quoted
		case path[i] == '/' && !quoted:
			segments = append(segments, path[start:i])
			start = i + 1
		}
	}
	return append(segments, path[start:]), !quoted
}

// reserved returns what a first segment asks for that OData gives a meaning, "" for
// any other segment.
func reserved(name string) string {
	switch name {
	case "$metadata":
		return "the metadata document"
	case Batch:
		return "the batch request"
	case "$entity", "$all", "$crossjoin":
		return "the resource"
	case "EntityDefinitions", "RelationshipDefinitions", "GlobalOptionSetDefinitions", "ManagedPropertyDefinitions":
		return "the table definition"
	}
	return ""
}

// parseKey reads the text in the brackets after a set's name: a GUID, bare or
// quoted, alone or after the primary key's name.
func parseKey(t *schema.Table, key string) (string, error) {
	if name, value, named := strings.Cut(key, "="); named {
		if name != t.ID {
			return "", notServed("the alternate key", t.Set+"("+key+")")
		}
		key = value
	}
	if inner, ok := strings.CutPrefix(key, "'"); ok {
		if inner, ok = strings.CutSuffix(inner, "'"); ok {
			key = inner
		}
	}
	id, ok := guid.Parse(key)
	if !ok {
		return "", Errorf(BadRequest, "the key '%s' of '%s' is not a GUID", excerpt.Of(key), t.Set)
	}
	return id, nil
}

// checkRest refuses the segments that follow a set or a row in a path; it returns nil
// when there are none.
func checkRest(s *schema.Schema, t *schema.Table, rest []string, ofRow bool) error {
	if len(rest) == 0 {
		return nil
	}
	name, _, _ := strings.Cut(rest[0], "(")
	switch {
	case strings.HasPrefix(name, Namespace):
		return notServed("the bound operation", name)
	case name == "$count" && !ofRow:
		return notServed("the count", name)
	case name == "$ref" || name == "$value":
		return notServed("the path ending", name)
	case ofRow && columnOf(t, name) != nil:
		return notServed("the path to one property", name)
	case ofRow && navigates(s, t, name):
		return notServed("the path through a navigation property", name)
	}
	return NoSegment(name)
}

// navigates reports whether name is a navigation property of t, to one row or many.
func navigates(s *schema.Schema, t *schema.Table, name string) bool {
	_, many := uri.Collection(s, t, name)
	return many || navsOf(t, name) != nil
}
