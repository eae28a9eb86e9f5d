package payload

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// object writes a JSON object, its members in the order of the calls, after
// what is in written already. encoding/json orders the members of a map by
// name, which would separate annotations from the properties that they describe.
type object struct {
	written []byte
	start   int // where the object starts in written
}

// raw writes a member whose value is JSON already.
func (o *object) raw(name string, value []byte) {
	separator := byte(',')
	if len(o.written) == o.start {
		separator = '{'
	}
	o.written = append(o.written, separator)
	o.written = appendQuoted(o.written, name)
	o.written = append(o.written, ':')
	o.written = append(o.written, value...)
}

// text writes a member that is a string.
func (o *object) text(name, value string) { o.raw(name, quote(value)) }

// close ends the object, which must have at least one member, and returns
// everything written.
func (o *object) close() []byte { return append(o.written, '}') }

// quote returns the JSON string of text. Unlike json.Marshal it leaves & < > as they
// are: links stay readable.
func quote(text string) []byte { return appendQuoted(make([]byte, 0, len(text)+2), text) }

// appendQuoted appends the JSON string of text.
func appendQuoted(b []byte, text string) []byte {
	if plain(text) { // most names and values
		b = append(b, '"')
		b = append(b, text...)
		return append(b, '"')
	}
	var escaped bytes.Buffer
	out := json.NewEncoder(&escaped)
	out.SetEscapeHTML(false)
	_ = out.Encode(text) // a string always encodes, bytes that are not UTF-8 as U+FFFD
	return append(b, bytes.TrimSuffix(escaped.Bytes(), []byte("\n"))...)
}

// plain reports whether a text is its own JSON string, but for the quotes around it.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
