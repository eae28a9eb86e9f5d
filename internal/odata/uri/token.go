package uri

import "strings"

type tokenKind uint8

const (
	endToken    tokenKind = iota
	wordToken             // name, path, operator, number, GUID, date: whatever has no quotes
	stringToken           // in quotes; text is what they enclose, doubled quotes made single
	arrayToken            // a JSON array, as it is written
	openToken
	closeToken
	commaToken
	colonToken
	semicolonToken
	equalsToken
	badToken // a quote or bracket that is not closed
)

// token is one word of the text; at is the offset of its first byte.
type token struct {
	kind   tokenKind
	text   string
	at     int
	called bool // a word right before a bracket, as a function's name is
}

// lexer cuts a text into tokens.
type lexer struct {
	text string
	pos  int
}

// ends are the bytes at which a name ends. A number or a date goes on over a colon.
const (
	ends       = " \t(),';=:[]{}\""
	literalEnd = " \t(),';="
)

// next returns the next token; at the end it returns endToken, however often it is
// called.
func (l *lexer) next() token {
	for l.peek() == ' ' || l.peek() == '\t' {
		l.pos++
	}
	at := l.pos
	if at == len(l.text) {
		return token{kind: endToken, at: at}
	}
	if kind, ok := punctuation(l.peek()); ok {
		l.pos++
		return token{kind: kind, text: l.text[at:l.pos], at: at}
	}
	switch c := l.peek(); {
	case c == '\'':
		return l.quoted()
	case c == '[':
		return l.array()
	case c == '{': // a GUID in braces
		return l.upTo(strings.IndexByte(l.text[at:], '}') + 1)
	case '0' <= c && c <= '9', c == '+', c == '-':
		return l.upTo(length(l.text[at:], literalEnd))
	}
	return l.upTo(length(l.text[at:], ends))
}

func punctuation(c byte) (tokenKind, bool) {
	switch c {
	case '(':
		return openToken, true
	case ')':
		return closeToken, true
	case ',':
		return commaToken, true
	case ':':
		return colonToken, true
	case ';':
		return semicolonToken, true
	case '=':
		return equalsToken, true
	}
	return 0, false
}

// length returns how far a text goes before the first of some bytes.
func length(text, before string) int {
	if n := strings.IndexAny(text, before); n >= 0 {
		return n
	}
	return len(text)
}

// upTo returns a word of n bytes. None is a byte that begins nothing.
func (l *lexer) upTo(n int) token {
	at := l.pos
	if n <= 0 {
		l.pos = len(l.text)
		return token{kind: badToken, text: l.text[at:], at: at}
	}
	l.pos += n
	return token{kind: wordToken, text: l.text[at:l.pos], at: at, called: l.peek() == '('}
}

// quoted returns the token of a string in single quotes.
func (l *lexer) quoted() token {
	at := l.pos
	var content strings.Builder
	for rest := l.text[at+1:]; ; {
		part, after, closed := strings.Cut(rest, "'")
		content.WriteString(part)
		if !closed {
			l.pos = len(l.text)
			return token{kind: badToken, at: at}
		}
		if !strings.HasPrefix(after, "'") {
			l.pos = len(l.text) - len(after)
			return token{kind: stringToken, text: content.String(), at: at}
		}
		content.WriteByte('\'') // a doubled quote stands for one
		rest = after[1:]
	}
}

// array returns the token of a JSON array, which ends at the first bracket that is not
// in quotes: arrays in arrays have no meaning here.
func (l *lexer) array() token {
	at := l.pos
	quote := byte(0)
	for l.pos++; l.pos < len(l.text); l.pos++ {
		switch c := l.text[l.pos]; {
		case quote == '"' && c == '\\':
			l.pos++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		case c == ']':
			l.pos++
			return token{kind: arrayToken, text: l.text[at:l.pos], at: at}
		}
	}
	l.pos = len(l.text)
	return token{kind: badToken, text: l.text[at:], at: at}
}

// peek returns the next byte, 0 at the end.
func (l *lexer) peek() byte {
	if l.pos >= len(l.text) {
		return 0
	}
	return l.text[l.pos]
}
