package odata

import (
	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/schema"
	"strings"
)

// Key is what a URL has in the brackets after a set's name.
type Key struct {
	ID string // GUID, lower case
}

// parseKey reads the text in the brackets after a set's name: a GUID, bare or
// quoted, alone or after the primary key's name.
func parseKey(t *schema.Table, key string) (Key, error) {
	if name, value, named := strings.Cut(key, "="); named {
		if name != t.ID {
			return Key{}, notServed("the alternate key", t.Set+"("+key+")")
		}
		key = value
	}
	if inner, ok := strings.CutPrefix(key, "'"); ok {
		if inner, ok = strings.CutSuffix(inner, "'"); ok {
			key = inner
		}
	}
	id, ok := guid.Parse(key)
	if !ok {
		return Key{}, Errorf(BadRequest, "the key '%s' of '%s' is not a GUID", excerpt.Of(key), t.Set)
	}
	return Key{ID: id}, nil
}
