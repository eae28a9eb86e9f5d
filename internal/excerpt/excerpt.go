// Package excerpt shortens text without breaking a character: for an error that repeats
// what it was given, and for a column that is shorter than the text to be stored in it.
package excerpt

import "unicode/utf8"

// Most is the largest number of characters of a value that an error repeats.
const Most = 100

// Of returns text as an error repeats it: at most [Most] characters, the last of them an
// ellipsis where something was cut off.
func Of(text string) string { return Runes(text, Most) }

// Runes returns at most n characters of text, the last of them an ellipsis where
// something was cut off. n is at least 1.
func Runes(text string, n int) string {
	if len(text) <= n || utf8.RuneCountInString(text) <= n {
		return text
	}
	kept := 0
	for i := range text {
		if kept == n-1 {
			return text[:i] + "…"
		}
		kept++
	}
	return text
}

// Bytes returns the start of text, at most n bytes, cut between characters and without an
// ellipsis.
func Bytes(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
