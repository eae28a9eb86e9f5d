package operation

import (
	"cmp"
	"context"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// discardRevision ends the revision of a sequence without a new version.
func discardRevision() Declaration {
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "Discard", About: "Ends the revision of an active sequence without a new version: its columns are those of the version in use again.",
			Binding: call.ToRow, Tables: []string{name.Sequence},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, _ call.Arguments) (Answer, error) {
			return Answer{}, e.Sequences.DiscardIn(ctx, tx, c, name.SequenceID(on.ID))
		},
	}
}

// cloneSequence makes another sequence of the same steps.
func cloneSequence() Declaration {
	return copying("Clone", "Makes an inactive sequence with the same steps and settings, of a sequence or of one of its versions.", name.Sequence, "SequenceId",
		func(_ context.Context, _ *rows.Tx, _ Executor, source *rows.Row, called string) (map[string]schema.Value, error) {
			return authoring.CloneOf(source, called), nil
		})
}

// checkDefinition tells what the activation of a definition would be refused for. binding is
// what it is called on: a saved sequence, or the set for one that is not saved.
func checkDefinition(binding call.Binding) Declaration {
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "CheckDefinition", About: "Tells what the activation of a sequence would be refused for, step by step; writes nothing.",
			Binding: binding, Tables: []string{name.Sequence},
			Parameters: []call.Parameter{{Name: definitionParameter, Row: true, Tables: []string{name.Sequence}, Required: binding == call.ToSet}},
			Returns: call.Return{Type: &call.Complex{Name: "segue_CheckDefinitionResponse", Properties: []call.Property{
				{Name: "Steps", Type: schema.Integer},
				{Name: "Faults", Many: true, Of: &call.Complex{Name: "segue_DefinitionFault", Properties: []call.Property{
					{Name: "Column", Type: schema.String}, {Name: "StepId", Type: schema.GUID, Nullable: true}, {Name: "Path", Type: schema.String, Nullable: true}, {Name: "Text", Type: schema.String},
					{Name: "Limit", Type: schema.String, Nullable: true}, {Name: "Most", Type: schema.Integer, Nullable: true}, {Name: "Used", Type: schema.Integer, Nullable: true},
				}}},
			}}},
		},
		run: func(ctx context.Context, _ *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error) {
			checked, err := e.Sequences.Check(ctx, c, name.SequenceID(on.ID), given.Row(definitionParameter).Values)
			faults := []call.Result{}
			for _, f := range checked.Faults {
				fault := call.Result{"Column": cmp.Or(f.Column, name.MsdynDefinition), "StepId": optional(string(f.ID)), "Path": optional(f.Path), "Text": f.Detail, "Limit": nil, "Most": nil, "Used": nil}
				if limit, most, used := f.Limit(); most > 0 {
					fault["Limit"], fault["Most"], fault["Used"] = limit, int64(most), int64(used)
				}
				faults = append(faults, fault)
			}
			return Answer{Value: call.Result{"Steps": int64(checked.Definition.Tasks()), "Faults": faults}}, err
		},
	}
}
