package operation

import (
	"context"

	"segue/internal/entity"
	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// jobResponse is what an action responds with that begins a job.
func jobResponse(name string) call.Return {
	return call.Return{Type: &call.Complex{Name: name, Properties: []call.Property{{Name: "JobId", Type: schema.GUID}}}}
}

const applyAction = "ApplyToExisting"

// applyToExisting begins a job that evaluates the records that are there: those that a
// segment has or matches or, called on the set, all records of a type. It needs the right to
// change segments, for it does what their activation means.
func applyToExisting(binding call.Binding) Declaration {
	var parameters []call.Parameter
	if binding == call.ToSet {
		parameters = []call.Parameter{{Name: tableParameter, Type: schema.String, Required: true}}
	}
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: applyAction, About: "Begins a job that applies a segment, or all segments of a record type, to the records that are there already.",
			Binding: binding, Tables: []string{name.Segment}, Parameters: parameters, Returns: jobResponse("segue_ApplyToExistingResponse"),
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, given call.Arguments) (Answer, error) {
			if err := e.Entities.Admit(ctx, c, sales.Right{Privilege: sales.Write, Table: name.Segment}); err != nil {
				return Answer{}, err
			}
			var job name.JobID
			var err error
			if on.ID == "" {
				job, err = e.Backfill.BeginTable(ctx, tx, given.Text(tableParameter))
			} else {
				var row *rows.Row
				if row, err = e.Entities.RetrieveIn(ctx, tx, c, on); err == nil {
					job, err = e.Backfill.BeginSegment(ctx, tx, row)
				}
			}
			return Answer{Value: call.Result{"JobId": string(job)}}, err
		},
	}
}

// cancelJob cancels a job, as setting its state to cancelled does.
func cancelJob() Declaration {
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "Cancel", About: "Cancels a job that is queued or running; what it has done stays done.",
			Binding: call.ToRow, Tables: []string{name.Job},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, on rows.Ref, _ call.Arguments) (Answer, error) {
			state := map[string]schema.Value{name.SegueState: schema.Int(int64(sales.JobCancelled))}
			_, _, err := e.Entities.UpdateIn(ctx, tx, c, on, state, entity.If{Exists: true})
			return Answer{}, err
		},
	}
}
