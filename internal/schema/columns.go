package schema

import "time"

// Columns reads the columns of a row by their types, as *rows.Row does: the zero
// value of a type stands for null. The typed views of the domain's rows are made
// of it.
type Columns interface {
	Text(column string) string
	Int(column string) int64
	Is(column string) bool
	Time(column string) time.Time
	Lookup(column string) Lookup
}

// RefTo returns the value of a lookup that points at a row of a table by an id of
// its own type.
func RefTo[ID ~string](table string, id ID) Value { return Ref(Lookup{Table: table, ID: string(id)}) }
