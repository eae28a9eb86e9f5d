package odata

import "strings"

type tokenKind uint8

const (
	endToken    tokenKind = iota
	wordToken             // name, operator, number, GUID, date: whatever has no quotes
	stringToken           // in quotes; text is what they enclose, doubled quotes made single
	openToken
	closeToken
	commaToken
	badToken // a quote that is not closed
)

// token is one word of a $filter; at is the offset of its first byte.
type token struct {
	kind tokenKind
	text string
	at   int
}

// lexer cuts the text of a $filter into tokens.
type lexer struct {
	text string
	pos  int
}

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
	switch l.peek() {
	case '(':
		l.pos++
		return token{kind: openToken, text: "(", at: at}
	case ')':
		l.pos++
		return token{kind: closeToken, text: ")", at: at}
	case ',':
		l.pos++
		return token{kind: commaToken, text: ",", at: at}
	case '\'':
		return l.quoted()
	}
	length := strings.IndexAny(l.text[at:], " \t(),'")
	if length < 0 {
		length = len(l.text) - at
	}
	l.pos += length
	return token{kind: wordToken, text: l.text[at:l.pos], at: at}
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

// peek returns the next byte, 0 at the end.
func (l *lexer) peek() byte {
	if l.pos >= len(l.text) {
		return 0
	}
	return l.text[l.pos]
}
