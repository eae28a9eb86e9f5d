package sales

import "segue/internal/schema"

// Subject is the tables that rules or a reaction are about: one by its name, or
// all that have a trait.
type Subject struct{ table, trait string }

// OfTable returns the table of a name.
func OfTable(table string) Subject { return Subject{table: table} }

// OfTrait returns the tables that have a trait; [schema/name] has the traits.
func OfTrait(trait string) Subject { return Subject{trait: trait} }

// Matches reports whether t is one of the subject's tables.
func (s Subject) Matches(t *schema.Table) bool {
	if s.trait != "" {
		return t.Is(s.trait)
	}
	return t.Name == s.table
}
