package sales

import "segue/internal/schema"

// Trait is something that several tables have in common; schema/traits has a
// file for each.
type Trait string

// The traits that rules and reactions are registered for.
const (
	Record    Trait = "record"    // its rows can be connected to sequences and segmented
	Activity  Trait = "activity"  // its rows are about another row
	UserOwned Trait = "userOwned" // its rows have an owner
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
	if s.trait != "" {
		return t.Is(string(s.trait))
	}
	return t.Name == s.table
}
