package fetchxml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"segue/internal/excerpt"
)

// element is an element of the text.
type element struct {
	name       string
	offset     int
	attributes []xml.Attr
	children   []*element
	text       string // outside of children
	read       map[string]bool
}

// read reads the text into a tree of elements, within the limits. Comments and
// instructions are left out; encoding/xml knows no entities beyond those of XML itself.
func read(text string) (*element, error) {
	if len(text) > MaxText {
		return nil, &Error{Malformed, 0, fmt.Sprintf("the text has %d bytes; the limit is %d", len(text), MaxText)}
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	var root *element
	var open []*element
	count := 0
	for {
		offset := int(decoder.InputOffset())
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &Error{Malformed, offset, "the text is not XML: " + strings.TrimPrefix(err.Error(), "XML syntax error on ")}
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, offset: offset, attributes: token.Copy().Attr, read: map[string]bool{}}
			if count++; count > MaxElements || len(open) >= MaxDepth {
				return nil, e.errorf(Malformed, "the query has more than %d elements, or elements nested deeper than %d", MaxElements, MaxDepth)
			}
			switch {
			case len(open) > 0:
				above := open[len(open)-1]
				above.children = append(above.children, e)
			case root != nil:
				return nil, e.errorf(Malformed, "unexpected element %s after the end of the query", excerpt.Of(e.name))
			default:
				root = e
			}
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(token)
			}
		}
	}
	if root == nil {
		return nil, &Error{Malformed, 0, "the text has no element; a query is a fetch element"}
	}
	return root, nil
}

func (e *element) errorf(reason Reason, format string, args ...any) *Error {
	return &Error{reason, e.offset, fmt.Sprintf(format, args...)}
}

// attribute returns an attribute and whether there is one; it counts as read.
func (e *element) attribute(name string) (string, bool) {
	e.read[name] = true
	for _, a := range e.attributes {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// value returns an attribute, "" where there is none.
func (e *element) value(name string) string {
	value, _ := e.attribute(name)
	return value
}

// need returns an attribute that must be there and not be empty.
func (e *element) need(name string) (string, error) {
	if value := e.value(name); value != "" {
		return value, nil
	}
	return "", e.errorf(Malformed, "the element %s needs the attribute %s", e.name, name)
}

// flag returns an attribute that is true or false.
func (e *element) flag(name string) (bool, error) {
	switch value := e.value(name); value {
	case "", "false", "0":
		return false, nil
	case "true", "1":
		return true, nil
	default:
		return false, e.errorf(Malformed, "%s is %q; it must be true or false", name, excerpt.Of(value))
	}
}

// ignore counts attributes as read that have no effect on the rows.
func (e *element) ignore(names ...string) {
	for _, name := range names {
		e.read[name] = true
	}
}

// finish refuses attributes that nobody has read.
func (e *element) finish() error {
	for _, a := range e.attributes {
		if !e.read[a.Name.Local] {
			return e.errorf(NotServed, "the attribute %s of %s is not served", excerpt.Of(a.Name.Local), e.name)
		}
	}
	return nil
}
