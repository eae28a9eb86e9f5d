package filter

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"segue/internal/excerpt"
)

// maxNesting bounds JSON nesting: a group in a Related takes three levels, and
// MaxDepth of them fit.
const maxNesting = 4 * MaxDepth

// maxMembers bounds the members of an object; no part of a filter has as many.
const maxMembers = 8

// jsonValue is a JSON value, where it began and what is in it.
type jsonValue struct {
	offset int
	kind   jsonKind
	name   string // of a member of an object
	text   string // of a text; of a number, what is written

	first, next *jsonValue // the first of an object's members or an array's items; the next one of where this is in
}

type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonFalse
	jsonTrue
	jsonNumber
	jsonText
	jsonObject
	jsonArray
)

// member returns a member of an object, nil for none.
func (v *jsonValue) member(name string) *jsonValue {
	for m := v.first; m != nil; m = m.next {
		if m.name == name && v.kind == jsonObject {
			return m
		}
	}
	return nil
}

// size returns the number of items or members.
func (v *jsonValue) size() (n int) {
	for item := v.first; item != nil; item = item.next {
		n++
	}
	return n
}

// scalar returns a value that has no parts as encoding/json has it: a string,
// [json.Number], bool or nil.
func (v *jsonValue) scalar() any {
	switch v.kind {
	case jsonText:
		return v.text
	case jsonNumber:
		return json.Number(v.text)
	case jsonFalse, jsonTrue:
		return v.kind == jsonTrue
	default:
		return nil
	}
}

// at returns what an [Error.Node] names, or the last that is there on the way to it.
func (v *jsonValue) at(node string) *jsonValue {
	for node != "" {
		var part string
		part, node, _ = strings.Cut(node, ".")
		name, number, _ := strings.Cut(strings.TrimSuffix(part, "]"), "[")
		m := v.member(name)
		if m == nil {
			return v
		}
		v = m
		if at, err := strconv.Atoi(number); err == nil {
			for v = m.first; at > 0; at-- {
				v = v.next
			}
		}
	}
	return v
}

// readJSON reads exactly one JSON value, in one pass. It is stricter than encoding/json:
// no member may occur twice and the text is UTF-8. Texts are parts of the one that is read.
func readJSON(text string) (*jsonValue, error) {
	if len(text) > MaxText {
		return nil, syntaxError(MaxText, "the text is longer than 1 MB")
	}
	if !utf8.ValidString(text) {
		return nil, syntaxError(invalidByte(text), "the text is not UTF-8")
	}
	const perValue = 14 // bytes of text, in a filter of short ones
	r := jsonReader{text: text, spare: make([]jsonValue, len(text)/perValue+1)}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if r.peek() != end {
		return nil, syntaxError(r.at, "there is more text after the filter")
	}
	return v, nil
}

// jsonReader goes through a text. What is wrong in it is said in the words of
// encoding/json.
type jsonReader struct {
	text  string
	at    int
	spare []jsonValue // that values are taken from
}

// end is what comes after the text: no byte of UTF-8.
const end = 0xFF

// What encoding/json says of a character that does not fit.
const (
	notBegun  = " looking for beginning of value"
	noKey     = " looking for beginning of object key string"
	noColon   = " after object key"
	noMember  = " after object key:value pair"
	noElement = " after array element"
)

// peek goes past blanks and returns the byte that comes next.
func (r *jsonReader) peek() byte {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return c
		}
	}
	return end
}

// take goes past a byte, if it comes next.
func (r *jsonReader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

// offset returns where the next token begins, whether it should stand there or not.
func (r *jsonReader) offset() int {
	at := r.at
	for at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	return at
}

// wrong returns the error of what comes next.
func (r *jsonReader) wrong(why string) error {
	c := r.peek()
	if c == end {
		return r.cutShort()
	}
	quoted := strconv.Quote(string(rune(c))) // encoding/json looks at bytes
	switch c {
	case '\'':
		quoted = `"\'"`
	case '"':
		quoted = `"""`
	}
	return syntaxError(r.offset(), "invalid JSON: invalid character '%s'%s", quoted[1:len(quoted)-1], why)
}

func (r *jsonReader) cutShort() error {
	return syntaxError(len(r.text), "invalid JSON: the text ends too early")
}

// begin returns a new value, which begins next.
func (r *jsonReader) begin() *jsonValue {
	const some = 64
	if len(r.spare) == 0 {
		r.spare = make([]jsonValue, some)
	}
	v := &r.spare[0]
	r.spare = r.spare[1:]
	v.offset = r.offset()
	return v
}

// value reads a value.
func (r *jsonReader) value(level int) (*jsonValue, error) {
	v := r.begin()
	return v, r.content(v, level)
}

// content reads what a value is.
func (r *jsonReader) content(v *jsonValue, level int) error {
	if level > maxNesting {
		return syntaxError(v.offset, "JSON is nested deeper than %d levels", maxNesting)
	}
	switch c := r.peek(); {
	case c == '{':
		r.at++
		v.kind = jsonObject
		return r.object(v, level)
	case c == '[':
		r.at++
		v.kind = jsonArray
		return r.array(v, level)
	case c == '"':
		v.kind = jsonText
		var err error
		v.text, err = r.quoted()
		return err
	case c == '-' || '0' <= c && c <= '9':
		v.kind = jsonNumber
		return r.number(v)
	case c == 't':
		v.kind = jsonTrue
		return r.word("true")
	case c == 'f':
		v.kind = jsonFalse
		return r.word("false")
	case c == 'n':
		return r.word("null")
	}
	return r.wrong(notBegun)
}

func (r *jsonReader) object(v *jsonValue, level int) error {
	if r.take('}') {
		return nil
	}
	why := "" // of the first key encoding/json says no more
	for count, last := 0, &v.first; ; count++ {
		if r.peek() != '"' {
			return r.wrong(why)
		}
		m := r.begin()
		var err error
		if m.name, err = r.quoted(); err != nil {
			return err
		}
		if v.member(m.name) != nil {
			return syntaxError(m.offset, "member %q occurs twice", excerpt.Of(m.name))
		}
		if count == maxMembers {
			return syntaxError(m.offset, "more than %d members in an object", maxMembers)
		}
		if m.offset = r.offset(); level < maxNesting && !r.take(':') { // nesting is what is said first
			return r.wrong(noColon)
		}
		if err := r.content(m, level+1); err != nil {
			return err
		}
		*last, last = m, &m.next
		if r.take('}') {
			return nil
		}
		if !r.take(',') {
			return r.wrong(noMember)
		}
		why = noKey
	}
}

func (r *jsonReader) array(v *jsonValue, level int) error {
	switch r.peek() {
	case ']':
		r.at++
		return nil
	case '}', end:
		return r.wrong(notBegun)
	}
	for last := &v.first; ; {
		item, err := r.value(level + 1)
		if err != nil {
			return err
		}
		*last, last = item, &item.next
		if r.take(']') {
			return nil
		}
		if !r.take(',') {
			return r.wrong(noElement)
		}
	}
}

// quoted reads a text.
func (r *jsonReader) quoted() (string, error) {
	from := r.at + 1
	for at := from; at < len(r.text); at++ {
		switch c := r.text[at]; {
		case c == '"':
			r.at = at + 1
			return r.text[from:at], nil
		case c == '\\' || c < ' ':
			return r.unusual()
		}
	}
	return "", r.cutShort()
}

func (r *jsonReader) word(word string) error {
	if !strings.HasPrefix(r.text[r.at:], word) {
		_, err := r.unusual()
		return err
	}
	r.at += len(word)
	return nil
}

func (r *jsonReader) number(v *jsonValue) error {
	at := r.at
	if r.text[at] == '-' {
		at++
	}
	whole := r.digits(at)
	ok := whole > at && (r.text[at] != '0' || whole == at+1)
	at = whole
	if ok && at < len(r.text) && r.text[at] == '.' {
		from := at + 1
		at = r.digits(from)
		ok = at > from
	}
	if ok && at < len(r.text) && (r.text[at] == 'e' || r.text[at] == 'E') {
		from := at + 1
		if from < len(r.text) && (r.text[from] == '+' || r.text[from] == '-') {
			from++
		}
		at = r.digits(from)
		ok = at > from
	}
	if !ok {
		var err error
		v.text, err = r.unusual()
		return err
	}
	v.text, r.at = r.text[r.at:at], at
	return nil
}

// digits returns where digits end.
func (r *jsonReader) digits(at int) int {
	for at < len(r.text) && '0' <= r.text[at] && r.text[at] <= '9' {
		at++
	}
	return at
}

// unusual leaves a text with escapes to encoding/json, and a scalar that is wrong.
func (r *jsonReader) unusual() (string, error) {
	decoder := json.NewDecoder(strings.NewReader(r.text[r.at:]))
	decoder.UseNumber()
	token, err := decoder.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "", r.cutShort()
	}
	if err != nil {
		return "", syntaxError(r.offset(), "invalid JSON: %v", err)
	}
	r.at += int(decoder.InputOffset())
	switch token := token.(type) {
	case string:
		return token, nil
	case json.Number:
		return string(token), nil
	}
	return "", nil
}

func syntaxError(offset int, format string, args ...any) *Error {
	err := errorAt(nil, format, args...)
	err.Offset = offset
	return err
}

func invalidByte(text string) int {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			return i
		}
	}
	return len(text)
}
