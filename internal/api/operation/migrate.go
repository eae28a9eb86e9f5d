package operation

import (
	"context"
	"encoding/json"

	"segue/internal/guid"
	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/migration"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The parameters of a migration.
const (
	versionsParameter = "Versions" // that connections go over from
	mapParameter      = "Map"      // JSON object: id of a step → id of the one that takes its place
	previewParameter  = "Preview"
)

// migrate takes connections over to the version of a sequence that is in use.
func migrate() Declaration {
	step := &call.Complex{Name: "segue_MigrationStep", Properties: []call.Property{
		{Name: "Version", Type: schema.Integer}, {Name: "StepId", Type: schema.GUID}, {Name: "Name", Type: schema.String},
		{Name: "ToStepId", Type: schema.GUID, Nullable: true}, {Name: "Why", Type: schema.String, Nullable: true}, {Name: "Targets", Type: schema.Integer},
	}}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "Migrate", About: "Begins a job that takes connections over from older versions of a sequence to the one in use, or tells where they would go on.",
			Binding: call.ToRow, Tables: []string{name.Sequence}, Parameters: []call.Parameter{
				{Name: versionsParameter, Type: schema.Integer, Many: true}, {Name: mapParameter, Type: schema.String}, {Name: previewParameter, Type: schema.Boolean},
			},
			Returns: call.Return{Type: &call.Complex{Name: "segue_MigrateResponse", Properties: []call.Property{
				{Name: "JobId", Type: schema.GUID, Nullable: true}, {Name: "Version", Type: schema.Integer}, {Name: "Steps", Of: step, Many: true},
			}}},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error) {
			request := migration.Request{Sequence: name.SequenceID(on.ID), Preview: given.Is(previewParameter)}
			versions, _ := given[versionsParameter].([]any)
			for _, v := range versions {
				version, _ := v.(int64)
				request.Versions = append(request.Versions, version)
			}
			var err error
			if request.Moved, err = movedSteps(given.Text(mapParameter)); err != nil {
				return Answer{}, err
			}
			answer, err := e.Migration.BeginIn(ctx, tx, c, request)
			steps := []call.Result{}
			for _, s := range answer.Steps {
				steps = append(steps, call.Result{
					"Version": s.Version, "StepId": string(s.ID), "Name": s.Name, "ToStepId": optional(string(s.To)), "Why": optional(s.Why), "Targets": s.Targets,
				})
			}
			return Answer{Value: call.Result{"JobId": optional(string(answer.Job)), "Version": answer.Version, "Steps": steps}}, err
		},
	}
}

// movedSteps reads a map of steps.
func movedSteps(text string) (map[sequence.StepID]sequence.StepID, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no map is one
	}
	var written map[string]string
	err := json.Unmarshal([]byte(text), &written)
	moved := map[sequence.StepID]sequence.StepID{}
	for from, to := range written {
		old, ok := guid.ParseAny(from)
		id, also := guid.ParseAny(to)
		if !ok || !also {
			return nil, sales.Refuse(sales.Invalid, "the parameter '%s' maps %q to %q; steps are named by their ids", mapParameter, from, to)
		}
		moved[sequence.StepID(old)] = sequence.StepID(id)
	}
	if err != nil {
		return nil, sales.Refuse(sales.Invalid, "the parameter '%s' is not a JSON object of step ids", mapParameter)
	}
	return moved, nil
}
