package connection

import (
	"context"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/principal"
	"segue/internal/schema/name"
)

// connecting is the task "connect, disconnect" of docs/domain.md §12.2: what it takes
// for a record of a table. Who connects a record changes it, for its row guards its
// connections.
func connecting(record string) []sales.Right {
	var rights []sales.Right
	on := func(table string, privileges ...sales.Privilege) {
		for _, p := range privileges {
			rights = append(rights, sales.Right{Privilege: p, Table: table})
		}
	}
	on(name.Sequence, sales.Create, sales.Read, sales.AppendTo)
	on(record, sales.Write, sales.Read, sales.AppendTo)
	on(name.SequenceTarget, sales.Create, sales.Read, sales.Write, sales.Append, sales.AppendTo, sales.Assign)
	on(name.SequenceTargetStep, sales.Create, sales.Read, sales.Write, sales.Append, sales.Assign)
	return rights
}

// authorize refuses a caller who may connect no record of a table, and a table whose
// rows cannot be connected.
func (s *Connections) authorize(c sales.Caller, record string) error {
	if err := sales.Connectable(s.db.Schema(), record); err != nil {
		return err
	}
	return s.principals.Authorize(c, connecting(record)...)
}

// admit is authorize for a caller who is about to write, and who becomes a user by
// it ([principal.Directory.Admit]).
func (s *Connections) admit(ctx context.Context, c sales.Caller, record string) error {
	if err := s.authorize(c, record); err != nil {
		return err
	}
	_, err := s.principals.Admit(ctx, c)
	return err
}

// authorizeRecord refuses a caller whose rights do not reach a record. Target and
// steps belong to the owner of the record, so the rights on them must reach as far.
func (s *Connections) authorizeRecord(ctx context.Context, c sales.Caller, record *rows.Row) error {
	owned := principal.OwnedRow(record)
	for _, right := range connecting(record.Table.Name) {
		if right.Table == name.Sequence { // it may be anybody else's: authorizeSequence
			continue
		}
		if err := s.principals.AuthorizeRow(ctx, c, right.Privilege, owned.In(right.Table)); err != nil {
			return err
		}
	}
	return nil
}

// authorizeSequence refuses a caller who may not see a sequence or may not point a
// target at it.
func (s *Connections) authorizeSequence(ctx context.Context, c sales.Caller, parent authoring.Sequence) error {
	if parent.ID == "" {
		return nil // there is none, which is not for rights to say
	}
	if err := s.principals.AuthorizeRow(ctx, c, sales.Read, parent.Owned); err != nil {
		return err
	}
	return s.principals.AuthorizeRow(ctx, c, sales.AppendTo, parent.Owned)
}
