package excerpt

import (
	"strings"
	"testing"
)

func TestRunes(t *testing.T) {
	for _, test := range []struct {
		name, text string
		n          int
		want       string
	}{
		{"short", "abc", 3, "abc"},
		{"cut", "abcd", 3, "ab…"},
		{"characters, not bytes", "äöü", 3, "äöü"},
		{"cut between characters", "äöüß", 3, "äö…"},
		{"empty", "", 1, ""},
		{"one", "ab", 1, "…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Runes(test.text, test.n); got != test.want {
				t.Errorf("Runes(%q, %d) = %q, want %q", test.text, test.n, got, test.want)
			}
		})
	}
	if got := Of(strings.Repeat("ä", 101)); got != strings.Repeat("ä", 99)+"…" {
		t.Errorf("Of keeps %d bytes: %q", len(got), got)
	}
}

func TestBytes(t *testing.T) {
	for _, test := range []struct {
		name, text string
		n          int
		want       string
	}{
		{"short", "abc", 3, "abc"},
		{"cut", "abcd", 3, "abc"},
		{"not inside a character", "aä", 2, "a"},
		{"first character too long", "ä", 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Bytes(test.text, test.n); got != test.want {
				t.Errorf("Bytes(%q, %d) = %q, want %q", test.text, test.n, got, test.want)
			}
		})
	}
}
