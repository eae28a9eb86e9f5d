package sales

import "segue/internal/schema"

// Subject is the tables that rules, rights or a reaction are about: one by its name,
// all that have a trait, or all.
type Subject struct {
	table, trait string
	every        bool
}

// OfTable returns the table of a name.
func OfTable(table string) Subject { return Subject{table: table} }

// OfTrait returns the tables that have a trait; [schema/name] has the traits.
func OfTrait(trait string) Subject { return Subject{trait: trait} }

// EveryTable returns all tables.
func EveryTable() Subject { return Subject{every: true} }

// Table returns the name of the table that the subject is, "" if it is several.
func (s Subject) Table() string { return s.table }

// String names the tables.
func (s Subject) String() string {
	switch {
	case s.every:
		return "every table"
	case s.trait != "":
		return "tables with trait " + s.trait
	}
	return s.table
}

// Matches reports whether t is one of the subject's tables.
func (s Subject) Matches(t *schema.Table) bool {
	switch {
	case s.every:
		return true
	case s.trait != "":
		return t.Is(s.trait)
	}
	return t.Name == s.table
}
