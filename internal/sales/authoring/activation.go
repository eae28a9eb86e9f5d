package authoring

import (
	"context"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/check"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// load reads rows, as [rows.Tx.Load] and [rows.DB.Get] do.
type load func(ctx context.Context, refs ...rows.Ref) ([]*rows.Row, error)

// checkActivation reads the definition of a sequence that is activated in a unit of work, and
// refuses it if anything is wrong with it (docs/domain.md §6.1). The unit of work relies on
// the sequences that the definition leads to: no two activations make a circle together.
func checkActivation(ctx context.Context, tx *rows.Tx, row *rows.Row) (sequence.Definition, error) {
	def, faults, relied, err := faultsOf(ctx, tx.Schema(), tx.Load, name.SequenceID(row.ID), row)
	if err != nil {
		return def, err
	}
	tx.Rely(relied...)
	if len(faults) > 0 {
		return def, sales.InvalidInput(faults)
	}
	return def, nil
}

// faultsOf returns the definition of a sequence's row, as far as it can be read, what its
// activation is refused for, and the rows of other sequences by which that was decided.
func faultsOf(ctx context.Context, s *schema.Schema, load load, id name.SequenceID, row schema.Columns) (def sequence.Definition, faults language.Errors, relied []rows.Ref, err error) {
	def, faults, err = check.Text(s, id, row, func(def sequence.Definition) (check.World, error) {
		world := check.World{
			Schema: s, Table: row.Text(name.MsdynRegardingentityname),
			Templates: map[string]check.Template{}, Sequences: map[name.SequenceID]check.Sequence{},
		}
		if err := loadTemplates(ctx, load, check.Templates(def), world); err != nil {
			return world, err
		}
		var err error
		relied, err = loadSequences(ctx, load, s, id, check.Advances(def), world)
		return world, err
	})
	return def, faults, relied, err
}

func loadTemplates(ctx context.Context, load load, ids []string, world check.World) error {
	if len(ids) == 0 {
		return nil
	}
	refs := make([]rows.Ref, len(ids))
	for i, id := range ids {
		refs[i] = rows.RefTo(name.EmailTemplate, id)
	}
	found, err := load(ctx, refs...)
	if err != nil {
		return err
	}
	for i, row := range found {
		if row != nil {
			world.Templates[ids[i]] = check.Template{Table: row.Text(name.Templatetypecode)}
		}
	}
	return nil
}

// loadSequences reads sequences and those that they lead to, as far as activation follows
// them, but for the one that is checked.
func loadSequences(ctx context.Context, load load, s *schema.Schema, checked name.SequenceID, ids []name.SequenceID, world check.World) (relied []rows.Ref, err error) {
	for len(ids) > 0 && len(world.Sequences) <= check.MaxChain {
		var refs []rows.Ref
		for _, id := range ids {
			refs = append(refs, rows.RefTo(name.Sequence, id))
		}
		found, err := load(ctx, refs...)
		if err != nil {
			return nil, err
		}
		var next []name.SequenceID
		for i, row := range found {
			if row == nil || Deleting(row) || ids[i] == checked {
				continue
			}
			definition, err := inUse(ctx, load, s, row)
			if err != nil {
				return nil, err
			}
			relied = append(relied, refs[i])
			view, advances := (sequence.Sequence{Row: row}), check.Advances(definition)
			world.Sequences[ids[i]] = check.Sequence{Name: view.Name(), Table: view.RecordType(), Active: view.State() == sequence.Active, Advances: advances}
			next = append(next, advances...)
		}
		ids = unknown(next, world, checked)
	}
	return relied, nil
}

// inUse reads the definition by which a sequence works: none while it is inactive, and while it
// is in revision that of its version.
func inUse(ctx context.Context, load load, s *schema.Schema, row *rows.Row) (sequence.Definition, error) {
	view, id := sequence.Sequence{Row: row}, name.SequenceID(row.ID)
	if view.State() != sequence.Active {
		return sequence.Definition{}, nil
	}
	if view.InRevision() {
		found, err := load(ctx, rows.RefTo(name.Sequence, VersionID(id, view.Version())))
		if err != nil {
			return sequence.Definition{}, err
		}
		if found[0] != nil {
			row = found[0]
		}
	}
	return language.Read(s, id, row)
}

// unknown returns those of some sequences that have not been read, each once.
func unknown(ids []name.SequenceID, world check.World, checked name.SequenceID) (left []name.SequenceID) {
	asked := map[name.SequenceID]bool{checked: true}
	for _, id := range ids {
		if _, known := world.Sequences[id]; !known && !asked[id] {
			asked[id], left = true, append(left, id)
		}
	}
	return left
}
