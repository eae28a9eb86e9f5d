package authoring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Rules are the life of a sequence (docs/domain.md §5.1, §6.1).
func (s *Sequences) Rules() entity.Rules { return rules{sequences: s} }

type rules struct {
	entity.Plain
	sequences *Sequences
}

// Gone implements [entity.Parting].
func (rules) Gone(row *rows.Row) bool { return Deleting(row) }

// Create implements [entity.Rules].
func (r rules) Create(_ context.Context, tx *rows.Tx, row *rows.Row) error {
	r.sequences.generation.Changed(tx)
	view := sequence.Sequence{Row: row}
	if view.State() != sequence.Inactive {
		return sales.Refuse(sales.Precondition, "a sequence is created inactive (statecode 0) and activated by setting statecode 1")
	}
	if err := sales.Connectable(tx.Schema(), view.RecordType()); err != nil {
		return err
	}
	row.Set(name.MsdynVersion, schema.Int(1))
	return checkDraft(row)
}

// checkDraft checks the structure of a definition that is not in use yet.
func checkDraft(row *rows.Row) error {
	view := sequence.Sequence{Row: row}
	if view.Text() == "" {
		row.Set(name.MsdynTotaltasks, schema.Null())
		return nil
	}
	definition, err := language.Parse(name.SequenceID(row.ID), view.Version(), view.Text())
	if err != nil {
		return sales.InvalidInput(err)
	}
	if n := definition.Tasks(); n <= sequence.MaxSteps { // Validate refuses more at activation
		row.Set(name.MsdynTotaltasks, schema.Int(int64(n)))
	}
	return nil
}

// Update implements [entity.Rules].
func (r rules) Update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	r.sequences.generation.Changed(tx)
	view := sequence.Sequence{Row: row}
	wasActive, active := before[name.Statecode] == schema.Int(int64(sequence.Active)), view.State() == sequence.Active
	if before[name.MsdynRegardingentityname] != schema.Text(view.RecordType()) {
		return sales.Refuse(sales.Precondition, "the record type (msdyn_regardingentityname) of a sequence never changes")
	}
	if wasActive {
		if err := refuseEdits(row, before); err != nil {
			return err
		}
	} else if err := checkDraft(row); err != nil {
		return err
	}
	switch {
	case !wasActive && active:
		return activate(ctx, tx, row)
	case wasActive && !active:
		row.Set(name.SeguePhase, schema.Text(string(sequence.Deactivating)))
		return ActiveSequences().Leave(ctx, tx, row.ID)
	}
	return nil
}

// refuseEdits refuses changes of an active sequence (docs/domain.md §5.1, §18)
// beside those of its state and owner.
func refuseEdits(row *rows.Row, before map[string]schema.Value) error {
	view, after := sequence.Sequence{Row: row}, row.Values()
	for _, c := range row.Table.Columns {
		switch c.Name {
		case name.Statecode, name.Statuscode, name.SeguePhase, name.Ownerid, name.Owningbusinessunit, name.Owninguser, name.Owningteam:
			continue
		}
		if before[c.Name] != after[c.Name] {
			return sales.Refuse(sales.Precondition, "sequence %q is active: %s cannot change; deactivate it first (statecode 0)", view.Name(), c.Name)
		}
	}
	if view.InRevision() {
		return sales.Refuse(sales.Precondition, "statuscode 3 (Revision) is not available: deactivate the sequence, edit it and activate it again")
	}
	return nil
}

// activate checks the definition and the limit. A definition that has
// changed since the last activation is the next version.
func activate(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	view := sequence.Sequence{Row: row}
	if view.Phase() != sequence.NoPhase {
		return sales.Refuse(sales.Unavailable, "the sequence is still ending its connections; activate it when segue has disconnected them")
	}
	definition, err := language.Parse(name.SequenceID(row.ID), 0, view.Text())
	if err == nil {
		err = language.Validate(definition)
	}
	if err != nil {
		return sales.InvalidInput(err)
	}
	sum := sha256.Sum256([]byte(view.Text()))
	digest := hex.EncodeToString(sum[:])
	if old := view.Digest(); old != "" && old != digest {
		if view.Version() >= sequence.MaxVersion {
			return sales.Use{Name: sales.SequenceVersion, Used: int(view.Version()), Most: sequence.MaxVersion}.Exceeded(sales.Limit,
				"limit reached: sequence %q is at version %d and the limit (%s) is %d; go on with a new sequence",
				view.Name(), view.Version(), sales.SequenceVersion, sequence.MaxVersion)
		}
		row.Set(name.MsdynVersion, schema.Int(view.Version()+1))
	}
	row.Set(name.SegueDigest, schema.Text(digest))
	row.Set(name.MsdynMaxstepcount, schema.Int(int64(len(definition.Steps))))
	return ActiveSequences().Enter(ctx, tx, row.ID)
}

// Delete implements [entity.Rules]: a sequence that has no connections goes; one
// that may have some stays, out of sight, until they have ended.
func (r rules) Delete(ctx context.Context, tx *rows.Tx, row *rows.Row) (keep bool, err error) {
	r.sequences.generation.Changed(tx)
	view := sequence.Sequence{Row: row}
	if view.State() != sequence.Active && view.Phase() == sequence.NoPhase {
		return false, nil
	}
	row.Set(name.Statecode, schema.Int(int64(sequence.Inactive)))
	row.Set(name.Statuscode, schema.Int(sequence.StatusInactive))
	row.Set(name.SeguePhase, schema.Text(string(sequence.Deleting)))
	return true, ActiveSequences().Leave(ctx, tx, row.ID)
}
