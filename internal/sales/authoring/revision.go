package authoring

import (
	"context"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// beginRevision makes an active sequence's row a draft of the next version: the present
// one, which goes on to be used, is kept if it is from before versions were.
func beginRevision(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	if _, err := keepVersion(ctx, tx, row, before); err != nil {
		return err
	}
	forgetNote(row, before)
	return nil
}

// forgetNote clears the note about the version that is left behind, unless the one about the
// next version has been given.
func forgetNote(row *rows.Row, before map[string]schema.Value) {
	if before[name.MsdynVersiondescription] == row.Columns()[name.MsdynVersiondescription] {
		row.Set(name.MsdynVersiondescription, schema.Null())
	}
}

// DiscardIn ends the revision of a sequence without a new version: its row gets the texts of
// the version in use back.
func (s *Sequences) DiscardIn(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceID) error {
	row, err := s.entities.RetrieveIn(ctx, tx, c, rows.RefTo(name.Sequence, id))
	if err != nil {
		return err
	}
	view := sequence.Sequence{Row: row}
	if !view.InRevision() {
		return sales.Refuse(sales.Precondition, "sequence %q is not in revision (statuscode %d); there is no draft to discard", view.Name(), sequence.StatusRevision)
	}
	found, err := tx.Load(ctx, rows.RefTo(name.Sequence, VersionID(id, view.Version())))
	if err != nil {
		return err
	}
	if found[0] == nil {
		return sales.NoRow(rows.RefTo(name.Sequence, VersionID(id, view.Version())))
	}
	changes := map[string]schema.Value{name.Statuscode: schema.Int(sequence.StatusActive)}
	for _, column := range draftColumns() {
		changes[column] = found[0].Columns()[column]
	}
	_, _, err = s.entities.UpdateIn(ctx, tx, c, row.Ref(), changes, entity.If{Exists: true})
	return err
}
