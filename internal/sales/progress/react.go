package progress

import (
	"context"
	"encoding/json"
	"maps"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
)

// Opened is the reaction to a new step: one of the system whose time has come is done at
// once, and a condition is asked: it may be met already. For the others there is the due list,
// and so it is for emails: nothing that follows from changes waits for who sends them.
func (p *Progress) Opened() sales.Reaction { return sales.Follow(p.opened) }

func (p *Progress) opened(ctx context.Context, change rows.Change) error {
	if change.New == nil {
		return nil
	}
	system, err := change.New.Value(name.SegueSystem)
	if err != nil || system.IsNull() {
		return err
	}
	due, err := change.New.Value(name.MsdynDuetime)
	if err != nil {
		return err
	}
	kind, err := change.New.Value(name.MsdynType)
	if err != nil {
		return err
	}
	later, _ := due.Time()
	switch number, _ := kind.Int(); {
	case sequence.StepType(number) == sequence.AutomatedEmail:
		return nil
	case later.After(p.DB.Now()) && sequence.StepType(number) != sequence.Condition:
		return nil
	}
	return p.Run(ctx, name.SequenceTargetStepID(change.Ref.ID))
}

// RecordChanged is the reaction to a changed record: where it is on a sequence with a condition
// that reads what has changed and need not wait for its limit, the open step is asked again.
// Definitions come from the cache; where no condition reads the column, nothing is read.
func (p *Progress) RecordChanged() sales.Reaction { return sales.Follow(p.recordChanged) }

func (p *Progress) recordChanged(ctx context.Context, change rows.Change) error {
	if change.New == nil {
		return nil
	}
	live, err := liveIn(change.New)
	if err != nil || len(live) == 0 {
		return err
	}
	if change.Old != nil {
		before, err := liveIn(change.Old)
		if err != nil {
			return err
		}
		// The first step of a connection that the change has made is asked because it is new.
		maps.DeleteFunc(live, func(id name.SequenceID, target name.SequenceTargetID) bool { return before[id] != target })
	}
	for sequenceID, targetID := range live {
		known, err := p.Sequences.Sequence(ctx, sequenceID)
		if err != nil {
			return err
		}
		columns := p.awaited(change.Ref.Table, known.Definition)
		if len(columns) == 0 {
			continue
		}
		touched, err := change.Touches(columns)
		if err != nil {
			return err
		}
		if !touched {
			continue
		}
		if err := p.runCurrent(ctx, targetID); err != nil {
			return err
		}
	}
	return nil
}

// liveIn returns the live connections of a record as it was at a change, none where they cannot
// be read: whoever has to write them reports it, and for a condition there is still its limit.
func liveIn(image *rows.Image) (connection.LiveConnections, error) {
	guard, err := image.Value(name.SegueLive)
	if err != nil {
		return nil, err
	}
	text, _ := guard.Text()
	var live connection.LiveConnections
	if json.Unmarshal([]byte(text), &live) != nil {
		return nil, nil //nolint:nilerr,nilnil // see above
	}
	return live, nil
}

// awaited returns the columns of records that conditions of a definition read which go on as
// soon as they are met.
func (p *Progress) awaited(table string, def sequence.Definition) []string {
	var columns []string
	for _, step := range def.Steps {
		switch {
		case step.If == nil || !step.If.Early:
		case step.If.Process != "":
			columns = append(columns, stageColumns()...)
		case step.If.Filter != "":
			if program, err := p.program(table, def, step); err == nil { // else the step is held when it is opened
				columns = append(columns, program.Columns()...)
			}
		}
	}
	return columns
}

// runCurrent asks the open step of a target again, if it is a condition: no other step depends
// on what has changed.
func (p *Progress) runCurrent(ctx context.Context, id name.SequenceTargetID) error {
	found, err := p.DB.Get(ctx, rows.RefTo(name.SequenceTarget, id))
	if err != nil || found[0] == nil {
		return err
	}
	target := sequence.Target{Row: found[0]}
	if !target.Live() || !target.BySystem() || target.CurrentType() != sequence.Condition {
		return nil
	}
	return p.Run(ctx, target.CurrentStep())
}

// EmailChanged is the reaction to what is heard of an email that a step has sent: the open step
// of its target is asked again, and a reply ends the target where its sequence says so
// (docs/domain.md §6.4).
func (p *Progress) EmailChanged() sales.Reaction { return sales.Follow(p.emailChanged) }

func (p *Progress) emailChanged(ctx context.Context, change rows.Change) error {
	if change.New == nil {
		return nil
	}
	touched, err := change.Touches([]string{name.SegueOpenedon, name.SegueClickedon, name.SegueDownloadedon, name.SegueRepliedon, name.SegueSenton})
	if err != nil || !touched {
		return err
	}
	v, err := change.New.Value(name.SegueTarget)
	if err != nil {
		return err
	}
	lookup, ok := v.Ref()
	if !ok {
		return nil
	}
	target := name.SequenceTargetID(lookup.ID)
	replied, err := change.New.Value(name.SegueRepliedon)
	if err != nil {
		return err
	}
	if !replied.IsNull() {
		if ended, err := p.exit(ctx, target); ended || err != nil {
			return err
		}
	}
	return p.runCurrent(ctx, target)
}

// exit ends a target whose recipient has replied, if its version says so.
func (p *Progress) exit(ctx context.Context, id name.SequenceTargetID) (ended bool, err error) {
	err = p.DB.Do(ctx, "", func(tx *rows.Tx) error {
		ended = false
		found, err := tx.Load(ctx, rows.RefTo(name.SequenceTarget, id))
		if err != nil || found[0] == nil {
			return err
		}
		target := sequence.Target{Row: found[0]}
		def, err := p.Sequences.Version(ctx, target.Sequence(), target.Version())
		if _, refused := err.(*sales.Error); refused && !sales.Transient(err) { //nolint:errorlint // it is returned as it is
			return nil // its connections are being ended
		}
		if err != nil || !def.Exit.Replied {
			return err
		}
		ended, err = p.Connections.EndTarget(ctx, tx, found[0], sequence.ExitMet)
		return err
	})
	return ended, err
}
