package schema

import (
	"math"

	"github.com/shopspring/decimal"
)

// The defaults of the bounds of numbers, as in Dataverse.
const (
	moneyBound   = 922_337_203_685_477
	decimalBound = 100_000_000_000
)

// bounds returns the default range of a number column; nil is no bound.
func bounds(t Type) (low, high *decimal.Decimal) {
	bound := func(n int64) *decimal.Decimal { d := decimal.NewFromInt(n); return &d }
	switch t {
	case Integer:
		return bound(math.MinInt32), bound(math.MaxInt32)
	case Money:
		return bound(-moneyBound), bound(moneyBound)
	case Decimal, Double:
		return bound(-decimalBound), bound(decimalBound)
	default:
		return nil, nil
	}
}

// stateColumns returns the columns of a table with states, whose options follow
// from them.
func (t *Table) stateColumns() []*Column {
	if len(t.States) == 0 {
		return nil
	}
	return []*Column{
		{Name: stateColumn, Label: "Status", Type: State, Need: System},
		{Name: statusColumn, Label: "Status Reason", Type: Status, Need: System},
	}
}

// commonColumns returns the columns that a table has without its file naming
// them, in the order in which they follow its own (docs/domain.md §4). Lookups at
// tables that the schema lacks are left out, so that a small schema needs no
// users.
func (s *Schema) commonColumns(t *Table, traits []*Trait) []*Column {
	columns := t.stateColumns()
	for _, trait := range traits {
		columns = append(columns, trait.columnsFor(t.Name)...)
	}
	kept := columns[:0]
	for _, c := range columns {
		c.Targets = s.known(c.Targets)
		if c.Type != LookupTo || len(c.Targets) > 0 {
			kept = append(kept, c)
		}
	}
	return kept
}

// known returns the targets whose tables the schema has.
func (s *Schema) known(targets []Target) []Target {
	var found []Target
	for _, t := range targets {
		if t.Trait != "" || s.byName[t.Table] != nil {
			found = append(found, t)
		}
	}
	return found
}
