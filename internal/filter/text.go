package filter

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"

	"segue/internal/schema"
)

// foldedInPlace is how many bytes of folded text need no allocation.
const foldedInPlace = 128

// textTest evaluates a text operator. It keeps the values or the pattern folded and
// folds the text that it is given, so that the comparison is one of bytes.
type textTest struct {
	op   Operator // a positive one
	want [][]byte
}

func newTextTest(op Operator, values []schema.Value) textTest {
	t := textTest{op: op}
	for _, v := range values {
		s, _ := v.Text()
		if !op.takesPattern() {
			s = trimmed(s)
		}
		t.want = append(t.want, appendFolded(nil, s))
	}
	return t
}

// trimmed returns a value as it is compared: blanks at its end do not count. Those
// of a pattern do, or "Dr " would be the start of "Drama".
func trimmed(value string) string { return strings.TrimRight(value, " ") }

// holds reports whether the operator holds for a text.
func (t textTest) holds(v schema.Value) bool {
	s, _ := v.Text()
	var buf [foldedInPlace]byte
	text := AppendFolded(buf[:0], s)
	if t.op.takesPattern() {
		return Pattern{t.op, t.want[0]}.Holds(text)
	}
	return inOrder(t.op, len(t.want), func(i int) int { return bytes.Compare(text, t.want[i]) })
}

// Pattern is what like, contains, begins-with or ends-with looks for in a text.
type Pattern struct {
	op   Operator
	want []byte // folded
}

// NewPattern returns the pattern of an operator that takes one, and its text.
func NewPattern(positive Operator, text string) Pattern {
	return Pattern{positive, appendFolded(nil, text)}
}

// Folded returns the text of the pattern as it is compared.
func (p Pattern) Folded() string { return string(p.want) }

// Holds reports whether the operator holds for a text that [AppendFolded] has folded.
func (p Pattern) Holds(folded []byte) bool {
	switch p.op {
	case Like:
		return like(folded, p.want)
	case Contains:
		return bytes.Contains(folded, p.want)
	case BeginsWith:
		return bytes.HasPrefix(folded, p.want)
	default: // EndsWith
		return bytes.HasSuffix(folded, p.want)
	}
}

// appendFolded appends s with each character in lower case. What is not UTF-8
// becomes U+FFFD. As long as they are of ASCII, it takes eight at a time.
func appendFolded(b []byte, s string) []byte {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	at := len(b)
	b = append(b, s...)
	for ; at+8 <= len(b); at += 8 {
		word := binary.LittleEndian.Uint64(b[at:])
		if word&high != 0 {
			break
		}
		// The high bit of a byte of the sums is set where that byte is at least A, and beyond Z.
		capitals := (word + (0x80-'A')*ones) &^ (word + (0x7F-'Z')*ones) & high
		binary.LittleEndian.PutUint64(b[at:], word|capitals>>2)
	}
	for ; at < len(b); at++ {
		c := b[at]
		if c >= utf8.RuneSelf {
			return appendRunes(b[:at], s[len(s)-(len(b)-at):])
		}
		if 'A' <= c && c <= 'Z' {
			b[at] = c + ('a' - 'A')
		}
	}
	return b
}

// appendRunes is appendFolded for any characters.
func appendRunes(b []byte, s string) []byte {
	for _, r := range s {
		b = utf8.AppendRune(b, unicode.ToLower(r))
	}
	return b
}

// like reports whether text matches a pattern of literals, % and _. Where a
// literal does not match, it goes back only to the last % and lets that take one
// more character, so the work is at most the product of the lengths.
func like(text, pattern []byte) bool {
	t, p := 0, 0
	retryText, retryPattern := 0, -1
	for t < len(text) {
		_, width := utf8.DecodeRune(text[t:])
		switch {
		case p < len(pattern) && pattern[p] == '%':
			p++ // take no character at first
			retryText, retryPattern = t, p
		case p < len(pattern) && pattern[p] == '_':
			t, p = t+width, p+1
		case p < len(pattern) && pattern[p] == text[t]:
			t, p = t+1, p+1
		case retryPattern >= 0:
			_, width = utf8.DecodeRune(text[retryText:]) // the last % takes one more
			retryText += width
			t, p = retryText, retryPattern
		default:
			return false
		}
	}
	return len(bytes.Trim(pattern[p:], "%")) == 0 // what is left must match nothing
}

// CompareFolded compares [Folded] of a text with another text that is folded already, and
// makes no text of it.
func CompareFolded(text, folded string) int {
	var buf [foldedInPlace]byte
	switch b := appendFolded(buf[:0], trimmed(text)); {
	case string(b) < folded:
		return -1
	case string(b) == folded:
		return 0
	}
	return 1
}

// Folded returns a text as conditions compare it: in lower case, without the blanks at
// its end. The order of folded texts by bytes is the order of gt and lt.
func Folded(text string) string { return string(AppendFolded(nil, text)) }

// AppendFolded appends what [Folded] returns.
func AppendFolded(b []byte, text string) []byte { return appendFolded(b, trimmed(text)) }
