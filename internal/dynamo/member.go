package dynamo

import (
	"bytes"
	"encoding/json"
	"errors"
)

var errNoObject = errors.New("image is no JSON object")

// member finds the value of the member name in a JSON object that
// encoding/json has found well-formed; nil when it has none. It allocates
// nothing, but for names with escapes.
func member(object []byte, name string) ([]byte, error) {
	p := space(object, 0)
	if p == len(object) || object[p] != '{' {
		return nil, errNoObject
	}
	for p = space(object, p+1); p < len(object) && object[p] == '"'; {
		end := skip(object, p)
		key := object[p:end]
		p = space(object, space(object, end)+1) // over the colon
		end = skip(object, p)
		if named(key, name) {
			return object[p:end], nil
		}
		if p = space(object, end); p < len(object) && object[p] == ',' {
			p = space(object, p+1)
		}
	}
	return nil, nil
}

// named compares a quoted JSON string with a name.
func named(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == name
	}
	var s string
	return json.Unmarshal(quoted, &s) == nil && s == name
}

// space is the first position from p on that is no white space.
func space(b []byte, p int) int {
	for p < len(b) && (b[p] == ' ' || b[p] == '\n' || b[p] == '\t' || b[p] == '\r') {
		p++
	}
	return p
}

// skip is the position behind the JSON value that starts at p.
func skip(b []byte, p int) int {
	depth := 0
	for ; p < len(b); p++ {
		switch b[p] {
		case '"':
			p = quoted(b, p)
			if depth == 0 {
				return p + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return p + 1
			}
			if depth < 0 { // behind a number or a word at the end of its object
				return p
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return p
			}
		}
	}
	return p
}

// quoted is the position of the quote that ends the string that starts at p.
func quoted(b []byte, p int) int {
	for p++; p < len(b) && b[p] != '"'; p++ {
		if b[p] == '\\' {
			p++
		}
	}
	return min(p, len(b)-1)
}
