package authoring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// VersionID is the id of the row that keeps a version of a sequence.
func VersionID(id name.SequenceID, version int64) name.SequenceID {
	return name.SequenceID(schema.DerivedID(name.Sequence, string(id), fmt.Sprint(version)))
}

// versionColumns are the columns that make up a version: those that decide what its
// targets do.
func versionColumns() []string {
	return []string{
		name.MsdynDefinition, name.MsdynSequenceexitcriterion, name.MsdynAssignsequencetype, name.MsdynAssignsequencefieldname,
		name.MsdynAssignsequencecondition, name.MsdynIswaittimecomputationenabledatsequencelevel,
	}
}

// draftColumns are the columns that can be edited in a revision.
func draftColumns() []string {
	return append(versionColumns(), name.MsdynDescription, name.MsdynVersiondescription, name.MsdynCjodefinition, name.MsdynCjodefinitionstate)
}

// digestOf tells a version from another. Where a sequence has nothing but a definition it is
// the digest of that text alone, as programs made it that knew no more.
func digestOf(values map[string]schema.Value, t *schema.Table) string {
	said := map[string]string{}
	for _, column := range versionColumns() {
		if v := values[column]; !v.IsNull() && v != t.Column(column).Default {
			said[column] = v.String()
		}
	}
	text := []byte(said[name.MsdynDefinition])
	if len(said) > 1 {
		text, _ = json.Marshal(said) //nolint:errchkjson // a map of strings always encodes; its keys are sorted
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Version returns the definition that a sequence has, or had, in a version. A target goes
// on by the one that it names, whether the sequence is active or not. A version never
// changes; one that is not there, which no row names that is stored, is
// [sales.Precondition].
//
// A version that was activated before there were rows of versions is what the sequence's
// own row says, as long as that has not been edited.
func (s *Sequences) Version(ctx context.Context, id name.SequenceID, version int64) (sequence.Definition, error) {
	known, err := s.Sequence(ctx, id)
	if err != nil || known.Definition.Version == version {
		return known.Definition, err
	}
	return s.kept(ctx, id, version)
}

// kept is Version of one that is not that of an active sequence's row.
func (s *Sequences) kept(ctx context.Context, id name.SequenceID, version int64) (sequence.Definition, error) {
	return s.versions.Get(ctx, fmt.Sprint(id, " ", version), func(ctx context.Context) (sequence.Definition, error) {
		found, err := s.db.Get(ctx, rows.RefTo(name.Sequence, VersionID(id, version)), rows.RefTo(name.Sequence, id))
		if err != nil {
			return sequence.Definition{}, err
		}
		row := found[1]
		if row == nil || Deleting(row) {
			return sequence.Definition{}, sales.NoRow(rows.RefTo(name.Sequence, id))
		}
		if found[0] != nil {
			return language.Read(s.db.Schema(), id, found[0])
		}
		if view := (sequence.Sequence{Row: row}); view.Version() != version || view.Digest() != digestOf(row.Columns(), row.Table) {
			return sequence.Definition{}, sales.Refuse(sales.Precondition, "sequence %q (%s) has no version %d", view.Name(), id, version)
		}
		return language.Read(s.db.Schema(), id, row)
	})
}

// keepVersion writes the row of a version of a sequence, whose columns as they are in that
// version are given, unless it is there.
func keepVersion(ctx context.Context, tx *rows.Tx, row *rows.Row, columns map[string]schema.Value) (kept *rows.Row, err error) {
	version, _ := columns[name.MsdynVersion].Int()
	id := VersionID(name.SequenceID(row.ID), version)
	found, err := tx.Load(ctx, rows.RefTo(name.Sequence, id))
	if err != nil {
		return nil, err
	}
	if kept := found[0]; kept != nil {
		if digestOf(kept.Columns(), row.Table) != digestOf(columns, row.Table) {
			return nil, sales.Refuse(sales.Unavailable, "version %d of an earlier sequence with the id %s is still being deleted; activate this one when it is gone", version, row.ID)
		}
		return kept, nil
	}
	values := map[string]schema.Value{}
	for _, c := range row.Table.Columns {
		if v := columns[c.Name]; c.Derived == "" && c.Write != schema.Hidden && !v.IsNull() {
			values[c.Name] = v
		}
	}
	for _, column := range []string{rows.CreatedOn, rows.CreatedBy, rows.ModifiedOn, rows.ModifiedBy, name.Createdonbehalfby, name.Modifiedonbehalfby, name.Overriddencreatedon} {
		delete(values, column) // of the sequence; the version is made now
	}
	values[name.MsdynType] = schema.Int(sequence.TypeActivation)
	values[name.MsdynParentsequence] = schema.RefTo(name.Sequence, row.ID)
	// It is not active: who looks for sequences to connect records to means the sequence.
	values[name.Statecode], values[name.Statuscode] = schema.Int(int64(sequence.Inactive)), schema.Int(sequence.StatusInactive)
	return tx.Create(row.Table, string(id), values), nil
}

// reassignVersions hands the versions of a sequence to its owner (docs/domain.md §5.1): the
// newest ones, as many as whoever deletes the sequence must have the right to delete.
func reassignVersions(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	var refs []rows.Ref
	for v := (sequence.Sequence{Row: row}).Version(); v > 0 && len(refs) < entity.MaxCascade; v-- {
		refs = append(refs, rows.RefTo(name.Sequence, VersionID(name.SequenceID(row.ID), v)))
	}
	found, err := tx.Load(ctx, refs...)
	if err != nil {
		return err
	}
	for _, kept := range found {
		if kept == nil {
			continue
		}
		for _, column := range []string{name.Ownerid, name.Owningbusinessunit} {
			v, err := row.Value(column)
			if err != nil {
				return err
			}
			kept.Set(column, v)
		}
	}
	return nil
}

// refuseDeletion refuses to delete a version of a sequence that is there. One of an earlier
// sequence with the same id goes.
func refuseDeletion(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	view := sequence.Sequence{Row: row}
	found, err := tx.Load(ctx, rows.RefTo(name.Sequence, view.Definition()))
	if err != nil || found[0] == nil {
		return err
	}
	parent := sequence.Sequence{Row: found[0]}
	if parent.Digest() == "" || parent.Version() < view.Version() {
		return nil
	}
	return errVersion()
}
