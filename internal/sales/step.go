package sales

import (
	"context"
	"strings"

	"segue/internal/rows"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
)

const nextOwner = "segue_owner" // hidden column of a step: who owns the steps after it

// stepRules let a seller complete or skip the open step, which makes the next
// one or completes the target (domain.md §5.2, §5.3).
type stepRules struct {
	plainRules
	s *Service
}

func (stepRules) remove(context.Context, *rows.Tx, *rows.Row) (bool, error) {
	return false, refuse(Precondition, "a step is never deleted; skip it (statuscode 3) or disconnect the record")
}

func (r stepRules) update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	was, is, as := before["statecode"], row.Int("statecode"), row.Int("statuscode")
	switch {
	case was != int64(0) && (is == 0 || before["statuscode"] != as):
		return refuse(Precondition, "step %q is done (statuscode %v) and stays so", row.Text("msdyn_name"), before["statuscode"])
	case was != int64(0) || is == 0:
		return nil
	case as == sequence.StepCompleted && row.Int("msdyn_type") == int64(sequence.Wait):
		return refuse(Precondition, "a wait completes by itself when it is due; skip it with statuscode 3")
	case as != sequence.StepCompleted && as != sequence.StepSkipped:
		return refuse(Precondition, "a step is completed (statuscode 2) or skipped (statuscode 3); it is cancelled by disconnecting the record")
	}
	return r.finish(ctx, tx, row, as)
}

// finish advances the target of an open step. The definition comes from the
// cache, the target is changed without being read: it changes only together
// with its open step.
func (r stepRules) finish(ctx context.Context, tx *rows.Tx, row *rows.Row, as int64) error {
	run, err := r.s.sequence(ctx, row.Lookup("segue_sequence").ID)
	if err != nil {
		return err
	}
	index := int(row.Int("segue_position"))
	if index >= len(run.definition.Steps) || !run.active {
		return refuse(Precondition, "the sequence of step %q has been deactivated; its connections are being ended", row.Text("msdyn_name"))
	}
	table, id, _ := strings.Cut(row.Text("segue_record"), ":")
	at := sequence.Position{
		Target: row.Lookup("msdyn_sequencetarget").ID,
		Record: schema.Lookup{Table: table, ID: id},
		Owner:  row.Lookup(nextOwner),
		Index:  index,
	}
	out := sequence.Advance(run.definition, at, as, r.s.db.Now())
	row.SetAll(out.Step)
	if out.NextID == "" {
		return r.complete(ctx, tx, at, run.id, out.Target)
	}
	tables := r.s.db.Schema()
	tx.Create(tables.Table(stepTable), out.NextID, out.Next)
	tx.Patch(tables.Table(targetTable), at.Target, out.Target, map[string]schema.Value{
		"statecode": int64(0), "segue_currentstep": schema.Lookup{Table: stepTable, ID: row.ID},
	})
	return nil
}

// complete ends the target after its last step and takes the connection out of
// the record's guard.
func (r stepRules) complete(ctx context.Context, tx *rows.Tx, at sequence.Position, from string, ended map[string]schema.Value) error {
	found, err := tx.Load(ctx, rows.Ref{Table: targetTable, ID: at.Target}, rows.Ref{Table: at.Record.Table, ID: at.Record.ID})
	if err != nil {
		return err
	}
	if target := found[0]; target != nil && target.Int("statecode") == 0 {
		target.SetAll(ended)
	}
	return free(found[1], from, at.Target)
}
