package authoring

import (
	"context"
	"errors"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// check reads a definition and returns what its activation would be refused for.
func check(id name.SequenceID, row schema.Columns) (sequence.Definition, []*language.Error) {
	view := sequence.Sequence{Row: row}
	if language.Foreign(view.Text()) {
		return sequence.Definition{}, []*language.Error{{Detail: `is not in the format of this product, which is {"segue":1,"steps":[…]} or a list of steps; it is kept as it is and cannot be activated`}}
	}
	definition, err := readDefinition(id, row)
	if err == nil {
		err = language.Validate(definition)
	}
	if fault, ok := errors.AsType[*language.Error](err); ok {
		return definition, []*language.Error{fault}
	}
	return definition, nil
}

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
	definition, faults := check(id, draft)
	return Checked{definition, faults}, nil
}
