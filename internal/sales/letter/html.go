package letter

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// piece is a piece of HTML: what stands there, a text with placeholders, or a tag with
// attributes that are filled in or lead somewhere.
type piece struct {
	raw        string
	text       []part
	tag        string // name of the tag, "" for none
	attributes []attribute
	closed     bool // by "/>"
	ends       bool // raw is the end of the body, before which the rest goes
}

type attribute struct {
	name  string
	value []part
}

// raws are the elements whose text is no text to a browser, so that no escaping is right.
func raws() []string {
	return []string{"iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "xmp"}
}

// readHTML reads HTML with placeholders.
func readHTML(text string) (pieces []piece, err error) {
	z := html.NewTokenizer(strings.NewReader(text))
	inside := "" // the raw element that the text is of
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if errors.Is(z.Err(), io.EOF) {
				return pieces, nil
			}
			return nil, z.Err()
		}
		raw := string(z.Raw())
		token := z.Token()
		p := piece{raw: raw}
		switch kind {
		case html.TextToken:
			p, err = readText(raw, token.Data, inside)
		case html.StartTagToken, html.SelfClosingTagToken:
			inside = ""
			if slices.Contains(raws(), token.Data) {
				inside = token.Data
			}
			p, err = readTag(raw, token)
		case html.EndTagToken:
			inside = ""
			p.ends = token.Data == "body"
			err = refuseIn(raw, "the end of a tag")
		case html.CommentToken, html.DoctypeToken:
			err = refuseIn(raw, "a comment")
		default: // the end, above
		}
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, p)
	}
}

func refuseIn(raw, place string) error {
	if strings.Contains(raw, "{{") {
		return fmt.Errorf("%.60q: a placeholder stands in text or in the value of an attribute, not in %s", raw, place)
	}
	return nil
}

func readText(raw, data, inside string) (piece, error) {
	if inside != "" {
		return piece{raw: raw}, refuseIn(raw, "<"+inside+">")
	}
	if !strings.Contains(data, "{{") {
		return piece{raw: raw}, nil
	}
	parts, err := split(data)
	return piece{text: parts}, err
}

// readTag reads a tag. One that neither has placeholders nor leads anywhere stays as it is.
func readTag(raw string, token html.Token) (piece, error) {
	p := piece{tag: token.Data, closed: token.Type == html.SelfClosingTagToken}
	dynamic := false
	for _, a := range token.Attr {
		if strings.Contains(a.Key, "{{") || strings.Contains(token.Data, "{{") {
			return p, refuseIn(raw, "the name of a tag or an attribute")
		}
		a.Key = qualified(a)
		if strings.Contains(a.Val, "{{") {
			dynamic = true
			if strings.HasPrefix(a.Key, "on") || slices.Contains([]string{"style", "srcdoc", "srcset", "ping"}, a.Key) {
				return p, fmt.Errorf("%.60q: a placeholder cannot stand in the attribute %q", raw, a.Key)
			}
		}
		dynamic = dynamic || leads(token.Data, a.Key)
		value, err := split(a.Val)
		if err != nil {
			return p, err
		}
		p.attributes = append(p.attributes, attribute{a.Key, value})
	}
	if !dynamic {
		return piece{raw: raw}, refuseIn(raw, "the name of a tag")
	}
	return p, nil
}

// qualified returns the name of an attribute as it was written.
func qualified(a html.Attribute) string {
	if a.Namespace != "" {
		return a.Namespace + ":" + a.Key
	}
	return a.Key
}

// leads reports whether an attribute is where a link leads.
func leads(tag, name string) bool { return name == "href" && (tag == "a" || tag == "area") }

// addresses are the attributes whose value is an address.
func addresses() []string {
	return []string{"href", "src", "action", "formaction", "background", "poster", "cite", "longdesc", "data", "xlink:href"}
}

// html fills in HTML, and adds what counts openings and takes the recipient off the list.
func (r *rendering) html(pieces []piece) string {
	var b strings.Builder
	end := -1
	for _, p := range pieces {
		switch {
		case p.ends:
			end = b.Len()
			b.WriteString(p.raw)
		case p.tag != "":
			r.writeTag(&b, p)
		case p.text != nil:
			for _, part := range p.text {
				if part.placeholder == nil {
					b.WriteString(html.EscapeString(part.literal))
				} else {
					b.WriteString(html.EscapeString(r.value(part.placeholder)))
				}
			}
		default:
			b.WriteString(p.raw)
		}
	}
	tail := ""
	if !r.unsubscribed && r.Unsubscribe != "" {
		tail = `<p><a href="` + html.EscapeString(r.Unsubscribe) + `">Unsubscribe</a></p>`
	}
	tail += r.pixel()
	if end < 0 {
		return b.String() + tail
	}
	return b.String()[:end] + tail + b.String()[end:]
}

func (r *rendering) writeTag(b *strings.Builder, p piece) {
	download := slices.ContainsFunc(p.attributes, func(a attribute) bool { return a.name == "download" })
	b.WriteString("<" + p.tag)
	for _, a := range p.attributes {
		var value string
		if slices.Contains(addresses(), a.name) {
			value = r.address(a.value)
		} else {
			value = r.join(a.value, func(s string) string { return s })
		}
		if leads(p.tag, a.name) {
			value = r.through(Link{URL: value, Download: download})
		}
		b.WriteString(" " + a.name + `="` + html.EscapeString(value) + `"`)
	}
	if p.closed {
		b.WriteString("/")
	}
	b.WriteString(">")
}

// address fills in an address. A value after the beginning is one part of it and is escaped
// as such; one at the beginning is the address. It is "#" where its scheme is none that an
// email needs.
func (r *rendering) address(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		switch begun := strings.TrimSpace(b.String()) != ""; {
		case p.placeholder == nil:
			b.WriteString(p.literal)
		case begun:
			b.WriteString(strings.ReplaceAll(url.QueryEscape(r.value(p.placeholder)), "+", "%20"))
		default:
			b.WriteString(r.value(p.placeholder))
		}
	}
	address := strings.TrimSpace(b.String())
	parsed, err := url.Parse(address)
	if err != nil || !slices.Contains([]string{"", "http", "https", "mailto", "tel", "cid"}, strings.ToLower(parsed.Scheme)) {
		return "#"
	}
	return address
}
