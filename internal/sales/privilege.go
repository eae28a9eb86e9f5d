package sales

import (
	"slices"

	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Right is a privilege on a table that a use case needs.
type Right struct {
	Privilege Privilege
	Table     string
}

// grant is a line of the matrix: what each role may do with the rows of a table.
type grant struct {
	table                                         string
	administrator, sequences, sales, salespersons Privilege
}

const (
	connects = Create | Read | Write | Append | AppendTo | Assign // targets are never deleted
	works    = Create | Read | Write | Append | Assign            // nothing is appended to a step
	sets     = Create | Read | Write | Delete | Append | AppendTo // segments are not assigned
)

// matrix is docs/domain.md §12.2. A row of that table is read as the least that
// its task needs: the four roles have the rows "Create, edit, delete sequence"
// and "Connect / disconnect", all but the salesperson the row "Create, edit,
// delete segment". Tables that it does not name are records and activities,
// with which everybody works (others).
//
//nolint:gochecknoglobals // a constant, but Go has no constant arrays
var matrix = [...]grant{
	// table                     administrator  sequence manager  sales manager    salesperson
	{name.Sequence, everything, everything, everything, everything},
	{name.SequenceTarget, everything, connects, connects, connects},
	{name.SequenceTargetStep, everything, works, works, works},
	{name.Segment, everything, sets, sets, Read},
	{name.SegmentAttribute, everything, sets, sets, Read},
	{name.Job, Read | Write, 0, Read | Write, 0}, // written to cancel or resume
	{name.User, everything, Read | AppendTo, Read | AppendTo, Read | AppendTo},
	{name.Team, everything, Read | AppendTo, Read | AppendTo, Read | AppendTo},
	{name.ParkedChange, Read | Delete, 0, 0, 0},
}

//nolint:gochecknoglobals // the line of every other table
var others = grant{"", everything, everything, everything, everything}

// grantOf returns the line of a table.
func grantOf(t *schema.Table) grant {
	for _, line := range matrix {
		if line.table == t.Name {
			return line
		}
	}
	return others
}

// of returns what a role may do; nothing when it is not one of the product's.
func (g grant) of(role string) Privilege {
	switch role {
	case SystemAdministrator:
		return g.administrator
	case SequenceManager:
		return g.sequences
	case SalesManager:
		return g.sales
	case Salesperson:
		return g.salespersons
	}
	return 0
}

// Authorize refuses a caller who lacks one of the rights, naming the first.
func (c Caller) Authorize(s *schema.Schema, rights ...Right) error {
	if c.engine {
		return nil
	}
	for _, right := range rights {
		t := s.Table(right.Table)
		if t == nil {
			return Refuse(Invalid, "there is no table %q", right.Table)
		}
		line := grantOf(t)
		allowed := func(role string) bool { return line.of(role)&right.Privilege != 0 }
		if !slices.ContainsFunc(c.Roles, allowed) {
			return Refuse(Forbidden, "Principal user (Id=%s) with roles %q is missing %s privilege", c.ID, c.Roles, right.Privilege.on(right.Table))
		}
	}
	return nil
}
