// Package letter makes emails of templates: texts with placeholders such as
// {{firstname|there}}, filled in from a record, with links that lead through Segue. It is
// pure: values in, a letter out.
//
// HTML is read by tokens, not by text. A placeholder stands in text or in the value of an
// attribute, where the value is escaped for that place; scripts, styles and the names of
// tags and attributes take none, which is checked when a template is saved. What a template
// itself says is passed on as it is.
//
// Invariant: no value changes the structure of the HTML: a rendered letter has the tags of
// its template and no others, and no address in it has a scheme that runs a program.
package letter

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode"

	"github.com/k3a/html2text"
	parser "golang.org/x/net/html"
)

// Source is the text of a template. One of HTML and Plain may be "", and is then made of
// the other.
type Source struct{ Subject, HTML, Plain string }

// Template is a template that was read. It is safe for concurrent use.
type Template struct {
	subject []part
	plain   []part  // nil: made of the HTML
	html    []piece // nil: made of the plain text
}

// Letter is what a template becomes for one record.
type Letter struct {
	Subject, HTML, Plain string
	Links                []Link // in the order of their numbers
}

// Link is where a link of a letter leads.
type Link struct {
	URL      string `json:"url"`
	Download bool   `json:"download,omitempty"` // it downloads an attachment: the link has the attribute "download"
}

// Filling is what a template is filled with.
type Filling struct {
	// Value returns the text of a placeholder's column, "" for none. A placeholder with
	// a default then shows that.
	Value func(p Placeholder) string
	// Through returns the address that leads to the link of a number. An address in an
	// HTML link stands in both parts of the letter.
	Through     func(number int) string
	Unsubscribe string // the address that takes the recipient off the list
	Pixel       string // the address of the image that tells that the letter was opened; "" for none
}

// Parse reads a template. An error says which part and which placeholder is wrong.
func Parse(source Source) (*Template, error) {
	t := &Template{}
	var err error
	if t.subject, err = split(source.Subject); err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	if source.Plain != "" {
		if t.plain, err = split(source.Plain); err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
	}
	if source.HTML != "" {
		if t.html, err = readHTML(source.HTML); err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
	}
	return t, nil
}

// Placeholders returns what a template wants to know, each as often as it stands there.
func (t *Template) Placeholders() (all []Placeholder) {
	add := func(parts []part) {
		for _, p := range parts {
			if p.placeholder != nil && !p.placeholder.unsubscribes() {
				all = append(all, *p.placeholder)
			}
		}
	}
	add(t.subject)
	add(t.plain)
	for _, p := range t.html {
		add(p.text)
		for _, a := range p.attributes {
			add(a.value)
		}
	}
	return all
}

// Render fills in a template.
func (t *Template) Render(f Filling) Letter {
	r := &rendering{Filling: f, numbers: map[Link]int{}}
	letter := Letter{Subject: oneLine(r.join(t.subject, func(s string) string { return s }))}
	if t.html != nil {
		letter.HTML = r.html(t.html)
	}
	if t.plain != nil {
		letter.Plain = r.plain(t.plain)
	}
	switch {
	case t.plain == nil && t.html == nil:
		letter.Plain = r.plain(nil)
	case t.plain == nil:
		letter.Plain = plainOf(letter.HTML)
	}
	if t.html == nil {
		letter.HTML = r.paragraphs(letter.Plain)
	}
	letter.Links = r.links
	return letter
}

// plainOf returns HTML as text. It is read and written anew first, as a browser would read it:
// what is no tag stays text.
func plainOf(text string) string {
	var clean strings.Builder
	if tree, err := parser.Parse(strings.NewReader(text)); err == nil && parser.Render(&clean, tree) == nil {
		text = clean.String()
	}
	text = html2text.HTML2TextWithOptions(text, html2text.WithUnixLineBreaks(), html2text.WithLinksInnerText(), html2text.WithListSupport())
	for strings.Contains(text, "\n\n\n") {
		text = strings.ReplaceAll(text, "\n\n\n", "\n\n")
	}
	return strings.TrimSpace(text)
}

// rendering is one letter in the making.
type rendering struct {
	Filling
	links        []Link
	numbers      map[Link]int
	unsubscribed bool // the part in the making has the link that unsubscribes
}

// value returns what a placeholder shows.
func (r *rendering) value(p *Placeholder) string {
	if p.unsubscribes() {
		r.unsubscribed = true
		return r.Unsubscribe
	}
	if v := strings.TrimSpace(r.Value(*p)); v != "" {
		return v
	}
	return p.Default
}

// join fills in a text; escape is what its place asks of a value.
func (r *rendering) join(parts []part, escape func(string) string) string {
	var b strings.Builder
	for _, p := range parts {
		if p.placeholder == nil {
			b.WriteString(p.literal)
		} else {
			b.WriteString(escape(r.value(p.placeholder)))
		}
	}
	return b.String()
}

// through returns the address that leads to a link, or the link itself where it is none
// that leads anywhere on the web. A link that stands there twice has one number.
func (r *rendering) through(link Link) string {
	lower := strings.ToLower(link.URL)
	if !strings.HasPrefix(lower, "https://") && !strings.HasPrefix(lower, "http://") || link.URL == r.Unsubscribe {
		return link.URL
	}
	number, known := r.numbers[link]
	if !known {
		number = len(r.links)
		r.links, r.numbers[link] = append(r.links, link), number
	}
	return r.Through(number)
}

// webAddress is an address in a plain text.
func webAddress() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\bhttps?://[^\s<>"]*[^\s<>".,;:!?)\]}]`)
}

// plain fills in a plain text; its addresses lead through Segue.
func (r *rendering) plain(parts []part) string {
	r.unsubscribed = false
	text := r.join(parts, func(s string) string { return s })
	text = webAddress().ReplaceAllStringFunc(text, func(address string) string { return r.through(Link{URL: address}) })
	if !r.unsubscribed && r.Unsubscribe != "" {
		text = strings.TrimRight(text, "\n") + "\n\nUnsubscribe: " + r.Unsubscribe + "\n"
	}
	return text
}

// paragraphs makes HTML of a plain text that was rendered.
func (r *rendering) paragraphs(plain string) string {
	var b strings.Builder
	b.WriteString("<p>")
	done := 0
	for _, at := range webAddress().FindAllStringIndex(plain, -1) {
		address := html.EscapeString(plain[at[0]:at[1]])
		b.WriteString(lines(plain[done:at[0]]) + `<a href="` + address + `">` + address + `</a>`)
		done = at[1]
	}
	b.WriteString(lines(strings.TrimRight(plain[done:], "\n")) + "</p>" + r.pixel())
	return b.String()
}

func lines(text string) string { return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>\n") }

func (r *rendering) pixel() string {
	if r.Pixel == "" {
		return ""
	}
	return `<img src="` + html.EscapeString(r.Pixel) + `" width="1" height="1" alt="">`
}

// oneLine makes one line of a text: a line break in a subject would begin a header.
func oneLine(text string) string {
	blank := func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }
	return strings.Join(strings.FieldsFunc(text, blank), " ")
}
