// Package guid reads, makes and derives the ids of rows, so that the product
// has one spelling of them: 8-4-4-4-12 hexadecimal digits in lower case,
// without braces.
//
// Invariant: every id that this package returns is [Canonical], and the id derived from
// the same names is the same in every process and version.
package guid

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// New returns a random id.
func New() string { return uuid.NewString() }

// Parse reads an id in any letter case, with or without braces, and returns it
// in canonical form. ok is false for every other form that a UUID has (a URN,
// 32 digits in a row) and for text that is not an id at all.
func Parse(text string) (id string, ok bool) {
	if inner, braced := strings.CutPrefix(text, "{"); braced {
		if text, ok = strings.CutSuffix(inner, "}"); !ok {
			return "", false
		}
	}
	text = strings.ToLower(text)
	return text, Canonical(text)
}

// ParseAny is Parse for text that was written for another program: it takes 32
// digits in a row and a URN too.
func ParseAny(text string) (id string, ok bool) {
	parsed, err := uuid.Parse(text)
	return parsed.String(), err == nil
}

// Canonical reports whether text is an id in the form that is stored.
func Canonical(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

// Derive returns the id of the thing that these names stand for. The same names in the
// same order always give the same id.
func Derive(names ...string) string { return FromName(fmt.Sprintf("segue:%q", names)) }

// FromName returns the id of a name whose format the caller defines and must never
// change. Use [Derive] for new kinds of ids.
func FromName(name string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
}
