package schema

import (
	"maps"
	"slices"
	"strings"

	"segue/internal/excerpt"
)

// The columns of a table with states.
const (
	stateColumn  = "statecode"
	statusColumn = "statuscode"
)

// CheckCreate checks the values that a caller gives a new row and returns those to
// store. Nulls, and empty texts, which count as null, are left out; defaults, the
// state or status that was not given, and composed columns are filled in. Columns
// that only Segue writes are refused. The error is an *[Error].
func (t *Table) CheckCreate(values map[string]Value) (map[string]Value, error) {
	if t.EngineMade {
		return nil, &Error{Table: t.Name, Rule: RuleReadOnly, Detail: "rows of this table are created by Segue alone"}
	}
	if err := t.checkWriter(values, Always, OnCreate); err != nil {
		return nil, err
	}
	return t.EngineCreate(values)
}

// EngineCreate is [Table.CheckCreate] for a row that Segue itself makes: every column
// may be set.
func (t *Table) EngineCreate(values map[string]Value) (map[string]Value, error) {
	row, err := t.checkValues(values)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(row, func(_ string, v Value) bool { return v.IsNull() })
	if err := t.pairOnCreate(row); err != nil {
		return nil, err
	}
	for _, c := range t.Columns {
		_, given := values[c.Name]
		if !given && !c.Default.IsNull() && row[c.Name].IsNull() && c.Type != State {
			row[c.Name] = c.Default
		}
	}
	t.compose(row, row)
	for _, c := range t.Columns {
		if c.Need == Application && row[c.Name].IsNull() {
			return nil, c.broken(RuleRequired, "", "must have a value")
		}
	}
	return row, nil
}

// CheckUpdate checks the changes that a caller makes to a row whose values are old,
// and returns those to store. Null clears a column, and empty text counts as null;
// the state or status that follows, and composed columns, are added. The error is an
// *[Error].
func (t *Table) CheckUpdate(old, changes map[string]Value) (map[string]Value, error) {
	if err := t.checkWriter(changes, Always); err != nil {
		return nil, err
	}
	return t.EngineUpdate(old, changes)
}

// EngineUpdate is [Table.CheckUpdate] for a change that Segue itself makes: every
// column may be changed.
func (t *Table) EngineUpdate(old, changes map[string]Value) (map[string]Value, error) {
	changed, err := t.checkValues(changes)
	if err != nil {
		return nil, err
	}
	for _, c := range t.Columns {
		if v, ok := changed[c.Name]; ok && v.IsNull() && c.Need != Optional {
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

// checkWriter refuses columns that the table does not have, or that a caller may not
// write.
func (t *Table) checkWriter(values map[string]Value, allowed ...Write) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		c := t.Column(name)
		if c == nil || c.Write == Hidden {
			return t.unknown(name)
		}
		if !slices.Contains(allowed, c.Write) {
			return c.brokenBy(RuleReadOnly, values[name], "%s", readOnlyText(c.Write))
		}
	}
	return nil
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
		if text, ok := v.Text(); ok && text == "" {
			v = Null()
		}
		checked[name] = v
	}
	return checked, nil
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
		var parts []string
		for _, name := range c.Compose {
			if text, _ := row[name].Text(); text != "" {
				parts = append(parts, text)
			}
		}
		target[c.Name] = Null()
		if len(parts) > 0 {
			target[c.Name] = Text(strings.Join(parts, " "))
		}
	}
}
