package odata

import (
	"net/http"
	"strconv"
	"strings"
)

// MaxPageSize is the most rows that one response has.
const MaxPageSize = 5000

// Prefer is what a client would like. A preference that is malformed, unknown
// or not served (respond-async, …) is ignored, as the
// standard asks (RFC 7240); if one comes twice, the first counts.
type Prefer struct {
	Representation bool        // return the row after a write
	Annotations    Annotations // nil: none asked for
	MaxPageSize    int         // 1…MaxPageSize; 0: not given

	TrackChanges bool // a list ends with a link to what changes from then on

	ContinueOnError bool // a batch goes on after a request that failed
}

// ParsePrefer reads all Prefer headers. Annotations is not nil when they were
// asked for, even for none of them.
func ParsePrefer(h http.Header) Prefer {
	var p Prefer
	seen := map[string]bool{}
	for _, header := range h.Values("Prefer") {
		for _, preference := range splitUnquoted(header, ',') {
			preference = splitUnquoted(preference, ';')[0]
			name, value, _ := strings.Cut(preference, "=")
			name = strings.ToLower(strings.TrimSpace(name))
			if !seen[name] {
				seen[name] = true
				p.set(name, unquote(strings.TrimSpace(value)))
			}
		}
	}
	return p
}

func (p *Prefer) set(name, value string) {
	switch name {
	case "return":
		p.Representation = value == "representation"
	case "odata.include-annotations":
		p.Annotations = Annotations{}
		for pattern := range strings.SplitSeq(value, ",") {
			if pattern = strings.TrimSpace(pattern); pattern != "" {
				p.Annotations = append(p.Annotations, pattern)
			}
		}
	case "odata.continue-on-error":
		p.ContinueOnError = value != "false"
	case "odata.track-changes":
		p.TrackChanges = value != "false"
	case "odata.maxpagesize":
		if n, err := strconv.Atoi(value); err == nil && n > 0 {
			p.MaxPageSize = min(n, MaxPageSize)
		}
	}
}

// Applied returns the value of Preference-Applied, "" when no
// preference was honored. A caller that does not honor one clears its field first.
func (p Prefer) Applied() string {
	var applied []string
	if p.Representation {
		applied = append(applied, "return=representation")
	}
	if p.Annotations != nil {
		applied = append(applied, `odata.include-annotations="`+strings.Join(p.Annotations, ",")+`"`)
	}
	if p.MaxPageSize > 0 {
		applied = append(applied, "odata.maxpagesize="+strconv.Itoa(p.MaxPageSize))
	}
	return strings.Join(applied, ",")
}

// Annotations lists the annotations that a client asked for: "*", full names, or
// prefixes that end in ".*".
type Annotations []string

// Want reports whether the annotation of that name was asked for.
func (a Annotations) Want(name string) bool {
	for _, pattern := range a {
		prefix, open := strings.CutSuffix(pattern, "*")
		if pattern == name || open && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// splitUnquoted splits at a separator outside double quotes.
func splitUnquoted(text string, separator byte) []string {
	var parts []string
	quoted, start := false, 0
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == separator && !quoted:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

func unquote(text string) string {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		return text[1 : len(text)-1]
	}
	return text
}
