package entity

import (
	"context"
	"maps"
	"slices"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/principal"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// setUnit adds to values that name an owner its business unit. The owner's row is
// among the targets, unless nothing is checked or the owner is the caller: then the
// directory knows it.
func (e *Entities) setUnit(ctx context.Context, t *schema.Table, values map[string]schema.Value, at targets) error {
	v, given := values[name.Ownerid]
	if !given || !t.Is(name.UserOwnedTrait) {
		return nil
	}
	owner, _ := v.Ref()
	var unit name.BusinessUnitID
	if row := at[name.Ownerid]; row != nil {
		unit = e.principals.Of(row).Unit
	} else if owner.ID != "" {
		var err error
		if unit, err = e.principals.UnitOf(ctx, owner); err != nil {
			return err
		}
	}
	values[name.Owningbusinessunit] = principal.UnitValue(unit)
	return nil
}

// authorizeCreate refuses a caller who may not make a row that belongs to the owner
// that it is given, or may not point it at what it points at.
func (e *Entities) authorizeCreate(ctx context.Context, c sales.Caller, t *schema.Table, values map[string]schema.Value, at targets) error {
	row := principal.OwnedValues(t, values)
	if err := e.principals.AuthorizeRow(ctx, c, sales.Create, row); err != nil {
		return err
	}
	return e.authorizeLinks(ctx, c, row, at)
}

// authorizeChange refuses a caller who may not give a row the new owner among the
// changes, to which its unit is added, or may not point it at
// what it is to point at. What counts is to whom the row belongs before.
func (e *Entities) authorizeChange(ctx context.Context, tx *rows.Tx, c sales.Caller, row *rows.Row, changes map[string]schema.Value) error {
	at, err := e.loadTargets(ctx, tx, c, row.Ref(), changes)
	if err != nil {
		return err
	}
	owned := principal.OwnedRow(row)
	if _, assigns := changes[name.Ownerid]; assigns {
		if err := e.principals.AuthorizeRow(ctx, c, sales.Assign, owned); err != nil {
			return err
		}
	}
	if err := e.setUnit(ctx, row.Table, changes, at); err != nil {
		return err
	}
	return e.authorizeLinks(ctx, c, owned, at)
}

// authorizeLinks refuses a caller who may not point a row at one of the targets:
// that takes Append on the row and AppendTo on the target. Its owner is a matter of
// Assign.
func (e *Entities) authorizeLinks(ctx context.Context, c sales.Caller, row principal.Owned, at targets) error {
	for _, column := range slices.Sorted(maps.Keys(at)) {
		if column == name.Ownerid {
			continue
		}
		if err := e.principals.AuthorizeRow(ctx, c, sales.Append, row); err != nil {
			return err
		}
		if err := e.principals.AuthorizeRow(ctx, c, sales.AppendTo, principal.OwnedRow(at[column])); err != nil {
			return err
		}
	}
	return nil
}
