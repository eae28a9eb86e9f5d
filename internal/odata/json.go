package odata

import (
	"bytes"
	"encoding/json"
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
	o.written = append(o.written, quote(name)...)
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
func quote(text string) []byte {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	_ = out.Encode(text) // a string always encodes, bytes that are not UTF-8 as U+FFFD
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
