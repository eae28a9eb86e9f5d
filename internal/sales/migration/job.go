package migration

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
)

// Result is what a job has done, as its row tells it.
type Result struct {
	Done    int64  `json:"done"`    // connections that went over; of a preview, that would
	Skipped int64  `json:"skipped"` // that have no place in the new version
	Failed  int64  `json:"failed"`  // that could not be worked on
	Steps   []Step `json:"steps"`
}

// The tally's counts: one for each step, whose name holds the rest of it.
const (
	moved    = "moved "
	unplaced = "without a place "
)

// Job is the work of [Kind].
func (m *Migration) Job() sales.JobKind { return work{m} }

type work struct{ *Migration }

// Prepare implements [sales.JobKind]. A sequence that is not active any more has no
// connections for long.
func (w work) Prepare(ctx context.Context, job sales.Job) (sales.JobWork, error) {
	var asked argument
	if err := json.Unmarshal([]byte(job.Argument()), &asked); err != nil {
		return nil, fmt.Errorf("%v: stored %s: %w", job.Row.Ref(), name.SegueArgument, err)
	}
	known, err := w.sequences.Sequence(ctx, name.SequenceID(job.Subject().ID))
	if err != nil || !known.Active {
		return nil, err
	}
	p := plan{sequence: known.ID, from: map[int64]sequence.Definition{}, moved: asked.Moved}
	if p.to, err = w.sequences.Version(ctx, known.ID, asked.To); err != nil {
		return nil, err
	}
	for _, v := range asked.Versions {
		if p.from[v], err = w.sequences.Version(ctx, known.ID, v); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, listed *rows.Row, tally *sales.JobTally) (bool, error) {
		step, _, ok := p.step(listed)
		var err error
		if ok && !asked.Preview && step.To != "" {
			step, ok, err = w.move(ctx, p, listed)
		}
		if err != nil || !ok {
			return false, err
		}
		count := moved
		if step.To == "" {
			count = unplaced
		}
		step.Targets = 0 // the tally counts
		text, err := json.Marshal(step)
		if err != nil {
			return false, fmt.Errorf("tally %v: %w", listed.Ref(), err)
		}
		tally.Add(count+string(text), 1)
		return step.To != "" && !asked.Preview, nil
	}, nil
}

// move takes a target over with its open step, both as they are now.
func (w work) move(ctx context.Context, p plan, listed *rows.Row) (step Step, ok bool, err error) {
	err = w.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, listed.Ref())
		if err != nil {
			return err
		}
		if ok = found[0] != nil; !ok {
			return nil
		}
		target := found[0]
		var at sequence.Place
		if step, at, ok = p.step(target); !ok || step.To == "" {
			return nil
		}
		found, err = tx.Load(ctx, rows.RefTo(name.SequenceTargetStep, sequence.Target{Row: target}.CurrentStep()))
		if err != nil {
			return err
		}
		open := found[0]
		if open == nil || (sequence.TargetStep{Row: open}).State() != sequence.StepActive {
			return fmt.Errorf("%v is live and its step is not open", target.Ref())
		}
		columns, stepColumns := p.to.Move(p.from[step.Version], sequence.TargetStep{Row: open}.Position(), at)
		target.SetAll(columns)
		open.SetAll(stepColumns)
		return nil
	})
	return step, ok && err == nil, err
}

// Finish implements [sales.JobKind].
func (work) Finish(_ context.Context, _ *rows.Tx, _ sales.Job, counts map[string]int64) (sales.JobEnd, error) {
	result := Result{Failed: counts[sales.JobUndone] + counts[sales.JobUnreadable], Steps: []Step{}}
	for count, n := range counts {
		text, done := strings.CutPrefix(count, moved)
		if done {
			result.Done += n
		} else if text, done = strings.CutPrefix(count, unplaced); done {
			result.Skipped += n
		} else {
			continue
		}
		step := Step{Targets: n}
		if err := json.Unmarshal([]byte(text), &step); err != nil {
			return sales.JobEnd{}, fmt.Errorf("read a tally: %w", err)
		}
		step.Targets = n
		result.Steps = append(result.Steps, step)
	}
	sortSteps(result.Steps)
	text, err := json.Marshal(result)
	return sales.JobEnd{Result: string(text)}, err
}

func sortSteps(steps []Step) {
	slices.SortFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}
