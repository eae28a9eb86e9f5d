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

// bounds is the range of a number column that states none; nil is open.
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

// common is the columns that a table has without its file saying so, in the
// order in which they follow its own (domain.md §4). A column of the same name
// in the file takes the place of one here. Lookups at tables that the schema
// lacks are left out, so that a small schema needs no users.
func (s *Schema) common(t *Table) []*Column {
	var columns []*Column
	if len(t.States) > 0 {
		columns = append(columns,
			&Column{Name: stateColumn, Label: "Status", Type: State, Need: System},
			&Column{Name: statusColumn, Label: "Status Reason", Type: Status, Need: System})
	}
	if t.Record {
		columns = append(columns, recordColumns(t)...)
	}
	if t.UserOwned {
		columns = append(columns, ownerColumns(t)...)
	}
	columns = append(columns, auditColumns(t)...)
	kept := columns[:0]
	for _, c := range columns {
		c.Targets = s.known(c.Targets)
		if c.Type != LookupTo || len(c.Targets) > 0 {
			kept = append(kept, c)
		}
	}
	return kept
}

// known is the targets whose tables the schema has.
func (s *Schema) known(targets []Target) []Target {
	var found []Target
	for _, t := range targets {
		if s.byName[t.Table] != nil {
			found = append(found, t)
		}
	}
	return found
}

// recordColumns is what Segue keeps on every table that can be connected to
// sequences: on the record's own row, because that row guards them (design.md
// §4).
func recordColumns(t *Table) []*Column {
	zero := decimal.Zero
	return []*Column{
		{Name: "msdyn_segmentid", Label: "Segment", Type: LookupTo, Write: Engine, Custom: true,
			Targets: []Target{{Table: "msdyn_segment", Relationship: "msdyn_msdyn_segment_" + t.Name}}},
		{Name: "segue_connected", Label: "Connected", Type: Boolean, Write: Engine, Custom: true, Preset: false},
		{Name: "segue_live", Label: "Live Connections", Type: Memo, MaxLength: 20_000, Write: Hidden, Custom: true},
		{Name: "segue_entries", Label: "Times Connected", Type: Integer, Min: &zero, Write: Hidden, Custom: true},
		{Name: "segue_sequence", Label: "Sequence of the Segment", Type: LookupTo, Write: Hidden, Custom: true,
			Targets: []Target{{Table: "msdyn_sequence", Relationship: "segue_sequence_" + t.Name}}},
		{Name: "segue_evaluation", Label: "Last Segment Change", Type: Memo, MaxLength: 4000, Write: Engine, Custom: true},
	}
}

// ownerColumns is what a user-owned table has. ownerid is bound under its one
// name whatever the owner is.
func ownerColumns(t *Table) []*Column {
	return []*Column{
		{Name: "ownerid", Label: "Owner", Type: LookupTo, Need: System, Targets: []Target{
			{Table: "systemuser", Nav: "ownerid", Relationship: "user_" + t.Name},
			{Table: "team", Nav: "ownerid", Relationship: "team_" + t.Name}}},
		{Name: "owningbusinessunit", Label: "Owning Business Unit", Type: LookupTo, Write: Engine,
			Targets: []Target{{Table: "businessunit", Relationship: "business_unit_" + t.Name}}},
		{Name: "owningteam", Label: "Owning Team", Type: LookupTo, Write: Engine,
			Targets: []Target{{Table: "team", Relationship: t.Name + "_owning_team"}}},
		{Name: "owninguser", Label: "Owning User", Type: LookupTo, Write: Engine,
			Targets: []Target{{Table: "systemuser", Relationship: t.Name + "_owning_user"}}},
	}
}

// auditColumns is what every table has.
func auditColumns(t *Table) []*Column {
	user := func(name, label string) *Column {
		return &Column{Name: name, Label: label, Type: LookupTo, Write: Engine,
			Targets: []Target{{Table: "systemuser", Relationship: "lk_" + t.Name + "_" + name}}}
	}
	return []*Column{
		{Name: "createdon", Label: "Created On", Type: DateTime, Write: Engine},
		user("createdby", "Created By"),
		user("createdonbehalfby", "Created By (Delegate)"),
		{Name: "modifiedon", Label: "Modified On", Type: DateTime, Write: Engine},
		user("modifiedby", "Modified By"),
		user("modifiedonbehalfby", "Modified By (Delegate)"),
		{Name: "overriddencreatedon", Label: "Record Created On", Type: DateTime, Write: OnCreate},
		{Name: "importsequencenumber", Label: "Import Sequence Number", Type: Integer, Write: OnCreate},
		{Name: "versionnumber", Label: "Version Number", Type: BigInt, Write: Engine},
	}
}
