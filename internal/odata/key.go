package odata

import (
	"strings"

	"segue/internal/excerpt"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// Key is what a URL has in the brackets after a set's name: the id of a row, or the values
// of an alternate key.
type Key struct {
	ID        string                  // GUID, lower case; "" for an alternate key
	Alternate *schema.Key             // nil for an id
	Values    map[string]schema.Value // of the columns of Alternate
}

// parseKey reads the text in the brackets after a set's name: a GUID, bare or
// quoted, alone or after the primary key's name, or <column>=<value> of each column of an
// alternate key, in any order.
func parseKey(t *schema.Table, text string) (Key, error) {
	parts, err := uri.ParseKey(t, text, nil)
	if err != nil {
		return Key{}, FromURI(err)
	}
	if len(parts) == 1 && parts[0].Column.Name == t.ID {
		id, _ := parts[0].Values[0].Text()
		return Key{ID: id}, nil
	}
	key := Key{Values: map[string]schema.Value{}}
	var columns []string
	for _, part := range parts {
		columns = append(columns, part.Column.Name)
		key.Values[part.Column.Name] = part.Values[0]
	}
	if key.Alternate = t.Key(columns); key.Alternate == nil {
		return Key{}, Errorf(EntityKeyNotDefined, "The specified key attributes are not a defined key for the %s entity: '%s'", t.Name, excerpt.Of(strings.Join(columns, ", ")))
	}
	return key, nil
}
