package dynamo

import (
	"errors"
	"fmt"
	"strings"

	"segue/internal/store"
)

// image is an item of an event, {"name":{"S":"x"},…}: where its attributes are. Values
// are parts of the event's text, so that reading allocates nothing but for texts with
// escapes and lists, maps and sets.
type image struct {
	text  string
	words *words
	attrs []attribute
}

// attribute is where one is. A batch has many.
type attribute struct {
	value token
	name  uint32 // the number of a word
	kind  kind
}

type kind uint8

const (
	other kind = iota // the value is as it is written, with its type
	text
	number
	yes
	no
)

// image reads an image.
func (e *event) image() store.Image {
	if !e.take('{') {
		e.skip()
		return brokenImage{errors.New("image: not a JSON object")}
	}
	from := len(e.attrs)
	e.words.begin()
	for e.usual(); e.member(); e.usual() {
		a := attribute{name: e.words.number(e.name.string(e.text))}
		e.value(&a)
		e.attrs = append(e.attrs, a)
	}
	e.images = append(e.images, image{e.text, e.words, e.attrs[from:len(e.attrs):len(e.attrs)]})
	return &e.images[len(e.images)-1]
}

// usual reads attributes as DynamoDB writes texts, numbers and truth values,
// "name":{"S":"x"} without a blank, up to one that is written in another way: nearly all
// of them, in one loop.
func (e *event) usual() {
	b, p := e.b, e.at
	for {
		if p < len(b) && b[p] == ',' {
			p++
		}
		if p >= len(b) || b[p] != '"' {
			return
		}
		p++
		n, size := e.words.expect(e.text[p:])
		if size < 0 {
			end, strange := closing(b, p)
			if end < 0 || strange {
				return
			}
			n, size = e.words.number(e.text[p:end]), end-p
		}
		a := attribute{name: n}
		if p = e.usualValue(&a, p+size); p < 0 {
			return
		}
		e.attrs = append(e.attrs, a)
		e.at = p
	}
}

// usualValue reads what follows a name, from its closing quote on, and returns where it
// ends; -1 for what is written in another way.
func (e *event) usualValue(a *attribute, p int) int {
	const opening = len(`":{"S":"`)
	b, from := e.b, p+opening
	if from > len(b) || string(b[p:p+4]) != `":{"` {
		return -1
	}
	switch b[p+4] {
	case 'S':
		a.kind = text
	case 'N':
		a.kind = number
	default:
		return e.usualTruth(a, e.text[p:], p)
	}
	if string(b[p+5:from]) != `":"` {
		return -1
	}
	end, backslash := closing(b, from)
	if end < 0 || end+1 >= len(b) || b[end+1] != '}' {
		return -1
	}
	a.value = newToken(from, end, backslash)
	return end + len(`"}`)
}

func (e *event) usualTruth(a *attribute, rest string, p int) int {
	const isTrue, isFalse = `":{"BOOL":true}`, `":{"BOOL":false}`
	switch {
	case strings.HasPrefix(rest, isTrue):
		a.kind = yes
		return p + len(isTrue)
	case strings.HasPrefix(rest, isFalse):
		a.kind = no
		return p + len(isFalse)
	}
	return -1
}

// value reads a value with its type, {"S":"x"}.
func (e *event) value(a *attribute) {
	e.peek()
	begin := e.at
	if e.take('{') && e.member() && e.plain(a) && !e.member() { // a second member is a mistake, which ParseJSON reports
		return
	}
	e.at, a.kind = begin, other
	a.value = e.skip()
}

// plain reads the content of a type whose values have no parts; false for the others.
func (e *event) plain(a *attribute) bool {
	switch of := e.name.raw(e.text); {
	case of == "S" && e.peek() == '"':
		a.kind, a.value = text, e.quoted()
	case of == "N" && e.peek() == '"':
		a.kind, a.value = number, e.quoted()
	case of == "BOOL":
		switch word := e.skip(); word.raw(e.text) {
		case "true":
			a.kind = yes
		case "false":
			a.kind = no
		}
	}
	return a.kind != other
}

// Values implements [store.Image]. Of an attribute that is there twice the last counts.
func (i *image) Values(names *store.Names, into []store.Value) error {
	clear(into)
	places := i.words.placesOf(names, len(i.attrs))
	for at := range i.attrs {
		a := &i.attrs[at]
		n := int32(0)
		if places != nil {
			n = places[a.name]
		} else {
			n = int32(names.Find(i.words.list[a.name].text))
		}
		if n < 0 {
			continue
		}
		var err error
		if into[n], err = i.value(a); err != nil {
			return fmt.Errorf("attribute %s: %w", names.List()[n], err)
		}
	}
	return nil
}

// Item implements [store.Image]. Its texts are a copy, because items are kept.
func (i *image) Item() (store.Item, error) {
	item := make(store.Item, len(i.attrs))
	for at := range i.attrs {
		a := &i.attrs[at]
		name := strings.Clone(i.words.list[a.name].text)
		v, err := i.value(a)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		item[name] = v.Clone()
	}
	return item, nil
}

// value decodes the value of an attribute.
func (i *image) value(a *attribute) (store.Value, error) {
	switch a.kind {
	case text:
		return store.S(a.value.string(i.text)), nil
	case number:
		return store.N(a.value.string(i.text)), nil
	case yes, no:
		return store.B(a.kind == yes), nil
	default:
		return store.ParseJSON([]byte(a.value.raw(i.text)))
	}
}
