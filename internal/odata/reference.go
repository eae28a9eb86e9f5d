package odata

import (
	"strings"

	"segue/internal/excerpt"
	"segue/internal/schema"
)

// References is the rows that earlier requests of a change set are about: by Content-ID, each
// as <set>(<key>). It is nil outside change sets.
type References map[string]string

// Path returns a path from the service root with the row in place of a Content-ID that it
// begins with, such as $1/lastname.
func (r References) Path(path string) (string, error) {
	first, _, _ := strings.Cut(path, "/")
	id, ok := strings.CutPrefix(first, "$")
	if name, _, _ := strings.Cut(first, "("); !ok || reserved(name) != "" {
		return path, nil
	}
	row, known := r[id]
	if !known {
		return "", Errorf(BadRequest, "Content-ID Reference: '%s' does not exist in the batch context.", excerpt.Of(first))
	}
	return row + path[len(first):], nil
}

// RowPath returns the path of a row after the service root.
func RowPath(t *schema.Table, id string) string { return t.Set + "(" + id + ")" }

// RowIn returns the row that a path begins with, as <set>(<key>), "" for none.
func RowIn(path string) string {
	segments, ok := splitPath(path)
	if !ok || !strings.HasSuffix(segments[0], ")") {
		return ""
	}
	return segments[0]
}
