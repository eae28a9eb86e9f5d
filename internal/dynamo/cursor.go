package dynamo

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
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

// token is a text between its quotes, or a value as it is written.
type token struct {
	from, to uint32
	escaped  bool // it has escapes
}

// string returns the text of a token between quotes, with what its escapes stand for.
func (t token) string(text string) string {
	if !t.escaped {
		return text[t.from:t.to]
	}
	var s string
	if json.Unmarshal([]byte(text[t.from-1:t.to+1]), &s) != nil {
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

// quoted goes past a text in quotes, eight bytes at a time.
func (c *cursor) quoted() token {
	const ones = 0x0101010101010101
	const quotes, slashes = ones * '"', ones * '\\'
	b, p := c.b, c.at+1
	t := token{from: uint32(p)}
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
			c.at, c.broken = len(b), true
			return token{}
		}
		if b[p] == '"' {
			c.at, t.to = p+1, uint32(p)
			return t
		}
		t.escaped = true
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
		default:
			c.literal()
		}
		if depth <= 0 {
			t.to = uint32(c.at)
			return t
		}
	}
}

// literal goes past a number or a word.
func (c *cursor) literal() {
	for ; c.at < len(c.b); c.at++ {
		switch c.b[c.at] {
		case ',', ':', '}', ']', '{', '[', '"', ' ', '\n', '\t', '\r':
			return
		}
	}
}
