package rows

import "regexp"

// keyInText is a key of a row, or a place in an index, as an error of a store spells it:
// pk, a slash, sk.
var keyInText = regexp.MustCompile(`\b([a-z][a-z0-9_]*)(?:#[0-9A-Za-z_-]+)*#[0-9]+/([0-9A-Za-z-]*)`)

// Readable returns the text of an error with rows named as [Ref.String] names them,
// where it named them by the keys of the store. What is shown outside goes through it:
// how rows are kept is nobody's business.
func Readable(text string) string { return keyInText.ReplaceAllString(text, "$1 $2") }
