package connection

import (
	"context"
	"errors"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/principal"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// ownerOf returns whose the steps are that a definition opens for a record from now on
// (docs/domain.md §6.5); present is whose they are where that is who connected it. A field
// that names nobody means the record's owner. A record that a team owns gives its steps to
// the team, with and without OwnerTeam.
func ownerOf(def sequence.Definition, record *rows.Row, present schema.Lookup) schema.Lookup {
	owner := sales.Record{Row: record}.Owner()
	switch def.Ownership {
	case sequence.RecordField:
		if record.Table.Column(def.OwnerField) == nil {
			return owner
		}
		if field := record.Lookup(def.OwnerField); field.Table == name.User || field.Table == name.Team {
			return field
		}
	case sequence.CurrentUser:
		if present.ID != "" {
			return present
		}
	case sequence.RecordOwner, sequence.OwnerTeam, sequence.AccessTeam:
	}
	return owner
}

// unitOf returns the business unit of the owner of a record's steps.
func (s *Connections) unitOf(ctx context.Context, record *rows.Row, owner schema.Lookup) (schema.Value, error) {
	if owner == (sales.Record{Row: record}).Owner() {
		return principal.UnitOfRow(record), nil
	}
	unit, err := s.principals.UnitOf(ctx, owner)
	return principal.UnitValue(unit), err
}

// mayReassign reports whether a change of a record may change whose its steps are: it changes
// a column that names a user or a team.
func mayReassign(record *rows.Row, before map[string]schema.Value) bool {
	for _, c := range record.Table.Columns {
		if c.Type != schema.LookupTo || c.Write != schema.Always || before[c.Name] == record.Columns()[c.Name] {
			continue
		}
		for _, target := range c.Targets {
			if target.Table == name.User || target.Table == name.Team {
				return true
			}
		}
	}
	return false
}

// reassignTargets hands the targets of a record to whom they are now. The open step stays with
// the old owner; the steps after it follow (docs/domain.md §7.5, §16).
func (s *Connections) reassignTargets(ctx context.Context, tx *rows.Tx, record *rows.Row) error {
	live, err := Live(record)
	if err != nil {
		return err
	}
	if len(live) == 0 {
		return nil
	}
	var refs []rows.Ref
	for _, targetID := range live {
		refs = append(refs, rows.RefTo(name.SequenceTarget, targetID))
	}
	targets, err := tx.Load(ctx, refs...)
	if err != nil {
		return err
	}
	for _, target := range targets {
		if target == nil {
			continue
		}
		if err := s.reassignTarget(ctx, tx, record, target); err != nil {
			return err
		}
	}
	return nil
}

func (s *Connections) reassignTarget(ctx context.Context, tx *rows.Tx, record, target *rows.Row) error {
	view := sequence.Target{Row: target}
	def, err := s.sequences.Version(ctx, view.Sequence(), view.Version())
	if refused, is := errors.AsType[*sales.Error](err); is && !sales.Transient(refused) {
		def, err = sequence.Definition{}, nil // it is not kept: as if it said nothing of owners
	}
	if err != nil {
		return err
	}
	owner := ownerOf(def, record, target.Lookup(name.Ownerid))
	if owner == target.Lookup(name.Ownerid) {
		return nil
	}
	unit, err := s.unitOf(ctx, record, owner)
	if err != nil {
		return err
	}
	target.Set(name.Ownerid, schema.Ref(owner))
	target.Set(name.Owningbusinessunit, unit)
	patchOpenStep(tx, target, map[string]schema.Value{name.SegueOwner: schema.Ref(owner)})
	return nil
}
