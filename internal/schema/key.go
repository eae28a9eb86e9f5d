package schema

import (
	"errors"
	"fmt"
	"slices"
)

// Key is an alternate key of a table: columns by whose values a row is found, and of
// which no two rows have the same. A row in which one of them is null has no such key.
type Key struct {
	Name    string   `json:"name"`
	Label   string   `json:"label"`
	Columns []string `json:"columns"`
}

// maxKeyColumns is how many columns an alternate key has at most.
const maxKeyColumns = 16

// Key returns the alternate key that is made of exactly these columns, in any order, nil
// when there is none.
func (t *Table) Key(columns []string) *Key {
	for _, k := range t.Keys {
		if sameNames(k.Columns, columns) {
			return k
		}
	}
	return nil
}

// InKey reports whether a column is part of an alternate key.
func (t *Table) InKey(column string) bool {
	return slices.ContainsFunc(t.Keys, func(k *Key) bool { return slices.Contains(k.Columns, column) })
}

func sameNames(a, b []string) bool {
	in := func(list []string) func(string) bool {
		return func(name string) bool { return !slices.Contains(list, name) }
	}
	return len(a) == len(b) && !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}

// checkKeys checks the alternate keys of a table against its columns and each other.
func (t *Table) checkKeys() error {
	for i, k := range t.Keys {
		if err := t.checkKey(k); err != nil {
			return fmt.Errorf("key %s: %w", k.Name, err)
		}
		for _, other := range t.Keys[:i] {
			if other.Name == k.Name || sameNames(other.Columns, k.Columns) {
				return fmt.Errorf("key %s: key %s has its name or its columns", k.Name, other.Name)
			}
		}
	}
	return nil
}

func (t *Table) checkKey(k *Key) error {
	switch {
	case !logicalName.MatchString(k.Name):
		return fmt.Errorf("name %q must be lower-case letters, digits and _", k.Name)
	case k.Label == "":
		return errors.New("label is missing")
	case len(k.Columns) == 0 || len(k.Columns) > maxKeyColumns:
		return fmt.Errorf("it has %d columns; it may have 1 to %d", len(k.Columns), maxKeyColumns)
	case t.Set == "":
		return errors.New("the table is not on the wire, where keys are for")
	}
	for i, name := range k.Columns {
		c := t.Column(name)
		switch {
		case c == nil:
			return fmt.Errorf("column %q does not exist", name)
		case slices.Contains(k.Columns[:i], name):
			return fmt.Errorf("column %s comes twice", name)
		case c.Write == Hidden || c.Derived != "" || c.Shown || len(c.Sources()) > 0 || name == t.ID || name == versionColumn:
			return fmt.Errorf("column %s: a key takes columns that are read on the wire and stored", name)
		case c.Type == LookupTo && len(c.Targets) != 1:
			return fmt.Errorf("column %s: a lookup in a key points at one table", name)
		}
		switch c.Type {
		case String, Integer, BigInt, Decimal, Choice, State, Status, DateTime, Date, GUID, LookupTo:
		case Memo, Money, Double, Boolean:
			return fmt.Errorf("column %s: a %s cannot be part of a key", name, c.Type)
		}
	}
	return nil
}
