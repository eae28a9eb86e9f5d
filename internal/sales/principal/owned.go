package principal

import (
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Owned is a row, there or to be made, as far as rights on it depend on it.
type Owned struct {
	Table  string
	Owners []schema.Lookup // none: only a right that reaches all rows reaches it
	Unit   name.BusinessUnitID
}

// OwnedRow returns what rights on a row depend on.
func OwnedRow(row *rows.Row) Owned {
	return owned(row.Table, func(column string) schema.Value {
		v, _ := row.Value(column) // a row always has a value, if only null
		return v
	})
}

// OwnedValues is OwnedRow of a row that is to be made of these values.
func OwnedValues(t *schema.Table, values map[string]schema.Value) Owned {
	return owned(t, func(column string) schema.Value { return values[column] })
}

func owned(t *schema.Table, value func(column string) schema.Value) Owned {
	o := Owned{Table: t.Name}
	if !t.Is(name.UserOwnedTrait) {
		return o
	}
	for _, column := range t.Owners() {
		if owner, ok := value(column).Ref(); ok {
			o.Owners = append(o.Owners, owner)
		}
	}
	unit, _ := value(name.Owningbusinessunit).Ref()
	o.Unit = name.BusinessUnitID(unit.ID)
	return o
}

// In returns the same owners and unit with a row of another table, which belongs or
// is to belong to them too.
func (o Owned) In(table string) Owned {
	o.Table = table
	return o
}

// UnitValue returns the value of a column for a business unit, null for none.
func UnitValue(unit name.BusinessUnitID) schema.Value {
	if unit == "" {
		return schema.Null()
	}
	return schema.RefTo(name.BusinessUnit, unit)
}

// UnitOfRow returns the business unit of a row, as a value for another row that
// belongs to the same owner.
func UnitOfRow(row *rows.Row) schema.Value {
	return UnitValue(name.BusinessUnitID(row.Lookup(name.Owningbusinessunit).ID))
}
