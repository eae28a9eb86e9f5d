package schema

import (
	"maps"
	"slices"

	"segue/internal/excerpt"
)

// The columns of a table with states.
const (
	versionColumn = "versionnumber" // of the row, which the rows of every table keep
	stateColumn   = "statecode"
	statusColumn  = "statuscode"
)

// CheckCreate checks the values that a caller gives a new row and returns those to
// store. Nulls, and empty texts, which count as null, are left out; defaults, the
// state or status that was not given, and composed columns are filled in. Columns
// that only Segue writes are refused. A column that the system requires must have a
// value; one that the application requires need not: that is for forms
// (docs/domain.md §4). The error is an *[Error].
func (t *Table) CheckCreate(values map[string]Value) (map[string]Value, error) {
	if t.EngineMade {
		return nil, &Error{Table: t.Name, Rule: RuleReadOnly, Detail: "rows of this table are created by Segue alone"}
	}
	given, err := t.writable(nil, values, Always, OnCreate)
	if err != nil {
		return nil, err
	}
	row, err := t.checkValues(given)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(row, func(_ string, v Value) bool { return v.IsNull() })
	if err := t.pairOnCreate(row); err != nil {
		return nil, err
	}
	for column, v := range t.Defaults() {
		_, set := given[column] // a null too: it says that there is to be no value
		if !set && row[column].IsNull() {
			row[column] = v
		}
	}
	t.compose(row, row)
	for _, c := range t.Columns {
		if t.demanded(c) && row[c.Name].IsNull() {
			return nil, c.broken(RuleRequired, "", "must have a value")
		}
	}
	return row, nil
}

// Defaults returns the values that a new row has of columns that its maker leaves out, but
// those of its state. The rows that Segue makes itself begin with them.
func (t *Table) Defaults() map[string]Value {
	row := map[string]Value{}
	for _, c := range t.Columns {
		if !c.Default.IsNull() && c.Type != State {
			row[c.Name] = c.Default
		}
	}
	return row
}

// demanded reports whether a create must come with a value of the column: the
// system requires it and Segue has none to fill in, as it has for the key and for
// the columns of traits.
func (t *Table) demanded(c *Column) bool {
	writable := c.Write == Always || c.Write == OnCreate
	return c.Need == System && writable && !c.inherited && c.Name != t.ID
}

// CheckUpdate checks the changes that a caller makes to a row whose values are old,
// key and version included, and returns those to store. Null clears a column, and
// empty text counts as null; the state or status that follows, and composed columns,
// are added. A column that the caller may not change may be given as it is. The error
// is an *[Error].
func (t *Table) CheckUpdate(old, changes map[string]Value) (map[string]Value, error) {
	given, err := t.writable(old, changes, Always)
	if err != nil {
		return nil, err
	}
	changed, err := t.checkValues(given)
	if err != nil {
		return nil, err
	}
	for _, c := range t.Columns {
		if v, ok := changed[c.Name]; ok && v.IsNull() && c.Need == System {
			return nil, c.broken(RuleRequired, "", "must keep a value")
		}
	}
	if err := t.pairOnUpdate(old, changed); err != nil {
		return nil, err
	}
	row := maps.Clone(old)
	if row == nil {
		row = map[string]Value{}
	}
	maps.Copy(row, changed)
	t.compose(row, changed)
	return changed, nil
}

// writable returns the values without those that a caller may not write and that
// change nothing: clients send back what they have read. Any other value of such a
// column is refused, and so are columns that the table does not have.
func (t *Table) writable(old, values map[string]Value, allowed ...Write) (map[string]Value, error) {
	given := make(map[string]Value, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		c, v := t.Column(name), values[name]
		if c == nil || c.Write == Hidden {
			return nil, t.unknown(name)
		}
		if c.Shown { // it is no part of the row
			continue
		}
		if slices.Contains(allowed, c.Write) {
			given[name] = v
			continue
		}
		if emptyAsNull(v) != old[name] {
			return nil, c.brokenBy(RuleReadOnly, v, "%s", readOnlyText(c.Write))
		}
	}
	return given, nil
}

func readOnlyText(w Write) string {
	if w == OnCreate {
		return "can only be set when the row is created"
	}
	return "is set by Segue alone"
}

// checkValues checks values and returns a copy in which empty text is null.
func (t *Table) checkValues(values map[string]Value) (map[string]Value, error) {
	checked := make(map[string]Value, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		c, v := t.Column(name), values[name]
		if c == nil {
			return nil, t.unknown(name)
		}
		if err := c.Check(v); err != nil {
			return nil, err
		}
		checked[name] = emptyAsNull(v)
	}
	return checked, nil
}

// emptyAsNull returns null for an empty text, else the value.
func emptyAsNull(v Value) Value {
	if text, ok := v.Text(); ok && text == "" {
		return Null()
	}
	return v
}

func (t *Table) unknown(name string) error {
	return &Error{Table: t.Name, Column: excerpt.Of(name), Rule: RuleUnknown, Detail: "the table has no such column"}
}

// compose sets in target each composed column of which target has a part. The
// values of the parts are those of the whole row.
func (t *Table) compose(row, target map[string]Value) {
	for _, c := range t.Columns {
		touched := func(part string) bool { _, ok := target[part]; return ok }
		if !slices.ContainsFunc(c.Compose, touched) {
			continue
		}
		target[c.Name] = c.composed(func(name string) Value { return row[name] })
	}
}
