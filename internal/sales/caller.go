package sales

import (
	"fmt"

	"segue/internal/rows"
	"segue/internal/schema/name"
)

// Caller is on whose behalf a use case runs.
type Caller struct {
	ID     name.UserID // "" for the engine
	Name   string      // for people to read; "" if it is not known
	Login  string      // what the user signs in with; "" if it is not known
	Roles  []string    // names of security roles
	Actor  *Actor      // who acts for the user; nil: the user
	Signed bool        // the roles are those of a token that came with this request
	engine bool
}

// Actor is a user who acts for another one. What neither of the two may do, and what one
// of them may not, is refused (docs/domain.md §12.2).
type Actor struct {
	ID    name.UserID `json:"id"`
	Roles []string    `json:"roles"`
}

// By returns whom the rows that the caller writes are stamped with.
func (c Caller) By() rows.By {
	if c.Actor == nil {
		return rows.By{User: c.ID}
	}
	return rows.By{User: c.ID, Actor: c.Actor.ID}
}

// Engine is Segue itself, which may do everything (the app user of docs/domain.md
// §12.2). Rows it writes are not stamped with a user.
func Engine() Caller { return Caller{engine: true} }

// IsEngine reports whether the caller is Segue itself.
func (c Caller) IsEngine() bool { return c.engine }

// Privilege is one right on a table, or several together (docs/domain.md §12.2).
type Privilege uint8

// The privileges, in the order of the matrix.
const (
	Create Privilege = 1 << iota
	Read
	Write
	Delete
	Append
	AppendTo
	Assign
	ActOnBehalf // of another user; of the table of users alone

	Everything = Create | Read | Write | Delete | Append | AppendTo | Assign
)

// String is the name of one privilege, as Dataverse has it.
func (p Privilege) String() string {
	switch p {
	case Create:
		return "Create"
	case Read:
		return "Read"
	case Write:
		return "Write"
	case Delete:
		return "Delete"
	case Append:
		return "Append"
	case AppendTo:
		return "AppendTo"
	case Assign:
		return "Assign"
	case ActOnBehalf:
		return "ActOnBehalf"
	case Everything:
	}
	return fmt.Sprintf("privileges %b", uint8(p))
}

// On is how the product calls a privilege on a table.
func (p Privilege) On(table string) string {
	if p == ActOnBehalf {
		return "prvActOnBehalfOfAnotherUser"
	}
	return "prv" + p.String() + table
}

// Security roles (docs/domain.md §12.1).
const (
	SystemAdministrator = "System Administrator"
	SequenceManager     = "Sequence Manager"
	SalesManager        = "Sales Manager"
	Salesperson         = "Salesperson"
)

// Roles lists the security roles, that with the most rights first.
func Roles() []string {
	return []string{SystemAdministrator, SequenceManager, SalesManager, Salesperson}
}

// Right is a privilege on a table that a use case needs.
type Right struct {
	Privilege Privilege
	Table     string
}
