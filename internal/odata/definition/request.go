package definition

import (
	"slices"
	"strconv"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/odata"
	"segue/internal/odata/uri"
)

// Response is what a request for definitions is answered with.
type Response struct {
	Body  []byte
	Plain bool // a number as text, not JSON
}

// Defines reports whether a path, percent-decoded, is one of definitions.
func Defines(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	first, _, _ = strings.Cut(first, "(")
	return slices.ContainsFunc(Sets(), func(set Nav) bool { return set.Name == first })
}

// Serve serves a GET of a path that [Defines] says is one, with a query string that is
// still encoded.
func (m *Model) Serve(base, path, rawQuery string) (Response, error) {
	at, err := m.find(path)
	if err != nil {
		return Response{}, err
	}
	if at.counts {
		return Response{Body: strconv.AppendInt(nil, int64(len(at.set.items)), 10), Plain: true}, nil
	}
	if at.property != nil {
		b := appendText([]byte(`{"@odata.context":`), base+"$metadata#"+at.context)
		return Response{Body: append(appendJSON(appendName(b, "value"), at.property.value), '}')}, nil
	}
	o, err := readOptions(at.set.shape, rawQuery)
	if err != nil {
		return Response{}, err
	}
	w := writer{base: base}
	if !at.single {
		return Response{Body: w.list(at, o)}, nil
	}
	if o.filter != nil || o.top >= 0 || o.count {
		return Response{}, odata.Errorf(odata.BadRequest, "only $select and $expand may be used in a request for one definition")
	}
	if len(at.set.items) == 0 { // of a property that leads to none
		return Response{Body: []byte(`{"@odata.context":` + string(appendText(nil, base+"$metadata#"+at.context+"/$entity")) + `,"@odata.null":true}`)}, nil
	}
	return Response{Body: w.single(at, o)}, nil
}

// place is where a path leads.
type place struct {
	set      collection
	single   bool   // to the one item of set
	context  string // what the context of a response says after $metadata#
	below    string // what that of a response about a part of it says; its key is in it
	property *property
	counts   bool
}

// find follows a path.
func (m *Model) find(path string) (place, error) {
	segments, closed := uri.Split(strings.TrimSuffix(path, "/"), '/')
	if !closed {
		return place{}, odata.Errorf(odata.BadRequest, "the path '%s' has a quote or bracket that is not closed", excerpt.Of(path))
	}
	name, key, keyed := strings.Cut(segments[0], "(")
	set, ok := m.definitions(name)
	if !ok {
		return place{}, odata.NoSegment(segments[0])
	}
	at := place{set: set, context: name, below: name}
	var err error
	if keyed {
		at, err = at.item(key)
	}
	for _, segment := range segments[1:] {
		if err != nil {
			break
		}
		if at.property != nil || at.counts {
			return place{}, odata.NoSegment(segment)
		}
		at, err = at.step(segment)
	}
	return at, err
}

// item finds an item of the set by the text of its key, the bracket before it left out.
func (p place) item(text string) (place, error) {
	text, closed := strings.CutSuffix(text, ")")
	name, value, named := strings.Cut(text, "=")
	if !named {
		name, value = "", text
	}
	value, quoted := unquoted(value)
	if !closed || value == "" {
		return place{}, odata.Errorf(odata.BadRequest, "the key '%s' must be <MetadataId> or %s='<name>'", excerpt.Of(text), p.set.key)
	}
	id, isID := guid.Parse(value)
	switch {
	case isID && (name == "" || name == Key):
		name, value = Key, id
		p.below += "(" + id + ")"
	case quoted && (name == "" || name == p.set.key):
		name = p.set.key
		p.below += "('" + strings.ReplaceAll(value, "'", "''") + "')"
	default:
		return place{}, odata.Errorf(odata.EntityKeyNotDefined, "the key '%s' must be <MetadataId> or %s='<name>'", excerpt.Of(text), p.set.key)
	}
	i := slices.IndexFunc(p.set.items, func(o *object) bool { return o.text(name) == value })
	if i < 0 {
		return place{}, odata.Errorf(odata.ObjectDoesNotExist, "%s With %s = %s Does Not Exist", p.set.kind, name, excerpt.Of(value))
	}
	p.set.items, p.single = p.set.items[i:i+1], true
	return p, nil
}

// unquoted returns a text without the quotes around it.
func unquoted(text string) (string, bool) {
	if len(text) < 2 || text[0] != '\'' || text[len(text)-1] != '\'' {
		return text, false
	}
	return strings.ReplaceAll(text[1:len(text)-1], "''", "'"), true
}

// step follows one more segment: a type, a navigation property, a property, $count.
func (p place) step(segment string) (place, error) {
	name, key, keyed := strings.Cut(segment, "(")
	if kind, ok := strings.CutPrefix(name, odata.Namespace); ok {
		return p.cast(kind, key, keyed)
	}
	if !p.single {
		if name == "$count" && !keyed {
			p.counts = true
			return p, nil
		}
		return place{}, odata.NoSegment(segment)
	}
	if n := p.set.shape.nav(name); n != nil && len(p.set.items) > 0 {
		to := place{context: p.below + "/" + name, below: p.below + "/" + name, single: !n.many}
		to.set = p.set.items[0].nav(name).get()
		if keyed {
			if !n.many {
				return place{}, odata.NoSegment(segment)
			}
			return to.item(key)
		}
		return to, nil
	}
	if p.set.shape.property(name) != nil && !keyed && len(p.set.items) > 0 {
		p.property = p.set.items[0].property(name)
		p.context = p.below + "/" + name
		return p, nil
	}
	return place{}, odata.NoSegment(segment)
}

// cast leaves the items of a type, and looks at them as such.
func (p place) cast(kind, key string, keyed bool) (place, error) {
	shape := sample(kind)
	if shape == nil || !shape.is(p.set.kind) {
		return place{}, odata.NoSegment(odata.Namespace + kind)
	}
	items := []*object{}
	for _, o := range p.set.items {
		if o.kind() == kind {
			items = append(items, o)
		}
	}
	if p.single && len(items) == 0 {
		return place{}, odata.Errorf(odata.ObjectDoesNotExist, "the definition is of type %s%s, not %s", odata.Namespace, p.set.items[0].kind(), kind)
	}
	p.context += "/" + odata.Namespace + kind
	p.below += "/" + odata.Namespace + kind
	p.set.kind, p.set.items, p.set.shape = kind, items, shape
	if keyed {
		if p.single {
			return place{}, odata.NoSegment(key)
		}
		return p.item(key)
	}
	return p, nil
}

// writer writes the JSON of definitions.
type writer struct{ base string }

// contextOf returns the context of what a path leads to.
func contextOf(at string, o options) string {
	if o.names == nil && len(o.expand) == 0 {
		return at
	}
	names := slices.Clone(o.names)
	for _, e := range o.expand {
		names = append(names, contextOf(e.nav.name, e.options))
	}
	return at + "(" + strings.Join(names, ",") + ")"
}

// list writes the items of a set.
func (w writer) list(at place, o options) []byte {
	items := o.of(at.set.items)
	b := appendText([]byte(`{"@odata.context":`), w.base+"$metadata#"+contextOf(at.context, o))
	if o.count {
		b = strconv.AppendInt(appendName(b, "@odata.count"), int64(len(items)), 10)
	}
	return append(w.items(appendName(b, "value"), at, o, items), '}')
}

// of returns the items that a filter asks for.
func (o options) of(all []*object) []*object {
	items := all
	if o.filter != nil {
		items = slices.DeleteFunc(slices.Clone(all), func(item *object) bool { return !o.filter(item) })
	}
	return items
}

// items writes the first of items, as many as are asked for.
func (w writer) items(b []byte, at place, o options, items []*object) []byte {
	if o.top >= 0 && o.top < len(items) {
		items = items[:o.top]
	}
	return appendList(b, items, func(b []byte, item *object) []byte {
		return w.item(append(b, '{'), at.set.kind, at.context+"("+item.text(Key)+")", item, o)
	})
}

// single writes one item.
func (w writer) single(at place, o options) []byte {
	b := appendText([]byte(`{"@odata.context":`), w.base+"$metadata#"+contextOf(at.context, o)+"/$entity")
	return w.item(b, at.set.kind, at.below, at.set.items[0], o)
}

// item writes the members of an item into an object that is open, and closes it. below is
// what the context of a part of it begins with.
func (w writer) item(b []byte, kind, below string, item *object, o options) []byte {
	if item.kind() != kind {
		b = appendText(appendName(b, "@odata.type"), "#"+odata.Namespace+item.kind())
	}
	for _, name := range o.names {
		if p := item.property(name); p != nil {
			b = appendJSON(appendName(b, p.name), p.value)
		}
	}
	for _, l := range item.layers {
		for _, p := range l.properties {
			if o.names == nil || p.name == Key && !slices.Contains(o.names, Key) {
				b = appendJSON(appendName(b, p.name), p.value)
			}
		}
	}
	for _, e := range o.expand {
		b = w.expand(b, below, item, e)
	}
	return append(b, '}')
}

// expand writes what a navigation property of an item leads to.
func (w writer) expand(b []byte, below string, item *object, e expanded) []byte {
	set := item.nav(e.nav.name).get()
	inner := place{set: set, context: below + "/" + e.nav.name}
	if e.nav.many {
		items := e.of(set.items)
		b = appendText(appendName(b, e.nav.name+"@odata.context"), w.base+"$metadata#"+contextOf(inner.context, e.options))
		if e.count {
			b = strconv.AppendInt(appendName(b, e.nav.name+"@odata.count"), int64(len(items)), 10)
		}
		return w.items(appendName(b, e.nav.name), inner, e.options, items)
	}
	if len(set.items) == 0 {
		return append(appendName(b, e.nav.name), "null"...)
	}
	b = appendText(appendName(b, e.nav.name+"@odata.context"), w.base+"$metadata#"+contextOf(inner.context, e.options)+"/$entity")
	return w.item(append(appendName(b, e.nav.name), '{'), set.kind, inner.context, set.items[0], e.options)
}
