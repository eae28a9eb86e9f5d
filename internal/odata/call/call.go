// Package call is the functions and actions of the Web API on the wire: their
// signatures, how a path names one, how its arguments are read from a URL or a
// body, and how its result is written. The routes, the checks, $metadata and the
// OpenAPI document are made of the same signatures, so that none of them can
// promise what another does not keep.
//
// Invariant: arguments that were read are those that the signature declares, each of
// its type, and all that are required; a result that was written is of the type
// that the signature declares.
package call

import (
	"slices"
	"strings"

	"segue/internal/odata"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// Kind is whether an operation reads or writes.
type Kind string

// The kinds.
const (
	Function Kind = "Function" // called by GET; changes nothing
	Action   Kind = "Action"   // called by POST
)

// Binding is what an operation is called on.
type Binding string

// The bindings.
const (
	Unbound Binding = ""    // the service
	ToRow   Binding = "row" // a row of one of Signature.Tables
	ToSet   Binding = "set" // the rows of one of Signature.Tables
)

// Signature is what callers must know of an operation.
type Signature struct {
	Kind       Kind
	Name       string // without the namespace
	About      string // what it does, for people
	Binding    Binding
	Tables     []string // of what it is bound to; none: every table
	Parameters []Parameter
	Returns    Return
}

// Parameter is a parameter. Its values are texts, numbers, booleans, GUIDs, moments,
// references to rows ([schema.LookupTo]) or, with Row, the columns of a row.
type Parameter struct {
	Name     string
	Type     schema.Type
	Row      bool
	Enum     *Enum    // the value is one of its members; Type is schema.String
	Tables   []string // of the row, or the row referred to; none: every table
	Many     bool     // a list of such values
	Required bool
}

// Enum is a type whose values are names.
type Enum struct {
	Name    string
	Members []string
	// Flags is the values of the members of an enumeration of which several may hold at
	// once, listed with commas between; nil: one holds, and its value is its place, from 0.
	Flags []int
}

// holds reports whether a text is a value of the enumeration.
func (e *Enum) holds(text string) bool {
	if e.Flags == nil {
		return slices.Contains(e.Members, text)
	}
	for member := range strings.SplitSeq(text, ",") {
		if !slices.Contains(e.Members, member) {
			return false
		}
	}
	return true
}

// Return is what an operation responds with. The zero Return is nothing.
type Return struct {
	Type     *Complex // the properties of this type
	Rows     bool     // references to rows of several tables
	Optional bool     // only to a caller who prefers a representation
}

// Nothing reports whether there is no result, ever.
func (r Return) Nothing() bool { return r.Type == nil && !r.Rows }

// Complex is a type of values with properties.
type Complex struct {
	Name       string
	Properties []Property
}

// Property is a property of a complex type: a value of Type, of Enum or Of another one.
type Property struct {
	Name     string
	Type     schema.Type
	Enum     *Enum
	Of       *Complex
	Many     bool // a list of such values
	Nullable bool
}

// Registry is the operations of a service.
type Registry []Signature

// Unbound returns the operation without a binding that has a name.
func (r Registry) Unbound(name string) (Signature, bool) {
	return r.find(func(s Signature) bool { return s.Binding == Unbound && s.Name == name })
}

// Bound returns the operation of a name that is bound to the rows or the set of a table.
func (r Registry) Bound(to Binding, table, name string) (Signature, bool) {
	return r.find(func(s Signature) bool {
		return s.Binding == to && s.Name == name && (s.Tables == nil || slices.Contains(s.Tables, table))
	})
}

func (r Registry) find(is func(Signature) bool) (Signature, bool) {
	if i := slices.IndexFunc(r, is); i >= 0 {
		return r[i], true
	}
	return Signature{}, false
}

// parameter returns a parameter by name, nil when there is none.
func (s Signature) parameter(name string) *Parameter {
	i := slices.IndexFunc(s.Parameters, func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Parameters[i]
}

// Path is a path that may call an operation, cut into its parts.
type Path struct {
	On        string // path of what the operation is called on, "" for the service
	Name      string // without the namespace
	Qualified bool   // the name came with the namespace
	Arguments string // the text between the brackets
}

// Cut cuts a path, percent-decoded, at its last segment; ok is false when its quotes or
// brackets are not closed.
func Cut(path string) (p Path, ok bool) {
	segments, closed := uri.Split(strings.TrimSuffix(path, "/"), '/')
	if !closed {
		return Path{}, false
	}
	last := len(segments) - 1
	name, arguments, bracketed := strings.Cut(segments[last], "(")
	if bracketed {
		if arguments, ok = strings.CutSuffix(arguments, ")"); !ok {
			return Path{}, false
		}
	}
	p = Path{On: strings.Join(segments[:last], "/"), Arguments: arguments}
	p.Name, p.Qualified = strings.CutPrefix(name, odata.Namespace)
	return p, true
}
