// Package uri reads the language of URLs of the Dataverse Web API: query options with
// their expressions, keys and the arguments of functions. There is one lexer and one
// parser, so that a literal, a path and a comma mean the same in $filter, in the options
// inside $expand and in a key.
//
// A $filter becomes a tree of package filter, which segments and FetchXML share. The tree
// has no negation, so "not" is pushed down to the comparisons.
//
// Size: the options inside $expand hold a $filter, whose functions have the arguments of
// a key, whose values are its literals; separate packages would parse the same text twice.
//
// Invariant: what is returned is valid against the schema, its size is bounded by the
// length of the text and the limits of this package, and every error is an *[Error] that
// says where in the text something else was expected, and what.
package uri

import (
	"fmt"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/schema"
)

// Limits of a request.
const (
	MaxConditions = 500 // of a $filter, as in Dataverse
	MaxNesting    = 32  // brackets, negations and lambdas inside each other
	MaxExpand     = 15  // navigation properties of a $expand, the nested ones included, as in Dataverse
	MaxOrder      = 15  // properties of an $orderby
	MaxArguments  = 16  // of a function or a key

	MaxAliases = 1 << 17 // bytes that aliases stand for, each as often as it is used
)

// Namespace comes before the name of every type, function and bound operation.
const Namespace = "Microsoft.Dynamics.CRM."

// Error is what is wrong with a part of a URL. Its text may be shown to anybody.
type Error struct {
	Part        string // such as $filter, @p1 or key; "" where Detail says it
	Text        string // of the part, decoded
	Position    int    // of the first byte that is wrong, counted from 0 in Text; -1 for none
	Detail      string // what is wrong or was expected
	Unsupported bool   // a known form of OData that is not served
	Limit       string // of a part that has too much of something: the name of the limit
	Most, Used  int    // its value and how much there is, 0 where that is not counted
}

// Error returns the part, the detail and the position. A detail that is a whole sentence
// is one that Dataverse has too, and clients may look for it, so it comes first.
func (e *Error) Error() string {
	at := ""
	if e.Position >= 0 {
		at = fmt.Sprintf(" at position %d in '%s'", e.Position, excerpt.Of(e.Text))
	}
	switch {
	case e.Part == "":
		return e.Detail + at
	case strings.HasSuffix(e.Detail, "."):
		return e.Detail + " (" + e.Part + at + ")"
	}
	return e.Part + ": " + e.Detail + at
}

func errorf(format string, args ...any) *Error {
	return &Error{Position: -1, Detail: fmt.Sprintf(format, args...)}
}

// NotServed is the error of a part of the Web API that this version does not serve.
func NotServed(form, text string) *Error {
	e := errorf("%s is not supported in this version: '%s'", form, excerpt.Of(text))
	e.Unsupported = true
	return e
}

// NoProperty says that a type has no property of a name.
func NoProperty(t *schema.Table, name string) string {
	return fmt.Sprintf("Could not find a property named '%s' on type '%s%s'.", excerpt.Of(name), Namespace, t.Name)
}

// NameOf returns the name of a column on the wire, where a lookup is shown as the GUID
// that it holds.
func NameOf(c *schema.Column) string {
	if c.Type == schema.LookupTo {
		return "_" + c.Name + "_value"
	}
	return c.Name
}

// Column returns the column of a name on the wire, nil when none has it or the column is
// hidden.
func Column(t *schema.Table, name string) *schema.Column {
	c := t.Column(name)
	if c == nil {
		inner, ok := strings.CutPrefix(name, "_")
		inner, ok2 := strings.CutSuffix(inner, "_value")
		if !ok || !ok2 {
			return nil
		}
		c = t.Column(inner)
	}
	if c == nil || c.Write == schema.Hidden || NameOf(c) != name {
		return nil
	}
	return c
}

// Navs returns the targets of a navigation property to one row, nil when the table has
// none of that name or it is hidden.
func Navs(t *schema.Table, name string) []schema.Nav {
	navs := t.Navs(name)
	if len(navs) == 0 || navs[0].Column.Write == schema.Hidden {
		return nil
	}
	return navs
}

// Collection returns the relationship of a navigation property to many rows, false when
// the table has none of that name, it is hidden, or its rows are not on the wire.
func Collection(s *schema.Schema, t *schema.Table, name string) (schema.Relation, bool) {
	r, ok := s.Collection(t.Name, name)
	return r, ok && r.Column.Write != schema.Hidden && r.Table.Set != ""
}
