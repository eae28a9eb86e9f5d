// Package stack is what the template of a deployment has to know of the product: which
// changes the event source lets through, and which tables and columns are the user's own.
// template.yaml says it of the product by itself, held by a test of this package; a build
// with a schema folder says it of that ([Template.Add]).
//
// Invariant: what is written into a template follows from the same registrations and the
// same files that the functions beside it run with.
package stack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/store"
)

// Lambda's limits of an event source mapping: how many filters it has without asking for
// more, and how many characters a pattern.
const (
	maxFilters = 5
	maxPattern = 4096
)

// Pattern is a filter of the event source mapping on the table's stream. It goes by the
// partition key, which an insert, a change and a removal all have.
type Pattern struct {
	EventName []string `json:"eventName"`
	DynamoDB  struct {
		Keys struct {
			PK struct {
				S []Prefix
			} `json:"pk"`
		}
	} `json:"dynamodb"`
}

// Prefix is what a key begins with.
type Prefix struct {
	Prefix string `json:"prefix"`
}

// eventName is a kind of change as a stream names it.
func eventName(kind store.ChangeKind) string {
	switch kind {
	case store.Insert:
		return "INSERT"
	case store.Modify:
		return "MODIFY"
	case store.Remove:
		return "REMOVE"
	}
	return ""
}

// Filters returns the patterns, as JSON, that let through the changes which reactions are
// registered for: tables with the same kinds of change share one. More than Lambda takes
// are an error.
func Filters(parts *boot.Parts) ([]string, error) {
	list := patterns(parts)
	if len(list) == 0 || len(list) > maxFilters {
		return nil, fmt.Errorf("the changes that reactions follow make %d filters; an event source mapping has 1 to %d", len(list), maxFilters)
	}
	filters := make([]string, len(list))
	for i, p := range list {
		text, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		if len(text) > maxPattern {
			tables := p.DynamoDB.Keys.PK.S
			return nil, fmt.Errorf("the changes %s of %d tables make a filter of %d characters; Lambda takes %d: give tables shorter names, or fewer of them the trait of a record",
				strings.Join(p.EventName, ", "), len(tables), len(text), maxPattern)
		}
		filters[i] = string(text)
	}
	return filters, nil
}

func patterns(parts *boot.Parts) []Pattern {
	var list []Pattern
	for _, t := range parts.DB.Schema().Tables() {
		var names []string
		for _, kind := range []store.ChangeKind{store.Insert, store.Modify, store.Remove} {
			if parts.Reactions.Follows(t, kind) {
				names = append(names, eventName(kind))
			}
		}
		if names == nil {
			continue
		}
		at := slices.IndexFunc(list, func(p Pattern) bool { return slices.Equal(p.EventName, names) })
		if at < 0 {
			at, list = len(list), append(list, Pattern{EventName: names})
		}
		s := &list[at].DynamoDB.Keys.PK.S
		*s = append(*s, Prefix{rows.KeyPrefix(t)})
	}
	return list
}
