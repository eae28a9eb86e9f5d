package authoring

import (
	"context"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Checked is what a check of a definition found.
type Checked struct {
	Definition sequence.Definition // as far as it could be read
	Faults     []*language.Error   // for which its activation would be refused
}

// Check checks the definition of a sequence, or of one of its versions, as it would be with
// changes of its columns; of one that is not saved with id "". It writes nothing.
func (s *Sequences) Check(ctx context.Context, c sales.Caller, id name.SequenceID, changes map[string]schema.Value) (Checked, error) {
	var saved *rows.Row
	if id == "" {
		if err := s.entities.Admit(ctx, c, sales.Right{Privilege: sales.Read, Table: name.Sequence}); err != nil {
			return Checked{}, err
		}
	} else {
		var err error
		if saved, err = s.entities.Retrieve(ctx, c, rows.RefTo(name.Sequence, id)); err != nil {
			return Checked{}, err
		}
	}
	draft, err := s.entities.CheckDraft(c, s.db.Schema().Table(name.Sequence), saved, changes)
	if err != nil {
		return Checked{}, err
	}
	definition, faults, _, err := faultsOf(ctx, s.db.Schema(), s.db.Get, id, draft)
	return Checked{definition, faults}, err
}
