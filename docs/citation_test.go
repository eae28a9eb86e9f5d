package docs_test

import (
	"path"
	"regexp"
	"strings"
)

// kind is what a citation names.
type kind string

const (
	sectionKind  kind = "section"  // place is a number, in doc
	decisionKind kind = "decision" // place is its number
	documentKind kind = "document" // place is the path as it was written
	linkKind     kind = "link"     // place is the path as it was written
)

// citation is one mention of a place in the documents.
type citation struct {
	file       string // that holds it, relative to the root
	line       int
	kind       kind
	doc, place string
	text       string // for people
}

// The forms of a citation. A section is of the document that was named last
// before it in its block.
var (
	mention = regexp.MustCompile(`RFC \d+,? §[\d.]+` + // another standard
		`|(?P<decision>docs/decisions/(\d{4})\b(?:[^-]|$)|[Dd]ecisions? \d{4}(?:(?:,| and|, and) \d{4})*)` +
		`|(?P<doc>[\w./-]*\w\.md)\b(?P<bare> \d+(?:\.\d+)*)?` +
		`|(?P<list>§§\s?\d+(?:\.\d+)*(?:(?:, | and |–|-)\d+(?:\.\d+)*)*)` +
		`|(?P<one>§\s?\d+(?:\.\d+)*(?:(?:–|-| to )§?\d+(?:\.\d+)*)?)`)
	number   = regexp.MustCompile(`\d+(?:\.\d+)*`)
	link     = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	testName = regexp.MustCompile(`(?m)^func (?:Test|Fuzz|Benchmark|Example)(\w+)\(`)
	digits   = regexp.MustCompile(`^\d+$`)
)

// cited is the citations of a file.
func cited(file, text string) []citation {
	var found []citation
	for _, b := range blocks(file, text) {
		doc := "domain.md"
		if base := path.Base(file); base == "webapi.md" {
			doc = base
		}
		add := func(at int, k kind, place, text string) {
			found = append(found, citation{file: file, line: b.line(at), kind: k, doc: doc, place: place, text: text})
		}
		for _, m := range mention.FindAllStringSubmatchIndex(b.text, -1) {
			group := func(name string) string {
				i := 2 * mention.SubexpIndex(name)
				if m[i] < 0 {
					return ""
				}
				return b.text[m[i]:m[i+1]]
			}
			for _, n := range number.FindAllString(group("decision"), -1) {
				add(m[0], decisionKind, n, "decision "+n)
			}
			if named := group("doc"); named != "" {
				doc = path.Base(named)
				add(m[0], documentKind, named, named)
			}
			places := number.FindAllString(group("list")+group("one"), -1)
			if bare := group("bare"); bare != "" && (doc == "domain.md" || doc == "webapi.md") {
				places = number.FindAllString(bare, -1)
			}
			for _, place := range places {
				add(m[0], sectionKind, place, doc+" §"+place)
			}
		}
		if path.Ext(file) == ".md" {
			for _, m := range link.FindAllStringSubmatchIndex(b.text, -1) {
				place := b.text[m[2]:m[3]]
				add(m[0], linkKind, place, "link "+place)
			}
		}
	}
	return append(found, namedByTests(file, text)...)
}

// namedByTests is the sections in the names of tests: TestConnect_7_1_3_….
func namedByTests(file, text string) []citation {
	if !strings.HasSuffix(file, "_test.go") {
		return nil
	}
	var found []citation
	for _, m := range testName.FindAllStringSubmatchIndex(text, -1) {
		doc, place := "domain.md", ""
		for _, part := range strings.Split(text[m[2]:m[3]], "_")[1:] {
			switch {
			case place == "" && part == "webapi":
				doc = "webapi.md"
				continue
			case digits.MatchString(part) && place == "":
				place = part
				continue
			case digits.MatchString(part):
				place += "." + part
				continue
			}
			break
		}
		if place != "" {
			found = append(found, citation{
				file: file, line: 1 + strings.Count(text[:m[0]], "\n"),
				kind: sectionKind, doc: doc, place: place, text: doc + " §" + place,
			})
		}
	}
	return found
}

// block is a text that is read in one go: a comment, a paragraph, or a line of
// code.
type block struct {
	text  string
	first int   // number of its first line
	ends  []int // where in text each of its lines ends
}

// line is the line of the file that holds a place in the text.
func (b block) line(at int) int {
	for i, end := range b.ends {
		if at < end {
			return b.first + i
		}
	}
	return b.first + len(b.ends) - 1
}

// blocks cuts a file. In prose a blank line ends a block; elsewhere lines that
// hold only a comment belong together, and every other line is by itself.
func blocks(file, text string) []block {
	prose := path.Ext(file) == ".md" || path.Ext(file) == ".txtar"
	var all []block
	open := false
	n := 0
	for line := range strings.Lines(text) {
		n++
		body := strings.TrimSpace(line)
		joins := prose && body != ""
		if comment := strings.TrimLeft(body, "/#*"); !prose && comment != body {
			joins, body = true, strings.TrimSpace(comment)
		}
		if !joins || !open {
			all = append(all, block{first: n})
		}
		last := &all[len(all)-1]
		last.text += body + " "
		last.ends = append(last.ends, len(last.text))
		open = joins
	}
	return all
}
