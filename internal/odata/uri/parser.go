package uri

import (
	"fmt"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/schema"
)

// parser reads one part of a URL, one token ahead.
type parser struct {
	schema  *schema.Schema
	part    string // $filter and so on, for errors
	tokens  lexer
	token   token             // the next one, not consumed
	aliases map[string]string // texts of the parameter aliases; nil where none may be used

	nesting    int // brackets and the like that are open
	conditions int // read so far
	expands    int // read so far
	aliased    int // bytes that the aliases used so far stand for
}

func newParser(s *schema.Schema, part, text string, aliases map[string]string) *parser {
	p := &parser{schema: s, part: part, tokens: lexer{text: text}, aliases: aliases}
	p.advance()
	return p
}

func (p *parser) advance() { p.token = p.tokens.next() }

// word reports whether the next token is this word, not in quotes.
func (p *parser) word(text string) bool {
	return p.token.kind == wordToken && p.token.text == text
}

// take consumes the next token if it is of a kind.
func (p *parser) take(kind tokenKind) bool {
	if p.token.kind != kind {
		return false
	}
	p.advance()
	return true
}

// need consumes a token of a kind or says what was expected.
func (p *parser) need(kind tokenKind, what string) error {
	if !p.take(kind) {
		return p.expected(what)
	}
	return nil
}

// nest counts what is nested; the caller takes it back with p.nesting--.
func (p *parser) nest() error {
	if p.nesting++; p.nesting > MaxNesting {
		return p.exceeded("FilterNesting", MaxNesting, 0, p.token.at, "brackets are nested deeper than %d", MaxNesting)
	}
	return nil
}

// aliasText returns the text that an alias stands for, false where it is not given.
func (p *parser) aliasText(alias token) (string, bool, error) {
	if p.aliases == nil {
		if strings.HasPrefix(p.part, "@") {
			return "", false, p.errorAt(alias.at, "a literal expected; an alias cannot stand for another one")
		}
		return "", false, p.errorAt(alias.at, "the parameter alias '%s' is used inside %s, where none may be", excerpt.Of(alias.text), p.part)
	}
	text, ok := p.aliases[alias.text]
	if p.aliased += len(text); p.aliased > MaxAliases {
		return "", false, p.exceeded("AliasBytes", MaxAliases, p.aliased, alias.at, "the parameter aliases stand for more than %d bytes", MaxAliases)
	}
	return text, ok, nil
}

// expected returns the error of a token that is not what was expected.
func (p *parser) expected(what string) error {
	if p.token.kind == badToken {
		if p.token.text == "" {
			return p.errorf("quote not closed")
		}
		return p.errorf("%s expected; '%s' is not closed or not valid", what, excerpt.Of(p.token.text))
	}
	return p.errorf("%s expected", what)
}

func (p *parser) errorf(format string, args ...any) error {
	return p.errorAt(p.token.at, format, args...)
}

func (p *parser) errorAt(at int, format string, args ...any) error {
	return &Error{Part: p.part, Text: p.tokens.text, Position: at, Detail: fmt.Sprintf(format, args...)}
}

// exceeded is errorAt for a part that has too much of something.
func (p *parser) exceeded(limit string, most, used, at int, format string, args ...any) error {
	return &Error{Part: p.part, Text: p.tokens.text, Position: at, Detail: fmt.Sprintf(format, args...), Limit: limit, Most: most, Used: used}
}

// unsupported returns the error of a form of OData that is not served.
func (p *parser) unsupported(at int, format string, args ...any) error {
	return &Error{Part: p.part, Text: p.tokens.text, Position: at, Detail: fmt.Sprintf(format, args...) + " is not supported in this version", Unsupported: true}
}
