package authoring

import (
	"context"
	"fmt"
	"slices"

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
	view := sequence.Sequence{Row: row}
	if view.IsVersion() {
		return errVersion()
	}
	r.sequences.generation.Changed(tx)
	if view.State() != sequence.Inactive {
		return sales.Refuse(sales.Precondition, "a sequence is created inactive (statecode 0) and activated by setting statecode 1")
	}
	if err := sales.Connectable(tx.Schema(), view.RecordType()); err != nil {
		return err
	}
	if view.Definition() != "" {
		return errParent()
	}
	row.Set(name.MsdynVersion, schema.Int(1))
	if err := fillFromTemplate(tx.Schema(), row); err != nil {
		return err
	}
	return checkDraft(tx.Schema(), row)
}

func errVersion() error {
	return sales.Refuse(sales.Precondition, "rows with msdyn_type 1 (Activation) are the versions of a sequence: activating one makes it, nobody changes it, and it goes with its sequence")
}

func errParent() error {
	return sales.Refuse(sales.Precondition, "a sequence has no msdyn_parentsequence; only its versions (msdyn_type 1) have one")
}

// checkDraft checks the structure of a definition that is not in use yet.
func checkDraft(s *schema.Schema, row *rows.Row) error {
	view := sequence.Sequence{Row: row}
	if view.Text() == "" || language.Foreign(view.Text()) { // a foreign one is kept as it is (docs/domain.md §5.1)
		row.Set(name.MsdynTotaltasks, schema.Null())
		return nil
	}
	definition, err := language.Read(s, name.SequenceID(row.ID), row)
	if err != nil {
		return sales.InvalidInput(err)
	}
	if n := definition.Tasks(); n <= sequence.MaxSteps { // more is refused at activation
		row.Set(name.MsdynTotaltasks, schema.Int(int64(n)))
	}
	return nil
}

// Update implements [entity.Rules].
func (r rules) Update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	if err := refuseIdentity(row, before); err != nil {
		return err
	}
	r.sequences.generation.Changed(tx)
	if before[name.Ownerid] != row.Columns()[name.Ownerid] {
		if err := reassignVersions(ctx, tx, row); err != nil {
			return err
		}
	}
	was, is := stageOf(before), stageOf(row.Columns())
	if err := refuseEdits(row, before, was, is); err != nil {
		return err
	}
	if was != active || is == revision { // it may have been edited
		if err := checkDraft(tx.Schema(), row); err != nil {
			return err
		}
	}
	switch {
	case was == is:
		return nil
	case is == inactive:
		return deactivate(ctx, tx, row, before)
	case is == active:
		return activate(ctx, tx, row, was)
	case was == active:
		return beginRevision(ctx, tx, row, before)
	}
	return sales.Refuse(sales.Precondition, "sequence %q is not active, so there is nothing to revise: edit it and activate it (statuscode %d)", sequence.Sequence{Row: row}.Name(), sequence.StatusActive)
}

// refuseIdentity refuses changes of what a row is.
func refuseIdentity(row *rows.Row, before map[string]schema.Value) error {
	changed := func(column string) bool { return before[column] != row.Columns()[column] }
	switch {
	case before[name.MsdynType] == schema.Int(sequence.TypeActivation), (sequence.Sequence{Row: row}).IsVersion():
		return errVersion()
	case changed(name.MsdynRegardingentityname):
		return sales.Refuse(sales.Precondition, "the record type (msdyn_regardingentityname) of a sequence never changes")
	case changed(name.MsdynVersion):
		return sales.Refuse(sales.Precondition, "nobody sets msdyn_version; it counts the activations of something new")
	case changed(name.MsdynParentsequence) && (sequence.Sequence{Row: row}).Definition() != "":
		return errParent()
	}
	return nil
}

// stage is where a sequence stands.
type stage int

const (
	inactive stage = iota
	active
	revision // active, with a draft of the next version
)

func stageOf(columns map[string]schema.Value) stage {
	switch {
	case columns[name.Statecode] != schema.Int(int64(sequence.Active)):
		return inactive
	case columns[name.Statuscode] == schema.Int(sequence.StatusRevision):
		return revision
	}
	return active
}

// refuseEdits refuses changes of an active sequence (docs/domain.md §5.1, §18) beside those
// of its state and owner, and of one in revision beside those of its draft.
func refuseEdits(row *rows.Row, before map[string]schema.Value, was, is stage) error {
	if was == inactive {
		return nil
	}
	free := []string{
		name.Statecode, name.Statuscode, name.SeguePhase, name.Ownerid, name.Owningbusinessunit, name.Owninguser, name.Owningteam,
	}
	advice := fmt.Sprintf("begin a revision (statuscode %d), which is edited and activated as the next version, or deactivate the sequence first (statecode 0)", sequence.StatusRevision)
	if was == revision || is == revision {
		free = append(free, draftColumns()...)
		advice = "a revision changes what the steps are and who does them; deactivate the sequence first (statecode 0)"
	}
	after := row.Columns()
	for _, c := range row.Table.Columns {
		if before[c.Name] != after[c.Name] && !slices.Contains(free, c.Name) {
			return sales.Refuse(sales.Precondition, "sequence %q is active: %s cannot change; %s", sequence.Sequence{Row: row}.Name(), c.Name, advice)
		}
	}
	return nil
}

// activate checks the definition and the limit, and keeps the version. What differs from
// the version activated last is the next one.
func activate(ctx context.Context, tx *rows.Tx, row *rows.Row, was stage) error {
	view := sequence.Sequence{Row: row}
	if view.Phase() != sequence.NoPhase {
		return sales.Refuse(sales.Unavailable, "the sequence is still ending its connections; activate it when segue has disconnected them")
	}
	definition, err := checkActivation(ctx, tx, row)
	if err != nil {
		return err
	}
	digest, old := digestOf(row.Columns(), row.Table), view.Digest()
	if old != "" && old != digest {
		if view.Version() >= sequence.MaxVersion {
			return sales.Use{Name: sales.SequenceVersion, Used: int(view.Version()), Most: sequence.MaxVersion}.Exceeded(sales.Limit,
				"limit reached: sequence %q is at version %d and the limit (%s) is %d; go on with a new sequence",
				view.Name(), view.Version(), sales.SequenceVersion, sequence.MaxVersion)
		}
		row.Set(name.MsdynVersion, schema.Int(view.Version()+1))
	}
	row.Set(name.SegueDigest, schema.Text(digest))
	row.Set(name.MsdynMaxstepcount, schema.Int(int64(len(definition.Steps))))
	kept, err := keepVersion(ctx, tx, row, row.Values())
	if err != nil {
		return err
	}
	row.Set(name.MsdynVersiondescription, kept.Columns()[name.MsdynVersiondescription]) // a version's note never changes
	if was == revision {
		return nil // it is among the active ones
	}
	return ActiveSequences().Enter(ctx, tx, row.ID)
}

// deactivate begins the phase in which the connections end.
func deactivate(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	if stageOf(before) == active {
		forgetNote(row, before)
	}
	row.Set(name.SeguePhase, schema.Text(string(sequence.Deactivating)))
	return ActiveSequences().Leave(ctx, tx, row.ID)
}

// Delete implements [entity.Rules]: a sequence that has no connections goes; one
// that may have some stays, out of sight, until they have ended. Its versions go with it.
func (r rules) Delete(ctx context.Context, tx *rows.Tx, row *rows.Row) (keep bool, err error) {
	r.sequences.generation.Changed(tx)
	view := sequence.Sequence{Row: row}
	if view.IsVersion() {
		return false, refuseDeletion(ctx, tx, row)
	}
	if view.State() != sequence.Active && view.Phase() == sequence.NoPhase {
		return false, nil
	}
	row.Set(name.Statecode, schema.Int(int64(sequence.Inactive)))
	row.Set(name.Statuscode, schema.Int(sequence.StatusInactive))
	row.Set(name.SeguePhase, schema.Text(string(sequence.Deleting)))
	return true, ActiveSequences().Leave(ctx, tx, row.ID)
}
