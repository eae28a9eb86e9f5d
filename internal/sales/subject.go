package sales

import "segue/internal/schema"

// Trait is something that several tables have in common.
type Trait uint8

// The traits.
const (
	Record    Trait = iota + 1 // its rows can be connected to sequences and segmented
	Activity                   // its rows are about another row
	UserOwned                  // its rows have an owner
)

// Subject is the tables that rules or a reaction are about: one by its name, or
// all that have a trait.
type Subject struct {
	table string
	trait Trait
}

// OfTable is the table of a name.
func OfTable(name string) Subject { return Subject{table: name} }

// OfTrait is the tables that have a trait.
func OfTrait(t Trait) Subject { return Subject{trait: t} }

// Matches reports whether t is one of the subject's tables.
func (s Subject) Matches(t *schema.Table) bool {
	switch s.trait {
	case Record:
		return t.Record
	case Activity:
		return t.Activity
	case UserOwned:
		return t.UserOwned
	}
	return t.Name == s.table
}
