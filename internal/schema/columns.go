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

// Values is columns by name as [Columns] reads them: null stands for one that is not
// there, and for one whose values are of another kind.
type Values map[string]Value

// Text implements [Columns].
func (v Values) Text(column string) string { s, _ := v[column].Text(); return s }

// Int implements [Columns].
func (v Values) Int(column string) int64 { n, _ := v[column].Int(); return n }

// Is implements [Columns].
func (v Values) Is(column string) bool { b, _ := v[column].Bool(); return b }

// Time implements [Columns].
func (v Values) Time(column string) time.Time { t, _ := v[column].Time(); return t }

// Lookup implements [Columns].
func (v Values) Lookup(column string) Lookup { l, _ := v[column].Ref(); return l }
