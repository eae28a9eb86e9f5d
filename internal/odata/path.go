package odata

import (
	"slices"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// Kind is what a path leads to.
type Kind string

// The kinds of resource.
const (
	Collection Kind = "collection" // all rows of Table
	Entity     Kind = "entity"     // a row of Table
	OneColumn  Kind = "property"   // the Column of a row of Table
	Lookup     Kind = "lookup"     // the row that a lookup of a row of Table points at, by Navs
	Related    Kind = "related"    // the rows that point at a row of Table, by Relation
	Bound      Kind = "bound"      // the action Name, bound to the set of Table
	Batched    Kind = "batch"      // requests in a body
	Deleting   Kind = "deletion"   // the action BulkDelete
)

// The actions, bound to an entity set, that write rows together.
const (
	CreateMultiple = "CreateMultiple"
	UpdateMultiple = "UpdateMultiple"
	UpsertMultiple = "UpsertMultiple"
)

// Resource is what a path leads to; fields that Kind does not name are zero.
type Resource struct {
	Kind  Kind
	Table *schema.Table
	Key   // of a row of Table

	Name     string
	Column   *schema.Column
	Navs     []schema.Nav    // the targets of one lookup
	Relation schema.Relation // its Table is that of the related rows

	Ref   bool // the path ends with $ref: not the rows are meant but that they are related
	Count bool // the path ends with $count: the number of rows
	Raw   bool // the path ends with $value: the property without JSON
	// Member is the key of one of the related rows, in a path that ends with $ref.
	Member *Key
}

// Batch is the path of a batch.
const Batch = "$batch"

// ParsePath reads the rest of a path that [ParseVersion] returned, percent-decoded, which
// is no call of a function or action (package call) and not what describes the service
// (package metadata). Set names are
// case-sensitive. A known form of the API that is not served is a 501, anything
// else that leads nowhere a 404.
func ParsePath(s *schema.Schema, path string) (Resource, error) {
	if len(path) > MaxBatchURL {
		return Resource{}, Errorf(BadRequest, "the path has %d bytes; the limit is %d", len(path), MaxBatchURL).Exceeds("UrlBytes", MaxBatchURL, len(path))
	}
	path = strings.TrimSuffix(path, "/")
	segments, ok := uri.Split(path, '/')
	if !ok {
		return Resource{}, Errorf(BadRequest, "the path '%s' has a quote or bracket that is not closed", excerpt.Of(path))
	}
	first, rest := segments[0], segments[1:]
	name, key, keyed := strings.Cut(first, "(")
	if keyed {
		if key, ok = strings.CutSuffix(key, ")"); !ok {
			return Resource{}, Errorf(BadRequest, "')' expected at the end of the segment '%s'", excerpt.Of(first))
		}
	}
	switch path {
	case Batch:
		return Resource{Kind: Batched}, nil
	case BulkDelete:
		return Resource{Kind: Deleting}, nil
	}
	if form := reserved(name); form != "" {
		return Resource{}, notServed(form, first)
	}
	t := s.BySet(name)
	if name == "" || t == nil {
		return Resource{}, NoSegment(name)
	}
	if !keyed {
		return ofSet(t, rest)
	}
	r := Resource{Kind: Entity, Table: t}
	var err error
	if r.Key, err = parseKey(t, key); err != nil {
		return Resource{}, err
	}
	if len(rest) > 0 {
		err = r.follow(s, rest)
	}
	return r, err
}

// reserved returns what a first segment asks for that OData gives a meaning, "" for
// any other segment.
func reserved(name string) string {
	switch name {
	case Batch:
		return "the batch request"
	case "$entity", "$all", "$crossjoin":
		return "the resource"
	case "ManagedPropertyDefinitions":
		return "the table definition"
	}
	return ""
}

// ofSet returns the resource of a path that begins with a set.
func ofSet(t *schema.Table, rest []string) (Resource, error) {
	if len(rest) == 0 {
		return Resource{Kind: Collection, Table: t}, nil
	}
	name, _, _ := strings.Cut(rest[0], "(")
	action, qualified := strings.CutPrefix(name, Namespace)
	switch {
	case len(rest) > 1:
		return Resource{}, NoSegment(rest[1])
	case qualified && slices.Contains([]string{CreateMultiple, UpdateMultiple, UpsertMultiple}, action):
		return Resource{Kind: Bound, Table: t, Name: action}, nil
	case qualified:
		return Resource{}, notServed("the bound operation", name)
	case rest[0] == "$count":
		return Resource{Kind: Collection, Table: t, Count: true}, nil
	case name == "$ref" || name == "$value":
		return Resource{}, notServed("the path ending", name)
	}
	return Resource{}, NoSegment(name)
}

// follow makes a row's resource that of what the path has after the row.
func (r *Resource) follow(s *schema.Schema, rest []string) error {
	name, key, keyed := strings.Cut(rest[0], "(")
	if strings.HasPrefix(name, Namespace) {
		return notServed("the bound operation", name)
	}
	end := ""
	if len(rest) > 1 {
		end = rest[1]
	}
	if column := columnOf(r.Table, rest[0]); column != nil {
		r.Kind, r.Column, r.Raw = OneColumn, column, end == "$value"
		return r.endsWith(rest, "$value")
	}
	if navs := navsOf(r.Table, rest[0]); navs != nil {
		r.Kind, r.Navs, r.Ref = Lookup, navs, end == "$ref"
		return r.endsWith(rest, "$ref")
	}
	relation, ok := uri.Collection(s, r.Table, name)
	switch {
	case !ok && (name == "$ref" || name == "$value"):
		return notServed("the path ending", name)
	case !ok:
		return NoSegment(name)
	}
	r.Kind, r.Relation, r.Ref, r.Count = Related, relation, end == "$ref", end == "$count"
	if !keyed {
		return r.endsWith(rest, "$ref", "$count")
	}
	key, closed := strings.CutSuffix(key, ")")
	if !closed {
		return Errorf(BadRequest, "')' expected at the end of the segment '%s'", excerpt.Of(rest[0]))
	}
	member, err := parseKey(relation.Table, key)
	if err != nil {
		return err
	}
	if r.Member = &member; !r.Ref {
		return notServed("the path to one of related rows", rest[0])
	}
	return r.endsWith(rest, "$ref")
}

// endsWith refuses a path that has more after a property of a row than one of the endings.
func (*Resource) endsWith(rest []string, endings ...string) error {
	switch {
	case len(rest) == 1 || len(rest) == 2 && slices.Contains(endings, rest[1]):
		return nil
	case len(rest) == 2:
		return notServed("the path", strings.Join(rest, "/"))
	}
	return NoSegment(rest[2])
}
