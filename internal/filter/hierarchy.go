package filter

import (
	"fmt"
	"slices"

	"segue/internal/schema"
)

// inHierarchy is a condition on where the row that a column names is in a hierarchy.
type inHierarchy struct {
	of    *step         // reads the column
	table *schema.Table // of the hierarchy
	op    Operator      // a positive one
	id    string        // the row of the value
}

// idOf returns the id of a lookup or the text of a GUID.
func idOf(v schema.Value) string {
	if to, ok := v.Ref(); ok {
		return to.ID
	}
	id, _ := v.Text()
	return id
}

func (c inHierarchy) decide(row Row, scope *Scope) (value schema.Value, holds bool, err error) {
	if scope == nil || scope.Related == nil {
		return schema.Null(), false, fmt.Errorf("filter at %s: %w", c.of.path, errNoRows)
	}
	value, err = c.of.read(row)
	switch {
	case err != nil:
		return schema.Null(), false, err
	case value.IsNull():
		return value, c.of.negate, nil
	case value.Kind() != c.of.kind:
		return schema.Null(), false, c.of.wrongKind(value)
	}
	holds, err = c.holds(idOf(value), scope)
	if err != nil {
		return schema.Null(), false, fmt.Errorf("filter at %s: %w", c.of.path, err)
	}
	return value, holds != c.of.negate, nil
}

// holds reports whether the operator does for a row. Where lookups go in a circle, each row
// of it is above all others and not above itself.
func (c inHierarchy) holds(id string, scope *Scope) (bool, error) {
	if id == c.id {
		return c.op == EqOrAbove || c.op == EqOrUnder, nil
	}
	low, high := id, c.id
	if c.downward() {
		low, high = high, low
	}
	above, err := scope.Related.Above(c.table, low)
	if err != nil {
		return false, err
	}
	return slices.Contains(above, high), nil
}

// downward reports whether the rows are asked for that are above the row of the value.
func (c inHierarchy) downward() bool { return c.op == Above || c.op == EqOrAbove }

func (c inHierarchy) bind(of *step, _ *Scope) (*step, error) { return of, nil }

// Climb is a hierarchy in which the rows above others are asked for
// ([RelatedRows.Above]).
type Climb struct{ c inHierarchy }

// Table returns the table of the hierarchy; its Parent leads up.
func (c Climb) Table() *schema.Table { return c.c.table }

// From returns the id of the row whose rows above are asked for when the condition is
// evaluated on row, "" for none.
func (c Climb) From(row Row) (string, error) {
	if c.c.downward() {
		return c.c.id, nil
	}
	v, err := c.c.of.read(row)
	return idOf(v), err
}
