package dynamo

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"strings"
)

// cursor goes through JSON once, value by value. It believes that it is JSON: of what is
// none it reads something or is broken, and it never goes back further than a value.
type cursor struct {
	b    []byte
	text string // the same bytes
	at   int

	name   token // of the member that was found last
	broken bool
}

// token is a text between its quotes, or a value as it is written. A batch has many.
type token struct {
	from uint32
	size uint32 // twice, and one more if it has escapes
}

const escaped = 1

// raw returns what is written.
func (t token) raw(text string) string { return text[t.from : t.from+t.size/2] }

// string returns the text of a token between quotes, with what its escapes stand for.
func (t token) string(text string) string {
	if t.size&escaped == 0 {
		return t.raw(text)
	}
	var s string
	if json.Unmarshal([]byte(text[t.from-1:t.from+t.size/2+1]), &s) != nil {
		return ""
	}
	return s
}

// peek returns the first byte of what comes next, 0 at the end.
func (c *cursor) peek() byte {
	for c.at < len(c.b) {
		switch c.b[c.at] {
		case ' ', '\n', '\t', '\r':
			c.at++
		default:
			return c.b[c.at]
		}
	}
	return 0
}

// take goes past a byte, if it comes next.
func (c *cursor) take(b byte) bool {
	if c.peek() != b {
		return false
	}
	c.at++
	return true
}

// member goes to the value of the next member of an object, whose brace or member before
// was read last; false at its end.
func (c *cursor) member() bool {
	c.take(',')
	switch c.peek() {
	case '"':
		c.name = c.quoted()
		if c.at < len(c.b) && c.b[c.at] == ':' { // as nearly everybody writes it
			c.at++
			return true
		}
		if c.take(':') {
			return true
		}
	case '}':
		c.at++
		return false
	}
	c.broken = true
	return false
}

// element goes to the next element of an array; false at its end.
func (c *cursor) element() bool {
	c.take(',')
	switch c.peek() {
	case 0:
		c.broken = true
		return false
	case ']':
		c.at++
		return false
	}
	return !c.broken
}

// quoted goes past a text in quotes.
func (c *cursor) quoted() token {
	from := c.at + 1
	end, backslash := closing(c.b, from)
	if end < 0 {
		c.at, c.broken = len(c.b), true
		return token{}
	}
	c.at = end + 1
	return newToken(from, end, backslash)
}

func newToken(from, end int, backslash bool) token {
	t := token{uint32(from), 2 * uint32(end-from)}
	if backslash {
		t.size |= escaped
	}
	return t
}

// closing returns where the quote is that ends a text, and whether the text has
// escapes; -1 for none. It looks at eight bytes at a time.
func closing(b []byte, p int) (end int, backslash bool) {
	const ones = 0x0101010101010101
	const quotes, slashes = ones * '"', ones * '\\'
	for {
		for p+8 <= len(b) {
			word := binary.LittleEndian.Uint64(b[p:])
			q, s := word^quotes, word^slashes
			// The lowest bit that is left is that of the first byte that is zero in q or s.
			if hit := ((q-ones)&^q | (s-ones)&^s) & (ones << 7); hit != 0 {
				p += bits.TrailingZeros64(hit) / 8
				break
			}
			p += 8
		}
		for p < len(b) && b[p] != '"' && b[p] != '\\' {
			p++
		}
		if p >= len(b) {
			return -1, false
		}
		if b[p] == '"' {
			return p, backslash
		}
		backslash = true
		p += 2
	}
}

// skip goes past a value and returns it as it is written.
func (c *cursor) skip() token {
	c.peek()
	t := token{from: uint32(c.at)}
	for depth := 0; ; {
		switch c.peek() {
		case 0:
			c.at, c.broken = len(c.b), true
			return token{}
		case '"':
			c.quoted()
		case '{', '[':
			depth++
			c.at++
		case '}', ']':
			depth--
			c.at++
		case ',', ':':
			c.at++
		default: // a number or a word
			if n := strings.IndexAny(c.text[c.at:], ",:{}[]\" \n\t\r"); n > 0 {
				c.at += n
			} else {
				c.at = len(c.b)
			}
		}
		if depth <= 0 {
			t.size = 2 * (uint32(c.at) - t.from)
			return t
		}
	}
}
