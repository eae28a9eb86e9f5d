// Package right says who may do what with whose rows (docs/domain.md §12): the
// [Matrix] is a table of data, role by table by privilege, whose cells are levels.
//
// Invariant: what the matrix does not grant is refused, and a refusal names the
// privilege and the level that would do.
package right

import (
	"fmt"
	"slices"

	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Level is how far a right reaches: which rows of a table it is about
// (docs/domain.md §12.2). A higher level includes the lower ones.
type Level uint8

// The levels.
const (
	None         Level = iota
	Own                // rows whose owner is the caller or a team of the caller
	Unit               // rows of the caller's business unit, those of the units below it not included
	Organization       // all rows
)

// String is what documents and refusals call the level.
func (l Level) String() string {
	switch l {
	case None:
		return "none"
	case Own:
		return "own"
	case Unit:
		return "business unit"
	case Organization:
		return "organization"
	}
	return fmt.Sprintf("level %d", uint8(l))
}

// Grant is what a role may do with the rows of a table: its rights, each under the
// level to which it reaches.
type Grant struct{ Organization, Unit, Own sales.Privilege }

// Level returns how far one privilege reaches.
func (g Grant) Level(p sales.Privilege) Level {
	switch {
	case g.Organization&p != 0:
		return Organization
	case g.Unit&p != 0:
		return Unit
	case g.Own&p != 0:
		return Own
	}
	return None
}

// Line is a line of a [Matrix]: what each role may do with the rows of some tables.
type Line struct {
	Tables                                                    sales.Subject
	Administrator, SequenceManager, SalesManager, Salesperson Grant
}

// of returns what a role may do; nothing when it is not one of the product's.
func (l Line) of(role string) Grant {
	switch role {
	case sales.SystemAdministrator:
		return l.Administrator
	case sales.SequenceManager:
		return l.SequenceManager
	case sales.SalesManager:
		return l.SalesManager
	case sales.Salesperson:
		return l.Salesperson
	}
	return Grant{}
}

// Matrix says who may do what, and how far. Of a table the first line counts that
// names it.
type Matrix []Line

// DefaultMatrix is the table of docs/domain.md §12.2, which a test makes from it.
// Whoever works with sequences, segments or records sees everybody's; a salesperson
// changes own ones only, and may point own rows at everybody's.
func DefaultMatrix() Matrix {
	const (
		seen     = sales.Read | sales.AppendTo
		worked   = sales.Create | sales.Write | sales.Delete | sales.Append | sales.Assign
		connects = sales.Create | sales.Read | sales.Write | sales.Append | sales.AppendTo | sales.Assign // targets are never deleted
		steps    = sales.Create | sales.Read | sales.Write | sales.Append | sales.Assign                  // nothing is appended to a step
		sets     = sales.Create | sales.Read | sales.Write | sales.Delete | sales.Append | sales.AppendTo // segments are not assigned
	)
	var (
		nothing     = Grant{}
		all         = Grant{Organization: sales.Everything}
		acts        = Grant{Organization: sales.Everything | sales.ActOnBehalf}
		reads       = Grant{Organization: sales.Read}
		looks       = Grant{Organization: seen}
		owns        = Grant{Organization: seen, Own: worked}
		connectsOwn = Grant{Organization: sales.Read, Own: connects &^ sales.Read}
		stepsOwn    = Grant{Organization: sales.Read, Own: steps &^ sales.Read}
		personal    = Grant{Own: sales.Everything} // others see it when it is assigned to a team of theirs
		clears      = Grant{Organization: sales.Read | sales.Delete}
		erases      = Grant{Organization: sales.Create | sales.Read} // nobody changes what tells of an erasure, or of an email
		suppresses  = Grant{Organization: sales.Create | sales.Read | sales.Write | sales.Delete}
		steers      = Grant{Organization: sales.Read | sales.Write} // jobs are canceled and resumed
	)
	org := func(p sales.Privilege) Grant { return Grant{Organization: p} }
	return Matrix{
		// tables                           administrator  sequence manager  sales manager  salesperson
		{sales.OfTable(name.Sequence), all, all, all, owns},
		{sales.OfTable(name.SequenceTarget), all, org(connects), org(connects), connectsOwn},
		{sales.OfTable(name.SequenceTargetStep), all, org(steps), org(steps), stepsOwn},
		{sales.OfTable(name.Segment), all, org(sets), org(sets), reads},
		{sales.OfTable(name.SegmentAttribute), all, org(sets), org(sets), reads},
		{sales.OfTable(name.User), acts, looks, looks, looks},
		{sales.OfTable(name.Team), all, looks, looks, looks},
		{sales.OfTable(name.TeamMembership), all, reads, reads, reads},
		{sales.OfTable(name.BusinessUnit), all, looks, looks, looks},
		{sales.OfTable(name.Organization), all, reads, reads, reads},
		{sales.OfTable(name.SalesRoutingRun), reads, reads, reads, reads}, // Segue makes them and takes them away
		{sales.OfTable(name.ParkedChange), clears, nothing, nothing, nothing},
		{sales.OfTable(name.Erasure), erases, nothing, nothing, nothing},
		{sales.OfTable(name.Job), steers, nothing, steers, nothing},
		{sales.OfTable(name.SentEmail), erases, reads, reads, reads}, // Segue makes them; to create them is to tell what became of them
		{sales.OfTable(name.SuppressedAddress), all, suppresses, suppresses, reads},
		{sales.OfTable(name.SavedView), all, personal, personal, personal},
		{sales.OfTrait(name.UserOwnedTrait), all, all, all, owns}, // records, activities and every other table with owners
		{sales.EveryTable(), all, all, all, looks},
	}
}

// lineOf returns the line of a table.
func (m Matrix) lineOf(t *schema.Table) Line {
	i := slices.IndexFunc(m, func(l Line) bool { return l.Tables.Matches(t) })
	if i < 0 {
		return Line{}
	}
	return m[i]
}

// level returns how far a privilege reaches with these roles.
func (l Line) level(roles []string, p sales.Privilege) Level {
	level := None
	for _, role := range roles {
		level = max(level, l.of(role).Level(p))
	}
	return level
}

// Level returns how far a privilege of the caller on a table reaches: as far as that
// of the role with which it reaches farthest, and where somebody acts for the caller, no
// farther than theirs. Rows of a table without owners are
// nobody's, so what does not reach all of them reaches none.
func (m Matrix) Level(c sales.Caller, t *schema.Table, p sales.Privilege) Level {
	if c.IsEngine() {
		return Organization
	}
	line := m.lineOf(t)
	level := line.level(c.Roles, p)
	if c.Actor != nil {
		level = min(level, line.level(c.Actor.Roles, p))
	}
	if level < Organization && !t.Is(name.UserOwnedTrait) {
		return None
	}
	return level
}

// Authorize refuses a caller who lacks one of the rights at every level, naming the
// first. Whether it reaches a certain row is asked when there is one.
func (m Matrix) Authorize(c sales.Caller, s *schema.Schema, needed ...sales.Right) error {
	for _, need := range needed {
		t := s.Table(need.Table)
		if t == nil {
			return sales.Refuse(sales.Invalid, "table %q does not exist", need.Table)
		}
		if m.Level(c, t, need.Privilege) > None {
			continue
		}
		least := Own
		if !t.Is(name.UserOwnedTrait) {
			least = Organization
		}
		return Missing(c, need.Privilege, t.Name, least)
	}
	return nil
}

// Missing is the refusal of a caller whose privilege on a table does not reach the
// level that would be needed.
func Missing(c sales.Caller, p sales.Privilege, table string, needed Level) error {
	acting := ""
	if c.Actor != nil {
		acting = fmt.Sprintf(", or user (Id=%s) with roles %q who acts for them,", c.Actor.ID, c.Actor.Roles)
	}
	return sales.Refuse(sales.Forbidden, "Principal user (Id=%s) with roles %q%s is missing %s at level %v", c.ID, c.Roles, acting, p.On(table), needed)
}

// Check reports a line that cannot mean what it says: a table that is not there, or
// a level that the rows of a table without owners do not have.
func (m Matrix) Check(s *schema.Schema) error {
	for _, line := range m {
		if line.Tables.Table() == "" {
			continue
		}
		t := s.Table(line.Tables.Table())
		if t == nil {
			return fmt.Errorf("rights: table %q does not exist", line.Tables.Table())
		}
		for _, grant := range []Grant{line.Administrator, line.SequenceManager, line.SalesManager, line.Salesperson} {
			if low := grant.Unit | grant.Own; low != 0 && !t.Is(name.UserOwnedTrait) {
				return fmt.Errorf("rights: rows of %s have no owner: a right on them is at level %v or %v", t.Name, None, Organization)
			}
		}
	}
	return nil
}
