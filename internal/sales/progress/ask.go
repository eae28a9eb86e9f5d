package progress

import (
	"context"
	"fmt"
	"slices"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales/related"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
)

// ask gathers what the decision about a step depends on. A failure that another try would meet
// again is told by the answer.
func (p *Progress) ask(ctx context.Context, tx *rows.Tx, row *rows.Row, def sequence.Definition, planned sequence.Step) (sequence.Asked, error) {
	step := sequence.TargetStep{Row: row}
	asked := sequence.Asked{Now: p.DB.Now(), Due: step.Limit()}
	if planned.If == nil {
		return asked, nil
	}
	q := *planned.If
	if waits := asked.Now.Before(asked.Due); waits && !q.Early {
		return asked, nil // whatever the answer is
	}
	var err error
	switch {
	case len(q.Emails) > 0:
		before := name.SequenceTargetStepID(row.Lookup(name.MsdynAdvancedfromstep).ID)
		asked.Emails, err = p.Mailing.Facts(ctx, before)
	case q.Filter != "" || q.Process != "":
		asked.Holds, asked.Failure, err = p.holds(ctx, tx, step, def, planned)
	}
	return asked, err
}

// holds reports whether the record of a step meets a condition, as it is; failure says why
// that cannot be told.
func (p *Progress) holds(ctx context.Context, tx *rows.Tx, step sequence.TargetStep, def sequence.Definition, planned sequence.Step) (holds bool, failure, err error) {
	ref := step.Position().Record
	found, err := tx.Load(ctx, rows.Ref{Table: ref.Table, ID: ref.ID})
	if err != nil {
		return false, nil, err
	}
	record := found[0]
	if record == nil {
		return false, fmt.Errorf("%s %s is not there", ref.Table, ref.ID), nil
	}
	if planned.If.Process != "" {
		holds, failure = inStage(record, *planned.If)
		return holds, failure, nil
	}
	program, failure := p.program(ref.Table, def, planned)
	if failure != nil {
		return false, failure, nil
	}
	set, err := p.Settings.Get(ctx)
	if err != nil {
		return false, nil, err
	}
	scope := related.NewReader(ctx, p.DB, nil).In(*set.Scope(p.DB.Now()))
	holds, err = program.MatchIn(record, scope)
	return holds, nil, err
}

// inStage reports whether a record is in one of the stages of a business process.
func inStage(record *rows.Row, q sequence.Question) (holds bool, failure error) {
	for _, column := range stageColumns() {
		if record.Table.Column(column) == nil {
			return false, fmt.Errorf("%s has no business process: there is no column %s", record.Table.Name, column)
		}
	}
	return record.Text(name.Processid) == q.Process && slices.Contains(q.Stages, record.Text(name.Stageid)), nil
}

// stageColumns are the columns of a record that tell the stage of its business process.
func stageColumns() []string { return []string{name.Processid, name.Stageid} }

// program returns the compiled condition of a step.
func (p *Progress) program(table string, def sequence.Definition, planned sequence.Step) (*filter.Program, error) {
	key := fmt.Sprint(def.Sequence, " ", def.Version, " ", planned.ID)
	if known, ok := p.programs.Get(key); ok {
		return known, nil
	}
	group, err := filter.Parse(p.DB.Schema(), table, planned.If.Filter)
	if err != nil {
		return nil, err
	}
	program, err := filter.Compile(p.DB.Schema(), table, group, filter.AsksZone, filter.AsksNow, filter.AsksRows)
	if err != nil {
		return nil, err
	}
	if err := related.Check(p.DB.Schema(), table, group); err != nil {
		return nil, err
	}
	p.programs.Add(key, program)
	return program, nil
}
