package sales

import (
	"slices"

	"segue/internal/schema"
)

// Caller is on whose behalf a use case runs.
type Caller struct {
	ID     string   // systemuserid, lower case
	Roles  []string // names of security roles
	engine bool
}

// Engine is Segue itself, which may do everything (the app user of domain.md
// §12.2). Rows it writes are not stamped with a user.
func Engine() Caller { return Caller{engine: true} }

// Privilege is one right on a table, or several together (domain.md §12.2).
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

	everything = Create | Read | Write | Delete | Append | AppendTo | Assign
)

// on is how the product calls a privilege on a table.
func (p Privilege) on(table string) string {
	names := map[Privilege]string{
		Create: "Create", Read: "Read", Write: "Write", Delete: "Delete",
		Append: "Append", AppendTo: "AppendTo", Assign: "Assign",
	}
	return "prv" + names[p] + table
}

// Security roles (domain.md §12.1).
const (
	SystemAdministrator = "System Administrator"
	SequenceManager     = "Sequence Manager"
	SalesManager        = "Sales Manager"
	Salesperson         = "Salesperson"
)

// privileges is what a role may do with a table. A row of the matrix of
// domain.md §12.2 is read as the least that its task needs: the four roles have
// the rows "Create, edit, delete sequence" and "Connect / disconnect" (seed
// 002), all but the salesperson the row "Create, edit, delete segment" (seed
// 003). Everybody works with records and activities.
func privileges(role string, t *schema.Table) Privilege {
	if !slices.Contains([]string{SystemAdministrator, SequenceManager, SalesManager, Salesperson}, role) {
		return 0
	}
	if role == SystemAdministrator {
		return everything
	}
	switch t.Name {
	case "msdyn_sequence":
		return Create | Read | Write | Delete | AppendTo | Append | Assign
	case "msdyn_sequencetarget":
		return Create | Read | Write | Append | AppendTo | Assign
	case "msdyn_sequencetargetstep":
		return Create | Read | Write | Append | Assign
	case "msdyn_segment", "msdyn_segmentattribute":
		if role == Salesperson {
			return Read
		}
		return Create | Read | Write | Delete | Append | AppendTo
	case "systemuser", "team":
		return Read | AppendTo
	}
	return everything
}

// right is a privilege on a table that a use case needs.
type right struct {
	privilege Privilege
	table     string
}

// connecting is the row "Connect / disconnect record" of domain.md §12.2.
func connecting(record string) []right {
	return []right{
		{Create, "msdyn_sequence"}, {AppendTo, "msdyn_sequence"},
		{Create, "msdyn_sequencetarget"}, {Read, "msdyn_sequencetarget"}, {Write, "msdyn_sequencetarget"},
		{Append, "msdyn_sequencetarget"}, {AppendTo, "msdyn_sequencetarget"}, {Assign, "msdyn_sequencetarget"},
		{Create, "msdyn_sequencetargetstep"}, {Read, "msdyn_sequencetargetstep"}, {Write, "msdyn_sequencetargetstep"},
		{Append, "msdyn_sequencetargetstep"}, {Assign, "msdyn_sequencetargetstep"},
		{Read, record}, {AppendTo, record},
	}
}

// demand refuses a caller who lacks one of the rights, naming the first.
func (s *Service) demand(c Caller, rights ...right) error {
	if c.engine {
		return nil
	}
	for _, r := range rights {
		t := s.db.Schema().Table(r.table)
		if t == nil {
			return refuse(Invalid, "there is no table %q", r.table)
		}
		allowed := func(role string) bool { return privileges(role, t)&r.privilege != 0 }
		if !slices.ContainsFunc(c.Roles, allowed) {
			return refuse(Forbidden, "Principal user (Id=%s) with roles %q is missing %s privilege", c.ID, c.Roles, r.privilege.on(r.table))
		}
	}
	return nil
}
